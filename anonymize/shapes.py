"""Shapes of cells, such as `18 digits`, `3 Han`, `17 digits + X`: what a column looks like without showing a value."""

from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from anonymize.code_points import code_points, count_within, pieces
from anonymize.matching import HAN

MOST_RUNS = 7  # longer cells are texts
MIXED_RUNS = 4  # letters and digits in more runs are a code
TEXT_STEP = 20  # characters
_RESIDENT_X = "X"
_CLASSES = {"9": "digits", "H": "Han", "a": "letters", " ": "spaces", "?": "signs"}
_PLAIN = "-./:@_()"  # signs that may be named


@dataclass(frozen=True)
class Shapes:
    """Of every text. masks: one ASCII sign per character. lengths: characters. code: letters and digits in many runs;
    text: more runs of signs than one would read out."""

    masks: pl.Series
    lengths: npt.NDArray[np.int64]
    code: npt.NDArray[np.bool_]
    text: npt.NDArray[np.bool_]


def shapes_of(texts: pl.Series) -> Shapes:
    """The shapes of texts: digits 9, Han H, letters a, white space, signs of `_PLAIN` as they are, others ?; a
    resident number with X at its end is `X` alone."""
    parts = [_shapes_of(piece) for _, piece in pieces(texts)] or [_shapes_of(texts)]
    return Shapes(
        pl.concat([p.masks for p in parts]),
        np.concatenate([p.lengths for p in parts]),
        np.concatenate([p.code for p in parts]),
        np.concatenate([p.text for p in parts]),
    )


def _shapes_of(texts: pl.Series) -> Shapes:
    points, offsets = code_points(texts)
    signs = _sign_of_each(points)
    lengths = np.diff(offsets)
    begins = np.ones(len(signs), bool)
    begins[1:] = signs[1:] != signs[:-1]
    begins[offsets[:-1][lengths > 0]] = True
    runs = count_within(begins, offsets)
    mixed = count_within((signs != ord("9")) & (signs != ord("a")), offsets) == 0
    code = mixed & (runs > MIXED_RUNS)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(signs)]
    masks = pl.Series("", pa.Array.from_buffers(pa.large_string(), len(texts), buffers), dtype=pl.String)
    resident = texts.str.contains(r"^[0-9]{17}[Xx]$").fill_null(False).arg_true()
    if len(resident):
        masks = masks.scatter(resident, _RESIDENT_X)
        code[resident.to_numpy()] = False
    return Shapes(masks, lengths, code, ~code & (runs > MOST_RUNS))


def _sign_of_each(points: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
    """The sign of every code point; each that occurs is looked up once."""
    seen = np.zeros(0x110000, bool)
    seen[points] = True
    occurring = np.flatnonzero(seen)
    signs = (
        pl.Series([chr(p) for p in occurring.tolist()], dtype=pl.String)
        .str.replace(r"[0-9０-９]", "9")
        .str.replace(HAN, "H")
        .str.replace(r"[\pL--H]", "a")
        .str.replace(r"\s", " ")
        .str.replace(r"[^9aH \-./:@_()]", "?")
    )
    table = np.zeros(0x110000, np.uint8)
    table[occurring] = np.frombuffer("".join(signs.to_list()).encode(), np.uint8)
    return table[points]


def shape_name(mask: str) -> str:
    """A mask in words."""
    if not mask:
        return "empty"
    if mask == _RESIDENT_X:
        return "17 digits + X"
    runs = [(sign, len(list(run))) for sign, run in groupby(mask)]
    return " + ".join(sign * n if sign in _PLAIN else f"{n} {_CLASSES.get(sign, 'signs')}" for sign, n in runs)


def count_shapes(shapes: Shapes, counts: npt.NDArray[np.int64]) -> dict[str, int]:
    """Name of a shape → cells; counts: cells of every text."""
    names: dict[str, int] = {}
    by_length = shapes.lengths[shapes.code]
    for length in np.unique(by_length).tolist():
        names[f"{length} letters and digits"] = int(counts[shapes.code][by_length == length].sum())
    steps = shapes.lengths[shapes.text] // TEXT_STEP
    for step in np.unique(steps).tolist():
        low = step * TEXT_STEP
        names[f"text of {low}–{low + TEXT_STEP - 1} characters"] = int(counts[shapes.text][steps == step].sum())
    rest = ~shapes.code & ~shapes.text
    frame = pl.DataFrame({"mask": shapes.masks.filter(pl.Series(rest)), "cells": counts[rest]})
    for mask, cells in frame.group_by("mask").agg(pl.col("cells").sum()).iter_rows():
        name = shape_name(mask)
        names[name] = names.get(name, 0) + cells
    return names
