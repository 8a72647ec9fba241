"""Cells of a piece of a sheet's XML, put into columns without a Python object for each."""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.read.plain_xml import (
    ATTRIBUTES,
    GREATER,
    KINDS,
    MASKS,
    NotPlain,
    Tag,
    Tags,
    distinct_texts,
    may_follow,
    tags_of,
    texts_behind,
    unescaped,
)
from pipelines.read.sheet_extent import LAST_COLUMN, LAST_ROW, is_sparse

SUCCESSORS = may_follow(
    {
        Tag.ROW: (Tag.ROW, Tag.CELL, Tag.ROW_END),
        Tag.CELL: (Tag.VALUE, Tag.INLINE, Tag.FORMULA, Tag.FORMULA_WITH, Tag.CELL, Tag.ROW_END),
        Tag.FORMULA: (Tag.FORMULA_END,),
        Tag.FORMULA_WITH: (Tag.FORMULA_END, Tag.VALUE),
        Tag.FORMULA_END: (Tag.VALUE,),
        Tag.VALUE: (Tag.VALUE_END,),
        Tag.VALUE_END: (Tag.CELL_END,),
        Tag.INLINE: (Tag.TEXT, Tag.SPACED),
        Tag.TEXT: (Tag.TEXT_END,),
        Tag.SPACED: (Tag.TEXT_END,),
        Tag.TEXT_END: (Tag.INLINE_END,),
        Tag.INLINE_END: (Tag.CELL_END,),
        Tag.CELL_END: (Tag.CELL, Tag.ROW_END),
        Tag.ROW_END: (Tag.ROW,),
    }
)
STEPS = np.zeros(KINDS, np.int64)  # from a cell's tag to its value's, by the kind of the tag between them
STEPS[[Tag.VALUE, Tag.INLINE, Tag.FORMULA, Tag.FORMULA_WITH]] = 1, 2, 3, 3
ROW_BEGINS, CELL_BEGINS = b'<row r="', b'<c r="'
MOST_DIGITS, MOST_LETTERS = 7, 3
CELL_ATTRIBUTES = re.compile(r'(?: s="(?P<style>[0-9]{1,6})"| t="(?P<type>[a-zA-Z]+)"){0,2}(?P<closed>/?)')
FLOAT, STRING, MOMENT = pa.float64(), pa.string(), pa.timestamp("us")
LETTER = np.array([max(sign - 64, 0) if sign <= ord("Z") else 0 for sign in range(256)])  # 1 for A
NUMBER_SIGNS = np.isin(np.arange(256), [*b"0123456789.eE+-"])
FIRST_DAY, LAST_DAY = 61, 2_958_465  # 1900-03-01, before which workbooks know a 29 February 1900, and 9999-12-31
DAY_ZERO = np.datetime64(dt.datetime(1899, 12, 30), "us")
MILLISECONDS = 86_400_000  # of a day


class Kind(IntEnum):
    """What a cell holds. SHARED: the number of a shared text."""

    BLANK = 0
    NUMBER = 1
    MOMENT = 2
    TEXT = 3
    SHARED = 4
    BOOLEAN = 5


BY_TYPE = {"n": Kind.NUMBER, "str": Kind.TEXT, "inlineStr": Kind.TEXT, "s": Kind.SHARED, "b": Kind.BOOLEAN}
# Numbers (float64), texts, truths or moments; a list where a column holds several kinds.
Column: TypeAlias = pa.Array | list[Any]


@dataclass(frozen=True)
class CellBlock:
    """Some rows of a sheet. first: number of the first (1 = top row). columns: by number (0 = A), null for no cell.
    cells: how many are not blank. top, bottom: the first and the last row with such a cell, 0 where there is none."""

    first: int
    count: int
    columns: dict[int, Column]
    cells: int
    top: int
    bottom: int


@dataclass
class Book:
    """What the cells of a sheet refer to. shared: the texts. moments: per style, see `moment_styles`. seen: attributes
    of cells met so far, with what they mean."""

    shared: pa.StringArray
    moments: Sequence[bool | None]
    seen: dict[str, Kind] = field(default_factory=dict)


