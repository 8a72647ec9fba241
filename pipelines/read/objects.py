"""JSON arrays and newline-delimited JSON as records, streamed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ijson

from pipelines.read.json_shape import check_json_shape
from schemas.errors import Refused
from schemas.text import Text


def json_records(path: Path) -> Iterator[list[Any]]:
    """Records of a JSON array of objects or of arrays; keys are those of the first object. Numbers are exact.

    Raises Refused `damaged-json`, TooLarge `json-too-deep`, `number-too-long`.
    """
    check_json_shape(path)
    with path.open("rb") as reader:
        try:
            yield from _as_lists(ijson.items(reader, "item"))
        except ijson.JSONError:
            raise _damaged() from None


def ndjson_records(path: Path, encoding: str) -> Iterator[list[Any]]:
    """Records of a file with one JSON object or array per line."""
    with path.open(encoding=encoding) as reader:
        try:
            yield from _as_lists(json.loads(line) for line in reader if line.strip())
        except (ValueError, RecursionError):
            raise _damaged() from None


def _as_lists(items: Iterator[Any]) -> Iterator[list[Any]]:
    first = next(items, None)
    if isinstance(first, dict):
        keys = list(first)
        yield list(keys)
        yield [first[key] for key in keys]
        for item in items:
            if not isinstance(item, dict):
                raise _damaged()
            yield [item.get(key) for key in keys]
    elif isinstance(first, list):
        yield first
        for item in items:
            if not isinstance(item, list):
                raise _damaged()
            yield item
    else:
        raise _damaged()


def _damaged() -> Refused:
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
