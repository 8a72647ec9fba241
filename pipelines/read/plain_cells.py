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
    prove,
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
ROW_BEGINS, CELL_BEGINS, FORMULA_BEGINS = b'<row r="', b'<c r="', b"<f"
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
    row_tags, cell_tags = np.flatnonzero(tags.kind == Tag.ROW), np.flatnonzero(tags.kind == Tag.CELL)
    inside, closed = _nesting(tags, row_tags, cell_tags)
    numbers, digits = _row_numbers(tags, row_tags)
    prove(numbers[0] > last_row and (np.diff(numbers) > 0).all() and numbers[-1] <= LAST_ROW)
    row = np.repeat(np.arange(len(row_tags)), np.diff(np.searchsorted(cell_tags, [*row_tags, len(tags.kind)])))
    columns, after = _columns(tags, cell_tags, row_tags.take(row), digits.take(row))
    prove(((np.diff(columns) > 0) | (np.diff(row) > 0)).all())
    kinds = _kinds(tags, cell_tags, after, inside == Tag.INLINE, book)
    rows = numbers.take(row) - last_row - 1
    if closed.any():
        filled = np.flatnonzero(~closed)
        cell_tags, inside = cell_tags.take(filled), inside.take(filled)
        kinds, columns, rows = kinds.take(filled), columns.take(filled), rows.take(filled)
    texts = texts_behind(tags, _value_tags(tags, cell_tags, inside))
    formulas = (inside == Tag.FORMULA) | (inside == Tag.FORMULA_WITH)
    prove(_lengths(texts)[formulas].all())
    return _block(texts, kinds, columns, rows, last_row + 1, int(numbers[-1]) - last_row, book)


