"""Check what the values of a field mean: vectorised kernels, one per meaning, on Arrow arrays.

A schema field asks for a check by its property `meaning`. Further properties of a field:
  valid_on        division-code: the year, month or day at which the code must have been in force;
  valid_on_field  division-code: the date, year or year-month field of the same row that says so;
  unit            money: 元 (default), 万元 or 亿元, which decides how many decimals an amount may have;
  datum           longitude, latitude: WGS84, GCJ-02 or BD-09; the range is the same in all of them.
A missing value always passes: `required` is the schema's business.
"""

import datetime
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from anonymize.datums import DATUMS, latitude_in_china, longitude_in_china
from anonymize.recognizers import bank_card, organisation_code, resident_id, uscc
from anonymize.recognizers.bytes_matrix import rows_of_width
from pipelines.validation.divisions import in_force, known, months_of
from pipelines.validation.meaning_patterns import PATTERNS
from pipelines.validation.messages import MONEY_DECIMALS, field_descriptor, word
from pipelines.validation.raw_cells import cell_text
from pipelines.validation.telephones import telephones
from schemas.errors import ConfigurationError
from schemas.table_schema import Meaning, TableSchema
from schemas.text import Text
from schemas.validation import TableError

Flags = npt.NDArray[np.bool_]
Kernel = Callable[[pa.Array, Mapping[str, Any]], Flags]

# Blocks that fit the processor's cache: twice as fast as whole columns.
BLOCK = 1 << 16
# First two digits of China Post's codes; 99 stands for Hong Kong and Macao in its systems.
POSTCODE_AREAS = (
    "01 02 03 04 05 06 07 10 11 12 13 15 16 20 21 22 23 24 25 26 27 30 31 32 33 34 35 36 40 41 42 43 44 45 46 47 "
    "51 52 53 54 55 56 57 61 62 63 64 65 66 67 71 72 73 74 75 81 83 84 85 86 99"
)
POSTCODES = np.isin(np.arange(100), np.array(list(map(int, POSTCODE_AREAS.split(" ")))))
MONTH_DAYS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])

OLDEST_BIRTH = 1850  # of registers of the living and of those who died in living memory
GREATEST_AGE = 130
# 社会保险法, art. 58: the number is the resident identity number. Older ones and cards' numbers differ by place.
SOCIAL_SECURITY_FORMS = "^[A-Z]{0,2}[0-9]{7,19}[0-9Xx]$"
RESIDENT_FORM = "^[0-9]{17}[0-9Xx]$"
BIRTH_FORMS = r"^[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?|[0-9]{2}(?:[0-9]{2})?)?$"


def checked_meanings() -> frozenset[Meaning]:
    """The meanings that validation checks."""
    return frozenset(KERNELS)


def check_meaning(
    values: pa.Array | pa.ChunkedArray,
    field: Mapping[str, Any],
    at: pa.Array | None = None,
    today: datetime.date | None = None,
) -> Flags:
    """True where a value is missing or is what the field's meaning says.

    values: any Arrow type that writes such values (strings, integers, floats, decimals). field: its descriptor.
    at: for `valid_on_field`, the values of that field. today: nobody is born later; by default the computer's own.

    Raises ConfigurationError where the meaning cannot be checked on this type, or a property of the field is wrong.
    """
    kernel = KERNELS.get(Meaning(field["meaning"])) if field.get("meaning") else None
    if kernel is None:
        return np.ones(len(values), bool)
    if kernel is _births:
        kernel = partial(_births, today=today)
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    flags = np.empty(len(array), bool)
    try:
        for start in range(0, len(array), BLOCK):
            block = array.slice(start, BLOCK)
            valid = kernel(block, field) if at is None else _division_codes(block, field, at.slice(start, BLOCK))
            flags[start : start + BLOCK] = valid | np.asarray(block.is_null())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid, ValueError, KeyError) as error:
        raise _unusable(field) from error
    return flags


