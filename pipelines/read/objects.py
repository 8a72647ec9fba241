"""JSON arrays and newline-delimited JSON as records, streamed."""

import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ijson

from pipelines.read.containers import empty_file
from pipelines.read.json_text import ObjectText, utf8_chunks
from schemas.errors import Refused
from schemas.text import Text


def json_records(path: Path, encoding: str | None = None) -> Iterator[list[Any]]:
    """Records of a JSON array of objects or of arrays; keys are those of the first object. Numbers are exact.

    The text must have passed `check_json_shape`. Raises Refused `damaged-json`, `empty-file` for a list of nothing.
    """
    try:
        items = ijson.items(ijson.from_iter(utf8_chunks(path, encoding)), "item")
        first = list(itertools.islice(items, 1))
        if not first and next(utf8_chunks(path, encoding), b"").lstrip().startswith(b"["):
            raise empty_file()
        yield from _as_lists(itertools.chain(first, items))
    except (ijson.JSONError, UnicodeDecodeError):
        raise damaged() from None


def ndjson_records(path: Path, encoding: str) -> Iterator[list[Any]]:
    """Records of a file with one JSON object or array per line. Raises Refused `damaged-json`."""
    with path.open(encoding=encoding) as reader:
        try:
            yield from _as_lists(_line(line) for line in reader if line.strip())
        except (ValueError, RecursionError):
            raise damaged() from None


def array_items(text: ObjectText) -> list[Any]:
    """Objects of a part of a JSON array, as `json_records` reads them. Raises ijson.JSONError."""
    return list(ijson.items(io.BytesIO(b"[" + b",".join(text.texts()) + b"]"), "item"))


def line_items(text: ObjectText) -> list[Any]:
    """Items of some lines, as `ndjson_records` reads them. Raises ValueError, RecursionError."""
    if text.plain:
        return [_line(line.decode("utf-8")) for line in text.texts()]
    return [_line(line) for line in io.StringIO(text.data.decode("utf-8"), newline=None) if line.strip()]


def _line(line: str) -> Any:
    item = json.loads(line)
    return _without_surrogates(item) if "\\ud" in line or "\\uD" in line else item


def _without_surrogates(item: Any) -> Any:
    """Halves of surrogate pairs are no characters; like the parser of JSON arrays, put ? in their place."""
    if isinstance(item, str):
        return item.encode("utf-8", "replace").decode("utf-8")
    if isinstance(item, dict):
        return {_without_surrogates(key): _without_surrogates(value) for key, value in item.items()}
    return [_without_surrogates(value) for value in item] if isinstance(item, list) else item


def _as_lists(items: Iterator[Any]) -> Iterator[list[Any]]:
    first = next(items, None)
    if isinstance(first, dict):
        keys = list(first)
        yield list(keys)
        yield [first[key] for key in keys]
        for item in items:
            if not isinstance(item, dict):
                raise damaged()
            yield [item.get(key) for key in keys]
    elif isinstance(first, list):
        yield first
        for item in items:
            if not isinstance(item, list):
                raise damaged()
            yield item
    else:
        raise damaged()


def damaged() -> Refused:
    return Refused(
        "damaged-json",
        Text(
            zh="JSON 文件有语法错误，或不是由对象（或数组）组成的列表",
            en="the JSON file has a syntax error, or is not a list of objects (or of arrays)",
        ),
        Text(
            zh="请提供对象数组，或每行一个对象的 NDJSON",
            en="give an array of objects, or NDJSON with one object per line",
        ),
        field="file",
    )
