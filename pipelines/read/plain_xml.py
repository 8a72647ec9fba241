"""XML of workbooks in the plain form that spreadsheet programs write, taken apart by numpy: a few kinds of tags, and no
space between them. Whatever is not of that form raises NotPlain, and is read by the general reader instead."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import IO, Any
from xml.parsers.expat import ExpatError, ParserCreate

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CHUNK = 1 << 20  # small enough for the processor's cache
LONGEST = 64 << 20  # of one row
LONGEST_ATTRIBUTES, MOST_DIFFERENT = 256, 500
PADDING = bytes(32)  # behind the text, so that words can be read at its very end
WORD = 8
MASKS = np.array([(1 << 8 * size) - 1 for size in range(WORD + 1)], np.uint64)
LESS, GREATER, SLASH = b"<>/"
ENCODING = re.compile(rb"<\?xml\s[^>]*?encoding=[\"']([^\"']+)[\"']")
ESCAPED = re.compile(rb"_x[0-9A-Fa-f]{4}_")
ENTITY = re.compile(r"&(#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6}|[a-z]{1,8});|&")
ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
ATTRIBUTES = re.compile(r'(?: [A-Za-z0-9:]+="[^"<&]*")*/?')
EDGES = " \t\n"
BLANK = np.isin(np.arange(256), [*EDGES.encode()])


class NotPlain(Exception):
    """The workbook is of a form that the general reader knows, and this one does not."""


def prove(condition: Any) -> None:
    """Raises NotPlain unless the condition holds."""
    if not condition:
        raise NotPlain


class Tag(IntEnum):
    """Kinds of tags. TEXT is `<t>`, SPACED `<t xml:space="preserve">`, FORMULA_WITH `<f>` with attributes."""

    ROW = 1
    ROW_END = 2
    CELL = 3
    CELL_END = 4
    VALUE = 5
    VALUE_END = 6
    INLINE = 7
    INLINE_END = 8
    TEXT = 9
    SPACED = 10
    TEXT_END = 11
    ITEM = 12
    ITEM_END = 13
    PHONETIC = 14
    FORMULA = 15
    FORMULA_WITH = 16
    FORMULA_END = 17


TAGS = {  # as they begin, and their lengths: exact, or the least where attributes or a text follow
    Tag.ROW: (b"<row ", 5),
    Tag.ROW_END: (b"</row>", 6),
    Tag.CELL: (b"<c ", 3),
    Tag.CELL_END: (b"</c>", 4),
    Tag.VALUE: (b"<v>", 3),
    Tag.VALUE_END: (b"</v>", 4),
    Tag.INLINE: (b"<is>", 4),
    Tag.INLINE_END: (b"</is>", 5),
    Tag.TEXT: (b"<t>", 3),
    Tag.SPACED: (b"<t xml:s", 24),
    Tag.TEXT_END: (b"</t>", 4),
    Tag.ITEM: (b"<si>", 4),
    Tag.ITEM_END: (b"</si>", 5),
    Tag.PHONETIC: (b"<phoneti", 8),
    Tag.FORMULA: (b"<f>", 3),
    Tag.FORMULA_WITH: (b"<f ", 3),
    Tag.FORMULA_END: (b"</f>", 4),
}
OPEN_ENDED = (
    *(Tag.ROW, Tag.CELL, Tag.VALUE, Tag.TEXT, Tag.SPACED, Tag.PHONETIC),
    *(Tag.FORMULA, Tag.FORMULA_WITH),
)
SPACED_REST = (b'pace="pr', b'eserve">')
KINDS = 32  # at most
KIND_OF = np.zeros(1 << 16, np.uint8)  # by the second and the third byte
BEGINNING, MASK = np.zeros(KINDS, np.uint64), np.zeros(KINDS, np.uint64)
LENGTH = np.zeros(KINDS, np.int64)
IS_OPEN_ENDED = np.zeros(KINDS, bool)
IS_OPEN_ENDED[[*OPEN_ENDED]] = True
for _kind, (_bytes, _length) in TAGS.items():
    KIND_OF[int.from_bytes(_bytes[1:3], "little")] = _kind
    BEGINNING[_kind], MASK[_kind] = int.from_bytes(_bytes, "little"), MASKS[len(_bytes)]
    LENGTH[_kind] = _length


@dataclass(frozen=True)
class Tags:
    """The tags of a text. begin: where the `<` of each stands, and where the text ends. kind: see Tag. words: the eight
    bytes from each place of the text on, as little-endian numbers."""

    text: bytes
    data: np.ndarray
    words: np.ndarray
    begin: np.ndarray
    kind: np.ndarray

    def closed(self, tags: np.ndarray) -> np.ndarray:
        """Which of the tags with these numbers end with `/>`. Raises NotPlain where a text follows one."""
        stop = self.begin.take(tags + 1)
        prove((self.data.take(stop - 1) == GREATER).all())
        closed: np.ndarray = self.data.take(stop - 2) == SLASH
        return closed


def tags_of(text: bytes, successors: np.ndarray) -> Tags:
    """All tags of `text`. successors: see `may_follow`. Raises NotPlain."""
    prove(b"\r" not in text and not (b"_x" in text and ESCAPED.search(text)))  # readers translate these
    padded = text + PADDING
    data = np.frombuffer(padded, np.uint8)
    words = np.ndarray((len(padded) - WORD + 1,), "<u8", padded, strides=(1,))
    begin = np.flatnonzero(data == LESS)
    prove(len(begin) and begin[0] == 0)
    first = words[begin]  # `take` would copy all words first
    kind = KIND_OF.take((first >> np.uint64(8)) & np.uint64(0xFFFF))
    prove(kind.all() and ((first & MASK.take(kind)) == BEGINNING.take(kind)).all())
    prove(successors.take(kind[:-1].astype(np.int64) * KINDS + kind[1:]).all())
    begin = np.append(begin, len(text))
    over = np.diff(begin) - LENGTH.take(kind)
    prove(((over == 0) | ((over > 0) & IS_OPEN_ENDED.take(kind))).all())
    _check_spaced(words, begin[:-1][kind == Tag.SPACED])
    return Tags(padded, data, words, begin, kind)


def may_follow(pairs: dict[Tag, tuple[Tag, ...]]) -> np.ndarray:
    """Which kind may follow which, for `tags_of`: at KINDS times the first, plus the second."""
    allowed = np.zeros(KINDS * KINDS, bool)
    for kind, following in pairs.items():
        allowed[[KINDS * kind + one for one in following]] = True
    return allowed


def texts_behind(tags: Tags, at: np.ndarray) -> pa.StringArray:
    """The text behind each of the tags VALUE, TEXT and SPACED with these numbers, which ascend. Raises NotPlain, also
    where readers would cut off space at a text's edges."""
    kinds = tags.kind.take(at)
    begin, stop = tags.begin.take(at) + LENGTH.take(kinds), tags.begin.take(at + 1)
    spaced = BLANK.take(tags.data.take(begin)) | BLANK.take(tags.data.take(stop - 1))
    prove(not (spaced & (kinds != Tag.SPACED)).any())
    borders = np.empty(2 * len(at) + 1, np.int32)
    borders[:-1:2], borders[1::2] = begin, stop
    borders[-1] = borders[-2] if len(at) else 0
    every_other = pa.StringArray.from_buffers(2 * len(at), pa.py_buffer(borders), pa.py_buffer(tags.text))
    texts = every_other.take(pa.array(np.arange(0, 2 * len(at), 2)))
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid as error:
        raise NotPlain from error
    return texts


