"""Differencing: a new release must not, set beside an earlier open one, give back what either suppressed.

Both tables are compared as they are, and again at a level of generalisation they share. In a class of either the
records that came, or went, between the two releases are a group of their own to whoever holds both; it must have k
members or none (Byun, Sohn, Bertino and Li, "Secure anonymization for incremental datasets", 2006). Few newcomers are
held back until k have come; where few left, further records of the class leave with them.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from anonymize.classes import equivalence_classes
from anonymize.hierarchies import ROOT, GeneralisedColumn, distinct_values
from anonymize.recode import generalised
from anonymize.treated import TreatedTable
from schemas.disclosure import DisclosureControl, TierPolicy
from schemas.text import Text

ROUNDS = 50


def suppress_differences(
    treated: TreatedTable,
    source: pa.Table,
    earlier: Sequence[pa.Table],
    controls: Sequence[DisclosureControl],
    tier_policy: TierPolicy,
) -> TreatedTable:
    """`treated` without the records that comparing it with the `earlier` releases would single out.

    source: the table `treated` was made of; its values tell how labels of different levels belong together. Without
    quasi-identifiers or k nothing can be singled out and `treated` comes back as it is. Whether too much is suppressed
    in sum is for assess_disclosure to say.
    """
    k = tier_policy.thresholds.k
    if k is None or not treated.quasi_identifiers or not earlier:
        return treated
    columns = [generalised(source, c) for c in controls if c.field in treated.quasi_identifiers]
    kept = np.ones(treated.table.num_rows, bool)
    comparisons = [_Comparison(treated, old, ground) for old in earlier for ground in ((), columns)]
    classes = _classes(treated)
    for _ in range(ROUNDS):
        before = int(kept.sum())
        for comparison in comparisons:
            kept &= comparison.without_small_differences(kept, k)
        sizes = np.bincount(classes[kept], minlength=int(classes.max(initial=-1)) + 1)
        kept &= sizes[classes] >= k
        if int(kept.sum()) == before:
            break
    gone = int((~kept).sum())
    if not gone:
        return treated
    return replace(
        treated,
        table=treated.table.filter(pa.array(kept)),
        records_suppressed=treated.records_suppressed + gone,
        remarks=(
            *treated.remarks,
            Text(
                zh=f"与此前开放的版本比对，另有 {gone} 条记录会因增减而暴露，不予发布",
                en=f"{gone} more records would stand out by comparison with earlier open releases and were withheld",
            ),
        ),
    )


def stand_out(new: pa.Table, old: pa.Table, quasi_identifiers: Sequence[str], k: int) -> bool:
    """Whether fewer than `k` records of a class came or went between two tables at the same levels."""
    treated = TreatedTable(table=new, fields=(), effects=(), quasi_identifiers=tuple(quasi_identifiers))
    return _Comparison(treated, old, ()).any_few(k)


def _classes(treated: TreatedTable) -> np.ndarray:
    codes = [distinct_values(treated.table[q])[0] for q in treated.quasi_identifiers]
    return equivalence_classes(codes, treated.table.num_rows)[0]


class _Comparison:
    """The new and one earlier table on common ground: class and whole content of each record, as codes.

    columns: those to bring to a common level; without them labels are compared as they were published.
    """

    def __init__(self, treated: TreatedTable, old: pa.Table, columns: Sequence[GeneralisedColumn]):
        shared = [name for name in treated.table.column_names if name in old.column_names]
        by_name = {c.name: c for c in columns}
        quasi = set(treated.quasi_identifiers)
        self.rows = treated.table.num_rows
        class_codes: list[np.ndarray] = []
        other_codes: list[np.ndarray] = []
        for name in shared:
            new_texts, old_texts = (t[name].cast(pa.string()) for t in (treated.table, old))
            if name in by_name:
                new_texts, old_texts = _on_common_level(by_name[name], new_texts, old_texts)
            codes = distinct_values(pa.chunked_array([*new_texts.chunks, *old_texts.chunks], pa.string()))[0]
            (class_codes if name in quasi else other_codes).append(codes)
        total = self.rows + old.num_rows
        group = equivalence_classes(class_codes, total)[0]
        content = equivalence_classes([group, *other_codes], total)[0]
        self.group, self.content = group[: self.rows], content[: self.rows]
        self.contents, self.groups = int(content.max(initial=-1)) + 1, int(group.max(initial=-1)) + 1
        self.group_of_content = np.zeros(self.contents, np.int64)
        self.group_of_content[content] = group
        self.old = np.bincount(content[self.rows :], minlength=self.contents)

    def any_few(self, k: int) -> bool:
        """Whether few came, or went."""
        new = np.bincount(self.content, minlength=self.contents)
        differences = (np.maximum(new - self.old, 0), np.maximum(self.old - new, 0))
        moved = [np.bincount(self.group_of_content, d, self.groups) for d in differences]
        return any(bool(((m > 0) & (m < k)).any()) for m in moved)

    def without_small_differences(self, kept: np.ndarray, k: int) -> np.ndarray:
        """Row → stays, after few newcomers are held back and few leavers are given company."""
        kept = kept.copy()
        new = np.bincount(self.content[kept], minlength=self.contents)
        came = np.bincount(self.group_of_content, np.maximum(new - self.old, 0), self.groups)
        few_came = (came > 0) & (came < k)
        surplus = np.where(few_came[self.group_of_content], np.maximum(new - self.old, 0), 0)
        kept &= ~self._first(kept, self.content, surplus)
        new = np.bincount(self.content[kept], minlength=self.contents)
        went = np.bincount(self.group_of_content, np.maximum(self.old - new, 0), self.groups)
        few_went = (went > 0) & (went < k)
        company = np.where(few_went, k - went, 0).astype(np.int64)
        kept &= ~self._first(kept, self.group, company)
        return kept

    def _first(self, kept: np.ndarray, key: np.ndarray, number: np.ndarray) -> np.ndarray:
        """The first `number[key]` kept rows of each key. Rows are in content order, so this tells nothing more."""
        rows = np.flatnonzero(kept & (number[key] > 0))
        chosen = np.zeros(len(kept), bool)
        if not len(rows):
            return chosen
        order = rows[np.argsort(key[rows], kind="stable")]
        starts = np.flatnonzero(np.concatenate(([True], key[order][1:] != key[order][:-1])))
        sizes = np.diff(np.append(starts, len(order)))
        rank = np.arange(len(order)) - np.repeat(starts, sizes)
        chosen[order[rank < number[key[order]]]] = True
        return chosen


def _on_common_level(
    column: GeneralisedColumn, new: pa.ChunkedArray, old: pa.ChunkedArray
) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Both columns at the finest level that is at least as coarse as either. Labels unknown to the source stay."""
    labels = [set(column.texts), *(set(texts) for texts in column.labels[1:])]
    level = max(_level_of(labels, new), _level_of(labels, old))
    if level == 0:
        return new, old
    translation: dict[str | None, str | None] = {}
    for lower in range(level + 1):
        for value in range(column.distinct):
            translation.setdefault(column.label(lower, value), column.label(level, value))
    return _translated(new, translation), _translated(old, translation)


def _level_of(labels: Sequence[set[str | None]], texts: pa.ChunkedArray) -> int:
    """The lowest level that knows most of the labels; mixed levels (local recoding) count as their coarsest."""
    present = set(texts.unique().to_pylist()) - {None}
    if not present:
        return 0
    if ROOT in present:
        return len(labels) - 1
    known = [len(present & at_level) for at_level in labels]
    if max(known) == len(present):
        return known.index(max(known))
    levels = [next((n for n, at_level in enumerate(labels) if text in at_level), 0) for text in present]
    return max(levels)


def _translated(texts: pa.ChunkedArray, translation: dict[str | None, str | None]) -> pa.ChunkedArray:
    codes, values = distinct_values(texts)
    renamed = [translation.get(v, v) for v in values.to_pylist()]
    return pa.chunked_array([pa.array(renamed, pa.string()).take(pa.array(codes))])