def meaning_errors(
    table: pa.Table,
    schema: TableSchema,
    *,
    row_numbers: npt.NDArray[np.int64] | None = None,
    limit: int = 1000,
    today: datetime.date | None = None,
) -> tuple[list[TableError], int]:
    """(the first `limit` errors in order of row and column, number of all errors).

    table: columns named as the fields, in the file's order, typed or as strings; fields without a column are passed
    over. row_numbers: the file's row of each record; by default the first record stands in row 2. today: nobody is born
    later; by default the computer's own.
    """
    rows = np.arange(2, len(table) + 2) if row_numbers is None else row_numbers
    wrong: list[tuple[int, int, int]] = []
    total = 0
    known_names = {field.name for field in schema.fields}
    for position, name in enumerate(table.column_names, start=1):
        descriptor = dict(field_descriptor(schema, name) or {})
        if descriptor.get("meaning") not in KERNELS:
            continue
        at_name = descriptor.get("valid_on_field")
        if at_name is not None and at_name not in known_names:
            raise _unusable(descriptor)
        # A date that the file leaves out says nothing: then a code that was ever in force is right.
        at = table.column(at_name).combine_chunks() if at_name in table.column_names else None
        bad = np.flatnonzero(~check_meaning(table.column(name), descriptor, at, today))
        total += len(bad)
        wrong += [(int(rows[i]), position, int(i)) for i in bad[:limit]]
    return [_error(table, schema, *place) for place in sorted(wrong)[:limit]], total


def _error(table: pa.Table, schema: TableSchema, row: int, position: int, index: int) -> TableError:
    name = table.column_names[position - 1]
    field = field_descriptor(schema, name)
    cell = cell_text(table.column(name)[index].as_py())
    words = word("meaning-error", row=row, position=position, field=field, cell=cell)
    right = words.suggestion is not None and check_meaning(pa.array([words.suggestion]), field or {}).all()
    return TableError(
        type="meaning-error",
        row=row,
        field=name,
        field_number=position,
        message=words.message,
        remedy=words.remedy,
        cell=cell,
        suggestion=words.suggestion if right else None,
    )


def _strings(values: pa.Array) -> pa.StringArray:
    return values if pa.types.is_string(values.type) else values.cast(pa.string())


def _floats(values: pa.Array) -> npt.NDArray[np.float64]:
    """Values as float64; NaN for missing ones and for strings that are no plain numbers."""
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        plain = pc.match_substring_regex(values, r"^[-+]?[0-9]+(?:\.[0-9]+)?$")
        values = pc.if_else(plain, values, pa.scalar(None, values.type))
    return values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def _by_pattern(pattern: str) -> Kernel:
    def matches(values: pa.Array, _field: Mapping[str, Any]) -> Flags:
        return np.asarray(pc.fill_null(pc.match_substring_regex(_strings(values), pattern), False))

    return matches


def _of_strings(valid_many: Callable[[pa.StringArray], Flags]) -> Kernel:
    return lambda values, _field: valid_many(_strings(values))


def _unified_codes(values: pa.Array, _field: Mapping[str, Any]) -> Flags:
    """Check character, and digits where GB 32100 has the division code of the registering office."""
    text = _strings(values)
    flags = uscc.valid_many(text)
    positions, matrix = rows_of_width(text, 18)
    division = matrix[:, 2:8] - np.uint8(ord("0"))
    flags[positions] &= (division <= 9).all(axis=1)
    return flags


def _organisation_codes(values: pa.Array, _field: Mapping[str, Any]) -> Flags:
    """GB 11714 writes a hyphen before the check character; registers often leave it out."""
    text = _strings(values)
    hyphened = pc.and_(pc.equal(pc.binary_length(text), 10), pc.equal(pc.utf8_slice_codeunits(text, 8, 9), "-"))
    plain = pc.binary_join_element_wise(pc.utf8_slice_codeunits(text, 0, 8), pc.utf8_slice_codeunits(text, 9, 10), "")
    return organisation_code.valid_many(pc.if_else(hyphened, plain, text))


