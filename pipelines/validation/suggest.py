"""Suggested correction of one cell: “2020/3/5 → 2020-03-05”, “１２３ → 123”, “12.5万元 → 125000”.

A suggestion is made only where one reading is plausible, and only if the outcome fits the field; it is shown to the
steward and never applied unasked. `normalised` alone is mechanical: it changes width and surrounding spaces.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"
SPACES = " \t\r\n\v\f\xa0\u3000" + INVISIBLE

DATE_PATTERNS = {"date": "%Y-%m-%d", "time": "%H:%M:%S", "datetime": "%Y-%m-%dT%H:%M:%S"}
HAN_DIGITS = str.maketrans("〇零一二三四五六七八九", "00123456789")
DATE = re.compile(r"(\d{4})\s*[-/.\\年]\s*(\d{1,2})\s*[-/.\\月]\s*(\d{1,2})\s*日?$")
DATE_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})$")
DATE_DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})$")
YEAR_MONTH = re.compile(r"(\d{4})\s*[-/.年]?\s*(\d{1,2})\s*月?$")
TIME = re.compile(r"(\d{1,2})\s*[:时點点]\s*(\d{1,2})\s*(?:[:分]\s*(\d{1,2})?)?\s*秒?$")
HOUR = re.compile(r"(\d{1,2})\s*[时點点]整?$")
# Spreadsheets count days from 1899-12-30; these bounds are 1954 to 2064.
EXCEL_EPOCH = date(1899, 12, 30)
EXCEL_SERIALS = range(20_000, 60_001)
EXCEL_MOMENT = re.compile(r"\d{5}\.\d+")

MULTIPLES = {
    "": 1,
    "十": 10,
    "百": 100,
    "千": 1000,
    "万": 10**4,
    "十万": 10**5,
    "百万": 10**6,
    "千万": 10**7,
    "亿": 10**8,
    "百亿": 10**10,
    "千亿": 10**11,
    "万亿": 10**12,
}
COUNTED = "元|圆|块|人民币|人|人次|个|件|家|户|次|岁|份|台|辆|套|张|名|所|条|项|起|宗"
QUANTITY = re.compile(
    r"(?:[¥￥]|RMB|CNY|人民币)?\s*([-+]?)\s*(\d+(?:\.\d+)?|\.\d+)\s*"
    rf"({'|'.join(sorted(filter(None, MULTIPLES), key=len, reverse=True))})?\s*(?:{COUNTED})?整?$",
    re.IGNORECASE,
)
GROUPED = re.compile(r"(?<=\d)[,， ](?=\d{3}(?!\d))")

YES = frozenset(("true", "t", "yes", "y", "1", "是", "有", "对", "真", "√", "✓", "✔"))
NO = frozenset(("false", "f", "no", "n", "0", "否", "无", "没有", "错", "假", "×", "✗", "✘"))
# Meanings written with separators in the wild and without them in the standard.
COMPACT_MEANINGS = (
    "resident-id", "uscc", "mobile", "bank-card", "postcode", "division-code", "plate", "date-compact", "passport",
    "travel-permit", "social-security-number", "provident-fund-number", "qq",
)  # fmt: skip


def suggest(cell: str, field: Mapping[str, Any]) -> str | None:
    """The value that `cell` was probably meant to be, written as `field` (a Frictionless descriptor) wants it.

    None where nothing plausible but the cell itself is found.
    """
    plain = normalised(cell)
    for candidate in _candidates(plain, field):
        if candidate != cell and fits(candidate, field):
            return candidate
    return None


def normalised(cell: str) -> str:
    """`cell` with half-width letters, digits and signs, and without surrounding or invisible characters."""
    return cell.translate(FULL_WIDTH).strip(SPACES)


def date_pattern(field: Mapping[str, Any]) -> str | None:
    """The strftime pattern of a date, time or datetime field; None for other types."""
    style = field.get("format", "default")
    default = DATE_PATTERNS.get(field.get("type", "any"))
    return default if style in ("default", "any") or default is None else style


def fits(cell: str, field: Mapping[str, Any]) -> bool:
    """Whether `cell` certainly is a valid value of the field: a subset of what frictionless accepts."""
    kind = field.get("type", "any")
    constraints = field.get("constraints") or {}
    if cell == "" or not _typed(cell, kind, field):
        return False
    if "enum" in constraints and cell not in map(str, constraints["enum"]):
        return False
    if "pattern" in constraints and not _matches(constraints["pattern"], cell):
        return False
    if kind == "string" and not constraints.get("minLength", 0) <= len(cell) <= constraints.get("maxLength", 10**9):
        return False
    return _within(cell, kind, field, constraints)


def _candidates(plain: str, field: Mapping[str, Any]) -> list[str]:
    kind = field.get("type", "any")
    pattern = date_pattern(field)
    found: list[str | None] = []
    if field.get("meaning") == "date-compact":
        day = read_date(plain)
        found.append(day.strftime("%Y%m%d") if day else None)
    elif kind == "date":
        day = read_date(plain)
        found.append(_written(day, pattern))
    elif kind == "time":
        found.append(_written(_read_time(plain), pattern))
    elif kind == "datetime":
        found.append(_written(_read_datetime(plain), pattern))
    elif kind == "yearmonth":
        found.append(_year_month(plain))
    elif kind == "year":
        year = plain.translate(HAN_DIGITS).removesuffix("年").strip()
        found.append(year if re.fullmatch(r"\d{4}", year) else None)
    elif kind in ("integer", "number"):
        found.append(_quantity(plain, field))
    elif kind == "boolean":
        found.append(_boolean(plain, field))
    found.append(_enum_member(plain, field))
    if field.get("meaning") in COMPACT_MEANINGS:
        found.append(re.sub(r"[\s\-–—·.]", "", plain).upper())
    found.append(plain)
    if kind == "string" and "pattern" in (field.get("constraints") or {}):
        found.append(plain.upper())
    return [value for value in found if value is not None]


def read_date(text: str) -> date | None:
    """A date written in one of the usual ways, or as a spreadsheet's serial number. None where it could be two."""
    plain = re.sub(r"[ T]00:00(:00(\.0+)?)?$", "", text).translate(HAN_DIGITS)
    if found := DATE.match(plain) or DATE_COMPACT.match(plain):
        year, month, day = map(int, found.groups())
    elif found := DATE_DAY_FIRST.match(plain):
        first, second, year = map(int, found.groups())
        if first <= 12 and second <= 12 and first != second:
            return None
        day, month = (first, second) if first > 12 else (second, first)
    elif re.fullmatch(r"\d{5}(\.0)?", plain) and int(plain[:5]) in EXCEL_SERIALS:
        return EXCEL_EPOCH + timedelta(days=int(plain[:5]))
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _read_time(text: str) -> time | None:
    if whole := HOUR.match(text):
        return time(int(whole.group(1))) if int(whole.group(1)) < 24 else None
    found = TIME.match(text)
    if not found:
        return None
    hour, minute, second = (int(part or 0) for part in found.groups())
    return time(hour, minute, second) if hour < 24 and minute < 60 and second < 60 else None


