"""apply_controls: one table treated for one tier."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anonymize.classes import combined_codes
from anonymize.coordinate_pairs import coordinate_pairs, is_located, to_district, untreatable
from anonymize.districts import no_boundaries
from anonymize.earlier import treatments_of
from anonymize.effects import describe_effect, field_after
from anonymize.loss import entropy_loss
from anonymize.recode import VARIES, Recoded, quasi_identifiers, recode
from anonymize.spans import NameTagger
from anonymize.treated import TreatedTable
from anonymize.treatments.coordinates import coarsen
from anonymize.treatments.dates import shift_dates
from anonymize.treatments.masking import mask_column
from anonymize.treatments.numbers import microaggregate, round_column, top_bottom_code
from anonymize.treatments.pseudonyms import pseudonymise
from anonymize.treatments.redaction import redact
from schemas.disclosure import Control, DisclosureControl, FieldEffect, Recoding, TierPolicy
from schemas.district import DistrictLevel
from schemas.errors import ConfigurationError, Refused
from schemas.table_schema import FieldRole
from schemas.text import Text

__all__ = ["TreatedTable", "apply_controls"]
KEYED = frozenset({Control.PSEUDONYM, Control.DATE_SHIFT})
LEAST_KEY = 16  # bytes


def apply_controls(
    table: pa.Table,
    controls: Sequence[DisclosureControl],
    tier_policy: TierPolicy,
    key: bytes | None,
    names: NameTagger | None = None,
) -> TreatedTable:
    """`table` after its controls: fields treated one by one, quasi-identifiers recoded, records suppressed.

    names: a model that finds names in the texts to be redacted; without it, surname and dictionary rules.

    A table whose fields are all kept and hold no quasi-identifier is returned as it is. Otherwise rows are put in the
    order of their own treated content, so that their order tells nothing of the source. Raises Refused
    `missing-key`, `uncontrolled-field`, `infeasible-thresholds`, `hierarchy-misses-values`, `untreatable-field`;
    ConfigurationError `no-boundaries` for coordinates that `locate_districts` had to replace first.
    """
    _check_controls(table, controls)
    _check_key(controls, key)
    if _untouched(controls):
        return TreatedTable(
            table,
            tuple(field_after(c, None) for c in controls),
            tuple(describe_effect(c, 0.0) for c in controls),
            treatments=treatments_of(controls),
        )
    treated, changed = treat_fields(table, controls, key, names)
    recoded = recode(treated, table, controls, tier_policy) if quasi_identifiers(controls) else None
    finished = _in_content_order(_with_recoded(treated, recoded))
    return TreatedTable(
        table=finished,
        fields=tuple(field_after(c, recoded) for c in controls if c.control is not Control.DROP),
        effects=tuple(_effect(c, table, treated, recoded, changed) for c in controls),
        records_suppressed=0 if recoded is None else int((~recoded.kept).sum()),
        quasi_identifiers=quasi_identifiers(controls),
        levels={} if recoded is None else recoded.levels,
        loss=None if recoded is None else recoded.loss,
        remarks=_remarks(controls, recoded, tier_policy),
        treatments=treatments_of(controls),
        ladders={} if recoded is None else recoded.ladders,
    )


def _check_controls(table: pa.Table, controls: Sequence[DisclosureControl]) -> None:
    names = [c.field for c in controls]
    wrong = sorted(set(table.column_names) ^ set(names)) or sorted({n for n in names if names.count(n) > 1})
    if wrong:
        raise Refused(
            "uncontrolled-field",
            Text(
                zh=f"字段与披露控制计划不一致：{'、'.join(wrong)}",
                en=f"fields and controls do not match: {', '.join(wrong)}",
            ),
            Text(zh="请按当前表结构重新制定披露控制计划", en="plan the controls again from the current schema"),
            field=wrong[0],
        )


def _check_key(controls: Sequence[DisclosureControl], key: bytes | None) -> None:
    keyed = [c.field for c in controls if c.control in KEYED]
    if keyed and (key is None or len(key) < LEAST_KEY):
        raise Refused(
            "missing-key",
            Text(
                zh=f"化名或日期平移需要密钥（字段 {'、'.join(keyed)}）",
                en=f"pseudonyms and date shifts need a key (fields {', '.join(keyed)})",
            ),
            Text(zh=f"请提供至少 {LEAST_KEY} 字节的密钥", en=f"give a key of at least {LEAST_KEY} bytes"),
            field=keyed[0],
        )


def _untouched(controls: Sequence[DisclosureControl]) -> bool:
    return all(c.control is Control.KEEP for c in controls) and not quasi_identifiers(controls)


def treat_fields(
    table: pa.Table,
    controls: Sequence[DisclosureControl],
    key: bytes | None,
    names: NameTagger | None = None,
) -> tuple[pa.Table, dict[str, int]]:
    """Every listed field after its own control (generalised ones and districts as they were, dropped ones gone); cells
    changed."""
    columns: dict[str, pa.ChunkedArray] = {}
    changed: dict[str, int] = {}
    pairs = _coarsened(table, controls)
    groups = _microaggregated(table, controls)
    for control in controls:
        name = control.field
        if control.control is Control.DROP:
            continue
        if name in pairs or name in groups:
            columns[name] = pairs[name] if name in pairs else groups[name]
        elif control.control is Control.REDACT:
            hide = control.parameters.get("organisations") == "hide"
            known = _known_identifiers(table, controls)
            columns[name], changed[name] = redact(table[name], known, names, organisations=hide)
        elif control.control in (Control.KEEP, Control.GENERALISE) or is_located(control):
            columns[name] = table[name]
        else:
            columns[name] = _treated(control, table, key)
    return pa.table(columns), changed


def _treated(control: DisclosureControl, table: pa.Table, key: bytes | None) -> pa.ChunkedArray:
    column, parameters = table[control.field], control.parameters
    treatments: dict[Control, Callable[[], pa.ChunkedArray]] = {
        Control.MASK: lambda: mask_column(column, **parameters),
        Control.PSEUDONYM: lambda: pseudonymise(
            column, key or b"", str(parameters.get("domain", control.meaning or control.field))
        ),
        Control.ROUND: lambda: round_column(column, parameters["base"]),
        Control.TOP_BOTTOM_CODE: lambda: top_bottom_code(column, **parameters),
        Control.DATE_SHIFT: lambda: shift_dates(column, table[parameters["subject"]], key or b"", parameters["days"]),
    }
    if control.control not in treatments:
        raise ConfigurationError(
            "unknown-control",
            Text(zh=f"未实现的披露控制 {control.control}", en=f"no treatment for control {control.control}"),
            Text(
                zh="请在策略中改用本版本支持的控制方式（见 docs/reference/disclosure-policy.md）",
                en="name a control of this version in the policy (see docs/reference/disclosure-policy.md)",
            ),
            field=control.field,
        )
    try:
        return treatments[control.control]()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, KeyError):
        raise untreatable(control) from None  # the cause would quote a cell


def _coarsened(table: pa.Table, controls: Sequence[DisclosureControl]) -> dict[str, pa.ChunkedArray]:
    """Coordinates to grid cells, in pairs: a width in metres depends on the latitude."""
    result: dict[str, pa.ChunkedArray] = {}
    for east, north in coordinate_pairs(controls):
        if to_district(east):  # locate_districts has not been asked
            raise no_boundaries(DistrictLevel(east.parameters["district"]))
        try:
            pair = coarsen(table[east.field], table[north.field], **east.parameters)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise untreatable(east) from None
        result[east.field], result[north.field] = pair
    return result


def _microaggregated(table: pa.Table, controls: Sequence[DisclosureControl]) -> dict[str, pa.ChunkedArray]:
    """All microaggregated fields form their groups together."""
    listed = [c for c in controls if c.control is Control.MICROAGGREGATE]
    if not listed:
        return {}
    try:
        columns = microaggregate([table[c.field] for c in listed], max(int(c.parameters["k"]) for c in listed))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise untreatable(listed[0]) from None
    return {c.field: column for c, column in zip(listed, columns, strict=True)}


def _known_identifiers(table: pa.Table, controls: Sequence[DisclosureControl]) -> list[pa.ChunkedArray]:
    """Direct identifiers that are not readable in this tier: their values must not stand in texts beside them."""
    return [table[c.field] for c in controls if c.role is FieldRole.DIRECT_IDENTIFIER and c.control is not Control.KEEP]


def _with_recoded(table: pa.Table, recoded: Recoded | None) -> pa.Table:
    if recoded is None:
        return table
    for name, texts in recoded.columns.items():
        table = table.set_column(table.column_names.index(name), name, texts)
    return table.filter(pa.array(recoded.kept))


def _in_content_order(table: pa.Table) -> pa.Table:
    """Rows sorted by their own treated cells, first column first: equal content, equal place, whatever the source."""
    if not table.num_columns or table.num_rows < 2:
        return table
    keys = combined_codes([_ranks(column) for column in table.columns], table.num_rows)
    return table.take(pa.array(np.argsort(keys, kind="stable")))


def _ranks(column: pa.ChunkedArray) -> np.ndarray:
    chunks = pc.dictionary_encode(column, null_encoding="encode").chunks  # of one dictionary
    order = pc.array_sort_indices(chunks[0].dictionary, null_placement="at_start").to_numpy()
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank[np.concatenate([chunk.indices.to_numpy() for chunk in chunks])]


def _effect(
    control: DisclosureControl,
    source: pa.Table,
    treated: pa.Table,
    recoded: Recoded | None,
    changed: dict[str, int],
) -> FieldEffect:
    name = control.field
    if control.control is Control.DROP:
        return describe_effect(control, 1.0, cells=source.num_rows - source[name].null_count)
    loss = entropy_loss(source[name], treated[name]) if control.control is not Control.KEEP else 0.0
    if recoded is not None and name in recoded.levels:
        return describe_effect(control, max(recoded.losses[name], loss), recoded=recoded)
    if control.control is Control.MASK:
        return describe_effect(control, loss, cells=source.num_rows - source[name].null_count)
    return describe_effect(control, loss, cells=changed.get(name, 0))


def _remarks(
    controls: Sequence[DisclosureControl], recoded: Recoded | None, tier_policy: TierPolicy
) -> tuple[Text, ...]:
    remarks = []
    texts = [c.field for c in controls if c.control is Control.REDACT]
    if texts:
        remarks.append(
            Text(
                zh=f"自由文本字段 {'、'.join(texts)} 由程序逐段遮盖，请抽查原文与结果",
                en=f"free text in {', '.join(texts)} was redacted by rule; read a sample against the source",
            )
        )
    if recoded is not None and tier_policy.recoding is Recoding.LOCAL and VARIES not in recoded.levels.values():
        remarks.append(
            Text(
                zh="有准标识不能逐组泛化，整表改用统一层级",
                en="a quasi-identifier cannot be generalised group by group: one level per column was used instead",
            )
        )
    if recoded is not None and not recoded.optimal:
        remarks.append(
            Text(zh="准标识过多，泛化层次由启发式搜索得出", en="too many quasi-identifiers: levels found by heuristic")
        )
    return tuple(remarks)
