"""Division codes of GB/T 2260 by date: an old code is valid history, and valid for its time only where a date is given.

The facts stand in `catalog_config/divisions/gbt2260.tsv`: code, name, first and last month in force, compiled from
revisions between 1980-12 and 2026-09.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

import catalog_config

FACTS = Path(catalog_config.__file__).parent / "divisions" / "gbt2260.tsv"
CODES = 1_000_000
ALWAYS, FOR_EVER = 0, 999912

Flags = npt.NDArray[np.bool_]
Months = npt.NDArray[np.int64]


@dataclass(frozen=True)
class DivisionTable:
    """spans: code → up to `since.shape[1]` spans of months in force (YYYYMM), unused ones end before they begin.

    place: code → row of `since` and `until`, 0 for an unknown code. names: code → newest name.
    """

    place: npt.NDArray[np.int32]
    since: Months
    until: Months
    names: dict[int, str]


@cache
def division_table() -> DivisionTable:
    """All codes and when they were in force."""
    spans: dict[int, list[tuple[int, int]]] = {}
    names: dict[int, str] = {}
    for line in FACTS.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        code, name, since, until = line.split("\t")
        spans.setdefault(int(code), []).append((int(since or ALWAYS), int(until or FOR_EVER)))
        names[int(code)] = name
    most = max(map(len, spans.values()))
    place = np.zeros(CODES, np.int32)
    since_months = np.full((len(spans) + 1, most), FOR_EVER, np.int64)
    until_months = np.full((len(spans) + 1, most), ALWAYS - 1, np.int64)
    for row, (number, found) in enumerate(spans.items(), start=1):
        place[number] = row
        for column, (first, last) in enumerate(found):
            since_months[row, column], until_months[row, column] = first, last
    return DivisionTable(place, since_months, until_months, names)


def in_force(codes: npt.NDArray[np.int64], first: Months | int, last: Months | int) -> Flags:
    """Whether each code (0 to 999999) was in force at some time between the months `first` and `last` (YYYYMM)."""
    table = division_table()
    rows = table.place[codes]
    flags = np.zeros(len(codes), bool)
    for column in range(table.since.shape[1]):
        flags |= (table.since[rows, column] <= last) & (table.until[rows, column] >= first)
    return flags & (rows > 0)


def known(codes: npt.NDArray[np.int64]) -> Flags:
    """Whether each code was in force at any time."""
    return division_table().place[codes] > 0


def months_of(moment: str) -> tuple[int, int]:
    """The first and last month (YYYYMM) of a year, a month or a day: `2015`, `2015-12`, `2015-12-31`.

    Raises ValueError for anything else.
    """
    found = re.fullmatch(r"(\d{4})(?:-(0[1-9]|1[0-2])(?:-\d{2})?)?", moment)
    if not found:
        raise ValueError("not a year, a month or a day")
    year, month = found.groups()
    return (int(year + month),) * 2 if month else (int(f"{year}01"), int(f"{year}12"))
