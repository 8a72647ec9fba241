"""Meanings that a header tells and the cells bear out: age, gender, birth, post code, division, coordinates, money."""

import datetime

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from anonymize.columns import Column, finding_of_cells
from anonymize.headers import Header
from anonymize.recognizers.resident_id import PROVINCES
from anonymize.recognizers.specification import CONFIDENT
from schemas.findings import Finding
from schemas.table_schema import FieldRole, Meaning

BORNE_OUT = 0.9  # share of cells that must bear the header out
HEADER_SCORE = 0.9
VALUES_SCORE = 0.8
LAST_YEAR = 2099
_GENDERS = frozenset({"男", "女", "男性", "女性", "未知", "未说明", "其他", "male", "female", "m", "f"})
_GENDER_CODES = frozenset({"0", "1", "2", "9"})  # GB/T 2261.1
_TELLING = frozenset({"男", "女", "男性", "女性", "male", "female"})
_MEANINGS = {
    Meaning.AGE, Meaning.GENDER, Meaning.DATE_OF_BIRTH, Meaning.POSTCODE, Meaning.DIVISION_CODE, Meaning.OCCUPATION,
    Meaning.LONGITUDE, Meaning.LATITUDE, Meaning.INDUSTRY, Meaning.MONEY,
}  # fmt: skip


def meaning_findings(column: Column, header: Header | None, today: datetime.date | None = None) -> list[Finding]:
    """At most one finding: what the header tells and the cells bear out, or genders by the cells alone.

    today: nobody is born after that year; without it, births of the whole century are taken for possible.
    """
    if header and header.meaning in _MEANINGS:
        chosen = _bearing_out(column, header.meaning, today)
        share = column.share(chosen)
        score = HEADER_SCORE if share >= BORNE_OUT else round(share * CONFIDENT, 3)
        return [
            finding_of_cells(
                column, header.entity, header.meaning, header.role, chosen, score, True, ("header", str(header.meaning))
            )
        ]
    if column.distinct <= 12:
        values = {v.lower() for v in column.texts.to_list()}
        if values & _TELLING and values <= _GENDERS:
            everything = np.ones(column.distinct, bool)
            role = FieldRole.QUASI_IDENTIFIER
            return [
                finding_of_cells(
                    column, "GENDER", Meaning.GENDER, role, everything, VALUES_SCORE, False, (str(Meaning.GENDER),)
                )
            ]
    return []


def _bearing_out(column: Column, meaning: Meaning, today: datetime.date | None) -> npt.NDArray[np.bool_]:
    """Distinct cells that can have the meaning."""
    texts = column.texts
    if meaning == Meaning.AGE:
        return _between(texts.str.strip_suffix("岁"), 0, 130) & column.matching(r"^[0-9]{1,3}(?:\.[0-9])?岁?$")
    if meaning == Meaning.GENDER:
        return texts.str.to_lowercase().is_in(list(_GENDERS | _GENDER_CODES)).to_numpy()
    if meaning == Meaning.DATE_OF_BIRTH:
        return _births(column, LAST_YEAR if today is None else today.year)
    if meaning == Meaning.POSTCODE:
        return column.matching(r"^[0-9]{6}$")
    if meaning == Meaning.DIVISION_CODE:
        return column.matching(f"^(?:{'|'.join(sorted(PROVINCES))})(?:[0-9]{{2}}){{1,5}}$")
    if meaning == Meaning.LONGITUDE:
        return _between(texts, 70, 140)
    if meaning == Meaning.LATITUDE:
        return _between(texts, 0, 56)
    if meaning == Meaning.MONEY:
        return column.matching(r"^-?[0-9][0-9,]*(?:\.[0-9]+)?(?:元|万元)?$")
    return column.matching(r"\pL")


def _between(texts: pl.Series, low: float, high: float) -> npt.NDArray[np.bool_]:
    return texts.cast(pl.Float64, strict=False).is_between(low, high).fill_null(False).to_numpy()


def _births(column: Column, last_year: int) -> npt.NDArray[np.bool_]:
    """Dates, or years and months, that a living person may have been born on."""
    year = column.texts.str.extract(r"^((?:18|19|20)[0-9]{2})", 1).cast(pl.Int32, strict=False)
    plausible = year.is_between(1880, last_year).fill_null(False).to_numpy()
    if pa.types.is_temporal(column.kind):
        return plausible
    day = "(?:[-/.月]?(?:0?[1-9]|[12][0-9]|3[01])日?)?"
    month = f"(?:[-/.年]?(?:0?[1-9]|1[0-2]){day}月?)?"
    form = column.matching(f"^(?:18|19|20)[0-9]{{2}}{month}年?(?: 0?0:00(?::00)?)?$")
    return plausible & form
