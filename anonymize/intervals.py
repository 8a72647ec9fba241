"""Intervals that do not overlap, kept in order."""

from bisect import bisect_left


class Intervals:
    """Half-open intervals of which no two overlap; one that would overlap is not taken."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def take(self, start: int, end: int) -> bool:
        """Whether start to end was free, and is taken now."""
        place = bisect_left(self.starts, end)  # the first interval that begins at or after the end
        if place and self.ends[place - 1] > start:
            return False
        self.starts.insert(place, start)
        self.ends.insert(place, end)
        return True
