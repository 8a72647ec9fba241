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


@dataclass(frozen=True)
class Magnitude:
    """Sums of a measure. sums: cell → sum; needed: cell → how far above it an outsider's upper estimate has to stay,
    0 where nothing is asked."""

    sums: np.ndarray
    needed: np.ndarray


def protect(
    codes: Sequence[np.ndarray],
    counts: np.ndarray,
    primary: np.ndarray,
    smallest: int,
    magnitudes: Sequence[Magnitude] = (),
    already: np.ndarray | None = None,
) -> Protection:
    """Cells to suppress. codes: per dimension, the code of each cell. smallest: the threshold of the policy. already:
    cells that are suppressed as well, but need no protection.

    Every line of the table (all dimensions but one fixed) in which a primary cell is suppressed holds two suppressed
    cells or more, worth `smallest` together. Then each primary cell's interval, as the margins imply it, must be at
    least half of `smallest` wide, and what the margins of the sums imply at most must exceed the cell's sum by what
    the dominance rules call for; where it does not, the cheapest cell beside it goes as well.
    """
    lines = [_lines(codes, dimension, len(counts)) for dimension in range(len(codes))]
    started = primary.copy() if already is None else primary | already
    suppressed = _complete_lines(lines, counts, started, smallest)
    unproven = primary.copy()  # more suppression only widens intervals: what is proven once stays so
    uncertain = [primary & (m.needed > 0) for m in magnitudes]
    for _ in range(ROUNDS):
        if suppressed.all() or int(suppressed.sum()) > AUDITED_CELLS:
            break
        equations = _known_margins(lines, counts, suppressed, smallest)
        exposed = _exposed(equations, counts, suppressed, unproven, smallest)
        for magnitude, unsure in zip(magnitudes, uncertain, strict=True):
            if exposed is None:
                exposed = _estimated(equations, magnitude, suppressed, unsure)
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


def _known_margins(
    lines: Sequence[np.ndarray], counts: np.ndarray, suppressed: np.ndarray, smallest: int
) -> sparse.csr_array | None:
    """Margins that tell of suppressed cells, as rows over those cells; None where there is no such margin."""
    hidden = np.flatnonzero(suppressed)
    position = np.full(len(counts), -1)
    position[hidden] = np.arange(len(hidden))
    rows: list[np.ndarray] = []
    for line in lines:
        known_margin = np.bincount(line, counts) >= smallest  # a smaller margin would be suppressed itself
        rows += [position[hidden[line[hidden] == n]] for n in np.unique(line[hidden]) if known_margin[n]]
    if not rows:
        return None
    of_row = np.repeat(np.arange(len(rows)), [len(r) for r in rows])
    return sparse.csr_array((np.ones(len(of_row)), (of_row, np.concatenate(rows))), shape=(len(rows), len(hidden)))


def _exposed(
    equations: sparse.csr_array | None,
    counts: np.ndarray,
    suppressed: np.ndarray,
    unproven: np.ndarray,
    smallest: int,
) -> int | None:
    """A cell of `unproven` whose interval is too narrow, or None; those that are wide enough are struck off the list.

    Solves two linear programs per cell.
    """
    if equations is None:
        return None
    hidden = np.flatnonzero(suppressed)
    totals = equations @ counts[hidden].astype(float)
    for cell in np.flatnonzero(unproven):
        objective = (hidden == cell).astype(float)
        low = optimize.linprog(objective, A_eq=equations, b_eq=totals, method="highs")
        high = optimize.linprog(-objective, A_eq=equations, b_eq=totals, method="highs")
        if low.status == 0 and high.status == 0 and -high.fun - low.fun < smallest / 2 - 1e-6:
            return int(cell)
        unproven[cell] = False
    return None


def _estimated(
    equations: sparse.csr_array | None, magnitude: Magnitude, suppressed: np.ndarray, unsure: np.ndarray
) -> int | None:
    """A cell of `unsure` whose sum the margins give too nearly from above, or None; as `_exposed`.

    Sums of amounts that may be negative have no upper end and are safe.
    """
    if equations is None or magnitude.sums.min() < 0:
        return None
    hidden = np.flatnonzero(suppressed)
    unit = max(float(magnitude.sums.max()), 1.0)  # the solver's tolerances are absolute
    totals = equations @ (magnitude.sums[hidden] / unit)
    for cell in np.flatnonzero(unsure):
        highest = optimize.linprog(-(hidden == cell).astype(float), A_eq=equations, b_eq=totals, method="highs")
        safe = (magnitude.sums[cell] + magnitude.needed[cell]) / unit
        if highest.status == 0 and -highest.fun < safe - 1e-7:
            return int(cell)
        unsure[cell] = False
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
