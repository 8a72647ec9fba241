"""Bounds of a schema that cannot be compared with values: the schema is at fault, whatever the file holds."""

from collections.abc import Callable, Mapping
from typing import Any

from schemas.errors import Refused
from schemas.text import Text

BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def refuse_unreadable_bounds(field: str, constraints: Mapping[str, Any], value: Callable[[Any], Any]) -> None:
    """value: reads one cell of the field, None where it is of another type. A bound is read like a cell, so one with a
    point is unreadable in a field whose decimals begin with a comma. Raises Refused `bad-bound`."""
    for name in BOUNDS:
        bound = constraints.get(name)
        if bound is not None and value(bound) is None:
            raise _bad_bound(
                field,
                Text(
                    zh=f"表结构中字段“{field}”的约束 {name}（{bound}）不能按该字段的类型和格式读出",
                    en=f"the constraint {name} ({bound}) of the field “{field}” in the table schema cannot be read by "
                    "the field's own type and format",
                ),
                Text(
                    zh=f"请表结构的维护者按该字段自身的格式改写 constraints.{name}",
                    en=f"the keeper of the table schema has to write constraints.{name} in the field's own format",
                ),
            )


def incomparable(field: str) -> Refused:
    """Values that cannot be set beside the field's bounds: moments with an offset beside moments without one."""
    return _bad_bound(
        field,
        Text(
            zh=f"字段“{field}”的值与表结构中的上下限无法比较：一方带时区，另一方不带",
            en=f"values of the field “{field}” cannot be compared with its bounds in the table schema: either the "
            "values or the bounds have a time zone, the others have none",
        ),
        Text(
            zh="请统一：文件中的时间与表结构中的 constraints 要么都带时区（如 +08:00），要么都不带",
            en="make them alike: the file's times and the schema's constraints all with a time zone (such as +08:00), "
            "or all without",
        ),
    )


def _bad_bound(field: str, message: Text, remedy: Text) -> Refused:
    return Refused("bad-bound", message, remedy, field=field)
