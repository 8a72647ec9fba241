"""Bounds on JSON that the streaming parser does not set: it keeps a path per level and fails on endless numbers."""

import re
from pathlib import Path

import numpy as np

from schemas.errors import TooLarge
from schemas.text import Text

DEEPEST = 100  # levels; a table has two, a geometry in a cell five more
LONGEST_NUMBER = 1000  # digits
CHUNK = 4 << 20
STRING_REST = re.compile(rb'(?s)(?:[^"\\]++|\\.)*+')
STRING = re.compile(rb'(?s)"(?:[^"\\]++|\\.)*+("?)')  # group 1 is empty where the chunk ends within the string
NUMBER = re.compile(rb"[0-9]{%d}" % (LONGEST_NUMBER + 1))


def check_json_shape(path: Path) -> None:
    """Look through a JSON file once, a chunk at a time. Raises TooLarge `json-too-deep`, `number-too-long`."""
    within, rest, depth, digits = False, b"", 0, b""
    with path.open("rb") as reader:
        while chunk := reader.read(CHUNK):
            outside, within, rest = _outside_strings(rest + chunk, within)
            if NUMBER.search(digits + outside):
                raise _number_too_long()
            digits = outside[-LONGEST_NUMBER:]
            depth, deepest = _depth(outside, depth)
            if deepest > DEEPEST:
                raise _too_deep()


def _outside_strings(text: bytes, within: bool) -> tuple[bytes, bool, bytes]:
    """What of `text` stands outside of strings, whether it ends within one, and an escape that its end cuts in two."""
    if within:
        end = STRING_REST.match(text).end()  # type: ignore[union-attr] # matches everything, nothing included
        if end == len(text) or text[end : end + 1] == b"\\":
            return b"", True, text[end:]
        text = text[end + 1 :]
    outside, found = STRING.subn(rb"\1", text)
    within = found > outside.count(b'"')
    return outside, within, b"\\" if within and outside.endswith(b"\\") else b""


def _depth(outside: bytes, depth: int) -> tuple[int, int]:
    """(depth at the end, greatest depth) of text that begins at `depth`."""
    folded = np.frombuffer(outside, np.uint8) | 0x20  # [ and { become {, ] and } become }
    steps = 0x7C - folded[(folded == 0x7B) | (folded == 0x7D)].astype(np.int64)
    if not steps.size:
        return depth, depth
    depths = depth + np.cumsum(steps)
    return int(depths[-1]), int(depths.max())


def _too_deep() -> TooLarge:
    return TooLarge(
        "json-too-deep",
        Text(zh=f"JSON 嵌套超过 {DEEPEST} 层", en=f"the JSON is nested more than {DEEPEST} levels deep"),
        Text(zh="请提供由对象组成的数组，每行数据一个对象", en="give an array of objects, one object per row"),
        field="file",
    )


def _number_too_long() -> TooLarge:
    return TooLarge(
        "number-too-long",
        Text(
            zh=f"JSON 中有超过 {LONGEST_NUMBER} 位的数字", en=f"the JSON holds a number of over {LONGEST_NUMBER} digits"
        ),
        Text(zh="请检查导出步骤；编号请写成文本", en="check the export; write codes as texts"),
        field="file",
    )