def cell_block(text: bytes, book: Book, last_row: int) -> CellBlock:
    """The cells of whole rows. last_row: the number of the row before them. Raises NotPlain."""
    tags = tags_of(text, SUCCESSORS)
    rows, cells = np.flatnonzero(tags.kind == Tag.ROW), np.flatnonzero(tags.kind == Tag.CELL)
    if tags.kind[0] != Tag.ROW or tags.kind[-1] not in (Tag.ROW, Tag.ROW_END):
        raise NotPlain
    following = np.append(tags.kind[1:], np.uint8(Tag.ROW))
    if (tags.closed(rows) != (following.take(rows) == Tag.ROW)).any():
        raise NotPlain
    inside = following.take(cells)
    closed = tags.closed(cells)
    if (closed != ((inside == Tag.CELL) | (inside == Tag.ROW_END))).any():
        raise NotPlain
    numbers, digits = _row_numbers(tags, rows)
    if numbers[0] <= last_row or (np.diff(numbers) <= 0).any() or numbers[-1] > LAST_ROW:
        raise NotPlain
    row_of_cell = np.repeat(np.arange(len(rows)), np.diff(np.searchsorted(cells, np.append(rows, len(tags.kind)))))
    columns, after = _columns(tags, cells, rows.take(row_of_cell), digits.take(row_of_cell))
    if ((np.diff(columns) <= 0) & (np.diff(row_of_cell) == 0)).any():
        raise NotPlain
    kinds = _kinds(tags, cells, after, inside == Tag.INLINE, book)
    places = numbers.take(row_of_cell) - last_row - 1
    if closed.any():
        filled = np.flatnonzero(~closed)
        cells, inside = cells.take(filled), inside.take(filled)
        kinds, columns, places = kinds.take(filled), columns.take(filled), places.take(filled)
    texts = texts_behind(tags, _values_at(tags, cells, inside))
    if ((inside == Tag.FORMULA) | (inside == Tag.FORMULA_WITH))[_lengths(texts) == 0].any():
        raise NotPlain
    return _block(texts, kinds, columns, places, (last_row + 1, int(numbers[-1]) - last_row), book)