def distinct_texts(tags: Tags, begin: np.ndarray, lengths: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
    """(which of these places hold it, text) for each different text of `lengths` bytes from `begin` on, where there are
    few. Raises NotPlain."""
    prove(((lengths >= 0) & (lengths <= LONGEST_ATTRIBUTES)).all())
    parts = [
        tags.words[np.minimum(begin + at, len(tags.words) - 1)] & MASKS.take(lengths - at, mode="clip")
        for at in range(0, int(lengths.max(initial=0)), WORD)
    ]
    waiting = np.ones(len(begin), bool)
    for _ in range(MOST_DIFFERENT):
        if not waiting.any():
            return
        one = int(np.argmax(waiting))
        same = np.logical_and.reduce([waiting, lengths == lengths[one], *(part == part[one] for part in parts)])
        yield same, tags.text[begin[one] : begin[one] + lengths[one]].decode("latin-1")
        waiting &= ~same
    raise NotPlain


def unescaped(texts: pa.StringArray) -> pa.StringArray:
    """Texts with XML's references replaced. Raises NotPlain for one that is not XML's own."""
    escaped = pc.match_substring(texts, "&")
    if not escaped.true_count:
        return texts
    plain = pa.array([_without_references(text) for text in texts.filter(escaped).to_pylist()], pa.string())
    return pc.replace_with_mask(texts, escaped, plain)


def pieces(reader: IO[bytes], opening: bytes, last: bytes, ending: bytes) -> Iterator[bytes]:
    """The XML between the end of the tag that begins with `opening` and `ending`, cut behind tags `last`: the header
    alone, as its cells are texts where the columns hold numbers, then as much as was read. What follows `ending` is the
    final piece. Raises NotPlain."""
    text = reader.read(CHUNK)
    declared = ENCODING.match(text.removeprefix(b"\xef\xbb\xbf"))
    begun = text.find(opening)
    prove(declared is None or declared[1].upper() == b"UTF-8")
    prove(begun >= 0 and b"<!" not in text[:begun])
    inside = text.find(b">", begun) + 1
    head, rest = text[:inside], text[inside:]
    if header := rest.find(last) + 1:
        header += len(last) - 1
        yield rest[:header]
        rest = rest[header:]
    while (ended := rest.find(ending)) < 0:
        if cut := rest.rfind(last) + 1:
            cut += len(last) - 1
            yield rest[:cut]
            rest = rest[cut:]
        chunk = reader.read(CHUNK)
        prove(chunk and len(rest) <= LONGEST)
        rest += chunk
    if ended:
        yield rest[:ended]
    tail = rest[ended:] + reader.read(LONGEST)
    _check_around(head + tail)
    yield tail[len(ending) :]


def _check_around(text: bytes) -> None:
    """Raises NotPlain where what stands around the rows is no XML."""
    try:
        ParserCreate().Parse(text, True)
    except ExpatError as error:
        raise NotPlain from error


def _check_spaced(words: np.ndarray, begin: np.ndarray) -> None:
    for number, rest in enumerate(SPACED_REST):
        prove((words[begin + (number + 1) * WORD] == int.from_bytes(rest, "little")).all())


def _without_references(text: str) -> str:
    plain = ENTITY.sub(_character, text)
    prove(plain.strip(EDGES) == plain or text.strip(EDGES) != text)  # readers cut off such space, too
    return plain


def _character(found: re.Match[str]) -> str:
    name = found[1] or ""
    if name in ENTITIES:
        return ENTITIES[name]
    prove(name.startswith("#"))
    number = int(name[2:], 16) if name[1] == "x" else int(name[1:])
    prove(number in (9, 10) or 32 <= number < 0xD800 or 0xE000 <= number < 0xFFFE or 0x10000 <= number <= 0x10FFFF)
    return chr(number)
