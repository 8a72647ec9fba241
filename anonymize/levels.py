"""One level of a hierarchy on the distinct values of a column: value → label."""

import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.hierarchy import DateUnit, Level

Labelled = tuple[np.ndarray, tuple[str | None, ...]]  # distinct value → label; texts of the labels
DATE_IN_TEXT = re.compile(r"(\d{4})(?:[-/.年]?(\d{1,2})(?:[-/.月]?(\d{1,2})日?(?:[ T].*)?)?月?)?年?")


def labels_at_level(values: pa.Array, level: Level) -> Labelled | None:
    """Codes and texts of the labels; null keeps the label None. None: some values do not fit the level."""
    if level.prefix is not None:
        return _prefixes(values, level.prefix, level.fill)
    if level.band is not None:
        return _bands(values, level.band, level.top)
    if level.edges is not None:
        return _between(values, np.array(level.edges, dtype=float))
    if level.date is not None:
        return _dates(values, level.date)
    if level.lookup is not None:
        table, length = level.lookup, level.key_length
        return _each(values, lambda text: table.get(text[:length] if length else text))
    matching = re.compile(level.pattern or "")
    return _each(values, lambda text: _matched(matching, text))


def _matched(matching: re.Pattern[str], text: str) -> str:
    match = matching.match(text)
    return match.group(0) if match and match.group(0) else "*"


def _each(values: pa.Array, label: Callable[[str], str | None]) -> Labelled | None:
    texts = [None if v is None else label(str(v)) for v in values.to_pylist()]
    if any(t is None and v.is_valid for t, v in zip(texts, values, strict=True)):
        return None
    return _encoded(pa.array(texts, pa.string()))


def _encoded(texts: pa.Array) -> Labelled:
    encoded = pc.dictionary_encode(texts, null_encoding="encode")
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), tuple(encoded.dictionary.to_pylist())


def _prefixes(values: pa.Array, length: int, fill: str) -> Labelled:
    texts = values.cast(pa.string())
    cut = pc.utf8_slice_codeunits(texts, 0, length)
    if fill:
        widest = pc.max(pc.utf8_length(texts)).as_py() or 0
        padded = pc.utf8_rpad(cut, width=widest, padding=fill)
        cut = pc.utf8_slice_codeunits(padded, 0, widest)
        if pc.min(pc.utf8_length(texts)).as_py() not in (None, widest):  # mixed lengths keep their own
            own = [None if t is None else t[:length] + fill * max(len(t) - length, 0) for t in texts.to_pylist()]
            cut = pa.array(own, pa.string())
    return _encoded(cut)


def _numbers(values: pa.Array) -> np.ndarray | None:
    """Float64 with NaN for missing; None where a text is no number."""
    try:
        return values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _labelled_numbers(cells: np.ndarray, missing: np.ndarray, text: Callable[[int], str]) -> Labelled:
    """cells: integer number of the band of each value."""
    known, codes = np.unique(np.where(missing, np.iinfo(np.int64).min, cells), return_inverse=True)
    first_missing = bool(missing.any())
    texts = [None if first_missing and n == 0 else text(int(cell)) for n, cell in enumerate(known)]
    return codes.astype(np.int64), tuple(texts)


def _bands(values: pa.Array, width: float, top: float | None) -> Labelled | None:
    numbers = _numbers(values)
    if numbers is None:
        return None
    missing = np.isnan(numbers)
    capped = np.where(missing, 0, numbers if top is None else np.minimum(numbers, top))
    whole = width == int(width) and bool((capped == np.floor(capped)).all())
    last = None if top is None else int(np.floor(top / width + 1e-9))

    def text(cell: int) -> str:
        low = cell * width
        if cell == last:
            return f"{_plain(low)}+"
        if whole and low >= 0:
            return _plain(low) if width == 1 else f"{_plain(low)}-{_plain(low + width - 1)}"
        return f"[{_plain(low)}, {_plain(low + width)})"

    return _labelled_numbers(np.floor(capped / width + 1e-9).astype(np.int64), missing, text)


def _between(values: pa.Array, edges: np.ndarray) -> Labelled | None:
    numbers = _numbers(values)
    if numbers is None:
        return None
    missing = np.isnan(numbers)

    def text(cell: int) -> str:
        if cell == 0:
            return f"<{_plain(edges[0])}"
        if cell == len(edges):
            return f"{_plain(edges[-1])}+"
        return f"[{_plain(edges[cell - 1])}, {_plain(edges[cell])})"

    return _labelled_numbers(np.searchsorted(edges, np.where(missing, 0, numbers), side="right"), missing, text)


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else f"{number:.10g}"


def _dates(values: pa.Array, unit: DateUnit) -> Labelled | None:
    parts = _date_parts(values)
    if parts is None:
        return None
    year, month, day, missing = parts
    if unit in (DateUnit.DAY, DateUnit.MONTH, DateUnit.QUARTER, DateUnit.HALF_YEAR) and bool(
        (month[~missing] == 0).any()
    ):
        return None  # a bare year cannot be shortened to a part of a year
    cells: np.ndarray
    if unit is DateUnit.DAY:
        cells = (year * 12 + month - 1) * 31 + np.maximum(day, 1) - 1
        return _labelled_numbers(cells, missing, lambda c: f"{c // 372:04d}-{c // 31 % 12 + 1:02d}-{c % 31 + 1:02d}")
    if unit is DateUnit.MONTH:
        return _labelled_numbers(year * 12 + month - 1, missing, lambda c: f"{c // 12:04d}-{c % 12 + 1:02d}")
    if unit is DateUnit.QUARTER:
        return _labelled_numbers(year * 4 + (month - 1) // 3, missing, lambda c: f"{c // 4:04d}-Q{c % 4 + 1}")
    if unit is DateUnit.HALF_YEAR:
        return _labelled_numbers(year * 2 + (month - 1) // 6, missing, lambda c: f"{c // 2:04d}-H{c % 2 + 1}")
    span = {DateUnit.YEAR: 1, DateUnit.FIVE_YEARS: 5, DateUnit.TEN_YEARS: 10}[unit]
    return _labelled_numbers(
        year // span, missing, lambda c: f"{c:04d}" if span == 1 else f"{c * span:04d}-{c * span + span - 1:04d}"
    )


def _date_parts(values: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
    """Year, month, day (0: not given) and whether the value is missing; None where a text is no date."""
    missing = np.asarray(values.is_null())
    if pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
        whole = [pc.fill_null(part(values), 0).to_numpy(zero_copy_only=False) for part in (pc.year, pc.month, pc.day)]
        return whole[0], whole[1], whole[2], missing
    matches = [None if v is None else DATE_IN_TEXT.fullmatch(str(v)) for v in values.to_pylist()]
    if any(m is None and not gone for m, gone in zip(matches, missing, strict=True)):
        return None
    numbers = np.array([[0, 0, 0] if m is None else [int(part or 0) for part in m.groups()] for m in matches])
    year, month, day = numbers.reshape(-1, 3).T
    return (year, month, day, missing) if bool((month <= 12).all()) else None
