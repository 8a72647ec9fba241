"""JSON text cut into blocks of whole objects, without parsing them: so many bytes, and where each object lies."""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.read.encoding import is_utf8
from pipelines.read.json_shape import DEEPEST, Offsets, brackets_outside, outside_strings, quotes_of

FIRST_CHUNK, CHUNK = 1 << 16, 4 << 20
LONGEST_OBJECT = 64 << 20
LONGEST_FRAME = 1 << 20  # bytes before and after the array
LONGEST_GAP = 64  # bytes between two objects
COMMA, NEWLINE, RETURN, OPEN, CLOSE, END = (ord(c) for c in ",\n\r{}]")
WHITESPACE = np.isin(np.arange(256), [*b" \t\r\n"])
NOT_JSON = re.compile(rb"NaN|Inf")  # numbers to some parsers
FEATURES = re.compile(rb'"features"[ \t\r\n]*:[ \t\r\n]*\[')


class OddText(Exception):
    """The text is not so regular that objects can be found without parsing; only a parser can tell what it is."""


@dataclass(frozen=True)
class ObjectText:
    """data: UTF-8. starts, stops: where each object begins and ends. size: bytes taken from the file. plain: nothing
    but whitespace stands between the objects, each is one, and parsers agree on them."""

    data: bytes
    starts: Offsets
    stops: Offsets
    size: int
    plain: bool

    def __len__(self) -> int:
        return len(self.starts)

    def texts(self) -> list[bytes]:
        return [self.data[a:b] for a, b in zip(self.starts.tolist(), self.stops.tolist(), strict=True)]

    def part(self, first: int, stop: int) -> "ObjectText":
        """The objects from `first` up to, and without, `stop`."""
        begin, end = int(self.starts[first]), int(self.stops[stop - 1])
        starts, stops = self.starts[first:stop] - begin, self.stops[first:stop] - begin
        return ObjectText(self.data[begin:end], starts, stops, end - begin, self.plain)


def utf8_chunks(path: Path, encoding: str | None) -> Iterator[bytes]:
    """A text file as UTF-8 without a byte order mark, the first chunk a short one. Raises UnicodeDecodeError."""
    name = codecs.lookup(encoding or "utf-8").name
    decoder = None if name in ("utf-8", "utf-8-sig") else codecs.getincrementaldecoder(name)("strict")
    first = True
    with path.open("rb", buffering=0) as reader:
        while True:
            chunk = reader.read(FIRST_CHUNK if first else CHUNK)
            text = chunk if decoder is None else decoder.decode(chunk, not chunk).encode("utf-8")
            if first:
                text = text.removeprefix(codecs.BOM_UTF8)
            if text:
                yield text
            if not chunk:
                return
            first = False


def line_objects(chunks: Iterator[bytes]) -> Iterator[ObjectText]:
    """Objects of newline-delimited JSON. Raises OddText where bytes are no UTF-8."""
    rest = b""
    for chunk in chunks:
        text = rest + chunk
        cut = text.rfind(b"\n") + 1
        rest = text[cut:]
        if cut:
            yield _lines(text[:cut])
    if rest:
        yield _lines(rest)


def array_objects(chunks: Iterator[bytes]) -> Iterator[ObjectText]:
    """Objects of one JSON array. Raises OddText."""
    return _objects(chunks, _array_start, _check_array)


def feature_objects(chunks: Iterator[bytes]) -> Iterator[ObjectText]:
    """Features of a GeoJSON FeatureCollection. Raises OddText."""
    return _objects(chunks, _features_start, _check_collection)


def _lines(text: bytes) -> ObjectText:
    if not is_utf8(text):
        raise OddText
    data = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(data == NEWLINE)
    if not text.endswith(b"\n"):
        ends = np.append(ends, len(text))
    starts = np.concatenate(([0], ends[:-1] + 1))
    returned = (data[np.maximum(ends, 1) - 1] == RETURN) & (ends > starts)
    ends = ends - returned
    filled = ends > starts
    starts, ends = starts[filled], ends[filled]
    whole = bool((data[starts] == OPEN).all() and (data[ends - 1] == CLOSE).all())
    plain = whole and _count(data, RETURN) == returned.sum() and _shallow(text, data, len(starts))
    plain = plain and not _odd(text)
    return ObjectText(text, starts, ends, len(text), plain)


def _count(data: Any, byte: int) -> int:
    return int(np.count_nonzero(data == byte))


def _shallow(text: bytes, data: Any, objects: int) -> bool:
    """Whether no object is nested deeply; parsers that recurse must not see more."""
    if _count(data, OPEN) + _count(data, ord("[")) - objects < DEEPEST:
        return True
    _, depths = brackets_outside(text, quotes_of(text))
    return not len(depths) or int(depths.max()) <= DEEPEST