def _postcodes(values: pa.Array, _field: Mapping[str, Any]) -> Flags:
    numbers, positions, flags = _digits(values, 6)
    flags[positions] = POSTCODES[numbers // 10_000]
    return flags


def _division_codes(values: pa.Array, field: Mapping[str, Any], at: pa.Array | None = None) -> Flags:
    numbers, positions, flags = _digits(values, 6)
    if at is not None:
        first, last = _months(at)
        valid = in_force(numbers, first[positions], last[positions])
    elif field.get("valid_on"):
        valid = in_force(numbers, *months_of(str(field["valid_on"])))
    else:
        valid = known(numbers)
    flags[positions] = valid
    return flags


def _months(at: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First and last month (YYYYMM) of each date, year or year-month. A missing one spans all time."""
    if pa.types.is_temporal(at.type):
        month = pc.add(pc.multiply(pc.year(at), 100), pc.month(at)).cast(pa.int64())
        first = last = month
    elif pa.types.is_integer(at.type):
        year = at.cast(pa.int64())
        first, last = pc.add(pc.multiply(year, 100), 1), pc.add(pc.multiply(year, 100), 12)
    else:
        first = last = pc.replace_substring(pc.utf8_slice_codeunits(_strings(at), 0, 7), "-", "").cast(pa.int64())
    return (
        np.asarray(pc.fill_null(first, 0), np.int64),
        np.asarray(pc.fill_null(last, 999_912), np.int64),
    )


def _compact_dates(values: pa.Array, _field: Mapping[str, Any]) -> Flags:
    """Eight digits that are a day of the Gregorian calendar."""
    numbers, positions, flags = _digits(values, 8)
    flags[positions] = _days(numbers)
    return flags


def _days(numbers: npt.NDArray[np.int64]) -> Flags:
    """Which numbers YYYYMMDD are days of the Gregorian calendar."""
    year, month, day = numbers // 10_000, numbers // 100 % 100, numbers % 100
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    days = np.where((month == 2) & ~leap, 28, MONTH_DAYS[np.clip(month, 0, 12)])
    return (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= days)


def _births(values: pa.Array, _field: Mapping[str, Any], today: datetime.date | None = None) -> Flags:
    """Days, months or years since OLDEST_BIRTH that have begun: dates, or texts such as 1990-01-31, 199001, 1990."""
    today = today or datetime.date.today()
    if pa.types.is_temporal(values.type):
        day = values.cast(pa.date32())
        inside = pc.and_(pc.less_equal(day, today), pc.greater_equal(day, datetime.date(OLDEST_BIRTH, 1, 1)))
        return np.asarray(pc.fill_null(inside, False))
    text = _strings(values)
    flags = np.asarray(pc.fill_null(pc.match_substring_regex(text, BIRTH_FORMS), False))
    positions = np.flatnonzero(flags)
    plain = pc.replace_substring(text.take(pa.array(positions)), "-", "")
    digits = np.asarray(plain.cast(pa.int64()))
    left_out = 8 - np.asarray(pc.binary_length(plain))
    first = digits * 10**left_out + np.choose(left_out // 2, [0, 1, 101])
    flags[positions] = _days(first) & (first >= OLDEST_BIRTH * 10_000) & (first <= int(today.strftime("%Y%m%d")))
    return flags


def _ages(values: pa.Array, _field: Mapping[str, Any]) -> Flags:
    """Whole years from 0 to GREATEST_AGE."""
    years = _floats(values)
    with np.errstate(invalid="ignore"):
        return (years >= 0) & (years <= GREATEST_AGE) & (years == np.rint(years))


def _social_security_numbers(values: pa.Array, _field: Mapping[str, Any]) -> Flags:
    text = _strings(values)
    flags = np.asarray(pc.fill_null(pc.match_substring_regex(text, SOCIAL_SECURITY_FORMS), False))
    positions = np.flatnonzero(np.asarray(pc.fill_null(pc.match_substring_regex(text, RESIDENT_FORM), False)))
    flags[positions] = resident_id.valid_many(text.take(pa.array(positions)))
    return flags


def _digits(values: pa.Array, width: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Flags]:
    """(numbers of the values that are `width` digits, their positions, flags all False)."""
    flags = np.zeros(len(values), bool)
    if pa.types.is_integer(values.type):
        numbers = np.asarray(pc.fill_null(values, -1), np.int64)
        positions = np.flatnonzero((numbers >= 10 ** (width - 1)) & (numbers < 10**width))
        return numbers[positions], positions, flags
    positions, matrix = rows_of_width(_strings(values), width)
    digits = matrix - np.uint8(ord("0"))
    good = np.ones(len(digits), bool)
    numbers = np.zeros(len(digits), np.int64)
    for column in range(width):
        good &= digits[:, column] <= 9
        numbers = numbers * 10 + digits[:, column]
    return numbers[good], positions[good], flags


def _longitudes(values: pa.Array, field: Mapping[str, Any]) -> Flags:
    _check_datum(field)
    return longitude_in_china(_floats(values))


def _latitudes(values: pa.Array, field: Mapping[str, Any]) -> Flags:
    _check_datum(field)
    return latitude_in_china(_floats(values))


def _check_datum(field: Mapping[str, Any]) -> None:
    if field.get("datum", "WGS84") not in DATUMS:
        raise ValueError("unknown datum")


def _money(values: pa.Array, field: Mapping[str, Any]) -> Flags:
    """Plain amounts with no more decimals than a fen of the field's unit."""
    decimals = MONEY_DECIMALS[str(field.get("unit") or "元")]
    if pa.types.is_string(values.type):
        return _by_pattern(rf"^-?[0-9]{{1,15}}(?:\.[0-9]{{1,{decimals}}})?$")(values, field)
    amounts = _floats(values) * 10.0**decimals
    with np.errstate(invalid="ignore"):
        # A float holds about 15 digits; beyond 2^53 fen nothing can be said of decimals.
        return np.isfinite(amounts) & (np.abs(amounts - np.rint(amounts)) <= np.maximum(1e-6, np.abs(amounts) * 1e-14))


def _unusable(field: Mapping[str, Any]) -> ConfigurationError:
    name, meaning = field.get("name", "?"), field.get("meaning", "?")
    return ConfigurationError(
        "invalid-meaning",
        Text(
            zh=f"字段“{name}”的含义“{meaning}”无法在该类型上校验，或它的 valid_on、valid_on_field、unit、datum 有误",
            en=f"the meaning “{meaning}” of field “{name}” cannot be checked on its type, or its valid_on, "
            "valid_on_field, unit or datum is wrong",
        ),
        Text(
            zh="请改用 string（号码、代码）或 number（坐标、金额）类型，并检查这些属性",
            en="use type string for numbers of people and codes, number for coordinates and money, and check these",
        ),
        field=str(name),
    )


KERNELS: dict[Meaning, Kernel] = {
    Meaning.RESIDENT_ID: _of_strings(resident_id.valid_many),
    Meaning.USCC: _unified_codes,
    Meaning.ORGANISATION_CODE: _organisation_codes,
    Meaning.BANK_CARD: _of_strings(bank_card.valid_many),
    Meaning.DIVISION_CODE: _division_codes,
    Meaning.POSTCODE: _postcodes,
    Meaning.DATE_COMPACT: _compact_dates,
    Meaning.LONGITUDE: _longitudes,
    Meaning.LATITUDE: _latitudes,
    Meaning.MONEY: _money,
    Meaning.TELEPHONE: _of_strings(telephones),
    Meaning.SOCIAL_SECURITY_NUMBER: _social_security_numbers,
    Meaning.DATE_OF_BIRTH: _births,
    Meaning.AGE: _ages,
    **{meaning: _by_pattern(pattern) for meaning, pattern in PATTERNS.items()},
}
