"""Complementary cell suppression: which further cells must go so that margins do not give the small ones back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, sparse

from anonymize.classes import equivalence_classes

AUDITED_CELLS = 250  # up to so many suppressed cells their intervals are computed one by one
ROUNDS = 200


@dataclass(frozen=True)
class Protection:
    """suppressed: cell → is it withheld? audited: the intervals the margins imply were computed."""

    suppressed: np.ndarray
    audited: bool


def protect(codes: Sequence[np.ndarray], counts: np.ndarray, primary: np.ndarray, smallest: int) -> Protection:
    """Cells to suppress. codes: per dimension, the code of each cell. smallest: the threshold of the policy.

    Every line of the table (all dimensions but one fixed) in which a primary cell is suppressed holds two suppressed
    cells or more, worth `smallest` together. Then each primary cell's interval, as the margins imply it, must be at
    least half of `smallest` wide; where it is not, the cheapest cell beside it goes as well.
    """
    lines = [_lines(codes, dimension, len(counts)) for dimension in range(len(codes))]
    suppressed = _complete_lines(lines, counts, primary.copy(), smallest)
    unproven = primary.copy()  # more suppression only widens intervals: what is proven once stays so
    for _ in range(ROUNDS):
        if suppressed.all() or int(suppressed.sum()) > AUDITED_CELLS:
            break
        exposed = _exposed(lines, counts, suppressed, unproven, smallest)
        if exposed is None:
            return Protection(suppressed, True)
        extra = _cheapest_beside(lines, counts, suppressed, exposed)
        if extra is None:  # nothing left beside it: only the rest of the table hides it
            suppressed[:] = True
            break
        suppressed[extra] = True
        suppressed = _complete_lines(lines, counts, suppressed, smallest)
    return Protection(suppressed, bool(suppressed.all() or not suppressed.any()))


def _lines(codes: Sequence[np.ndarray], dimension: int, cells: int) -> np.ndarray:
    """Line of each cell along `dimension`."""
    return equivalence_classes([c for d, c in enumerate(codes) if d != dimension], cells)[0]


def _complete_lines(
    lines: Sequence[np.ndarray], counts: np.ndarray, suppressed: np.ndarray, smallest: int
) -> np.ndarray:
    """Suppress the smallest open cell of every line whose suppressed cells do not hide each other, until all do."""
    changed = True
    while changed:
        changed = False
        for line in lines:
            number = np.bincount(line, suppressed)
            hidden = np.bincount(line, np.where(suppressed, counts, 0))
            weak = (number > 0) & ((number < 2) | (hidden < smallest))
            wanting = np.flatnonzero(weak[line] & ~suppressed)
            if not len(wanting):
                continue
            order = wanting[np.lexsort((counts[wanting], line[wanting]))]
            first = np.concatenate(([True], line[order][1:] != line[order][:-1]))
            suppressed[order[first]] = True
            changed = True
    return suppressed


def _exposed(
    lines: Sequence[np.ndarray], counts: np.ndarray, suppressed: np.ndarray, unproven: np.ndarray, smallest: int
) -> int | None:
    """A cell of `unproven` whose interval is too narrow, or None; those that are wide enough are struck off the list.

    Solves two linear programs per cell.
    """
    hidden = np.flatnonzero(suppressed)
    if not len(hidden):
        return None
    position = {int(cell): at for at, cell in enumerate(hidden)}
    rows: list[int] = []
    columns: list[int] = []
    totals: list[float] = []
    for line in lines:
        known_margin = np.bincount(line, counts) >= smallest  # a smaller margin would be suppressed itself
        for number in np.unique(line[hidden]):
            if not known_margin[number]:
                continue
            members = hidden[line[hidden] == number]
            rows += [len(totals)] * len(members)
            columns += [position[int(m)] for m in members]
            totals.append(float(counts[members].sum()))
    if not totals:
        return None
    equations = sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(totals), len(hidden)))
    for cell in np.flatnonzero(unproven):
        objective = np.zeros(len(hidden))
        objective[position[int(cell)]] = 1
        low = optimize.linprog(objective, A_eq=equations, b_eq=totals, method="highs")
        high = optimize.linprog(-objective, A_eq=equations, b_eq=totals, method="highs")
        if low.status == 0 and high.status == 0 and -high.fun - low.fun < smallest / 2 - 1e-6:
            return int(cell)
        unproven[cell] = False
    return None


def _cheapest_beside(lines: Sequence[np.ndarray], counts: np.ndarray, suppressed: np.ndarray, cell: int) -> int | None:
    """The smallest open cell that shares a line with a suppressed cell of `cell`'s lines."""
    beside = np.zeros(len(counts), bool)
    for line in lines:
        beside |= line == line[cell]
    near = np.flatnonzero(beside & ~suppressed)
    if not len(near):
        near = np.flatnonzero(~suppressed)
    return int(near[counts[near].argmin()]) if len(near) else None
