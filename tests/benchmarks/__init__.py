"""Benchmarks: `python -m tests.benchmarks [topic…]` runs every `bench_<topic>.py` and prints one table."""

from typing import NamedTuple


class Row(NamedTuple):
    """One measurement. goal: as promised; met: None where no goal was set."""

    name: str
    measured: str
    goal: str = ""
    met: bool | None = None
