"""The row store against a plain reading of the same table in Python."""

import datetime as dt
import json
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.rows import store as store_module
from pipelines.rows.build import BATCH_ROWS, build_rows, is_built, is_unharmed
from pipelines.rows.query import AllOf, AnyOf, Comparison, Condition, Operator, Query, Sort, UnknownField
from pipelines.rows.render import render_lists, render_objects
from pipelines.rows.store import RowStore, open_rows
from schemas.errors import Refused

LETTERS = "海淀公园aB1 é\u0000'\"\\%_"
SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("whole", pa.int64()),
        ("money", pa.decimal128(20, 3)),
        ("number", pa.float64()),
        ("flag", pa.bool_()),
        ("day", pa.date32()),
        ("other", pa.string()),
    ]
)
DAYS = st.dates(dt.date(1000, 1, 1), dt.date(9999, 12, 31))
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "text": st.text(LETTERS, max_size=5),
    "whole": st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1),
    "money": st.decimals(-1000, 1000, places=3),
    "number": st.sampled_from([-1.5, 0.0, 0.1, 2.0, 1e300]),
    "flag": st.booleans(),
    "day": st.sampled_from([dt.date(2020, 1, 2), dt.date(999 + 1, 1, 1)]) | DAYS,
    "other": st.sampled_from(["海淀", "公园", ""]),
}
ROWS = st.lists(st.fixed_dictionaries({k: st.none() | v for k, v in CELLS.items()}), max_size=12)


def built(folder: Path, rows: list[dict[str, Any]], schema: pa.Schema = SCHEMA) -> RowStore:
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / "table.parquet")
    build_rows(folder / "table.parquet", folder / "rows", ())
    return RowStore(folder / "rows")


def holds(condition: Condition, row: dict[str, Any]) -> bool:
    """The meaning of a condition, in Python. A missing value is neither equal nor unequal nor greater."""
    if isinstance(condition, AllOf):
        return all(holds(part, row) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return any(holds(part, row) for part in condition.parts)
    cell = row[condition.field]
    if condition.value is None:
        return (cell is None) is (condition.operator is Operator.EQ)
    if cell is None:
        return False
    wanted = condition.value
    match condition.operator:
        case Operator.EQ:
            return bool(cell == wanted)
        case Operator.NE:
            return bool(cell != wanted)
        case Operator.LT:
            return bool(cell < wanted)
        case Operator.LTE:
            return bool(cell <= wanted)
        case Operator.GT:
            return bool(cell > wanted)
        case Operator.GTE:
            return bool(cell >= wanted)


def as_parameter(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float) else str(value)


def with_parameters(condition: Condition) -> Condition:
    if isinstance(condition, Comparison):
        return Comparison(condition.field, condition.operator, as_parameter(condition.value))
    return type(condition)(tuple(with_parameters(part) for part in condition.parts))


def ordered(rows: list[tuple[int, dict[str, Any]]], sort: tuple[Sort, ...]) -> list[int]:
    """Row numbers in the order of PostgreSQL: missing values behind all others, before them when descending."""
    for item in reversed(sort):
        present = [r for r in rows if r[1][item.field] is not None]
        missing = [r for r in rows if r[1][item.field] is None]
        present.sort(key=lambda r: r[1][item.field], reverse=item.descending)
        rows = missing + present if item.descending else present + missing
    return [number for number, _ in rows]


COMPARISONS = st.one_of(
    [
        st.builds(Comparison, st.just(name), st.sampled_from(list(Operator)), values)
        for name, values in CELLS.items()
        if name != "flag"
    ]
    + [st.builds(Comparison, st.sampled_from(list(CELLS)), st.sampled_from([Operator.EQ, Operator.NE]), st.none())]
)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: (
        st.builds(AllOf, st.lists(inner, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple))
    ),
    max_leaves=4,
)
SORTS = st.lists(st.builds(Sort, st.sampled_from(list(CELLS)), st.booleans()), max_size=2).map(tuple)


QUESTIONS = st.lists(st.tuples(CONDITIONS, SORTS, st.integers(0, 5), st.integers(0, 5)), min_size=4, max_size=8)


