"""XML of workbooks in the plain form that spreadsheet programs write, taken apart by numpy: a few kinds of tags, and no
space between them. Whatever is not of that form raises NotPlain, and is read by the general reader instead."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import IO

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
BLANK = np.isin(np.arange(256), [*b" \t\n"])


class NotPlain(Exception):
    """The workbook is of a form that the general reader knows, and this one does not."""


class Tag(IntEnum):
    """Kinds of tags. TEXT is `<t>`, SPACED `<t xml:space="preserve">`."""

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


BEGINNINGS = {  # of each kind, up to a word; the second and third byte tell the kind
    Tag.ROW: b"<row ",
    Tag.ROW_END: b"</row>",
    Tag.CELL: b"<c ",
    Tag.CELL_END: b"</c>",
    Tag.VALUE: b"<v>",
    Tag.VALUE_END: b"</v>",
    Tag.INLINE: b"<is>",
    Tag.INLINE_END: b"</is>",
    Tag.TEXT: b"<t>",
    Tag.SPACED: b"<t xml:s",
    Tag.TEXT_END: b"</t>",
    Tag.ITEM: b"<si>",
    Tag.ITEM_END: b"</si>",
    Tag.PHONETIC: b"<phoneti",
}
SPACED_REST = (b'pace="pr', b'eserve">')
HOLD_TEXT = (Tag.VALUE, Tag.TEXT, Tag.SPACED)
KINDS = 16  # at most
KIND_OF = np.zeros(1 << 16, np.uint8)
EXPECTED, EXPECTED_MASK = np.zeros(KINDS, np.uint64), np.zeros(KINDS, np.uint64)
LONGEST_GAP = np.zeros(KINDS, np.int64)  # text is allowed behind these tags alone
LONGEST_GAP[[*HOLD_TEXT]] = 1 << 31
for _kind, _bytes in BEGINNINGS.items():
    KIND_OF[int.from_bytes(_bytes[1:3], "little")] = _kind
    EXPECTED[_kind] = int.from_bytes(_bytes, "little")
    EXPECTED_MASK[_kind] = MASKS[len(_bytes)]


@dataclass(frozen=True)
class Tags:
    """The tags of a text. begin, end: where the `<` and the `>` of each stand. kind: see Tag. words: the eight bytes
    from each place of the text on, as little-endian numbers."""

    text: bytes
    data: np.ndarray
    words: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    kind: np.ndarray

    @property
    def closed(self) -> np.ndarray:
        """Which tags end with `/>`."""
        closed: np.ndarray = self.data[self.end - 1] == SLASH
        return closed


def tags_of(text: bytes, successors: np.ndarray) -> Tags:
    """All tags of `text`. successors: see `may_follow`. Raises NotPlain."""
    if b"\r" in text or (b"_x" in text and ESCAPED.search(text)):  # readers translate line ends, and `_x000D_`
        raise NotPlain
    padded = text + PADDING
    data = np.frombuffer(padded, np.uint8)
    words = np.ndarray((len(padded) - WORD + 1,), "<u8", padded, strides=(1,))
    begin, end = np.flatnonzero(data == LESS), np.flatnonzero(data == GREATER)
    if len(begin) != len(end) or not len(begin) or begin[0] != 0 or end[-1] != len(text) - 1:
        raise NotPlain
    gaps = begin[1:] - end[:-1] - 1
    first = words.take(begin)
    kind = KIND_OF.take((first >> np.uint64(8)) & np.uint64(0xFFFF))
    if (begin > end).any() or ((first & EXPECTED_MASK.take(kind)) != EXPECTED.take(kind)).any() or not kind.all():
        raise NotPlain
    before, after = kind[:-1], kind[1:]
    if (
        not successors.take(before * np.uint8(KINDS) + after).all()
        or (gaps > LONGEST_GAP.take(before)).any()
        or (gaps < 0).any()
    ):
        raise NotPlain
    _check_spaced(words, begin[kind == Tag.SPACED])
    return Tags(padded, data, words, begin, end, kind)


def may_follow(pairs: dict[Tag, tuple[Tag, ...]]) -> np.ndarray:
    """Which kind may follow which, for `tags_of`: at KINDS times the first, plus the second."""
    allowed = np.zeros(KINDS * KINDS, bool)
    for kind, following in pairs.items():
        allowed[[KINDS * kind + one for one in following]] = True
    return allowed


def texts_between(tags: Tags, places: np.ndarray) -> pa.StringArray:
    """What stands between each tag at `places` (numbers of tags, ascending) and the tag behind it. Raises NotPlain."""
    borders = np.empty(2 * len(places) + 1, np.int32)
    borders[:-1:2], borders[1::2] = tags.end[places] + 1, tags.begin[places + 1]
    borders[-1] = borders[-2] if len(places) else 0
    offsets, data = pa.py_buffer(borders), pa.py_buffer(tags.text)
    every_other = pa.StringArray.from_buffers(2 * len(places), offsets, data)
    taken = every_other.take(pa.array(np.arange(len(places), dtype=np.int64) * 2))
    try:
        taken.validate(full=True)
    except pa.ArrowInvalid as error:
        raise NotPlain from error
    return taken


def distinct_texts(tags: Tags, begin: np.ndarray, lengths: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
    """(which of these places hold it, text) for each different text of `lengths` bytes from `begin` on, where there are
    few. Raises NotPlain."""
    if (lengths < 0).any() or (lengths > LONGEST_ATTRIBUTES).any():
        raise NotPlain
    parts = [
        tags.words[np.minimum(begin + at, len(tags.words) - 1)] & MASKS[np.clip(lengths - at, 0, WORD)]
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
    plain = pa.array([ENTITY.sub(_character, text) for text in texts.filter(escaped).to_pylist()], pa.string())
    return pc.replace_with_mask(texts, escaped, plain)


def cut_at_the_edges(tags: Tags, places: np.ndarray) -> bool:
    """Whether a text behind one of the tags at `places` begins or ends with space: readers cut it off."""
    begin, end = tags.end.take(places) + 1, tags.begin.take(places + 1) - 1
    spaced = BLANK.take(tags.data.take(begin)) | BLANK.take(tags.data.take(end))
    return bool(spaced.any())


def pieces(reader: IO[bytes], opening: bytes, last: bytes, ending: bytes) -> Iterator[bytes]:
    """The XML between the end of the tag that begins with `opening` and `ending`, cut behind tags `last`. What follows
    `ending` is the final piece. Raises NotPlain."""
    text = reader.read(CHUNK)
    declared = ENCODING.match(text.removeprefix(b"\xef\xbb\xbf"))
    if declared is not None and declared[1].upper() != b"UTF-8":
        raise NotPlain
    begun = text.find(opening)
    if begun < 0 or text.find(b"<!", 0, begun) >= 0:
        raise NotPlain
    rest = text[text.index(b">", begun) + 1 :]
    while (ended := rest.find(ending)) < 0:
        if cut := rest.rfind(last) + 1:
            cut += len(last) - 1
            yield rest[:cut]
            rest = rest[cut:]
        chunk = reader.read(CHUNK)
        if not chunk or len(rest) > LONGEST:
            raise NotPlain
        rest += chunk
    if ended:
        yield rest[:ended]
    yield rest[ended + len(ending) :] + reader.read(LONGEST)


def _check_spaced(words: np.ndarray, begin: np.ndarray) -> None:
    for number, rest in enumerate(SPACED_REST):
        if (words[begin + (number + 1) * WORD] != int.from_bytes(rest, "little")).any():
            raise NotPlain


def _character(found: re.Match[str]) -> str:
    name = found[1]
    if name in ENTITIES:
        return ENTITIES[name]
    if not name or not name.startswith("#"):
        raise NotPlain
    number = int(name[2:], 16) if name[1] == "x" else int(name[1:])
    if number in (9, 10) or 32 <= number < 0xD800 or 0xE000 <= number < 0xFFFE or 0x10000 <= number <= 0x10FFFF:
        return chr(number)
    raise NotPlain
