"""Sheets of XLSX workbooks in the plain form that spreadsheet programs write tables in: read faster than by the general
reader, with the same cells. Formulas without results, rich texts, errors, odd formats, old calendars are not plain."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa

from pipelines.read.cell_names import column_number
from pipelines.read.number_formats import moment_styles
from pipelines.read.plain_cells import Book, CellBlock, Column, cell_block
from pipelines.read.plain_xml import (
    ATTRIBUTES,
    NotPlain,
    Tag,
    Tags,
    distinct_texts,
    may_follow,
    pieces,
    prove,
    tags_of,
    texts_behind,
    unescaped,
)
from pipelines.read.sheet_extent import is_sparse
from pipelines.read.workbook_parts import has_usual_calendar, sheet_parts, workbook_of

MERGED = re.compile(rb'<mergeCell ref="([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})"\s?/>')
SHARED_SUCCESSORS = may_follow(
    {
        Tag.ITEM: (Tag.TEXT, Tag.SPACED),
        Tag.TEXT: (Tag.TEXT_END,),
        Tag.SPACED: (Tag.TEXT_END,),
        Tag.TEXT_END: (Tag.ITEM_END, Tag.PHONETIC),
        Tag.PHONETIC: (Tag.ITEM_END,),
        Tag.ITEM_END: (Tag.ITEM,),
    }
)
SHARED_TEXTS, STYLES = "xl/sharedStrings.xml", "xl/styles.xml"
PHONETIC = b"<phoneticPr"


@dataclass(frozen=True)
class PlainSheet:
    """One sheet. blocks: its rows from the top on, without a gap. width: columns from A to the last with a cell.
    total_height: rows. start: (row, column) of the first row and column with a cell, from 0, or None.
    merged_cell_ranges: ((first row, column), (last row, column)), from 0."""

    blocks: tuple[CellBlock, ...]
    width: int
    total_height: int
    start: tuple[int, int] | None
    merged_cell_ranges: list[tuple[tuple[int, int], tuple[int, int]]]

    def records(self) -> Iterator[list[Any]]:
        """Rows from the top one on: all numbers float, nothing an empty text."""
        for block in self.blocks:
            columns = [_raw(block.columns.get(place), block.count) for place in range(self.width)]
            yield from map(list, zip(*columns, strict=True))


def read_plain_sheet(path: Path, name: str | None) -> tuple[PlainSheet, str, int]:
    """(the sheet, its name, how many there are). name: None for the first. Raises NotPlain."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = sheet_parts(archive)
            names = [*parts]
            prove(names and has_usual_calendar(workbook_of(archive)))
            wanted = names[0] if name is None else name
            shared = _shared_texts(archive) if _has(archive, SHARED_TEXTS) else pa.array([], pa.string())
            moments = moment_styles(archive.read(STYLES)) if _has(archive, STYLES) else []
            return _sheet(archive, parts[wanted], Book(shared, moments)), wanted, len(names)
    except (zipfile.BadZipFile, zlib.error, ElementTree.ParseError, EOFError, OSError) as error:
        raise NotPlain from error
    except (KeyError, ValueError, RuntimeError) as error:  # a part that is absent, numbers that are none, encryption
        raise NotPlain from error


def _has(archive: zipfile.ZipFile, part: str) -> bool:
    """Whether the workbook has this part. Raises NotPlain where it is spelled otherwise: readers differ."""
    spellings = [name for name in archive.namelist() if name.lower() == part.lower()]
    prove(spellings in ([], [part]))
    return bool(spellings)


def _shared_texts(archive: zipfile.ZipFile) -> pa.StringArray:
    """Raises NotPlain."""
    parts = []
    with archive.open(SHARED_TEXTS) as reader:
        *found, rest = pieces(reader, b"<sst", b"</si>", b"</sst>")
    prove(not rest.strip())
    for text in found:
        tags = tags_of(text, SHARED_SUCCESSORS)
        prove(tags.kind[0] == Tag.ITEM and tags.kind[-1] == Tag.ITEM_END)
        _check_phonetic(tags)
        texts = texts_behind(tags, np.flatnonzero((tags.kind == Tag.TEXT) | (tags.kind == Tag.SPACED)))
        parts.append(unescaped(texts))
    return pa.concat_arrays(parts) if parts else pa.array([], pa.string())


def _check_phonetic(tags: Tags) -> None:
    """Raises NotPlain unless Excel's remarks on pronunciation are empty tags, as they are in Chinese."""
    places = np.flatnonzero(tags.kind == Tag.PHONETIC)
    prove(tags.closed(places).all())
    begin = tags.begin.take(places) + len(PHONETIC)
    for _, written in distinct_texts(tags, begin, tags.begin.take(places + 1) - 1 - begin):
        prove(ATTRIBUTES.fullmatch(written))


def _sheet(archive: zipfile.ZipFile, part: str, book: Book) -> PlainSheet:
    """Raises NotPlain."""
    blocks: list[CellBlock] = []
    cells, last, width = 0, 0, 0
    with archive.open(part) as reader:
        texts = pieces(reader, b"<sheetData>", b"</row>", b"</sheetData>")
        text = next(texts)
        for following in texts:
            blocks.append(block := cell_block(text, book, last))
            last, cells = block.first + block.count - 1, cells + block.cells
            width = max([width, *(column + 1 for column in block.columns)])
            prove(not is_sparse(last, width, cells))  # the general reader looks closer
            text = following
    filled = [block for block in blocks if block.cells]
    if not filled:
        return PlainSheet((), 0, 0, None, _merged(text))
    height = filled[-1].bottom
    start = (filled[0].top - 1, min(column for block in filled for column in block.columns))
    return PlainSheet(tuple(_down_to(height, blocks)), width, height, start, _merged(text))


def _down_to(height: int, blocks: list[CellBlock]) -> Iterator[CellBlock]:
    """Rows below the last cell are no rows of the table."""
    for block in blocks:
        if block.first <= height:
            count = min(block.count, height - block.first + 1)
            yield replace(block, count=count, columns={n: column[:count] for n, column in block.columns.items()})


def _merged(text: bytes) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """The merged ranges that the XML behind a sheet's rows tells of. Raises NotPlain."""
    found = MERGED.findall(text)
    prove(len(found) == text.count(b"<mergeCell ") and (b"mergeCells" not in text or b"<mergeCells" in text))
    return [
        ((int(top) - 1, column_number(left) - 1), (int(bottom) - 1, column_number(right) - 1))
        for left, top, right, bottom in found
    ]


def _raw(column: Column | None, count: int) -> list[Any]:
    if column is None:
        return [""] * count
    return ["" if cell is None else cell for cell in (column if isinstance(column, list) else column.to_pylist())]
