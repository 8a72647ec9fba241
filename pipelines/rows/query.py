"""A question to the row store, and the SQL that finds row numbers. Values are always parameters, columns numbered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pipelines.rows.values import Kind, filter_key
from schemas.errors import Refused
from schemas.text import Text

ROW_NUMBER = "_id"  # CKAN's name for the number of a row, 1 for the first
MOST_CHARACTERS = 200  # of a text query
MOST_TERMS = 10
MOST_COMPARISONS = 500
DEEPEST = 5
MOST_SORTS = 8


class Operator(StrEnum):
    """Comparisons, named as CKAN's advanced filters name them."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"


_SIGNS = {
    Operator.EQ: "=",
    Operator.NE: "<>",
    Operator.LT: "<",
    Operator.LTE: "<=",
    Operator.GT: ">",
    Operator.GTE: ">=",
}


@dataclass(frozen=True)
class Comparison:
    """field OPERATOR value. A value of None means a missing value; only `eq` and `ne` fit it."""

    field: str
    operator: Operator
    value: Any


@dataclass(frozen=True)
class AllOf:
    parts: tuple["Condition", ...] = ()


@dataclass(frozen=True)
class AnyOf:
    parts: tuple["Condition", ...]


Condition = Comparison | AllOf | AnyOf


@dataclass(frozen=True)
class Sort:
    """nulls_first: None means PostgreSQL's way, behind all others, before them when descending."""

    field: str
    descending: bool = False
    nulls_first: bool | None = None


@dataclass(frozen=True)
class Query:
    """condition: filters. text: terms that all have to occur in some text cell of the row; text_by_field: in the cell
    of that field. fields: columns to return, None for all. distinct: each combination of `fields` once."""

    condition: Condition = AllOf()
    text: str = ""
    text_by_field: tuple[tuple[str, str], ...] = ()
    sort: tuple[Sort, ...] = ()
    fields: tuple[str, ...] | None = None
    distinct: bool = False
    limit: int = 100
    offset: int = 0
    want_total: bool = True


@dataclass(frozen=True)
class Column:
    """name; kind; column: its SQL expression."""

    name: str
    kind: Kind
    column: str


class UnknownField(Refused):
    """A query names a field that the rows do not have."""

    def __init__(self, name: str, known: Sequence[str]):
        listed = ", ".join(known)
        super().__init__(
            "unknown-field",
            Text(zh="查询中的字段不存在", en="the query names a field that does not exist"),
            Text(zh=f"可用的字段：{listed}", en=f"known fields: {listed}"),
            field=name[:100],
        )
        self.known = tuple(known)


def find_column(columns: Mapping[str, Column], name: str) -> Column:
    """The column `name`, or the row number's. Raises UnknownField."""
    if name in columns:
        return columns[name]
    if name == ROW_NUMBER:
        return Column(ROW_NUMBER, Kind.INTEGER, "(row + 1)")
    raise UnknownField(name, list(columns))


def compile_condition(condition: Condition, columns: Mapping[str, Column]) -> tuple[str, list[Any]]:
    """(SQL, parameters) of a condition; ("", []) where it holds for every row. Raises Refused, UnknownField."""
    if _size(condition) > MOST_COMPARISONS or _depth(condition) > DEEPEST:
        raise Refused(
            "too-many-filters",
            Text(
                zh=f"筛选条件过多：最多 {MOST_COMPARISONS} 个，嵌套 {DEEPEST} 层",
                en=f"too many filters: at most {MOST_COMPARISONS}, nested {DEEPEST} deep",
            ),
            Text(zh="请减少条件，或下载整个文件", en="use fewer, or download the whole file"),
            field="filters",
        )
    return _compile(condition, columns)


def _compile(condition: Condition, columns: Mapping[str, Column]) -> tuple[str, list[Any]]:
    if isinstance(condition, Comparison):
        return _compare(condition, find_column(columns, condition.field))
    if isinstance(condition, AnyOf) and not condition.parts:
        return "0", []
    compiled = [_compile(part, columns) for part in condition.parts]
    compiled = [(sql or "1", values) for sql, values in compiled]
    joint = " OR " if isinstance(condition, AnyOf) else " AND "
    sql = joint.join(f"({sql})" for sql, _ in compiled)
    return sql, [value for _, values in compiled for value in values]


def _compare(comparison: Comparison, column: Column) -> tuple[str, list[Any]]:
    key = filter_key(column.kind, comparison.field, comparison.value)
    if key is None:
        if comparison.operator not in (Operator.EQ, Operator.NE):
            raise Refused(
                "unfit-filter-value",
                Text(zh="缺失值不能比较大小", en="a missing value is neither greater nor less"),
                Text(zh="请改用 eq 或 ne", en="use eq or ne"),
                field=comparison.field,
            )
        return f"{column.column} IS {'NOT ' if comparison.operator is Operator.NE else ''}NULL", []
    return f"{column.column} {_SIGNS[comparison.operator]} ?", [key]


def compile_sort(sort: Sequence[Sort], columns: Mapping[str, Column]) -> str:
    """ORDER BY terms. Raises Refused, UnknownField."""
    if len(sort) > MOST_SORTS:
        raise Refused(
            "too-many-sorts",
            Text(zh=f"最多按 {MOST_SORTS} 个字段排序", en=f"at most {MOST_SORTS} fields to sort by"),
            Text(zh="请减少排序字段", en="sort by fewer"),
            field="sort",
        )
    terms = []
    for item in sort:
        column = find_column(columns, item.field)
        first = item.descending if item.nulls_first is None else item.nulls_first
        direction = "DESC" if item.descending else "ASC"
        terms.append(f"{column.column} {direction} NULLS {'FIRST' if first else 'LAST'}")
    return ", ".join(terms)


def _size(condition: Condition) -> int:
    return 1 if isinstance(condition, Comparison) else sum(_size(part) for part in condition.parts)


def _depth(condition: Condition) -> int:
    if isinstance(condition, Comparison):
        return 0
    return 1 + max((_depth(part) for part in condition.parts), default=0)
