"""Strings, brackets and objects of JSON text are found as a parser finds them, wherever the text is cut."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.read.json_shape import DEEPEST, LONGEST_NUMBER, brackets_outside, check_json_shape, quotes_of
from pipelines.read.json_text import (
    ObjectText,
    OddText,
    array_objects,
    feature_objects,
    line_objects,
    utf8_chunks,
)
from schemas.errors import TooLarge

TEXTS = st.text(st.sampled_from('ab"\\[]{},:\n 中NaIf1'), max_size=12)
VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(), st.none(), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)
OBJECTS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=3), min_size=1, max_size=6)


def cut(text: bytes, size: int) -> Iterator[bytes]:
    return (text[i : i + size] for i in range(0, len(text), size))


def parsed(blocks: Iterator[ObjectText]) -> list[Any]:
    return [json.loads(text) for block in blocks for text in block.texts()]


@settings(max_examples=150, deadline=None)
@given(OBJECTS, st.integers(1, 60), st.sampled_from([None, 1]), st.booleans())
def test_objects_of_an_array(objects: list[Any], size: int, indent: int | None, ascii: bool) -> None:
    text = json.dumps(objects, indent=indent, ensure_ascii=ascii).encode()
    assert parsed(array_objects(cut(text, size))) == objects


@settings(max_examples=80, deadline=None)
@given(OBJECTS, st.integers(1, 60), st.booleans())
def test_objects_of_lines(objects: list[Any], size: int, returns: bool) -> None:
    end = b"\r\n" if returns else b"\n"
    text = end.join(json.dumps(one, ensure_ascii=False).encode() for one in objects)
    assert parsed(line_objects(cut(text, size))) == objects


@settings(max_examples=80, deadline=None)
@given(OBJECTS, st.integers(1, 60), VALUES)
def test_features(features: list[Any], size: int, other: Any) -> None:
    text = json.dumps({"other": other, "features": features, "more": other}, ensure_ascii=False).encode()
    assert parsed(feature_objects(cut(text, size))) == features


ODD = {
    array_objects: [
        "{}",
        "[1]",
        "[{}",
        "[{},]",
        "[,{}]",
        "[{}] x",
        "[{} {}]",
        "[{},,{}]",
        "[{},1]",
        "[[{}]]",
        "[{}}",
        "[1",
    ],
    feature_objects: ['{"features":[{}]', '{"features":[{}],"features":[]}', '{"x":1}', '[{"features":[{}]}]', "{}"],
}


@pytest.mark.parametrize(("read", "text"), [(read, text) for read, texts in ODD.items() for text in texts])
@pytest.mark.parametrize("size", [1, 1000])
def test_odd_texts(read: Callable[[Iterator[bytes]], Iterator[ObjectText]], text: str, size: int) -> None:
    with pytest.raises(OddText):
        list(read(cut(text.encode(), size)))


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ('{"a": 1}', True),
        ('{"a": "NaN"}', True),
        ('{"a": NaN}', False),
        ('{"a": [Infinity]}', False),
        ('{"a": 1}\r{"a": 2}', False),
        (" {}", False),
        ('{"a": ' + "[" * DEEPEST + "]" * DEEPEST + "}", False),
        ('{"a": "' + "[" * 1000 + '"}', True),
    ],
)
def test_lines_on_which_parsers_agree(line: str, plain: bool) -> None:
    (block,) = line_objects(iter([line.encode()]))
    assert block.plain == plain


@settings(max_examples=100, deadline=None)
@given(VALUES, st.integers(1, 40))
def test_brackets_outside_of_strings(value: Any, size: int) -> None:
    """The same brackets as those that are left when strings are taken out by a parser of one character at a time."""
    text = json.dumps(value, ensure_ascii=False)
    outside, within, escaped = [], False, False
    for place, character in enumerate(text.encode()):
        if within:
            within = escaped or character != ord('"')
            escaped = not escaped and character == ord("\\")
        elif character == ord('"'):
            within = True
        elif character in b"[]{}":
            outside.append(place)
    found, _ = brackets_outside(text.encode(), quotes_of(text.encode()))
    assert found.tolist() == outside
    check_json_shape(cut(text.encode(), size))


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_bounds(size: int) -> None:
    deep, digits = "[" * DEEPEST, "1" * LONGEST_NUMBER
    good = f'[{deep[1:]}"{deep}{digits}{digits}\\"["{"]" * DEEPEST},{digits}'
    check_json_shape(cut(good.encode(), size))
    with pytest.raises(TooLarge) as caught:
        check_json_shape(cut(f'["\\"",{deep}'.encode(), size))
    assert caught.value.code == "json-too-deep"
    with pytest.raises(TooLarge) as caught:
        check_json_shape(cut(f'["\\\\",-{digits}1'.encode(), size))
    assert caught.value.code == "number-too-long"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_any_encoding_becomes_utf8(tmp_path: Path, encoding: str) -> None:
    text = '[{"a": "中文"}]' * 20_000
    (tmp_path / "a.json").write_bytes(text.encode(encoding))
    assert b"".join(utf8_chunks(tmp_path / "a.json", encoding)).decode() == text