@settings(max_examples=20, deadline=None)
@given(rows=ROWS, questions=QUESTIONS)
def test_pages_equal_a_plain_reading(rows: list[dict[str, Any]], questions: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = built(Path(folder), rows)
        for condition, sort, limit, offset in questions:
            check_page(store, rows, condition, sort, limit, offset)
        store.close()


def check_page(
    store: RowStore, rows: list[dict[str, Any]], condition: Condition, sort: tuple[Sort, ...], limit: int, offset: int
) -> None:
    page = store.page(Query(with_parameters(condition), sort=sort, limit=limit, offset=offset))
    found = [(number, row) for number, row in enumerate(rows) if holds(condition, row)]
    assert page.total == len(found)
    # Python's `sort(reverse=True)` keeps equal rows in order, as the row number does in SQL.
    assert list(page.numbers) == ordered(found, sort)[offset : offset + limit]
    for number, line in zip(page.numbers, page.rows, strict=True):
        parsed = json.loads(line, parse_float=Decimal)
        assert list(parsed) == SCHEMA.names
        for name, cell in rows[number].items():
            expected = cell.isoformat() if isinstance(cell, dt.date) else cell
            if isinstance(cell, float):
                assert float(parsed[name]) == cell
            else:
                assert parsed[name] == expected


TERMS = st.lists(st.text("海淀公园aB1é%", min_size=1, max_size=4), min_size=4, max_size=8)


@settings(max_examples=15, deadline=None)
@given(rows=ROWS, terms=TERMS, field=st.sampled_from(["", "text", "other"]))
def test_text_is_found_wherever_it_stands(rows: list[dict[str, Any]], terms: list[str], field: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = built(Path(folder), rows)
        for term in terms:
            check_text(store, rows, term, field)
        store.close()


def check_text(store: RowStore, rows: list[dict[str, Any]], term: str, field: str) -> None:
    query = Query(text_by_field=((field, term),)) if field else Query(text=term)
    fields = [field] if field else ["text", "other"]
    found = [n for n, row in enumerate(rows) if any(term.lower() in (row[f] or "").lower() for f in fields)]
    page = store.page(query)
    assert list(page.numbers) == found
    assert page.total == len(found)


def numbered(count: int) -> list[dict[str, Any]]:
    return [{"id": n, "half": n // 2, "word": f"第{n}号" if n % 7 else "海淀公园"} for n in range(count)]


NUMBERED = pa.schema([("id", pa.int64()), ("half", pa.int64()), ("word", pa.string())])


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> RowStore:
    """More rows than a batch, so that batches and segments of the text index meet."""
    return built(tmp_path_factory.mktemp("many"), numbered(BATCH_ROWS * 2 + 5), NUMBERED)


@pytest.mark.parametrize("offset", [0, BATCH_ROWS - 1, BATCH_ROWS, BATCH_ROWS * 2 + 3, BATCH_ROWS * 2 + 5, 10**12])
def test_pages_across_batches(many: RowStore, offset: int) -> None:
    expected = numbered(many.rows)[offset : offset + 3]
    page = many.page(Query(limit=3, offset=offset))
    assert json.loads(render_objects(many, page, tuple(many.columns))) == expected
    assert page.total == many.rows


def test_text_and_filters_across_segments(many: RowStore) -> None:
    found = [n for n in range(many.rows) if n % 7 == 0]
    page = many.page(Query(text="公园 海淀", limit=10**6))
    assert list(page.numbers) == found
    late = Comparison("id", Operator.GTE, many.rows - 20)
    page = many.page(Query(late, text="海淀公园", sort=(Sort("id", True),)))
    assert list(page.numbers) == [n for n in reversed(found) if n >= many.rows - 20]
    assert many.page(Query(text="海园")).total == 0


@pytest.mark.parametrize("bound", [1, 500, 2_000, 9_999])
def test_few_and_many_matches_give_the_same_order(many: RowStore, bound: int) -> None:
    """SQLite is sent along another index when many rows match; the answer may not tell."""
    page = many.page(Query(Comparison("half", Operator.LT, bound), sort=(Sort("half", True),), limit=4))
    last = 2 * bound - 2
    assert list(page.numbers) == [last, last + 1, last - 2, last - 1][: 2 * bound]
    assert page.total == 2 * bound


def test_lists_keep_the_order_of_the_fields(many: RowStore) -> None:
    page = many.page(Query(limit=2))
    assert json.loads(render_lists(many, page, ("half", "_id"))) == [[0, 1], [0, 2]]


def test_no_rows(tmp_path: Path) -> None:
    store = built(tmp_path, [])
    for query in (Query(), Query(text="海"), Query(sort=(Sort("day"),)), Query(distinct=True, fields=("text",))):
        page = store.page(query)
        assert (page.rows, page.total) == ([], 0)


def test_building_twice_changes_nothing(tmp_path: Path) -> None:
    built(tmp_path, [{"text": "一"}]).close()
    folder = tmp_path / "rows"
    before = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    build_rows(tmp_path / "table.parquet", folder, ())
    assert {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} == before
    assert is_unharmed(folder)
    (folder / "rows.ndjson").write_bytes(b"{}\n")
    assert not is_unharmed(folder)


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "table.parquet").write_bytes(b"PAR1 no PAR1")
    with pytest.raises(pa.ArrowInvalid):
        build_rows(tmp_path / "table.parquet", tmp_path / "rows", ())
    assert [p.name for p in tmp_path.iterdir()] == ["table.parquet"]


def test_an_unfinished_folder_is_built_anew(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "rows.ndjson").write_bytes(b"half")
    assert not is_built(tmp_path / "rows")
    assert built(tmp_path, [{"text": "一"}]).rows == 1


def test_every_type_that_a_release_may_hold(tmp_path: Path) -> None:
    table = pa.table(
        {
            "seen": pa.array([dt.datetime(2026, 1, 2, 3, 4, 5, 600)], pa.timestamp("us")),
            "zoned": pa.array([dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)], pa.timestamp("us", "UTC")),
            "time": pa.array([dt.time(8, 30)], pa.time32("s")),
            "list": pa.array([[1, 2]]),
            "object": pa.array([{"a": "海"}]),
            "nothing": pa.nulls(1),
            "word": pa.array(["海"]).dictionary_encode(),
            "small": pa.array([0.5], pa.float32()),
        }
    )
    pq.write_table(table, tmp_path / "table.parquet")
    build_rows(tmp_path / "table.parquet", tmp_path / "rows", ())
    store = open_rows(tmp_path / "rows")
    assert json.loads(store.page(Query()).rows[0]) == {
        "seen": "2026-01-02T03:04:05.000600",
        "zoned": "2026-01-02T03:04:05+00:00",
        "time": "08:30:00",
        "list": [1, 2],
        "object": {"a": "海"},
        "nothing": None,
        "word": "海",
        "small": 0.5,
    }
    for field, value in (
        ("seen", "2026-01-02T03:04:05.000600"),
        ("zoned", "2026-01-02T11:04:05+08:00"),
        ("time", "08:30"),
        ("list", "[1, 2]"),
        ("object", '{"a": "海"}'),
        ("word", "海"),
    ):
        assert store.page(Query(Comparison(field, Operator.EQ, value))).total == 1
    assert store.page(Query(text="海")).total == 1


def test_unknown_fields_name_the_known_ones(many: RowStore) -> None:
    for query in (
        Query(Comparison("nope", Operator.EQ, 1)),
        Query(sort=(Sort("nope"),)),
        Query(fields=("nope",)),
        Query(text_by_field=(("nope", "x"),)),
        Query(Comparison("id) OR (1=1", Operator.EQ, 1)),
    ):
        with pytest.raises(UnknownField) as caught:
            many.page(query)
        assert caught.value.known == ("id", "half", "word")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (Query(text="x" * 201), "query-too-long"),
        (Query(text=" ".join("abcdefghijk")), "query-too-long"),
        (Query(AllOf((Comparison("id", Operator.EQ, 1),) * 501)), "too-many-filters"),
        (Query(sort=(Sort("id"),) * 9), "too-many-sorts"),
        (Query(Comparison("id", Operator.EQ, "raw-secret")), "unfit-filter-value"),
        (Query(Comparison("id", Operator.LT, None)), "unfit-filter-value"),
        (Query(text_by_field=(("id", "1"),)), "not-text"),
        (Query(distinct=True, fields=("half",), sort=(Sort("id"),)), "sort-outside-distinct"),
    ],
)
def test_limits(many: RowStore, query: Query, code: str) -> None:
    with pytest.raises(Refused) as caught:
        many.page(query)
    assert caught.value.code == code
    assert "secret" not in str(caught.value) + caught.value.message.zh + str(caught.value.field)


def test_the_bounds_themselves_are_allowed(many: RowStore) -> None:
    assert many.page(Query(text="x" * 200)).total == 0
    assert many.page(Query(AnyOf((Comparison("id", Operator.EQ, 1),) * 500))).total == 1


def test_a_question_that_takes_too_long_is_stopped(many: RowStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "SECONDS", -1.0)
    with pytest.raises(Refused) as caught:
        many.page(Query(Comparison("word", Operator.NE, "一"), distinct=True, fields=("word",), limit=7))
    assert caught.value.code == "query-too-slow"
    monkeypatch.undo()
    assert many.page(Query(Comparison("id", Operator.EQ, 7))).total == 1
