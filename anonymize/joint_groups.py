"""Groups that two tables together tell apart: whom they hold in a class of one and a class of the other, whom only one
of them holds. Each has k records or none.

Of a person who is in both tables, whoever holds both knows the class in either, and that what was kept of the record
(its content) is the same. Left are the records of both classes that have a counterpart: for each content, as many as
the class with fewer of them has. Where all words of a field lie on one level per table, any class of one may share
persons with any class of the other on common ground, so that this number cannot be narrowed further. Records without
a counterpart came, or left (Byun et al. 2006; Ganta et al. 2008).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anonymize.classes import distinct_diversity, equivalence_classes
from anonymize.common_ground import CommonColumn

MOST_PAIRS = 20_000_000  # of (class, content) of one table with one of the other: about a gigabyte of memory
ROUNDS = 200


class TooManyPairs(Exception):
    """The tables cannot be compared at these levels in bounded memory."""


class NoEnd(Exception):
    """Withholding records went on and on."""


@dataclass(frozen=True)
class Standard:
    """Least records of a group. both: of records that the earlier table holds as well, which are told no better than
    there."""

    k: int
    both: int


@dataclass(frozen=True)
class Watched:
    """A kept field of which each group has at least so many values. codes: new rows before old ones, negative where
    each record counts as a value of its own; both: as in Standard."""

    codes: np.ndarray
    least: int
    both: int


class JointGroups:
    """The groups of a new and an earlier table.

    classes: fields whose words make the classes of each (shared ones; own: codes of those that only one table has).
    content: codes of the kept fields, new rows before old ones; watched: those of which a group needs several values.
    """

    def __init__(
        self,
        rows: tuple[int, int],
        classes: Sequence[CommonColumn],
        own: tuple[Sequence[np.ndarray], Sequence[np.ndarray]] = ((), ()),
        content: Sequence[np.ndarray] = (),
        watched: Sequence[Watched] = (),
    ):
        self.rows, total = rows[0], sum(rows)
        ground = equivalence_classes(_nonnegative([c.ground for c in classes]), total)[0]
        contents = equivalence_classes([ground, *content], total)[0]
        self.contents = int(contents.max(initial=-1)) + 1
        self.content_of_row = contents[: self.rows]
        new_ground, old_ground = ground[: self.rows], ground[self.rows :]
        new_class = equivalence_classes([new_ground, *(c.new_label for c in classes), *own[0]], rows[0])[0]
        old_class = equivalence_classes([old_ground, *(c.old_label for c in classes), *own[1]], rows[1])[0]
        self.new = _Pairs(new_class, self.content_of_row)
        self.old = _Pairs(old_class, contents[self.rows :])
        self.old_number = np.bincount(self.old.of_row, minlength=self.old.number)
        self.watched = [(_value_of(contents, w.codes, self.contents), w) for w in watched]
        self._join(classes, new_class, old_class)

    def _join(self, classes: Sequence[CommonColumn], new_class: np.ndarray, old_class: np.ndarray) -> None:
        """Pairs of both tables with one content that can be of one person, and the group each belongs to.

        Classes are joined by the levels of their labels: at the coarser of two levels, consistent labels are the same.
        """
        sides = (
            _by_levels([c.new_level[c.new_label] for c in classes], new_class, self.new),
            _by_levels([c.old_level[c.old_label] for c in classes], old_class, self.old),
        )
        found, total = [], 0
        for new_levels, new_pairs, new_rows in sides[0]:
            for old_levels, old_pairs, old_rows in sides[1]:
                keys = [(self.new.content[new_pairs], self.old.content[old_pairs])]
                for c, one, other in zip(classes, new_levels, old_levels, strict=True):
                    level = max(one, other)
                    keys.append((c.new_path[c.new_label[new_rows], level], c.old_path[c.old_label[old_rows], level]))
                new, old = _equal(keys, MOST_PAIRS - total)
                total += len(new)
                found.append((new_pairs[new], old_pairs[old]))
        nothing = [np.zeros(0, np.int64)]
        self.joined_new = np.concatenate([new for new, _ in found] or nothing)
        self.joined_old = np.concatenate([old for _, old in found] or nothing)
        key = self.new.class_of[self.joined_new] * (self.old.classes + 1) + self.old.class_of[self.joined_old]
        self.group = np.unique(key, return_inverse=True)[1]
        self.groups = int(self.group.max(initial=-1)) + 1

    def any_small(self, standard: Standard) -> bool:
        """Whether any group is small."""
        everybody = np.ones(self.rows, bool)
        return not bool(self.without_small(everybody, standard).all())

    def without_small(self, kept: np.ndarray, standard: Standard) -> np.ndarray:
        """New row → stays. Raises NoEnd."""
        for _ in range(ROUNDS):
            before = int(kept.sum())
            kept = self._stayers(kept, standard)
            kept = self._newcomers(kept, standard)
            kept = self._leavers(kept, standard)
            if int(kept.sum()) == before:
                return kept
        raise NoEnd

    def _stayers(self, kept: np.ndarray, standard: Standard) -> np.ndarray:
        """Few who are in a class of both: none of them stays."""
        in_both = np.minimum(self._new_number(kept)[self.joined_new], self.old_number[self.joined_old])
        content = self.new.content[self.joined_new]
        small = self._small(self.group, self.groups, in_both, content, standard.both)
        gone = np.zeros(self.new.number, bool)
        gone[self.joined_new[small[self.group] & (in_both > 0)]] = True
        return kept & ~gone[self.new.of_row]

    def _newcomers(self, kept: np.ndarray, standard: Standard) -> np.ndarray:
        """Few who came: held back until there are k."""
        number = self._new_number(kept)
        surplus = self._of_contents(self.new, number) - self._of_contents(self.old, self.old_number)
        came = np.minimum(number, np.maximum(surplus, 0)[self.new.content])
        small = self._small(self.new.class_of, self.new.classes, came, self.new.content, standard.k, both=False)
        return kept & ~_first(kept, self.new.of_row, np.where(small[self.new.class_of], came, 0))

    def _leavers(self, kept: np.ndarray, standard: Standard) -> np.ndarray:
        """Few who left: others of their class leave with them."""
        missing = self._of_contents(self.old, self.old_number) - self._of_contents(self.new, self._new_number(kept))
        left = np.minimum(self.old_number, np.maximum(missing, 0)[self.old.content])
        small = self._small(self.old.class_of, self.old.classes, left, self.old.content, standard.both)
        wanted = np.maximum(standard.both - np.bincount(self.old.class_of, left, self.old.classes), 1).astype(np.int64)
        company = small[self.old.class_of] & (left < self.old_number)
        class_of_content = np.full(self.contents, -1, np.int64)
        class_of_content[self.old.content[company]] = self.old.class_of[company]
        wanting = class_of_content[self.content_of_row]
        return kept & ~_first(kept & (wanting >= 0), wanting, wanted)

    def _small(
        self, group: np.ndarray, groups: int, number: np.ndarray, content: np.ndarray, k: int, *, both: bool = True
    ) -> np.ndarray:
        """Group → has some records, but fewer than k, or too few values of a watched field."""
        sizes, there = np.bincount(group, number, groups), number > 0
        small = (sizes > 0) & (sizes < k)
        for values, watched in self.watched:
            least = watched.both if both else watched.least
            if least > 1:
                value = values[content]
                known, single = there & (value >= 0), there & (value < 0)
                found = distinct_diversity(group[known], groups, value[known])
                small |= (sizes > 0) & (found + np.bincount(group[single], number[single], groups) < least)
        return np.asarray(small)

    def _new_number(self, kept: np.ndarray) -> np.ndarray:
        return np.bincount(self.new.of_row[kept], minlength=self.new.number)

    def _of_contents(self, pairs: "_Pairs", number: np.ndarray) -> np.ndarray:
        return np.bincount(pairs.content, number, self.contents).astype(np.int64)


class _Pairs:
    """Distinct (class, content) of one table."""

    def __init__(self, class_of_row: np.ndarray, content_of_row: np.ndarray):
        width = int(content_of_row.max(initial=-1)) + 1
        keys, self.of_row = np.unique(class_of_row * max(width, 1) + content_of_row, return_inverse=True)
        self.class_of, self.content = keys // max(width, 1), keys % max(width, 1)
        self.number, self.classes = len(keys), int(class_of_row.max(initial=-1)) + 1


def _value_of(contents: np.ndarray, codes: np.ndarray, number: int) -> np.ndarray:
    values = np.zeros(number, np.int64)
    values[contents] = codes
    return values


def _by_levels(
    level_of_row: Sequence[np.ndarray], class_of_row: np.ndarray, pairs: _Pairs
) -> list[tuple[tuple[int, ...], np.ndarray, np.ndarray]]:
    """Per combination of levels: the levels, the pairs whose class has them, and a row of each of these classes."""
    row_of_class = np.unique(class_of_row, return_index=True)[1]
    row_of_pair = row_of_class[pairs.class_of]
    kind = equivalence_classes([levels[row_of_pair] for levels in level_of_row], len(row_of_pair))[0]
    parts = np.split(np.argsort(kind, kind="stable"), np.cumsum(np.bincount(kind))[:-1]) if len(kind) else []
    return [
        (tuple(int(levels[row_of_pair[part[0]]]) for levels in level_of_row), part, row_of_pair[part]) for part in parts
    ]


def _equal(keys: Sequence[tuple[np.ndarray, np.ndarray]], most: int) -> tuple[np.ndarray, np.ndarray]:
    """All (new, old) positions that are equal in every key. Raises TooManyPairs above `most`."""
    rows = len(keys[0][0])
    code = equivalence_classes(_nonnegative(keys), rows + len(keys[0][1]))[0]
    new_code, old_code = code[:rows], code[rows:]
    number = np.bincount(old_code, minlength=int(code.max(initial=-1)) + 1)
    repeats = number[new_code]
    if int(repeats.sum()) > most:
        raise TooManyPairs
    by_code, starts = np.argsort(old_code, kind="stable"), np.cumsum(number) - number
    new = np.repeat(np.arange(rows), repeats)
    within = np.arange(len(new)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return new, by_code[starts[new_code[new]] + within]


def _nonnegative(keys: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
    """Both halves of each key as one; codes of strangers are negative."""
    joined = [np.concatenate(pair) for pair in keys]
    return [codes - min(int(codes.min(initial=0)), 0) for codes in joined]


def _first(kept: np.ndarray, key: np.ndarray, number: np.ndarray) -> np.ndarray:
    """The first `number[key]` kept rows of each key. Rows are in content order, so this tells nothing more."""
    chosen = np.zeros(len(kept), bool)
    rows = np.flatnonzero(kept)
    rows = rows[number[key[rows]] > 0]
    if not len(rows):
        return chosen
    order = rows[np.argsort(key[rows], kind="stable")]
    starts = np.flatnonzero(np.concatenate(([True], key[order][1:] != key[order][:-1])))
    sizes = np.diff(np.append(starts, len(order)))
    rank = np.arange(len(order)) - np.repeat(starts, sizes)
    chosen[order[rank < number[key[order]]]] = True
    return chosen