def _odd(text: bytes, quotes: Offsets | None = None) -> bool:
    """Whether a word that some parsers take for a number stands outside of strings."""
    # One letter is looked for first: that is the quickest search there is.
    if not ((b"N" in text and b"NaN" in text) or (b"I" in text and b"Inf" in text)):
        return False
    known = quotes_of(text) if quotes is None else quotes
    return any(outside_strings(known, found.start()) for found in NOT_JSON.finditer(text))


def _objects(
    chunks: Iterator[bytes], start: Callable[[bytes], int | None], check_frame: Callable[[bytes, bytes], None]
) -> Iterator[ObjectText]:
    text, at = b"", None
    while at is None:
        chunk = next(chunks, b"")
        text += chunk
        at = start(text)
        if at is None and (not chunk or len(text) > LONGEST_FRAME):
            raise OddText
    head, text = text[:at], text[at:]
    begun = False
    while True:
        found, used, ended = _cut(text, begun)
        if found is not None:
            begun = True
            yield found
        text = text[used:]
        if ended:
            break
        more = _read(chunks, len(text))
        if not more or len(text) > LONGEST_OBJECT:
            raise OddText
        text += more
    for chunk in chunks:
        text += chunk
        if len(text) > LONGEST_FRAME:
            raise OddText
    check_frame(head, text)


def _read(chunks: Iterator[bytes], least: int) -> bytes:
    """The next chunks, at least so many bytes: an object that spans many chunks is not looked through for each."""
    parts: list[bytes] = []
    while sum(map(len, parts)) <= least and (chunk := next(chunks, b"")):
        parts.append(chunk)
    return b"".join(parts)


def _cut(text: bytes, begun: bool) -> tuple[ObjectText | None, int, bool]:
    """(the whole objects at the start of `text`, bytes used up, whether the array ended). begun: objects came before.

    `text` begins within the array, outside of its objects; where the array ends, its bracket is used up, too.
    """
    quotes = quotes_of(text)
    brackets, depths = brackets_outside(text, quotes)
    below = np.flatnonzero(depths < 0)
    ended = len(below) > 0
    end = int(brackets[below[0]]) if ended else len(text)
    if ended:
        brackets, depths = brackets[: below[0]], depths[: below[0]]
    before = np.concatenate(([0], depths[:-1])) if len(depths) else depths
    closes = brackets[depths == 0]
    opens = brackets[(depths == 1) & (before == 0)][: len(closes)]
    data = np.frombuffer(text, np.uint8)
    if ended and data[end] != END:
        raise OddText
    if not len(closes):
        if ended and text[:end].strip(b" \t\r\n"):
            raise OddText
        return None, end + 1 if ended else 0, ended
    if not ((data[opens] == OPEN).all() and (data[closes] == CLOSE).all()):
        raise OddText
    stops = closes + 1
    commas = _commas(data, np.concatenate(([0], stops[:-1])), opens, int(not begun))
    last = int(stops[-1])
    if ended and text[last:end].strip(b" \t\r\n"):
        raise OddText
    plain = np.array(data[:last])
    plain[commas] = NEWLINE
    block = plain.tobytes()
    if not is_utf8(block):
        raise OddText
    return ObjectText(block, opens, stops, last, not _odd(block, quotes)), end + 1 if ended else last, ended


def _commas(data: Any, begins: Offsets, ends: Offsets, without: int) -> Offsets:
    """Where the commas stand: one in each gap between objects but for the first `without`, and else whitespace."""
    widest = int((ends - begins).max())
    if widest > LONGEST_GAP:
        raise OddText
    counts, found = np.zeros(len(begins), np.int64), []
    for step in range(widest):
        at = begins + step
        here = at < ends
        byte = data[np.where(here, at, 0)]
        comma = here & (byte == COMMA)
        if (here & ~comma & ~WHITESPACE[byte]).any():
            raise OddText
        counts += comma
        found.append(at[comma])
    wanted = np.ones(len(begins), np.int64)
    wanted[:without] = 0
    if (counts != wanted).any():
        raise OddText
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _array_start(text: bytes) -> int | None:
    """Offset after the opening bracket; None where it has not come yet."""
    start = text.lstrip(b" \t\r\n")
    if start and not start.startswith(b"["):
        raise OddText
    return len(text) - len(start) + 1 if start else None


def _check_array(_head: bytes, tail: bytes) -> None:
    if tail.strip(b" \t\r\n"):
        raise OddText


def _features_start(text: bytes) -> int | None:
    quotes = quotes_of(text)
    brackets, depths = brackets_outside(text, quotes)
    for found in FEATURES.finditer(text):
        place = int(np.searchsorted(brackets, found.end() - 1))
        if outside_strings(quotes, found.start()) and depths[place] == 2 and text.lstrip(b" \t\r\n").startswith(b"{"):
            return found.end()
    return None


def _check_collection(head: bytes, tail: bytes) -> None:
    """The members beside the features are JSON, and none of them are features, too."""
    try:
        pairs = json.loads(head + b"]" + tail, object_pairs_hook=list, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise OddText from None
    if [name for name, _ in pairs].count("features") != 1:
        raise OddText


def _refuse(word: str) -> None:
    raise ValueError(word)
