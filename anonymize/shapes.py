"""Shapes of cells, such as `18 digits`, `3 Han`, `17 digits + X`: what a column looks like without showing a value."""

from itertools import groupby

import polars as pl

from anonymize.matching import HAN

MOST_RUNS = 7  # longer cells are texts
_RESIDENT_X = "×"
_CLASSES = {"9": "digits", "汉": "Han", "a": "letters", " ": "spaces", "?": "signs"}
_PLAIN = "-./:@_()"  # signs that may be named


def shape_masks(texts: pl.Series) -> pl.Series:
    """One sign per character: digits 9, Han 汉, letters a, white space, signs of `_PLAIN` as they are, others ?."""
    return (
        texts.str.replace(r"^[0-9]{17}[Xx]$", _RESIDENT_X)
        .str.replace_all(r"[0-9０-９]", "9")
        .str.replace_all(HAN, "汉")
        .str.replace_all(r"[\pL--汉]", "a")
        .str.replace_all(r"\s", " ")
        .str.replace_all(rf"[^9a汉{_RESIDENT_X} \-./:@_()]", "?")
    )


def shape_name(mask: str) -> str:
    """A mask in words."""
    if not mask:
        return "empty"
    if mask == _RESIDENT_X:
        return "17 digits + X"
    runs = [(sign, len(list(run))) for sign, run in groupby(mask)]
    if len(runs) > 4 and set(mask) <= {"9", "a"}:
        return f"{len(mask)} letters and digits"
    if len(runs) > MOST_RUNS:
        low = len(mask) // 20 * 20
        return f"text of {low}–{low + 19} characters"
    return " + ".join(sign * n if sign in _PLAIN else f"{n} {_CLASSES.get(sign, 'signs')}" for sign, n in runs)
