"""What an OpenDocument sheet's XML says before it is loaded: how far it reaches, as its reader holds every repeated
cell; and which cells readers take for empty ones: errors, and formulas without a stored result."""

import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

from pipelines.read.cell_names import cell_name
from pipelines.read.sheet_extent import LAST_ROW, Defects, is_sparse, sparse_sheet

CONTENT = "content.xml"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
CELLS = (f"{TABLE}table-cell", f"{TABLE}covered-table-cell")


def look_through_ods(archive: zipfile.ZipFile, name: str) -> Defects:
    """Look at the sheet `name` before its reader loads it.

    Raises KeyError, ParseError, TooLarge `sparse-sheet`.
    """
    found, written, last_row, last_column = Defects(), 0, 0, 0
    for row, column, rows, cell in _cells(archive, name):
        kind, formula = cell.get(f"{OFFICE}value-type"), cell.get(f"{TABLE}formula")
        if kind is None and formula is None and not len(cell):
            continue
        written += 1
        last_row = max(last_row, row + rows - 1)
        last_column = max(last_column, column + _repeated(cell, "columns") - 1)
        if cell.get(f"{CALC}value-type") == "error":
            found.error = found.error or cell_name(row, column)
        elif kind is None and formula is not None:
            found.without_result = found.without_result or cell_name(row, column)
    if last_row > LAST_ROW or is_sparse(last_row, last_column, written):
        raise sparse_sheet()
    return found


def _cells(archive: zipfile.ZipFile, name: str) -> Iterator[tuple[int, int, int, ElementTree.Element]]:
    """(row, column, number of equal rows, cell) of the sheet, from 1; of repeated ones the first."""
    row, inside = 1, False
    with archive.open(CONTENT) as reader:
        for event, node in ElementTree.iterparse(reader, ("start", "end")):  # noqa: S314 (expat refuses entity bombs)
            if event == "start":
                if node.tag == f"{TABLE}table":
                    row, inside = 1, node.get(f"{TABLE}name") == name
            elif node.tag == f"{TABLE}table-row":
                rows, column = _repeated(node, "rows"), 1
                for cell in node if inside else ():
                    if cell.tag in CELLS:
                        yield row, column, rows, cell
                        column += _repeated(cell, "columns")
                row += rows
                node.clear()


def _repeated(node: ElementTree.Element, of: str) -> int:
    """How many equal rows or cells the node stands for."""
    return int(node.get(f"{TABLE}number-{of}-repeated", "1")[:12])