def _read_datetime(text: str) -> datetime | None:
    if EXCEL_MOMENT.fullmatch(text) and int(text[:5]) in EXCEL_SERIALS:
        seconds = round(float(text) % 1 * 86_400)
        return datetime.combine(EXCEL_EPOCH, time(0)) + timedelta(days=int(text[:5]), seconds=seconds)
    parts = re.split(r"(?<=[\d日])[ T]+", text, maxsplit=1)
    day = read_date(parts[0])
    clock = _read_time(parts[1]) if len(parts) == 2 else time(0)
    return datetime.combine(day, clock) if day and clock is not None else None


def _written(moment: date | time | None, pattern: str | None) -> str | None:
    if moment is None or pattern is None:
        return None
    # strftime does not fill years to four digits everywhere.
    return None if isinstance(moment, date) and moment.year < 1000 else moment.strftime(pattern)


def _year_month(text: str) -> str | None:
    found = YEAR_MONTH.match(text.translate(HAN_DIGITS))
    if found and 1 <= int(found.group(2)) <= 12:
        return f"{found.group(1)}-{int(found.group(2)):02d}"
    return None


def _quantity(text: str, field: Mapping[str, Any]) -> str | None:
    """A number with thousands separators, currency sign, a Chinese multiple or a counted unit, as a plain number.

    A field that declares its `unit` (元, 万元, 亿元) gets the amount in that unit.
    """
    negative = re.fullmatch(r"[(（](.+)[)）]", text)
    found = QUANTITY.match(GROUPED.sub("", negative.group(1) if negative else text))
    if not found:
        return None
    sign, digits, multiple = found.groups()
    unit = MULTIPLES.get(str(field.get("unit") or "").removesuffix("元"))
    if unit is None or (negative and sign):
        return None
    amount = Decimal(digits) * (MULTIPLES[multiple] if multiple else 1)
    if multiple or text.rstrip("整").endswith(("元", "圆")):
        amount /= unit
    if negative or sign == "-":
        amount = -amount
    plain = f"{amount:f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    if field.get("type") == "integer":
        return plain if "." not in plain else None
    return plain.replace(".", field.get("decimalChar", "."))


