"""Words of two releases on one ladder: which class of one may hold the same person as which class of the other.

Labels of a field lie on the levels of its hierarchy. Two labels can mean the same value if, at the coarser of their
levels, they are the same. Where it is not on record how the words of a field came about, any two may mean the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from anonymize.earlier import Earlier, ladder_of, linkable, repeatable
from anonymize.hierarchies import ROOT, Codes, GeneralisedColumn, distinct_values
from anonymize.treated import TreatedTable

MIXED = -1


@dataclass(frozen=True)
class CommonColumn:
    """A field of both tables; new rows stand before old ones.

    label: row → its label. level: label → level. path: label × level → code at that level, where it is the label's own
    or a coarser one. The same code: the same words. known: its words can be compared.
    """

    name: str
    new_label: Codes
    old_label: Codes
    new_level: Codes
    old_level: Codes
    new_path: np.ndarray
    old_path: np.ndarray
    known: bool = True

    @property
    def mixed(self) -> bool:
        """Whether the levels of either table differ between records."""
        return any(len(np.unique(levels)) > 1 for levels in (self.new_level, self.old_level))

    @property
    def ground(self) -> tuple[Codes, Codes]:
        """New and old row → code at the finest level that is at least as coarse as all labels."""
        level = max(int(self.new_level.max(initial=0)), int(self.old_level.max(initial=0)))
        return self.new_path[self.new_label, level], self.old_path[self.old_label, level]


def common_column(
    name: str, treated: TreatedTable, earlier: Earlier, column: GeneralisedColumn | None, located: bool = False
) -> CommonColumn:
    """The field of both tables on the ladder of `column`, the source's field at all levels; None: it has none there.

    located: its values are districts that depend on how many records each has.
    """
    new, old = treated.table[name].cast(pa.string()), earlier.table[name].cast(pa.string())
    if located:
        alike = set(new.unique().to_pylist()) == set(old.unique().to_pylist())
        return (
            _as_published(name, new, old) if alike and _same_step(name, treated, earlier) else _anything(name, new, old)
        )
    if column is None or column.height == 1:
        comparable = bool(linkable(name, treated.treatments, earlier))
        return _as_published(name, new, old) if comparable else _anything(name, new, old)
    new_level = treated.levels.get(name, 0)
    old_level = level_before(column, earlier, old)
    if old_level is None:
        return _anything(name, new, old)
    (new_label, new_texts), (old_label, old_texts) = distinct_values(new), distinct_values(old)
    levels, codes = _rungs(column)
    strangers: dict[str | None, int] = {}
    new_levels, new_path = _placed(new_texts.to_pylist(), new_level, levels, codes, strangers)
    old_levels, old_path = _placed(old_texts.to_pylist(), old_level, levels, codes, strangers)
    return CommonColumn(name, new_label, old_label, new_levels, old_levels, new_path, old_path)


def level_before(column: GeneralisedColumn, earlier: Earlier, texts: pa.ChunkedArray) -> int | None:
    """The level of `column` at which the field was published earlier, -1 where it differs between records; None where
    that level is none of this ladder."""
    name, top = column.name, column.height - 1
    present = set(texts.unique().to_pylist()) - {None}
    if present <= {ROOT}:
        return top
    level = earlier.levels.get(name, 0)
    ladder = None if earlier.ladders is None else earlier.ladders.get(name, ())
    if ladder is None:  # nothing on record: the labels themselves have to be known
        known = [{column.label(n, v) for v in range(column.distinct)} for n in range(column.height)]
        if not present & set().union(*known):
            return None
        return next((n for n in range(column.height) if present <= known[n]), MIXED)
    own = ladder_of(column.steps)
    if level == MIXED:
        return MIXED if set(ladder) <= set(own) else None
    if level == 0:
        return 0
    if level > len(ladder):
        return top
    return own.index(ladder[level - 1]) + 1 if ladder[level - 1] in own else None


Rungs = list[dict[str | None, int]]


def _rungs(column: GeneralisedColumn) -> tuple[Rungs, np.ndarray]:
    """Per level, label → a value that bears it; and value × level → code."""
    rungs: Rungs = []
    for level in range(column.height):
        words = column.texts if level == 0 else column.labels[level]
        _, first = np.unique(column.level_codes[level], return_index=True)
        rungs.append({words[column.level_codes[level][v]]: int(v) for v in first})
    return rungs, np.stack(column.level_codes, axis=1)


def _placed(
    texts: Sequence[str | None], level: int, rungs: Rungs, codes: np.ndarray, strangers: dict[str | None, int]
) -> tuple[Codes, np.ndarray]:
    """Level and path of each text. A label that no value of the source bears goes with itself alone, below the root:
    nobody in the source can be meant."""
    height = len(rungs)
    levels = np.zeros(len(texts), np.int64)
    path = np.full((len(texts), height), -1, np.int64)
    for n, text in enumerate(texts):
        at = level
        if level == MIXED:
            at = next((rung for rung in range(height) if text in rungs[rung]), height - 1 if text == ROOT else 0)
        levels[n] = at
        value = rungs[at].get(text)
        if value is not None:
            path[n, at:] = codes[value, at:]
        else:
            path[n, at:] = -2 - strangers.setdefault(text, len(strangers))
        path[n, height - 1] = 0  # the root
    return levels, path


def _same_step(name: str, treated: TreatedTable, earlier: Earlier) -> bool:
    """Whether districts are the same, cut and merged by the same boundaries."""
    ladders, treatment = earlier.ladders or {}, treated.treatments.get(name, "")
    if not repeatable(treatment) or treatment != earlier.treatments.get(name):
        return False
    return treated.levels.get(name) == earlier.levels.get(name) and treated.ladders.get(name) == ladders.get(name)


def _as_published(name: str, new: pa.ChunkedArray, old: pa.ChunkedArray) -> CommonColumn:
    """Words compared as they are."""
    codes, _ = distinct_values(pa.chunked_array([*new.chunks, *old.chunks], pa.string()))
    labels = np.arange(int(codes.max(initial=-1)) + 1)
    flat, own = np.zeros(len(labels), np.int64), labels[:, None]
    return CommonColumn(name, codes[: len(new)], codes[len(new) :], flat, flat, own, own)


def _anything(name: str, new: pa.ChunkedArray, old: pa.ChunkedArray) -> CommonColumn:
    """Any two words may mean the same."""
    (new_label, new_texts), (old_label, old_texts) = distinct_values(new), distinct_values(old)
    new_root, old_root = np.zeros(len(new_texts), np.int64), np.zeros(len(old_texts), np.int64)
    return CommonColumn(  # one level: the root
        name, new_label, old_label, new_root, old_root, new_root[:, None], old_root[:, None], known=False
    )


def compared_as_published(names: Sequence[str], new: pa.Table, old: pa.Table) -> list[CommonColumn]:
    """Fields of two tables that were made alike."""
    return [_as_published(name, new[name].cast(pa.string()), old[name].cast(pa.string())) for name in names]


def no_finer(columns: Mapping[str, GeneralisedColumn], earlier: Sequence[Earlier]) -> dict[str, int]:
    """Field → the lowest level at which it is no finer than in any earlier table, where that is above its lowest."""
    raised: dict[str, int] = {}
    for old in earlier:
        for name, level in _coarsest_levels(columns, old.opened()).items():
            if level > max(columns[name].lowest, raised.get(name, 0)):
                raised[name] = level
    return raised


def _coarsest_levels(columns: Mapping[str, GeneralisedColumn], old: Earlier) -> dict[str, int]:
    shared = [column for name, column in columns.items() if column.height > 1 and name in old.table.column_names]
    levels = {column.name: _coarsest(column, old) for column in shared}
    return {name: level for name, level in levels.items() if level is not None}


def _coarsest(column: GeneralisedColumn, old: Earlier) -> int | None:
    """The coarsest level of the field in an earlier table; None where it is none of this ladder."""
    texts = old.table[column.name].cast(pa.string())
    level = level_before(column, old, texts)
    if level != MIXED:
        return level
    rungs, codes = _rungs(column)
    return int(_placed(texts.unique().to_pylist(), MIXED, rungs, codes, {})[0].max(initial=0))
