"""Statistical tables set beside each other: what a new one tells of few, together with an earlier one.

Counts are compared on the fields that both tables group by. Where all that one and the other tell of a group differs by
fewer records than the smallest cell, the difference is a small cell of its own, so a cell of the group is withheld
(Hundepool et al., "Statistical Disclosure Control", 2012, ch. 4; linked tables). And what an earlier table withheld to
protect a small cell stays withheld until all of them hold twice the smallest cell: else the protector, once known,
would give the small one back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from anonymize.classes import equivalence_classes
from anonymize.earlier import Earlier
from anonymize.hierarchies import distinct_values, joint_codes
from schemas.statistics import COUNT, SUPPRESSED
from schemas.text import Text

ROUNDING = 1e-9


@dataclass(frozen=True)
class Beside:
    """differing: cell → goes because its group differs by few; withheld: cell → stays withheld as it was before."""

    differing: np.ndarray
    withheld: np.ndarray

    @property
    def either(self) -> np.ndarray:
        return np.asarray(self.differing | self.withheld)


@dataclass(frozen=True)
class Cells:
    """Cells of a new table. groups: field → value of each cell; counts: records; persons: contributors; most: records
    of the one with most of them."""

    groups: Mapping[str, pa.ChunkedArray]
    counts: np.ndarray
    persons: np.ndarray
    most: np.ndarray


def cells_beside(cells: Cells, primary: np.ndarray, smallest: int, earlier: Sequence[Earlier]) -> Beside:
    """Cells that have to go, or stay, withheld because of `earlier` tables. primary: those that are withheld anyway."""
    beside = Beside(np.zeros(len(primary), bool), np.zeros(len(primary), bool))
    for old in earlier:
        if len(primary) and not old.noisy:
            beside = _beside_one(cells, primary, smallest, old.opened(), beside)
    return beside


def _beside_one(cells: Cells, primary: np.ndarray, smallest: int, old: Earlier, beside: Beside) -> Beside:
    """`beside`, and what one more earlier table adds."""
    if not old.by:
        return beside
    common = [name for name in cells.groups if name in old.by]
    new_group, old_group = _common_groups(cells.groups, old, common)
    groups = 1 + max(int(new_group.max(initial=-1)), int(old_group.max(initial=-1)))
    few = _few_differ(cells, new_group, old, old_group, groups, smallest)
    beside = replace(
        beside, differing=beside.differing | _one_of_each(few, new_group, cells.counts, primary | beside.either)
    )
    if set(common) != set(old.by):
        return beside
    largest = np.zeros(groups, np.int64)
    np.maximum.at(largest, new_group, cells.persons)
    stay = _still_withheld(old, old_group, largest, smallest)
    hidden = primary if len(common) < len(cells.groups) else np.zeros(len(primary), bool)
    return replace(beside, withheld=beside.withheld | _one_of_each(stay, new_group, cells.counts, hidden))


def cells_tell_apart(new: Earlier, old: Earlier, smallest: int) -> bool:
    """Whether two published tables, side by side, tell of few; True also where that cannot be told without the source:
    grouped otherwise, or another pattern of withheld cells."""
    if new.noisy or old.noisy:
        return False
    new, old = new.opened(), old.opened()
    if new.table.equals(old.table):
        return False
    if set(new.by) != set(old.by) or not new.by:
        return True
    paired = _paired(new.table, old)
    if paired is None:
        return True
    new_counts, old_counts = paired
    difference = np.abs(new_counts - old_counts)
    other_pattern = np.isnan(new_counts) != np.isnan(old_counts)
    return bool(other_pattern.any() or ((difference > 0) & (difference < smallest)).any()) or bool(
        changed_figures(new.table, [old])
    )


def changed_figures(finished: pa.Table, earlier: Sequence[Earlier]) -> int:
    """Cells whose count is that of an earlier table, but whose sums or other figures are not."""
    by = finished.column_names[: finished.column_names.index(COUNT)]
    changed = np.zeros(finished.num_rows, bool)
    for old in earlier:
        if not old.noisy:
            changed = changed | _changed_since(finished, old.opened(), by)
    return int(changed.sum())


def _changed_since(finished: pa.Table, old: Earlier, by: Sequence[str]) -> np.ndarray:
    changed = np.zeros(finished.num_rows, bool)
    if set(old.by) != set(by):
        return changed
    figures = [n for n in finished.column_names if n in old.table.column_names and n not in (*by, COUNT, SUPPRESSED)]
    place, found = _places(finished, old, by)
    same = found & (_numbers(finished[COUNT]) == _numbers(old.table[COUNT])[place])
    for name in figures:
        new, before = _numbers(finished[name]), _numbers(old.table[name])[place]
        changed |= same & (np.abs(new - before) > ROUNDING * np.maximum(np.abs(new), 1))
    return changed


def remarks_beside(beside: Beside, primary: np.ndarray, changed: int) -> tuple[Text, ...]:
    """What a reviewer is told."""
    remarks = []
    if differing := int((beside.differing & ~primary).sum()):
        remarks.append(
            Text(
                zh=f"与此前公布的统计表比对，{differing} 个单元格所在分组只差少数几条记录，不予公布",
                en="1 cell is withheld: its group differs from an earlier table by few records"
                if differing == 1
                else f"{differing} cells are withheld: their groups differ from an earlier table by few records",
            )
        )
    if staying := int((beside.withheld & ~beside.differing & ~primary).sum()):
        remarks.append(
            Text(
                zh=f"{staying} 个单元格在此前的统计表中不予公布，公布后会反推出当时的小单元格，继续不予公布",
                en="1 cell stays withheld as in an earlier table, whose small cells it would give back"
                if staying == 1
                else f"{staying} cells stay withheld as in an earlier table, whose small cells they would give back",
            )
        )
    if changed:
        remarks.append(
            Text(
                zh=f"{changed} 个单元格的记录数与此前相同而合计等数值不同：若只有个别记录被更正，差额会暴露其数值，"
                "请审核人确认",
                en=f"{'1 cell has' if changed == 1 else f'{changed} cells have'} the count of an earlier table and "
                "other figures: if only single records were corrected, the difference tells of them; reviewers confirm",
            )
        )
    return tuple(remarks)


def _common_groups(
    groups: Mapping[str, pa.ChunkedArray], old: Earlier, common: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Group of each new and each old cell by the common fields; one group where there are none."""
    number = len(next(iter(groups.values())))
    codes = [joint_codes(groups[name], old.table[name]) for name in common]
    group = equivalence_classes(codes, number + old.table.num_rows)[0]
    return group[:number], group[number:]


