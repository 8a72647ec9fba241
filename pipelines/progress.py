"""How far long work is, as people are told: the step, its share, bytes and rows done, speed and time left."""

from collections.abc import Callable
from dataclasses import dataclass

STAGES = ("read", "validate", "detect", "treat", "assess", "package")  # of preparing, in order


@dataclass(frozen=True)
class Progress:
    """A moment of one step. share: of the step, 0 to 1; None where nobody knows. bytes: of the file that were read in
    this step, 0 where it is not read by bytes. rows: checked in this step.

    A step may begin anew, where a file has to be read again in another way; then all figures start again.
    """

    stage: str
    share: float | None = None
    bytes: int = 0
    rows: int = 0


Report = Callable[[Progress], None]
