"""Generalisation: what each distinct value of a column becomes at each level of its hierarchy.

Works on distinct values with numpy and Arrow, so a column of a million rows costs what its distinct values cost.
Shares and domains follow ARX's Loss metric (Iyengar 2002; ARX `MetricMDNMLoss`): the share of a label is the part of
the column's domain it covers.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anonymize.built_in_hierarchies import BUILT_IN, number_levels
from anonymize.levels import labels_at_level
from schemas.errors import ConfigurationError, Refused
from schemas.hierarchy import Hierarchy, Level
from schemas.table_schema import Meaning, SchemaField
from schemas.text import Text

ROOT = "*"
Codes = np.ndarray  # int64

HIERARCHY_OF_MEANING: dict[Meaning, str] = {
    Meaning.DIVISION_CODE: "division-code",
    Meaning.POSTCODE: "postcode",
    Meaning.INDUSTRY: "industry",
    Meaning.OCCUPATION: "occupation",
    Meaning.AGE: "age",
    Meaning.DATE_OF_BIRTH: "date-of-birth",
    Meaning.DATE_COMPACT: "date",
    Meaning.MONEY: "money",
    Meaning.ADDRESS: "address",
}
HIERARCHY_OF_TYPE: dict[str, str] = {
    "date": "date",
    "datetime": "date",
    "yearmonth": "date",
    "year": "date",
    "integer": "number",
    "number": "number",
}


@dataclass(frozen=True)
class GeneralisedColumn:
    """One column at every level.

    codes: row → distinct value (0 … distinct - 1; a missing value is a value of its own).
    level_codes[level][distinct value] → label; labels[level][label]: text, None for missing (level 0: no labels).
    shares[level][distinct value]: part of the domain its label covers. domain: number of values it could take.
    order: distinct value → rank such that every label of every level is one run of ranks.
    lowest: the lowest level a solution may choose. values: the distinct values as texts. steps: the levels between the
    values themselves and the root, as they were applied.
    """

    name: str
    codes: Codes
    level_codes: tuple[Codes, ...]
    labels: tuple[tuple[str | None, ...], ...]
    shares: tuple[np.ndarray, ...]
    domain: int
    order: Codes
    lowest: int = 0
    values: pa.Array | None = None
    steps: tuple[Level, ...] = ()

    @property
    def height(self) -> int:
        """Number of levels, level 0 included."""
        return len(self.level_codes)

    @cached_property
    def distinct(self) -> int:
        return len(self.order)

    def label(self, level: int, value: int) -> str | None:
        """Text of distinct value `value` at `level`."""
        if level == 0:
            text: str | None = self.texts[value]
            return text
        return self.labels[level][self.level_codes[level][value]]

    @cached_property
    def texts(self) -> list[str | None]:
        return [] if self.values is None else self.values.cast(pa.string()).to_pylist()

    def at_level(self, level: int) -> pa.Array:
        """The column generalised to `level` (1 or more), as strings."""
        label_of_row = self.level_codes[level][self.codes]
        return pa.DictionaryArray.from_arrays(
            pa.array(label_of_row, pa.int32()), pa.array(self.labels[level], pa.string())
        ).cast(pa.string())


def choose_hierarchy(field: SchemaField, hierarchies: Mapping[str, Hierarchy]) -> Hierarchy:
    """The hierarchy a field follows: the one it names, else the one of its meaning, else of its type, else `flat`.

    A name the field declares must exist: ConfigurationError `unknown-hierarchy`.
    """
    known = {**BUILT_IN, **hierarchies}
    if field.hierarchy is not None:
        if field.hierarchy not in known:
            raise ConfigurationError(
                "unknown-hierarchy",
                Text(
                    zh=f"字段 {field.name} 使用了未知的泛化层次 {field.hierarchy}",
                    en=f"field {field.name} names the unknown hierarchy {field.hierarchy}",
                ),
                Text(zh=f"可用的层次：{'、'.join(sorted(known))}", en=f"known hierarchies: {', '.join(sorted(known))}"),
                field=field.name,
            )
        return known[field.hierarchy]
    by_meaning = HIERARCHY_OF_MEANING.get(field.meaning) if field.meaning else None
    by_type = HIERARCHY_OF_TYPE.get(field.type)
    return next((known[name] for name in (by_meaning, by_type) if name in known), BUILT_IN["flat"])


def generalise_column(
    name: str, column: pa.ChunkedArray, hierarchy: Hierarchy, *, lowest: int = 0, declared: bool = False
) -> GeneralisedColumn:
    """`column` at level 0, at each level of `hierarchy`, and at the root `*`. lowest: see GeneralisedColumn.

    declared: the schema names this hierarchy, so values that do not fit it are refused (`hierarchy-misses-values`);
    a hierarchy that was only guessed from meaning or type gives way to `flat`.
    """
    codes, values = distinct_values(column)
    levels = number_levels(values) if hierarchy.name == "number" and not hierarchy.levels else hierarchy.levels
    fitting = _fits(hierarchy, values)
    per_level = [labels_at_level(values, level) if fitting else None for level in levels]
    missed = next((n for n, labelled in enumerate(per_level, start=1) if labelled is None), None)
    if missed is not None or not fitting:
        if declared:
            raise _misses_values(name, hierarchy)
        per_level = []
    found = [labelled for labelled in per_level if labelled is not None]
    level_codes = [np.arange(len(values)), *(c for c, _ in found), np.zeros(len(values), np.int64)]
    labels: list[tuple[str | None, ...]] = [(), *(texts for _, texts in found), (ROOT,)]
    _check_nested(name, hierarchy, level_codes)
    shares, domain = _shares(values, hierarchy, level_codes, fitting and bool(per_level))
    return GeneralisedColumn(
        name=name,
        codes=codes,
        level_codes=tuple(level_codes),
        labels=tuple(labels),
        shares=tuple(shares),
        domain=domain,
        order=_order(values, level_codes),
        lowest=min(lowest, len(level_codes) - 1),
        values=values,
        steps=tuple(levels) if found else (),
    )


def fixed_column(name: str, column: pa.ChunkedArray) -> GeneralisedColumn:
    """A quasi-identifier that its control does not generalise: level 0 only."""
    codes, values = distinct_values(column)
    size = max(len(values), 1)
    identity = np.arange(len(values))
    return GeneralisedColumn(
        name, codes, (identity,), ((),), (np.full(len(values), 1 / size),), size, _order(values, [identity]), 0, values
    )


def distinct_values(column: pa.ChunkedArray) -> tuple[Codes, pa.Array]:
    """Row → distinct value as int64 codes, and the distinct values in order of appearance, null among them."""
    if not len(column):
        return np.zeros(0, np.int64), pa.array([], column.type)
    encoded = pc.dictionary_encode(column, null_encoding="encode")
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    encoded = encoded.chunk(0) if isinstance(encoded, pa.ChunkedArray) else encoded
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary


def joint_codes(new: pa.ChunkedArray, old: pa.ChunkedArray) -> Codes:
    """Codes of the values of both columns, compared as text; new rows first."""
    chunks = [chunk for column in (new, old) for chunk in column.cast(pa.string()).chunks]
    return distinct_values(pa.chunked_array(chunks, pa.string()))[0]


def _fits(hierarchy: Hierarchy, values: pa.Array) -> bool:
    if hierarchy.values is None:
        return True
    matching = re.compile(hierarchy.values)
    return all(matching.fullmatch(str(v)) for v in values.drop_null().to_pylist())


def _misses_values(name: str, hierarchy: Hierarchy) -> Refused:
    return Refused(
        "hierarchy-misses-values",
        Text(
            zh=f"泛化层次 {hierarchy.name} 不包含字段 {name} 的部分取值",
            en=f"hierarchy {hierarchy.name} does not know some values of field {name}",
        ),
        Text(
            zh="请补全该层次，或在表结构中为该字段改用其他层次",
            en="complete the hierarchy, or name another one for the field in its schema",
        ),
        field=name,
    )


def _check_nested(name: str, hierarchy: Hierarchy, level_codes: Sequence[Codes]) -> None:
    """Each label has one parent; otherwise a coarser level could tell apart what a finer one merged."""
    for finer, coarser in pairwise(level_codes[1:]):
        pairs = np.unique(finer * (int(coarser.max(initial=0)) + 1) + coarser)
        if len(pairs) != len(np.unique(finer)):
            raise ConfigurationError(
                "hierarchy-not-nested",
                Text(
                    zh=f"泛化层次 {hierarchy.name} 的层级不是逐级包含的",
                    en=f"the levels of hierarchy {hierarchy.name} do not nest",
                ),
                Text(
                    zh="请使每一级的每个取值只属于上一级的一个取值", en="let every label lie within one label above it"
                ),
                field=name,
            )


def _shares(
    values: pa.Array, hierarchy: Hierarchy, level_codes: Sequence[Codes], applies: bool
) -> tuple[list[np.ndarray], int]:
    """Share of the domain per level and value. A table that lists its values is its own domain; else the column is."""
    tables = [level.lookup for level in hierarchy.levels if level.lookup is not None and level.key_length is None]
    if applies and tables and len(tables) == len(hierarchy.levels):
        keys = list(tables[0])
        own = [np.full(len(values), 1 / len(keys))]
        texts = values.to_pylist()
        for table in tables:
            _, label_of_key = np.unique([table[key] for key in keys], return_inverse=True)
            size_of = dict(zip((table[key] for key in keys), np.bincount(label_of_key)[label_of_key], strict=True))
            own.append(np.array([size_of.get(table.get(str(v), ""), 1) / len(keys) for v in texts]))
        return [*own, np.ones(len(values))], len(keys)
    size = max(len(values), 1)
    return [np.bincount(codes)[codes] / size for codes in level_codes], size


def _order(values: pa.Array, level_codes: Sequence[Codes]) -> Codes:
    """Rank of each distinct value: numbers and dates by size, others so that siblings stand together."""
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or pa.types.is_temporal(values.type):
        by_value = pc.array_sort_indices(values, null_placement="at_start").to_numpy()
        ranks = np.empty(len(values), np.int64)
        ranks[by_value] = np.arange(len(values))
        return ranks
    by_text = np.empty(len(values), np.int64)
    by_text[pc.array_sort_indices(values.cast(pa.string()), null_placement="at_start").to_numpy()] = np.arange(
        len(values)
    )
    order = np.lexsort((by_text, *level_codes[1:])) if len(level_codes) > 1 else np.argsort(by_text)
    ranks = np.empty(len(values), np.int64)
    ranks[order] = np.arange(len(values))
    return ranks