def _few_differ(
    cells: Cells, new_group: np.ndarray, old: Earlier, old_group: np.ndarray, groups: int, smallest: int
) -> np.ndarray:
    """Group → known before, and now fewer records more or less than a small cell could hold.

    A contributor with several records counts as often: that many cells' worth have to differ.
    """
    counts = _numbers(old.table[COUNT])
    unknown = np.bincount(old_group, np.isnan(counts), groups) > 0
    before = np.bincount(old_group, np.nan_to_num(counts), groups)
    now = np.bincount(new_group, cells.counts, groups)
    most = np.ones(groups, np.int64)
    np.maximum.at(most, new_group, cells.most)
    difference = np.abs(now - before)
    few = ~unknown & (before > 0) & (difference > 0) & (difference < smallest * most)
    return np.asarray(few)


def _one_of_each(wanted: np.ndarray, group: np.ndarray, counts: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Cell → the smallest of a wanted group in which none is hidden."""
    hides = np.zeros(len(wanted), bool)
    hides[group[hidden]] = True
    open_cells = np.flatnonzero((wanted & ~hides)[group])
    order = open_cells[np.lexsort((counts[open_cells], group[open_cells]))]
    chosen = np.zeros(len(group), bool)
    if len(order):
        chosen[order[np.concatenate(([True], group[order][1:] != group[order][:-1]))]] = True
    return chosen


def _still_withheld(old: Earlier, old_group: np.ndarray, persons: np.ndarray, smallest: int) -> np.ndarray:
    """Group → was withheld, together with one that does not hold twice the smallest cell yet."""
    hidden = np.flatnonzero(np.isnan(_numbers(old.table[COUNT])))
    stay = np.zeros(len(persons), bool)
    if not len(hidden):
        return stay
    codes = [distinct_values(old.table[name].cast(pa.string()))[0] for name in old.by]
    links = sparse.csr_array((len(hidden), len(hidden)))
    for dimension in range(len(codes)):
        line = equivalence_classes([c for d, c in enumerate(codes) if d != dimension], old.table.num_rows)[0][hidden]
        _, first, number = np.unique(line, return_index=True, return_inverse=True)
        links = links + sparse.csr_array(
            (np.ones(len(hidden)), (np.arange(len(hidden)), first[number])), shape=links.shape
        )
    _, component = sparse.csgraph.connected_components(links, directed=False)
    unsafe = np.zeros(int(component.max()) + 1, bool)
    unsafe[component[persons[old_group[hidden]] < 2 * smallest]] = True
    stay[old_group[hidden[unsafe[component]]]] = True
    return stay


def _paired(new: pa.Table, old: Earlier) -> tuple[np.ndarray, np.ndarray] | None:
    """Counts of the cells that either lists, NaN where withheld; None where one lists a cell twice."""
    codes = [joint_codes(new[name], old.table[name]) for name in old.by]
    group = equivalence_classes(codes, new.num_rows + old.table.num_rows)[0]
    counts = [np.zeros(int(group.max(initial=-1)) + 1) for _ in range(2)]
    for side, part, table in ((0, group[: new.num_rows], new), (1, group[new.num_rows :], old.table)):
        if len(np.unique(part)) < len(part):
            return None
        counts[side][part] = _numbers(table[COUNT])
    return counts[0], counts[1]


def _places(new: pa.Table, old: Earlier, by: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """New cell → row of the old table with the same group (0 where there is none), and whether there is one."""
    codes = [joint_codes(new[name], old.table[name]) for name in by]
    group = equivalence_classes(codes, new.num_rows + old.table.num_rows)[0]
    row = np.full(int(group.max(initial=-1)) + 1, -1)
    row[group[new.num_rows :]] = np.arange(old.table.num_rows)
    place = row[group[: new.num_rows]]
    return np.maximum(place, 0), place >= 0


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    """Float64, NaN where missing."""
    return pc.fill_null(column.cast(pa.float64(), safe=False), np.nan).to_numpy()