def _nesting(tags: Tags, row_tags: np.ndarray, cell_tags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(the kind of the tag behind each cell's, whether the cell is `<c/>`). Raises NotPlain where rows or cells that
    are closed at once have content, or others have none."""
    prove(tags.kind[0] == Tag.ROW and tags.kind[-1] in (Tag.ROW, Tag.ROW_END))
    following = np.append(tags.kind[1:], np.uint8(Tag.ROW))
    prove((tags.closed(row_tags) == (following.take(row_tags) == Tag.ROW)).all())
    inside, closed = following.take(cell_tags), tags.closed(cell_tags)
    prove((closed == ((inside == Tag.CELL) | (inside == Tag.ROW_END))).all())
    return inside, closed


def _value_tags(tags: Tags, cell_tags: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The tags that the values of cells stand behind. inside: the kind of the first tag in each. Raises NotPlain."""
    formulas = cell_tags[inside == Tag.FORMULA_WITH] + 1
    if len(formulas):
        begin = tags.begin.take(formulas)
        ends = np.flatnonzero(tags.data == GREATER)
        stop = ends.take(np.searchsorted(ends, begin), mode="clip")
        for same, written in distinct_texts(tags, begin + len(FORMULA_BEGINS), stop - begin - len(FORMULA_BEGINS)):
            alone = tags.kind.take(formulas[same] + 1) == Tag.VALUE
            prove(ATTRIBUTES.fullmatch(written) and (alone == written.endswith("/")).all())
    at = cell_tags + STEPS.take(inside)
    return at - (tags.kind.take(at) == Tag.VALUE_END)  # no tag ends a formula that is written `<f/>`


def _block(
    texts: pa.StringArray,
    kinds: np.ndarray,
    columns: np.ndarray,
    rows: np.ndarray,
    first: int,
    count: int,
    book: Book,
) -> CellBlock:
    """Cells in the order of the sheet, with what stands in them. rows: of the cells, from 0. first: the number of the
    first row. count: of rows. Raises NotPlain."""
    blank = (kinds != Kind.TEXT) & (_lengths(texts) == 0)
    if blank.any():
        left = np.flatnonzero(~blank)
        texts = texts.take(pa.array(left))
        kinds, columns, rows = kinds.take(left), columns.take(left), rows.take(left)
    used = np.flatnonzero(np.bincount(columns))
    prove(not is_sparse(count, len(used), len(columns)) and used.max(initial=0) < LAST_COLUMN)
    found = {}
    for column, here in _cells_of(columns, used):
        found[column] = _column(texts.take(pa.array(here)), kinds.take(here), rows.take(here), count, book)
    top, bottom = (first + int(rows[0]), first + int(rows[-1])) if len(rows) else (0, 0)
    return CellBlock(first, count, found, len(rows), top, bottom)


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


def _row_numbers(tags: Tags, row_tags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(number of each row, its digits). Raises NotPlain."""
    begin = tags.begin.take(row_tags)
    prove((tags.words[begin] == int.from_bytes(ROW_BEGINS, "little")).all())
    begin += len(ROW_BEGINS)
    numbers, digits = np.zeros(len(row_tags), np.int64), np.zeros(len(row_tags), np.int64)
    going = np.ones(len(row_tags), bool)
    for place in range(MOST_DIGITS):
        signs = tags.data.take(begin + place)
        going &= (signs >= ord("0")) & (signs <= ord("9"))
        numbers = np.where(going, numbers * 10 + signs - ord("0"), numbers)
        digits += going
    behind = begin + digits
    prove(digits.all() and (tags.data.take(behind) == ord('"')).all())
    for _, written in distinct_texts(tags, behind + 1, tags.begin.take(row_tags + 1) - behind - 2):
        prove(ATTRIBUTES.fullmatch(written))
    return numbers, digits


def _columns(
    tags: Tags, cell_tags: np.ndarray, row_tags: np.ndarray, digits: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(column of each cell, 0 = A; the place behind its reference). row_tags, digits: of the row that each cell stands
    in, which its reference must name. Raises NotPlain."""
    begin = tags.begin.take(cell_tags)
    prove(((tags.words[begin] & MASKS[len(CELL_BEGINS)]) == int.from_bytes(CELL_BEGINS, "little")).all())
    place = begin + len(CELL_BEGINS)
    columns = LETTER.take(tags.data.take(place))
    prove(columns.all())
    place += 1
    for _ in range(MOST_LETTERS - 1):
        letters = LETTER.take(tags.data.take(place))
        if not letters.any():
            break
        columns = np.where(letters > 0, columns * 26 + letters, columns)
        place += letters > 0
    row = tags.words[tags.begin.take(row_tags) + len(ROW_BEGINS)]
    prove(not ((tags.words[place] ^ row) & MASKS.take(digits)).any())
    place += digits
    prove((tags.data.take(place) == ord('"')).all())
    return columns - 1, place + 1


def _kinds(tags: Tags, cell_tags: np.ndarray, after: np.ndarray, inline: np.ndarray, book: Book) -> np.ndarray:
    """What each cell holds by its attributes behind the reference; there are few different ones. Raises NotPlain."""
    kinds = np.zeros(len(cell_tags), np.uint8)
    for same, written in distinct_texts(tags, after, tags.begin.take(cell_tags + 1) - 1 - after):
        if written not in book.seen:
            book.seen[written] = _meaning(written, book.moments)
        prove((inline[same] == ('"inlineStr"' in written and not written.endswith("/"))).all())
        kinds[same] = book.seen[written]
    return kinds


def _meaning(written: str, moments: Sequence[bool | None]) -> Kind:
    """What attributes such as ` s="1" t="s"` say of a cell. Raises NotPlain."""
    found = CELL_ATTRIBUTES.fullmatch(written)
    if found is None:
        raise NotPlain
    if found["closed"]:
        return Kind.BLANK
    kind = BY_TYPE.get(found["type"] or "n")
    style = int(found["style"] or 0)
    is_moment = moments[style] if style < len(moments) else None if moments else False
    if kind is None or (kind is Kind.NUMBER and is_moment is None):
        raise NotPlain
    return Kind.MOMENT if kind is Kind.NUMBER and is_moment else kind


def _column(texts: pa.StringArray, kinds: np.ndarray, rows: np.ndarray, count: int, book: Book) -> Column:
    """texts: what stands in the cells, which are not blank. rows: theirs, from 0. count: rows in all."""
    present = np.unique(kinds)
    if len(present) == 1:
        return _spread(_values(texts, Kind(present[0]), book), rows, count)
    mixed: list[Any] = [None] * count
    for kind in present.tolist():
        here = np.flatnonzero(kinds == kind)
        values = _values(texts.take(pa.array(here)), Kind(kind), book).to_pylist()
        for row, value in zip(rows[here].tolist(), values, strict=True):
            mixed[row] = value
    return mixed


def _spread(values: pa.Array, rows: np.ndarray, count: int) -> pa.Array:
    """values in their rows among `count`, null between them."""
    if len(values) == count:
        return values
    source = np.full(count, -1, np.int64)
    source[rows] = np.arange(len(rows))
    return values.take(pa.array(source, mask=source < 0))


def _values(texts: pa.StringArray, kind: Kind, book: Book) -> pa.Array:
    """Raises NotPlain."""
    if kind is Kind.TEXT:
        return unescaped(texts)
    if kind is Kind.SHARED:
        numbers = _cast(texts, pa.int32())
        prove(pc.min(numbers).as_py() >= 0 and pc.max(numbers).as_py() < len(book.shared))
        return book.shared.take(numbers)
    if kind is Kind.BOOLEAN:
        prove(pc.all(pc.is_in(texts, pa.array(["0", "1"]))).as_py())
        return pc.equal(texts, "1")
    numbers = _cast(texts, FLOAT)
    prove(np.isfinite(numbers.to_numpy()).all())
    return numbers if kind is Kind.NUMBER else _moments(numbers.to_numpy())


def _cast(texts: pa.StringArray, type: pa.DataType) -> pa.Array:
    prove(NUMBER_SIGNS[np.frombuffer(texts.buffers()[2], np.uint8)].all())
    try:
        return pc.cast(texts, type)
    except pa.ArrowInvalid as error:
        raise NotPlain from error


def _moments(days: np.ndarray) -> pa.Array:
    """Days since 1899-12-30, to the millisecond. Raises NotPlain for those before the calendar's own 1900-03-01."""
    prove(((days >= FIRST_DAY) & (days <= LAST_DAY)).all())
    milliseconds = np.floor(days * MILLISECONDS + 0.5).astype(np.int64)
    return pa.array(DAY_ZERO + milliseconds.astype("timedelta64[ms]").astype("timedelta64[us]"), MOMENT)
