"""What a sheet's XML says before it is loaded: how far it reaches, as its reader holds every cell between the first and
the last, be they written or not; and whether formulas have results and cells errors."""

import re
import string
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipelines.read.cell_names import column_number
from schemas.errors import TooLarge
from schemas.text import Text

LAST_ROW, LAST_COLUMN = 1_048_576, 16_384  # of the file format
CELLS_FREE = 4_000_000  # the share of written cells is not judged below this many
EMPTY_FOR_ONE = 20  # empty cells around a written one; sparse tables have a few
SMALL_PART = 64 << 20  # bytes of a sheet that are always looked through
CHUNK, OVERLAP, LONGEST_REFERENCE = 4 << 20, 64, 16
EQUALS = ord("=")
BLANK, LETTER, DIGIT = (
    np.isin(np.arange(256), [*signs]) for signs in (b" \t\r\n\f\v", string.ascii_letters.encode(), b"0123456789")
)
EMPTY_FORMULA = re.compile(
    rb"<c [^>]*?\br=\"([A-Z]+[0-9]+)\"[^>]*><f(?:/>|[^>]*/>|[^>]*>[^<]*</f>)(?:<v ?/>|<v></v>)?</c>"
)
ERROR_CELL = re.compile(rb"<c (?=[^>]*\bt=\"e\")[^>]*?\br=\"([A-Z]+[0-9]+)\"")
REFERENCE = re.compile(rb"\sr\s*=\s*[\"']([A-Za-z]+)([0-9]+)[\"']")
# A column past Z or a row past 99,999. Without one the sheet spans at most 26 × 99,999 cells, fewer than CELLS_FREE.
FAR = re.compile(rb"\sr\s*=\s*[\"'](?:[A-Za-z]{2}|[A-Za-z]?[0-9]{6})")
MANY_COLUMNS = re.compile(rb"\sr\s*=\s*[\"'][A-Za-z]{2}")
ROW = re.compile(rb"<row\s[^>]*?\br\s*=\s*[\"']([0-9]{7,})[\"']")


@dataclass
class Defects:
    """The first cell of each kind that readers take for an empty one: a formula without a stored result, an error."""

    without_result: str | None = None
    error: str | None = None


def look_through(archive: zipfile.ZipFile, part: str) -> Defects:
    """Read a sheet's XML once before its reader loads it.

    Raises TooLarge `sparse-sheet`.
    """
    far, defects = False, Defects()
    for text in _texts(archive, part):
        far = far or reaches_far(text)
        if defects.without_result is None and b"<f" in text and (found := EMPTY_FORMULA.search(text)):
            defects.without_result = found[1].decode()
        if defects.error is None and b't="e"' in text and (found := ERROR_CELL.search(text)):
            defects.error = found[1].decode()
    if far:
        _check_extent(archive, part)
    return defects


def reaches_far(text: bytes) -> bool:
    """Whether a reference in this XML lies past column Z or row 99,999: what FAR finds, looking at `=` signs alone."""
    data = np.frombuffer(text, np.uint8)
    signs = np.flatnonzero(data == EQUALS)
    signs = signs[(signs > 0) & (signs + LONGEST_REFERENCE < len(data))]  # of those at the end, see the next text
    before, after = data[signs - 1], data[signs + 1]
    if (BLANK.take(before) | BLANK.take(after)).any():  # blanks around the sign are allowed, and never seen
        return FAR.search(text) is not None
    starts = signs[(before == ord("r")) & BLANK.take(data[signs - 2])] + 2
    first, second = LETTER.take(data[starts]), LETTER.take(data[starts + 1])
    if (first & second).any():
        return True
    starts = starts + first
    starts = starts[DIGIT.take(data[starts + 5])]
    return bool(np.logical_and.reduce([DIGIT.take(data[starts + place]) for place in range(6)]).any())


def _check_extent(archive: zipfile.ZipFile, part: str) -> None:
    """Raises TooLarge `sparse-sheet` where a few cells span more than a table of their number would.

    A large sheet of up to 26 columns spans 27 million cells at most, and is believed.
    """
    size = archive.getinfo(part).file_size
    if size > SMALL_PART and not any(MANY_COLUMNS.search(text) for text in _texts(archive, part)):
        return
    last_row, last_column, cells = 0, 0, 0
    for text in _texts(archive, part):
        references = REFERENCE.findall(text)
        cells += len(references)
        if references:
            last_row = max(last_row, max(int(row) for row in {row[:12] for _, row in references}))
            last_column = max(last_column, max(column_number(name[:5]) for name in {name for name, _ in references}))
        last_row = max([last_row, *(int(row[:12]) for row in ROW.findall(text))])
    if last_row > LAST_ROW or last_column > LAST_COLUMN or is_sparse(last_row, last_column, cells):
        raise sparse_sheet()


def is_sparse(last_row: int, last_column: int, cells: int) -> bool:
    """Whether so few cells are written, up to this row and column, that it is no table."""
    return last_row * last_column > max(CELLS_FREE, EMPTY_FOR_ONE * cells)


def sparse_sheet() -> TooLarge:
    return TooLarge(
        "sparse-sheet",
        Text(
            zh="工作表里有远离表格的单元格，整个范围大得异常",
            en="a cell of the sheet stands far away from the table, so that it spans an implausible range",
        ),
        Text(
            zh="请删除表格右侧和下方多余的行列后另存，再上传",
            en="delete the columns to the right of the table and the rows below it, save the file, upload it again",
        ),
        field="file",
    )


def _texts(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """The part in pieces that begin with the last cell of the piece before, so that no cell is cut in two."""
    rest = b""
    with archive.open(part) as reader:
        while chunk := reader.read(CHUNK):
            text = rest + chunk
            yield text
            begun = text.rfind(b"<c ")
            rest = text[begun:] if 0 <= len(text) - begun < CHUNK and begun >= 0 else text[-OVERLAP:]
