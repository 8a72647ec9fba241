"""Releases set beside each other: a new one must not, together with an earlier one, tell of fewer than k.

Every group that two tables together tell apart (`joint_groups`) has k records or none: those who came, those who left,
and those who are in a class of the one and a class of the other. What would stand out is withheld. Where that costs
too much because the levels of the two lie across each other (one finer by age, the other by place), the table is made
again at levels no finer than any earlier one's: each of its classes then is a whole of theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from anonymize.apply import apply_controls
from anonymize.classes import distinct_diversity, equivalence_classes
from anonymize.common_ground import common_column, compared_as_published, level_before, no_finer
from anonymize.coordinate_pairs import is_located
from anonymize.earlier import Earlier, linkable, repeatable, varies
from anonymize.hierarchies import GeneralisedColumn, distinct_values, joint_codes
from anonymize.joint_groups import JointGroups, NoEnd, Standard, TooManyPairs, Watched
from anonymize.level_words import published_as
from anonymize.recode import generalised, persons_of, quasi_identifiers, sensitive_fields, told_person
from anonymize.rerelease_words import (
    Across,
    earlier_without_k,
    kept_coarse,
    no_k,
    not_comparable,
    unknown_words,
    unknown_words_between_tiers,
    withheld,
)
from anonymize.spans import NameTagger
from anonymize.treated import TreatedTable
from schemas.disclosure import DisclosureControl, TierPolicy
from schemas.errors import Refused
from schemas.text import Text

ROUNDS = 50
HELD_ROWS = 4_000_000  # comparisons with so many rows are kept for the next round, others made again: bounded memory


def apply_controls_after(
    table: pa.Table,
    controls: Sequence[DisclosureControl],
    tier_policy: TierPolicy,
    key: bytes | None,
    names: NameTagger | None,
    earlier: Sequence[Earlier],
) -> TreatedTable:
    """`apply_controls`, set beside the `earlier` tables; at levels no finer than theirs where more records than the
    policy allows would have to be withheld otherwise. Raises what `apply_controls` and `suppress_differences` raise."""
    treated = apply_controls(table, controls, tier_policy, key, names)
    raised, levels = _no_finer_than(earlier, table, controls)
    try:
        checked = suppress_differences(treated, table, earlier, controls, tier_policy)
    except Refused as refused:
        if refused.code != not_comparable({}).code or not levels:
            raise
        checked = None
    allowed = tier_policy.thresholds.suppression_limit * table.num_rows
    if checked is not None and (checked.records_suppressed <= allowed or not levels):
        return checked
    try:
        coarser = apply_controls(table, raised, tier_policy, key, names)
        coarser = suppress_differences(coarser, table, earlier, raised, tier_policy)
    except Refused:
        if checked is None:
            raise
        return checked
    if checked is not None and checked.records_suppressed <= coarser.records_suppressed:
        return checked
    siblings = any(old.same_release for old in earlier)
    return replace(coarser, remarks=(*coarser.remarks, kept_coarse(levels, siblings=siblings)))


def of_the_same_release(
    treated: TreatedTable, controls: Sequence[DisclosureControl], tier_policy: TierPolicy
) -> Earlier:
    """A table of this very release, as one of another tier is set beside it."""
    return Earlier(
        stored=treated.table,
        quasi_identifiers=treated.quasi_identifiers,
        k=tier_policy.thresholds.k,
        l=tier_policy.thresholds.l,
        levels=treated.levels,
        treatments=treated.treatments,
        ladders=treated.ladders,
        sensitive=sensitive_fields(controls),
        person=told_person(controls),
        same_tier=False,
        same_release=True,
    )


def suppress_differences(
    treated: TreatedTable,
    source: pa.Table,
    earlier: Sequence[Earlier],
    controls: Sequence[DisclosureControl],
    tier_policy: TierPolicy,
) -> TreatedTable:
    """`treated` without the records that comparing it with the `earlier` tables would single out.

    source: the table `treated` was made of; its values tell how labels of different levels belong together. What
    cannot be told is a remark, so that a reviewer looks. Whether too much is withheld is for assess_disclosure to say.
    Raises Refused `releases-not-comparable`.
    """
    by_field = {c.field: c for c in controls}
    columns = _columns(source, treated, by_field)
    compared = [old for old in earlier if not (old.same_source and _made_alike(treated, tier_policy, old))]
    kept = np.ones(treated.table.num_rows, bool)
    class_of = _classes(treated)
    remarks: dict[Text, None] = {}
    held: dict[int, _Comparison] = {}
    for _ in range(ROUNDS):
        before = int(kept.sum())
        for number, old in enumerate(compared):
            comparison = held.get(number) or _comparison(treated, old.opened(), columns, by_field, tier_policy)
            if sum(c.rows for n, c in held.items() if n != number) + comparison.rows <= HELD_ROWS:
                held[number] = comparison
            for groups in comparison.groups:
                kept = _without_small(groups, kept, comparison.standard)
            remarks.update(dict.fromkeys(comparison.remarks))
            del comparison  # before the next one is made
        if compared and treated.quasi_identifiers:
            kept &= ~_unfit(class_of, kept, treated, controls, tier_policy)
        if int(kept.sum()) == before:
            break
    else:
        raise not_comparable(_across(treated, compared, columns))
    gone = int((~kept).sum())
    if gone:
        siblings = any(old.same_release for old in compared)
        remarks[withheld(gone, _across(treated, compared, columns), siblings=siblings)] = None
        treated = replace(
            treated,
            table=treated.table.filter(pa.array(kept)),
            records_suppressed=treated.records_suppressed + gone,
        )
    return replace(treated, remarks=(*treated.remarks, *remarks)) if remarks else treated


def tells_apart(new: Earlier, old: Earlier) -> bool:
    """Whether two published tables of records, side by side, tell of few; True also where that cannot be told without
    the source: at different levels, treated differently, or with values that depend on who else is in the table."""
    quasi = {*new.quasi_identifiers, *old.quasi_identifiers}
    new, old = new.opened(), old.opened()
    if not quasi or new.table.equals(old.table):
        return False
    alike = (new.levels, new.treatments, new.ladders) == (old.levels, old.treatments, old.ladders)
    names = [name for name in new.table.column_names if name in quasi]
    if not alike or new.table.column_names != old.table.column_names or new.k is None or old.k is None:
        return True
    links = {name: linkable(name, new.treatments, old) for name in new.table.column_names}
    # A value that is another one for the same person would pass everybody off as come or gone, and hide who moved.
    if False in links.values() or any(links[name] is None for name in names):
        return True
    kept = [name for name in new.table.column_names if name not in quasi and links[name]]
    classes = compared_as_published(names, new.table, old.table)
    content = {name: joint_codes(new.table[name], old.table[name]) for name in kept}
    standard = Standard(k=new.k, both=min(new.k, old.k))
    watched = _watched(content, new.table, old, new.sensitive, new.person, standard, new.l or 1)
    try:
        groups = JointGroups(
            (new.table.num_rows, old.table.num_rows), classes, content=list(content.values()), watched=watched
        )
        return groups.any_small(standard)
    except (TooManyPairs, NoEnd):
        return True


@dataclass(frozen=True)
class _Comparison:
    """With one earlier table. groups: none where nobody could be singled out; rows: of both tables."""

    standard: Standard
    groups: tuple[JointGroups, ...] = ()
    remarks: tuple[Text, ...] = ()
    rows: int = 0


def _comparison(
    treated: TreatedTable,
    old: Earlier,
    columns: Mapping[str, GeneralisedColumn],
    controls: Mapping[str, DisclosureControl],
    tier_policy: TierPolicy,
) -> _Comparison:
    new_names, old_names = treated.table.column_names, old.table.column_names
    quasi = [
        n for n in dict.fromkeys((*new_names, *old_names)) if n in {*treated.quasi_identifiers, *old.quasi_identifiers}
    ]
    k = tier_policy.thresholds.k if tier_policy.thresholds.k is not None else old.k
    # Where nothing is asked of the new table, it alone tells more of its people than the two of them.
    if not quasi or (old.same_release and tier_policy.thresholds.k is None):
        return _Comparison(Standard(0, 0))
    if k is None:
        return _Comparison(Standard(0, 0), remarks=(no_k(quasi),))
    # Where the earlier table had less to meet, it alone tells that much; no later one can take it back.
    standard = Standard(k, min(k, old.k or 1))
    shared = [name for name in quasi if name in new_names and name in old_names]
    classes = [common_column(n, treated, old, columns.get(n), _is_located(controls.get(n))) for n in shared]
    own = tuple(
        [distinct_values(table[n])[0] for n in quasi if n in table.column_names and n not in shared]
        for table in (treated.table, old.table)
    )
    content_names, unlinked = _content(treated, old, set(quasi))
    content = {n: joint_codes(treated.table[n], old.table[n]) for n in content_names}
    listed, least = list(controls.values()), tier_policy.thresholds.l or 1
    person = told_person(listed)
    watched = _watched(content, treated.table, old, sensitive_fields(listed), person, standard, least)
    unknown = sorted([c.name for c in classes if not c.known] + unlinked)
    remarks = [unknown_words_between_tiers(unknown) if old.same_release else unknown_words(unknown)]
    remarks += [earlier_without_k()] if old.k is None else []
    rows = (treated.table.num_rows, old.table.num_rows)
    # Labels of mixed levels are compared as they are as well: few may have come to a label and left another.
    grounds = [classes]
    if any(c.mixed for c in classes):
        grounds.append(compared_as_published(shared, treated.table, old.table))
    try:
        groups = tuple(JointGroups(rows, g, (own[0], own[1]), list(content.values()), watched) for g in grounds)
    except TooManyPairs:
        raise not_comparable(_across(treated, [old], columns)) from None
    return _Comparison(standard, groups, tuple(r for r in remarks if r is not None), sum(rows))


def _content(treated: TreatedTable, old: Earlier, quasi: set[str]) -> tuple[list[str], list[str]]:
    """Kept fields by whose values records can be linked, and those of which that is not known."""
    shared = [n for n in treated.table.column_names if n in old.table.column_names and n not in quasi]
    links = {n: linkable(n, treated.treatments, old) for n in shared}
    return [n for n in shared if links[n]], [n for n in shared if links[n] is False]


def _columns(
    source: pa.Table, treated: TreatedTable, controls: Mapping[str, DisclosureControl]
) -> dict[str, GeneralisedColumn]:
    names = [n for n in treated.quasi_identifiers if n in controls and n in source.column_names]
    return {name: generalised(source, controls[name]) for name in names}


def _no_finer_than(
    earlier: Sequence[Earlier], table: pa.Table, controls: Sequence[DisclosureControl]
) -> tuple[list[DisclosureControl], dict[str, Text]]:
    """The controls with their lowest levels raised to those of the earlier tables; field → how it is then published at
    the finest, in words."""
    if not earlier:
        return list(controls), {}
    wanted = {c.field: c for c in controls if c.field in quasi_identifiers(controls) and not is_located(c)}
    columns = {name: generalised(table, control) for name, control in wanted.items()}
    lowest = no_finer(columns, earlier)
    raised = [
        c.model_copy(update={"parameters": {**c.parameters, "lowest": lowest[c.field]}}) if c.field in lowest else c
        for c in controls
    ]
    return raised, {name: published_as(columns[name], level) for name, level in lowest.items()}


def _made_alike(treated: TreatedTable, tier_policy: TierPolicy, old: Earlier) -> bool:
    """Whether an earlier table of the same source is this very one, made again."""
    met = tier_policy.thresholds
    if (treated.levels, met.k, met.l) != (old.levels, old.k, old.l):
        return False
    if old.ladders is None:  # nothing is on record of parameters and boundaries
        return not any(varies(treatment) for treatment in treated.treatments.values())
    recorded = (treated.treatments, treated.ladders) == (old.treatments, old.ladders)
    return recorded and all(repeatable(treatment) for treatment in treated.treatments.values())


def _without_small(groups: JointGroups, kept: np.ndarray, standard: Standard) -> np.ndarray:
    try:
        return groups.without_small(kept, standard)
    except NoEnd:
        raise not_comparable({}) from None


def _unfit(
    class_of: np.ndarray,
    kept: np.ndarray,
    treated: TreatedTable,
    controls: Sequence[DisclosureControl],
    tier_policy: TierPolicy,
) -> np.ndarray:
    """Row → is it in a class that now misses k or l?"""
    k, least = tier_policy.thresholds.k, tier_policy.thresholds.l
    number = int(class_of.max(initial=-1)) + 1
    unfit = np.bincount(class_of[kept], minlength=number) < (k or 1)
    for name in sensitive_fields(controls) if least is not None and treated.quasi_identifiers else ():
        codes = distinct_values(treated.table[name])[0]
        unfit |= distinct_diversity(class_of[kept], number, codes[kept]) < (least or 1)
    persons = told_person(controls)
    if persons is not None and k is not None:
        codes = persons_of(treated.table[persons])
        unfit |= distinct_diversity(class_of[kept], number, codes[kept]) < k
    return np.asarray(unfit[class_of])


def _classes(treated: TreatedTable) -> np.ndarray:
    codes = [distinct_values(treated.table[q])[0] for q in treated.quasi_identifiers]
    return equivalence_classes(codes, treated.table.num_rows)[0]


def _watched(
    content: Mapping[str, np.ndarray],
    table: pa.Table,
    old: Earlier,
    sensitive: Sequence[str],
    person: str | None,
    standard: Standard,
    least: int,
) -> list[Watched]:
    """Sensitive fields, of which groups need l values, and the number that tells persons apart, of which they need k.

    A record without such a number is a person of its own.
    """
    watched = [Watched(content[n], least, min(least, old.l or 1)) for n in sensitive if n in content]
    if person is not None and person in content:
        missing = np.concatenate([np.asarray(t[person].is_null()) for t in (table, old.table)])
        watched.append(Watched(np.where(missing, -1, content[person]), standard.k, standard.both))
    return watched


def _is_located(control: DisclosureControl | None) -> bool:
    return control is not None and is_located(control)


def _across(treated: TreatedTable, earlier: Sequence[Earlier], columns: Mapping[str, GeneralisedColumn]) -> Across:
    """Field → how it is published now and was published before, where the levels differ."""
    differing: dict[str, tuple[Text, Text]] = {}
    for old in earlier:
        differing |= _levels_across(treated, old.opened(), columns)
    return differing


def _levels_across(treated: TreatedTable, old: Earlier, columns: Mapping[str, GeneralisedColumn]) -> Across:
    differing: dict[str, tuple[Text, Text]] = {}
    for name, column in columns.items():
        now = treated.levels.get(name, 0)
        if column.height == 1 or now < 0 or name not in old.table.column_names:
            continue
        before = level_before(column, old, old.table[name].cast(pa.string()))
        if before is not None and before >= 0 and before != now:
            differing[name] = (published_as(column, now), published_as(column, before))
    return differing
