"""CKAN's parameters of `datastore_search` as a question to the row store."""

import re
from typing import Any

import orjson

from pipelines.rows.query import DEEPEST, ROW_NUMBER, AllOf, AnyOf, Comparison, Condition, Operator, Query, Sort
from pipelines.rows.store import RowStore

MOST_ROWS = 32_000  # CKAN's ckan.datastore.search.rows_max
DEFAULT_ROWS = 100
LONGEST_LIST = 8_000  # characters of a list of fields
TRUE_WORDS = frozenset({"true", "yes", "t", "y", "1", "on"})


class Invalid(Exception):
    """CKAN's validation error: parameter → messages."""

    def __init__(self, parameter: str, message: str):
        super().__init__(f"{parameter}: {message}")
        self.errors = {parameter: [message]}


def read_query(store: RowStore, data: dict[str, Any]) -> Query:
    """The query that CKAN's parameters stand for. Raises Invalid naming the parameter."""
    text, by_field = _text(store, data)
    return Query(
        condition=_filters(store, _decoded(data.get("filters"), "filters")),
        text=text,
        text_by_field=by_field,
        sort=_sort(store, data.get("sort")),
        fields=_fields(store, data.get("fields")),
        distinct=_truth(data.get("distinct"), default=False),
        limit=min(_natural(data, "limit", DEFAULT_ROWS), MOST_ROWS),
        offset=_natural(data, "offset", 0),
        want_total=_truth(data.get("include_total"), default=True),
    )


def _decoded(value: Any, parameter: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value) if value.strip() else None
    except orjson.JSONDecodeError:
        raise Invalid(parameter, "Cannot parse JSON") from None


def _natural(data: dict[str, Any], parameter: str, default: int) -> int:
    value = data.get(parameter)
    if value is None or value == "":
        return default
    try:
        number = int(str(value))
    except ValueError:
        raise Invalid(parameter, "Invalid integer") from None
    if number < 0:
        raise Invalid(parameter, "Must be a natural number")
    return min(number, 2**53)


def _truth(value: Any, *, default: bool) -> bool:
    if value is None or value == "":
        return default
    return value if isinstance(value, bool) else str(value).strip().lower() in TRUE_WORDS


def _known(store: RowStore, name: Any, parameter: str) -> str:
    """`name`, when the rows have it. Raises Invalid that lists what they have."""
    if isinstance(name, str) and (name in store.columns or name == ROW_NUMBER):
        return name
    listed = ", ".join(store.columns)
    raise Invalid(parameter, f'field "{str(name)[:100]}" not in table; fields are: {listed}')


def _fields(store: RowStore, value: Any) -> tuple[str, ...] | None:
    if value is None or value == "" or value == []:
        return None
    names = [_unquoted(n) for n in _split(value)] if isinstance(value, str) else value
    if not isinstance(names, list):
        raise Invalid("fields", "Neither a string nor a list")
    return tuple(dict.fromkeys(_known(store, name, "fields") for name in names))


def _text(store: RowStore, data: dict[str, Any]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """`q`: words for any field, or an object of field → words. `full_text` is CKAN's other name for the first."""
    q, full_text = data.get("q") or "", str(data.get("full_text") or "")
    if not _truth(data.get("plain"), default=True):
        raise Invalid("plain", "Only plain text queries are answered")
    if isinstance(q, str) and q.lstrip().startswith("{"):
        q = _decoded(q, "q")
    if isinstance(q, dict):
        return full_text, tuple((_known(store, name, "q"), str(words)) for name, words in sorted(q.items()))
    if not isinstance(q, str | int | float):
        raise Invalid("q", "Neither a string nor a dictionary")
    return f"{q} {full_text}".strip(), ()


_SORT = re.compile(r"(?s)(?P<name>.+?)(?:\s+(?P<way>asc|desc))?(?:\s+nulls\s+(?P<nulls>first|last))?", re.IGNORECASE)


def _sort(store: RowStore, value: Any) -> tuple[Sort, ...]:
    if not value:
        return ()
    if not isinstance(value, str | list):
        raise Invalid("sort", "Neither a string nor a list")
    terms = _split(value) if isinstance(value, str) else [str(term) for term in value]
    return tuple(_sort_term(store, term.strip()) for term in terms)


def _sort_term(store: RowStore, term: str) -> Sort:
    if _unquoted(term) in store.columns:
        return Sort(_unquoted(term))
    match = _SORT.fullmatch(term[:LONGEST_LIST])
    if match is None:
        raise Invalid("sort", "Could not parse a sort term: give `field`, `field asc` or `field desc`")
    nulls = match["nulls"].lower() == "first" if match["nulls"] else None
    name = _known(store, _unquoted(match["name"]), "sort")
    return Sort(name, (match["way"] or "").lower() == "desc", nulls)


def _split(text: str) -> list[str]:
    """Terms between commas that stand outside double quotes."""
    if len(text) > LONGEST_LIST:
        raise Invalid("fields", f"longer than {LONGEST_LIST} characters")
    return [term.strip() for term in re.findall(r'(?:[^,"]|"(?:[^"]|"")*"|")+', text) if term.strip()]


def _unquoted(name: str) -> str:
    quoted = len(name) > 1 and name.startswith('"') and name.endswith('"')
    return name[1:-1].replace('""', '"') if quoted else name.strip()


def _filters(store: RowStore, filters: Any, depth: int = 0) -> Condition:
    """CKAN's filters: an object joins by AND, a list of objects by OR."""
    if depth > DEEPEST:
        raise Invalid("filters", f"nested more than {DEEPEST} deep")
    if filters is None:
        return AllOf()
    if isinstance(filters, list):
        return AnyOf(tuple(_filters(store, part, depth + 1) for part in filters)) if filters else AllOf()
    if not isinstance(filters, dict):
        raise Invalid("filters", "Not a JSON object")
    return AllOf(tuple(_filter(store, key, value, depth) for key, value in filters.items()))


def _filter(store: RowStore, key: str, value: Any, depth: int) -> Condition:
    if key in ("$and", "$or") and key not in store.columns:
        if not isinstance(value, list):
            raise Invalid("filters", f"{key} takes a list of filters")
        parts = tuple(_filters(store, part, depth + 1) for part in value)
        return AllOf(parts) if key == "$and" else AnyOf(parts)
    name = _known(store, key, "filters")
    if isinstance(value, list):
        return AnyOf(tuple(_matches(name, item) for item in value))
    return _matches(name, value)


def _matches(name: str, value: Any) -> Condition:
    """One value, or an object of comparisons that all hold."""
    if not isinstance(value, dict):
        return Comparison(name, Operator.EQ, value)
    try:
        return AllOf(tuple(Comparison(name, Operator(word), operand) for word, operand in value.items()))
    except ValueError:
        listed = ", ".join(Operator)
        raise Invalid("filters", f"unknown comparison; comparisons are: {listed}") from None