def _values_at(tags: Tags, cells: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The tags that the values of cells stand behind. inside: the kind of the first tag in each. Raises NotPlain."""
    with_attributes = cells[inside == Tag.FORMULA_WITH] + 1
    if len(with_attributes):
        begin = tags.begin.take(with_attributes)
        ends = np.flatnonzero(tags.data == GREATER)
        stop = ends.take(np.searchsorted(ends, begin), mode="clip")
        for same, written in distinct_texts(tags, begin + 2, stop - begin - 2):
            alone = tags.kind.take(with_attributes[same] + 1) == Tag.VALUE
            if not ATTRIBUTES.fullmatch(written) or (alone != written.endswith("/")).any():
                raise NotPlain
    places = cells + STEPS.take(inside)
    return places - (tags.kind.take(places) == Tag.VALUE_END)  # no tag ends a formula that is written `<f/>`


def _block(
    texts: pa.StringArray,
    kinds: np.ndarray,
    columns: np.ndarray,
    places: np.ndarray,
    rows: tuple[int, int],
    book: Book,
) -> CellBlock:
    """Cells in the order of the sheet, with what stands in them. places: their rows, from 0. rows: (number of the
    first row, how many). Raises NotPlain."""
    first, count = rows
    blank = (kinds != Kind.TEXT) & (_lengths(texts) == 0)
    if blank.any():
        left = np.flatnonzero(~blank)
        texts = texts.take(pa.array(left))
        kinds, columns, places = kinds.take(left), columns.take(left), places.take(left)
    used = np.flatnonzero(np.bincount(columns))
    if is_sparse(count, len(used), len(columns)) or used.max(initial=0) >= LAST_COLUMN:
        raise NotPlain
    found = {}
    for column, here in _cells_of(columns, used):
        found[column] = _column(texts.take(pa.array(here)), kinds.take(here), places.take(here), count, book)
    top, bottom = (first + int(places[0]), first + int(places[-1])) if len(places) else (0, 0)
    return CellBlock(first, count, found, len(places), top, bottom)


def _lengths(texts: pa.StringArray) -> np.ndarray:
    lengths: np.ndarray = np.asarray(pc.binary_length(texts))
    return lengths


def _cells_of(columns: np.ndarray, used: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """(column, its cells) for each of the columns `used`."""
    width = len(used)
    if width and len(columns) % width == 0 and (columns.reshape(-1, width) == used).all():  # no cell is missing
        yield from ((column, np.arange(place, len(columns), width)) for place, column in enumerate(used.tolist()))
        return
    narrow = columns.astype(np.int16)
    yield from ((column, np.flatnonzero(narrow == column)) for column in used.tolist())


def _row_numbers(tags: Tags, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(number of each row, its digits). Raises NotPlain."""
    begin = tags.begin.take(rows)
    if (tags.words[begin] != int.from_bytes(ROW_BEGINS, "little")).any():
        raise NotPlain
    numbers, digits = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    going = np.ones(len(rows), bool)
    for place in range(MOST_DIGITS):
        signs = tags.data[begin + len(ROW_BEGINS) + place]
        going &= (signs >= ord("0")) & (signs <= ord("9"))
        numbers = np.where(going, numbers * 10 + signs - ord("0"), numbers)
        digits += going
    behind = begin + len(ROW_BEGINS) + digits
    if (digits == 0).any() or (tags.data[behind] != ord('"')).any():
        raise NotPlain
    for _, written in distinct_texts(tags, behind + 1, tags.begin.take(rows + 1) - behind - 2):
        if not ATTRIBUTES.fullmatch(written):
            raise NotPlain
    return numbers, digits


def _columns(tags: Tags, cells: np.ndarray, row_tags: np.ndarray, digits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(column of each cell, 0 = A; the place behind its reference). row_tags, digits: of the row that each cell stands
    in, which its reference must name. Raises NotPlain."""
    begin = tags.begin.take(cells)
    if ((tags.words[begin] & MASKS[len(CELL_BEGINS)]) != int.from_bytes(CELL_BEGINS, "little")).any():
        raise NotPlain
    place = begin + len(CELL_BEGINS)
    columns = LETTER.take(tags.data.take(place))
    if not columns.all():
        raise NotPlain
    place += 1
    for _ in range(MOST_LETTERS - 1):
        letters = LETTER.take(tags.data.take(place))
        if not letters.any():
            break
        columns = np.where(letters > 0, columns * 26 + letters, columns)
        place += letters > 0
    row = tags.words[tags.begin.take(row_tags) + len(ROW_BEGINS)]
    named = tags.words[place]
    place += digits
    if ((named ^ row) & MASKS.take(digits)).any() or (tags.data.take(place) != ord('"')).any():
        raise NotPlain
    return columns - 1, place + 1


def _kinds(tags: Tags, cells: np.ndarray, after: np.ndarray, inline: np.ndarray, book: Book) -> np.ndarray:
    """What each cell holds by its attributes behind the reference; there are few different ones. Raises NotPlain."""
    kinds = np.zeros(len(cells), np.uint8)
    for same, written in distinct_texts(tags, after, tags.begin.take(cells + 1) - 1 - after):
        if written not in book.seen:
            book.seen[written] = _meaning(written, book.moments)
        if (inline[same] != ('"inlineStr"' in written and not written.endswith("/"))).any():
            raise NotPlain
        kinds[same] = book.seen[written]
    return kinds


def _meaning(written: str, moments: Sequence[bool | None]) -> Kind:
    """What attributes such as ` s="1" t="s"` say of a cell. Raises NotPlain."""
    found = CELL_ATTRIBUTES.fullmatch(written)
    if not found:
        raise NotPlain
    if found["closed"]:
        return Kind.BLANK
    kind = BY_TYPE.get(found["type"] or "n")
    style = int(found["style"] or 0)
    is_moment = moments[style] if style < len(moments) else None if moments else False
    if kind is None or (kind is Kind.NUMBER and is_moment is None):
        raise NotPlain
    return Kind.MOMENT if kind is Kind.NUMBER and is_moment else kind


def _column(texts: pa.StringArray, kinds: np.ndarray, places: np.ndarray, count: int, book: Book) -> Column:
    """texts: what stands in the cells, which are not blank. places: their rows, from 0. count: rows in all."""
    present = np.unique(kinds)
    if len(present) == 1:
        return _spread(_values(texts, Kind(present[0]), book), places, count)
    mixed: list[Any] = [None] * count
    for kind in present.tolist():
        here = np.flatnonzero(kinds == kind)
        values = _values(texts.take(pa.array(here)), Kind(kind), book).to_pylist()
        for place, value in zip(places[here].tolist(), values, strict=True):
            mixed[place] = value
    return mixed


def _spread(values: pa.Array, places: np.ndarray, count: int) -> pa.Array:
    """values at their places among `count`, null between them."""
    if len(values) == count:
        return values
    source = np.full(count, -1, np.int64)
    source[places] = np.arange(len(places))
    return values.take(pa.array(source, mask=source < 0))


def _values(texts: pa.StringArray, kind: Kind, book: Book) -> pa.Array:
    """Raises NotPlain."""
    if kind is Kind.TEXT:
        return unescaped(texts)
    if kind is Kind.SHARED:
        numbers = _cast(texts, pa.int32())
        if pc.min(numbers).as_py() < 0 or pc.max(numbers).as_py() >= len(book.shared):
            raise NotPlain
        return book.shared.take(numbers)
    if kind is Kind.BOOLEAN:
        if not pc.all(pc.is_in(texts, pa.array(["0", "1"]))).as_py():
            raise NotPlain
        return pc.equal(texts, "1")
    numbers = _cast(texts, FLOAT)
    if not np.isfinite(numbers.to_numpy()).all():
        raise NotPlain
    return numbers if kind is Kind.NUMBER else _moments(numbers.to_numpy())


def _cast(texts: pa.StringArray, type: pa.DataType) -> pa.Array:
    if not NUMBER_SIGNS[np.frombuffer(texts.buffers()[2], np.uint8)].all():
        raise NotPlain
    try:
        return pc.cast(texts, type)
    except pa.ArrowInvalid as error:
        raise NotPlain from error


def _moments(days: np.ndarray) -> pa.Array:
    """Days since 1899-12-30, to the millisecond. Raises NotPlain for those before the calendar's own 1900-03-01."""
    if (days < FIRST_DAY).any() or (days > LAST_DAY).any():
        raise NotPlain
    milliseconds = np.floor(days * MILLISECONDS + 0.5).astype(np.int64)
    return pa.array(DAY_ZERO + milliseconds.astype("timedelta64[ms]").astype("timedelta64[us]"), MOMENT)
