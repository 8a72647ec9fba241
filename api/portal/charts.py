"""Where the marks of a chart stand, in the units of its drawing."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 320, 190
LEFT, RIGHT, TOP, BOTTOM = 44, 306, 26, 148  # of the plane inside the drawing
LABELS_LEFT_OF = 268
STEP = 0.05  # axes begin and end at multiples of this
LEAST_SPAN = 0.1


@dataclass(frozen=True)
class Mark:
    """One k on the curve."""

    k: int
    x: float
    y: float

    @property
    def label_x(self) -> float:
        """The curve rises to the right: there is room below it on the right, and above it at the right edge."""
        return self.x + 8 if self.x < LABELS_LEFT_OF else self.x - 8

    @property
    def label_y(self) -> float:
        return min(self.y + 14, BOTTOM - 2) if self.x < LABELS_LEFT_OF else self.y - 5


@dataclass(frozen=True)
class Tick:
    """A share on an axis and where it stands."""

    share: float
    at: float


@dataclass(frozen=True)
class Curve:
    """Risk over usefulness. path: through all marks, for `d` of an SVG path."""

    marks: tuple[Mark, ...]
    path: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


def tradeoff_curve(points: Sequence[Mapping[str, Any]]) -> Curve | None:
    """The curve through the points that can be reached; None where fewer than two can."""
    known = [(p["k"], 1 - p["loss"], p["highest_risk"]) for p in points if p["feasible"] and p.get("highest_risk")]
    if len(known) < 2:
        return None
    low, high = _ends([u for _, u, _ in known])
    top = max(_up(max(r for *_, r in known)), LEAST_SPAN)
    marks = tuple(
        Mark(k, round(_place(u, low, high, LEFT, RIGHT), 1), round(_place(r, 0, top, BOTTOM, TOP), 1))
        for k, u, r in known
    )
    ordered = sorted(marks, key=lambda m: (m.x, -m.y))
    return Curve(
        marks=marks,
        path="M" + " L".join(f"{m.x} {m.y}" for m in ordered),
        across=tuple(Tick(s, _place(s, low, high, LEFT, RIGHT)) for s in (low, (low + high) / 2, high)),
        up=tuple(Tick(s, _place(s, 0, top, BOTTOM, TOP)) for s in (0.0, top / 2, top)),
    )


def _ends(shares: Sequence[float]) -> tuple[float, float]:
    low, high = _down(min(shares)), _up(max(shares))
    if high - low < LEAST_SPAN:
        low = max(high - LEAST_SPAN, 0.0)
        high = low + LEAST_SPAN
    return low, high


def _down(share: float) -> float:
    return max(math.floor(share / STEP + 1e-9) * STEP, 0.0)


def _up(share: float) -> float:
    return min(math.ceil(share / STEP - 1e-9) * STEP, 1.0)


def _place(share: float, low: float, high: float, begin: float, end: float) -> float:
    return begin + (share - low) / (high - low) * (end - begin)
