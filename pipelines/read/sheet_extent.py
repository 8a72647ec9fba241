"""How far a sheet reaches: its reader holds every cell between the first and the last, be they written or not."""

import re
import zipfile
from collections.abc import Iterator

from schemas.errors import TooLarge
from schemas.text import Text

LAST_ROW, LAST_COLUMN = 1_048_576, 16_384  # of the file format
CELLS_FREE = 4_000_000  # the share of written cells is not judged below this many
EMPTY_FOR_ONE = 20  # empty cells around a written one; sparse tables have a few
SMALL_PART = 64 << 20  # bytes of a sheet that are always looked through
CHUNK, OVERLAP = 4 << 20, 64
REFERENCE = re.compile(rb"\sr\s*=\s*[\"']([A-Za-z]+)([0-9]+)[\"']")
# A column past Z or a row past 99,999. Without one the sheet spans at most 26 × 99,999 cells, fewer than CELLS_FREE.
FAR = re.compile(rb"\sr\s*=\s*[\"'](?:[A-Za-z]{2}|[A-Za-z]?[0-9]{6})")
MANY_COLUMNS = re.compile(rb"\sr\s*=\s*[\"'][A-Za-z]{2}")
ROW = re.compile(rb"<row\s[^>]*?\br\s*=\s*[\"']([0-9]{7,})[\"']")


def check_extent(archive: zipfile.ZipFile, part: str) -> None:
    """Raises TooLarge `sparse-sheet` where a few cells span more than a table of their number would.

    A large sheet of up to 26 columns spans 27 million cells at most, and is believed.
    """
    if not any(FAR.search(text) for text in _texts(archive, part)):
        return
    size = archive.getinfo(part).file_size
    if size > SMALL_PART and not any(MANY_COLUMNS.search(text) for text in _texts(archive, part)):
        return
    last_row, last_column, cells = 0, 0, 0
    for text in _texts(archive, part):
        references = REFERENCE.findall(text)
        cells += len(references)
        if references:
            last_row = max(last_row, max(int(row) for row in {row[:12] for _, row in references}))
            last_column = max(last_column, max(_column(name) for name in {name for name, _ in references}))
        last_row = max([last_row, *(int(row[:12]) for row in ROW.findall(text))])
    extent = last_row * last_column
    if last_row > LAST_ROW or last_column > LAST_COLUMN or extent > max(CELLS_FREE, EMPTY_FOR_ONE * cells):
        raise TooLarge(
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
    """The part in chunks that overlap a little, so that no reference is cut in two."""
    rest = b""
    with archive.open(part) as reader:
        while chunk := reader.read(CHUNK):
            yield rest + chunk
            rest = chunk[-OVERLAP:]


def _column(name: bytes) -> int:
    """1 for A. Names that are longer than the format's lie beyond its last column."""
    number = 0
    for letter in name.upper()[:5]:
        number = number * 26 + letter - 64
    return number