def _boolean(text: str, field: Mapping[str, Any]) -> str | None:
    folded = text.lower()
    if folded in YES:
        return str((field.get("trueValues") or ["true"])[0])
    if folded in NO:
        return str((field.get("falseValues") or ["false"])[0])
    return None


def _enum_member(text: str, field: Mapping[str, Any]) -> str | None:
    """The one member of the enum that differs in case, width, spaces and signs only."""
    wanted = _folded(text)
    members = [str(v) for v in (field.get("constraints") or {}).get("enum", ())]
    same = [m for m in members if _folded(normalised(m)) == wanted] if wanted else []
    return same[0] if len(same) == 1 else None


def _folded(text: str) -> str:
    return re.sub(r"[\W_]", "", text).casefold()


def _typed(cell: str, kind: str, field: Mapping[str, Any]) -> bool:
    if kind == "integer":
        return re.fullmatch(r"-?\d+", cell, re.ASCII) is not None
    if kind == "number":
        mark = re.escape(field.get("decimalChar", "."))
        return re.fullmatch(rf"-?\d+({mark}\d+)?", cell, re.ASCII) is not None
    if kind in DATE_PATTERNS:
        return _parsed(cell, date_pattern(field) or "") is not None
    if kind == "boolean":
        true_values = field.get("trueValues") or ["true", "True", "TRUE", "1"]
        return cell in true_values or cell in (field.get("falseValues") or ["false", "False", "FALSE", "0"])
    if kind == "year":
        return re.fullmatch(r"\d{4}", cell, re.ASCII) is not None
    if kind == "yearmonth":
        return re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", cell, re.ASCII) is not None
    return kind == "string" and field.get("format", "default") == "default"


def _within(cell: str, kind: str, field: Mapping[str, Any], constraints: Mapping[str, Any]) -> bool:
    """Whether the cell lies within the bounds; a bound that cannot be compared means no."""
    bounds = {k: v for k, v in constraints.items() if k.endswith(("inimum", "aximum"))}
    if not bounds:
        return True
    try:
        value = _comparable(cell, kind, field)
        limits = {k: _comparable(str(v), kind, field) for k, v in bounds.items()}
        return (
            ("minimum" not in limits or value >= limits["minimum"])
            and ("maximum" not in limits or value <= limits["maximum"])
            and ("exclusiveMinimum" not in limits or value > limits["exclusiveMinimum"])
            and ("exclusiveMaximum" not in limits or value < limits["exclusiveMaximum"])
        )
    except (TypeError, InvalidOperation):
        return False


def _comparable(text: str, kind: str, field: Mapping[str, Any]) -> Any:
    if kind in ("integer", "number", "year"):
        return Decimal(text.replace(field.get("decimalChar", "."), "."))
    if kind in DATE_PATTERNS:
        return _parsed(text, date_pattern(field) or "")
    return text


def _parsed(text: str, pattern: str) -> datetime | None:
    try:
        return datetime.strptime(text, pattern)
    except ValueError:
        return None


def _matches(pattern: str, cell: str) -> bool:
    """Whether the field's pattern accepts the cell. A pattern that RE2 cannot read accepts nothing.

    RE2 runs in linear time, so a pattern built to run for ever does no harm here.
    """
    try:
        return bool(pc.match_substring_regex(pa.scalar(cell), f"^(?:{pattern})$").as_py())
    except pa.ArrowInvalid:
        return False
