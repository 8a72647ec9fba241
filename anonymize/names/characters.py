"""Where in a name a character stands more often than elsewhere; texts without such characters in a row hold no name.

The table is name_characters.tsv. Its values are counted here in half steps, as integers, so that the array way and the
way text by text judge alike.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from anonymize.code_points import code_points, pieces

PLACES = ("surname", "single", "middle", "last", "foreign")
ABSENT = -40  # no surname, or none of a transliteration's characters
COMPOUND_SURNAME = 6
SURNAME_WEIGHT, GIVEN_WEIGHT, LEAST_PROMISE = 3, 2, 11
FOREIGN_CHARACTER, FOREIGN_PROMISE, SHORTEST_FOREIGN, LONGEST_FOREIGN = 1, 2, 3, 9
_HAN = slice(0x4E00, 0xA000)
_SIZE = 0x10000
_FILE = Path(__file__).parent / "name_characters.tsv"


class Tables(NamedTuple):
    """Of every character of the basic plane, in half steps."""

    surname: npt.NDArray[np.int16]
    single: npt.NDArray[np.int16]
    middle: npt.NDArray[np.int16]
    last: npt.NDArray[np.int16]
    foreign: npt.NDArray[np.int16]


@cache
def values() -> dict[str, dict[str, int]]:
    """Place → character → half steps."""
    found: dict[str, dict[str, int]] = {place: {} for place in PLACES}
    for line in _FILE.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            place, value, characters = line.split("\t")
            found[place] |= dict.fromkeys(characters, round(float(value) * 2))
    return found


@cache
def _tables() -> Tables:
    arrays = []
    for place in PLACES:
        table = np.full(_SIZE, ABSENT, np.int16)
        if place not in ("surname", "foreign"):
            table[_HAN] = 0
        for character, value in values()[place].items():
            table[ord(character)] = value
        arrays.append(table)
    return Tables(*arrays)


def promise_of(surname: int, given: int) -> int:
    """How much a surname and a given name promise together."""
    return SURNAME_WEIGHT * surname + GIVEN_WEIGHT * given


def foreign_promise(name: str) -> bool:
    """Whether a run of transliterating characters may be a name."""
    known = values()["foreign"]
    return SHORTEST_FOREIGN <= len(name) <= LONGEST_FOREIGN and sum(
        known.get(c, 0) for c in name
    ) >= FOREIGN_PROMISE * len(name)


def transliterates(word: str) -> bool:
    """Whether all characters are such that transliterate."""
    known = values()["foreign"]
    return all(known.get(c, 0) >= FOREIGN_CHARACTER for c in word)


class Promising(NamedTuple):
    """Places at which names may begin. chinese: a surname stands there; foreign: three characters in a row that
    transliterate."""

    chinese: list[int]
    foreign: list[int]


def promising(
    texts: pl.Series, compound: Sequence[str], confirms: Callable[[str], object] = bool
) -> dict[int, Promising]:
    """Position of a text → places in it whose characters promise a name; texts without any are left out.

    compound: surnames of two characters, which promise a name whatever follows. confirms: whether the four characters
    at a place promise one by closer look; asked once for each four that occur.
    """
    found: dict[int, Promising] = {}
    for first, piece in pieces(texts):
        points, offsets = code_points(piece)
        plane = np.append(np.where(points < _SIZE, points, 0), [0, 0, 0]).astype(np.uint16)
        for kind, flags in enumerate(_promising(plane[:-1], compound)):
            at = np.flatnonzero(flags)
            if kind == 0:
                at = at[_confirmed(plane, at, confirms)]
            rows = np.searchsorted(offsets, at, side="right") - 1
            for row, place in zip((rows + first).tolist(), (at - offsets[rows]).tolist(), strict=True):
                if row not in found:
                    found[row] = Promising([], [])
                found[row][kind].append(place)
    return found


def _confirmed(
    plane: npt.NDArray[np.uint16], at: npt.NDArray[np.int64], confirms: Callable[[str], object]
) -> npt.NDArray[np.bool_]:
    """Of every place, what the closer look says of the four characters there, some of which may be the next text's."""
    four = np.stack([plane[at + step] for step in range(4)], axis=1)
    keys = four.astype(np.uint64) @ np.array([1 << 48, 1 << 32, 1 << 16, 1], np.uint64)
    _, once, back = np.unique(keys, return_index=True, return_inverse=True)
    said = [bool(confirms("".join(map(chr, row)))) for row in four[once].tolist()]
    return np.array(said, bool)[back]


def _promising(
    plane: npt.NDArray[np.uint16], compound: Sequence[str]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Of every code point but the last two, which are there to look ahead.

    A row may run into the next text, where weighing will find no name.
    """
    tables, here, next_, after = _tables(), plane[:-2], plane[1:-1], plane[2:]
    surname = tables.surname[here] * SURNAME_WEIGHT
    one = surname + tables.single[next_] * GIVEN_WEIGHT
    two = surname + (tables.middle[next_] + tables.last[after]) * GIVEN_WEIGHT
    chinese = np.maximum(one, two) >= LEAST_PROMISE
    first = np.zeros(_SIZE, bool)
    first[[ord(pair[0]) for pair in compound]] = True
    maybe = np.flatnonzero(first[here])
    pairs = [ord(pair[0]) << 16 | ord(pair[1]) for pair in compound]
    chinese[maybe] |= np.isin(here[maybe].astype(np.int64) << 16 | next_[maybe], pairs)
    foreign = tables.foreign[plane] >= FOREIGN_CHARACTER
    run = foreign[:-2] & foreign[1:-1] & foreign[2:]
    steps = tables.foreign[plane]
    run &= steps[:-2] + steps[1:-1] + steps[2:] >= FOREIGN_PROMISE * SHORTEST_FOREIGN
    return chinese, run
