"""How far long work is, as people are told: the step, its share, bytes and rows done, speed and time left."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

STAGES = ("read", "validate", "detect", "treat", "assess", "package")  # of preparing, in order
SETTLED = 0.5  # seconds of a step before its speed is told
SURE = 0.02  # share of a step before its end is foretold


@dataclass(frozen=True)
class Progress:
    """A moment of one step. share: of the step, 0 to 1; None where nobody knows. bytes: of the file that were read in
    this step, 0 where it is not read by bytes. rows: done in this step.

    A step may begin anew, where a file has to be read again in another way; then all figures start again.
    """

    stage: str
    share: float | None = None
    bytes: int = 0
    rows: int = 0


TellProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Pace:
    """Speed of the step so far, and the seconds it still takes at that speed; None where nobody can say yet."""

    bytes_per_second: float | None = None
    rows_per_second: float | None = None
    seconds_left: float | None = None


class Pacer:
    """Tells the pace of each moment, from when its step began."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._began = clock()
        self._last = Progress("")

    def __call__(self, now: Progress) -> Pace:
        if now.stage != self._last.stage or now.rows < self._last.rows or now.bytes < self._last.bytes:
            self._began = self._clock()
        self._last = now
        seconds = self._clock() - self._began
        if seconds < SETTLED:
            return Pace()
        left = seconds * (1 - now.share) / now.share if now.share is not None and now.share >= SURE else None
        return Pace(now.bytes / seconds or None, now.rows / seconds or None, left)


def every(seconds: float, write: Callable[[Progress, Pace, float], None]) -> TellProgress:
    """Passes on each new step at once, and a step's progress once in so many seconds, with its pace and the seconds
    that the step has taken."""
    pacer, last, stage, began = Pacer(), float("-inf"), "", 0.0

    def report(now: Progress) -> None:
        nonlocal last, stage, began
        pace, moment = pacer(now), time.monotonic()
        if now.stage != stage:
            stage, began = now.stage, moment
        elif moment - last < seconds:
            return
        last = moment
        write(now, pace, moment - began)

    return report


def progress_record(now: Progress, pace: Pace, seconds: float) -> dict[str, Any]:
    """What is kept in the database for a page to show. seconds: that the step has taken."""
    began = datetime.now(UTC) - timedelta(seconds=seconds)
    return {"stage": now.stage, "share": now.share, "rows": now.rows, **asdict(pace), "began": began.isoformat()}


Advance = Callable[[float, int], None]  # (share, bytes) of one pass over a file


def one_pass(report: TellProgress | None, stage: str, number: int, count: int) -> Advance:
    """For pass `number` (0 is the first) of `count` over a file, which together are a step."""

    def advance(share: float, size: int) -> None:
        if report is not None:
            report(Progress(stage, min((number + share) / count, 1.0), size))

    return advance


def rows_told(report: TellProgress | None, stage: str, rows_in_all: int) -> Callable[[int], None]:
    """For a step that goes row by row: to be told the rows done. rows_in_all: 0 where nobody knows."""

    def tell(rows: int) -> None:
        if report is not None:
            report(Progress(stage, min(rows / rows_in_all, 1.0) if rows_in_all else None, rows=rows))

    return tell
