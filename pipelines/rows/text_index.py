"""Full text of the row store: postings of character pairs, per segment of rows.

Pairs find Chinese words of two characters, which trigram indexes silently miss; one character is a range of pairs.
Text is compared after NFKC and lower-casing, so that full-width digits and letters are found as half-width ones.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SEGMENT_CHARACTERS = 1_000_000  # bounds the memory of building: about 60 MB
SEGMENT_ROWS = 65_536  # row numbers within a segment are 16 bit
END = 0  # code point behind every cell; a pair (character, END) closes it
SHIFT = np.uint64(21)  # bits of a code point
ROW_BITS = np.uint64(16)
FILES = ("text", "text.offsets", "pairs.keys", "pairs.starts", "pairs.rows", "segments")


def fold(texts: pa.Array) -> pa.Array:
    """NFKC and lower case. The same function folds cells and terms."""
    return pc.utf8_lower(pc.utf8_normalize(texts, "NFKC"))


def fold_terms(query: str) -> list[str]:
    """The terms of a query: what stands between white space, folded."""
    folded: str = fold(pa.array([query]))[0].as_py()
    return folded.replace("\0", " ").split()


class TextIndexWriter:
    """Appends to the files of a text index; one call of `add` per batch of rows, in row order."""

    def __init__(self, folder: Path):
        self._files: dict[str, BinaryIO] = {name: (folder / name).open("wb") for name in FILES}
        self._rows = self._bytes = self._keys = self._postings = 0
        self._write("text.offsets", np.zeros(1, np.uint64))

    def add(self, columns: Sequence[pa.Array]) -> None:
        """columns: the text columns of the same rows."""
        cells = [pc.replace_substring(fold(c), "\0", " ") for c in columns]
        empty = pa.array([""] * len(cells[0]))
        documents = pc.binary_join_element_wise(*cells, empty, "\0", null_handling="replace", null_replacement="")
        ends = np.cumsum(pc.utf8_length(documents).to_numpy())
        start = 0
        while start < len(documents):
            before = ends[start - 1] if start else 0
            stop = int(np.searchsorted(ends, before + SEGMENT_CHARACTERS, side="right"))
            stop = min(max(stop, start + 1), start + SEGMENT_ROWS)
            self._add_segment(documents.slice(start, stop - start))
            start = stop

    def _add_segment(self, documents: pa.Array) -> None:
        joined = "".join(documents.to_pylist())
        encoded = joined.encode()
        points = np.frombuffer(joined.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
        lengths = pc.utf8_length(documents).to_numpy()
        row = np.repeat(np.arange(len(documents), dtype=np.uint64), lengths)
        first = np.flatnonzero(points[:-1] != END)
        pair = (points[first] << SHIFT) | points[first + 1]
        postings = np.sort((pair << ROW_BITS) | row[first])  # sorting beats the hashing of np.unique threefold
        postings = postings[_changes(postings)]
        pairs = postings >> ROW_BITS
        starts = np.flatnonzero(_changes(pairs))
        keys = pairs[starts]
        self._write("segments", np.array([[self._rows, self._keys, self._postings]], dtype=np.uint64))
        self._write("pairs.keys", keys)
        self._write("pairs.starts", np.append(starts, len(postings)).astype(np.uint32))
        self._write("pairs.rows", (postings & np.uint64(SEGMENT_ROWS - 1)).astype(np.uint16))
        self._files["text"].write(encoded)
        byte_ends = np.cumsum(pc.binary_length(documents).to_numpy()).astype(np.uint64) + np.uint64(self._bytes)
        self._write("text.offsets", byte_ends)
        self._rows += len(documents)
        self._keys += len(keys)
        self._postings += len(postings)
        self._bytes += len(encoded)

    def close(self) -> None:
        self._write("segments", np.array([[self._rows, self._keys, self._postings]], dtype=np.uint64))
        for file in self._files.values():
            file.close()

    def _write(self, name: str, values: np.ndarray) -> None:
        self._files[name].write(values.tobytes())


@dataclass(frozen=True)
class TextIndex:
    """An opened text index. Every array is memory-mapped."""

    text: np.ndarray
    offsets: np.ndarray
    keys: np.ndarray
    starts: np.ndarray
    rows: np.ndarray
    segments: np.ndarray

    def find(self, term: str, column: int | None = None) -> np.ndarray:
        """Numbers of the rows with `term` (folded, not empty) in a cell, or in the cell of one text column; sorted."""
        found = [self._verify(rows, term, column) for rows in self._candidates(term)]
        return np.concatenate(found) if found else np.empty(0, np.int64)

    def _candidates(self, term: str) -> Iterator[np.ndarray]:
        """Per segment, the rows that hold every pair of `term`, in any place."""
        points = [ord(c) for c in term]
        pairs = sorted({(a << int(SHIFT)) | b for a, b in pairwise(points)})
        low = points[0] << int(SHIFT)
        for number in range(len(self.segments) - 1):
            first_row, first_key, first_posting = (int(x) for x in self.segments[number])
            keys = self.keys[first_key : int(self.segments[number + 1][1])]
            # Each segment before this one has one `starts` more than keys.
            starts = self.starts[first_key + number : first_key + number + len(keys) + 1]
            spans = [(low, low + (1 << int(SHIFT)))] if len(points) == 1 else [(p, p + 1) for p in pairs]
            bounds = [np.searchsorted(keys, np.array(span, dtype=np.uint64)) for span in spans]
            if any(a == b for a, b in bounds):
                continue
            postings = [self.rows[first_posting + int(starts[a]) : first_posting + int(starts[b])] for a, b in bounds]
            rows = np.unique(postings[0])
            for more in postings[1:]:
                rows = np.intersect1d(rows, more, assume_unique=True)
            if len(rows):
                yield rows.astype(np.int64) + first_row

    def _verify(self, rows: np.ndarray, term: str, column: int | None) -> np.ndarray:
        """Pairs may stand apart, or in another column: look at the text itself where that could be."""
        if column is None and len(term) <= 2:
            return rows
        needle = term.encode()
        texts = (self.text[a:b].tobytes() for a, b in zip(self.offsets[rows], self.offsets[rows + 1], strict=True))
        if column is None:
            keep = [needle in text for text in texts]
        else:
            keep = [needle in text.split(b"\0")[column] for text in texts]
        return rows[np.array(keep, dtype=bool)]


def _changes(sorted_values: np.ndarray) -> np.ndarray:
    """Whether a value differs from the one before it."""
    return np.concatenate(([True], sorted_values[1:] != sorted_values[:-1]))[: len(sorted_values)]


def open_text_index(folder: Path) -> TextIndex:
    return TextIndex(
        text=mapped(folder / "text", np.uint8),
        offsets=mapped(folder / "text.offsets", np.uint64).view(np.int64),
        keys=mapped(folder / "pairs.keys", np.uint64),
        starts=mapped(folder / "pairs.starts", np.uint32),
        rows=mapped(folder / "pairs.rows", np.uint16),
        segments=mapped(folder / "segments", np.uint64).reshape(-1, 3),
    )


def mapped(path: Path, kind: type[np.generic]) -> np.ndarray:
    """The numbers in a file, memory-mapped; an empty file is an empty array."""
    return np.memmap(path, dtype=kind, mode="r") if path.stat().st_size else np.empty(0, kind)
