"""A page of rows as text: JSON objects, JSON lists, CSV, TSV. Digits stay as they are stored."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson

from pipelines.rows.query import ROW_NUMBER
from pipelines.rows.store import Page, RowStore
from pipelines.rows.values import Kind

LONGEST_INTEGER = 18  # digits that surely fit 64 bits


def shown_fields(store: RowStore, fields: tuple[str, ...] | None, *, with_number: bool) -> tuple[str, ...]:
    """The fields of an answer in order: those asked for, or all, with the row's number first where wanted."""
    if fields is not None:
        return fields
    numbered = with_number and ROW_NUMBER not in store.columns
    return (ROW_NUMBER, *store.columns) if numbered else tuple(store.columns)


def render_objects(store: RowStore, page: Page, fields: tuple[str, ...]) -> bytes:
    """A JSON array of objects. Whole rows are stitched together without looking at them."""
    names = tuple(store.columns)
    if fields == names:
        return b"[" + b",".join(page.rows) + b"]"
    if fields == (ROW_NUMBER, *names):
        rows = (b'{"_id":%d,%b' % (n + 1, row[1:]) for n, row in zip(page.numbers, page.rows, strict=True))
        return b"[" + b",".join(rows) + b"]"
    chosen = ({name: row[name] for name in fields} for row in _parsed(store, page))
    return orjson.dumps(list(chosen))


def render_lists(store: RowStore, page: Page, fields: tuple[str, ...]) -> bytes:
    """A JSON array of arrays, values in the order of `fields`."""
    return orjson.dumps([[row[name] for name in fields] for row in _parsed(store, page)])


def render_separated(store: RowStore, page: Page, fields: tuple[str, ...], separator: str) -> str:
    """CSV or TSV lines without a header (RFC 4180 quoting, `\\n` line ends). Missing values are empty."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    writer.writerows(
        _cells(row, fields) for row in _rows(page, lambda row: json.loads(row, parse_float=str, parse_int=str))
    )
    return out.getvalue()


def _cells(row: dict[str, Any], fields: Iterable[str]) -> list[str]:
    return [_cell(row[name]) for name in fields]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else orjson.dumps(value).decode()


def _parsed(store: RowStore, page: Page) -> Iterator[dict[str, Any]]:
    exact = any(c.kind is Kind.DECIMAL for c in store.columns.values())
    return _rows(page, _load_exactly if exact else orjson.loads)


def _rows(page: Page, load: Callable[[bytes], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, row in zip(page.numbers, page.rows, strict=True):
        yield {ROW_NUMBER: number + 1, **load(row)}


def _load_exactly(row: bytes) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(row, parse_float=lambda s: orjson.Fragment(s), parse_int=_integer)
    return loaded


def _integer(digits: str) -> Any:
    return int(digits) if len(digits) <= LONGEST_INTEGER else orjson.Fragment(digits)
