"""Read rows: SQLite and the text index find row numbers, a page is made of slices of pre-rendered bytes."""

import mmap
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from pipelines.rows.build import INDEX_FILE, MANIFEST_FILE, OFFSETS_FILE, ROWS_FILE
from pipelines.rows.query import (
    MOST_CHARACTERS,
    MOST_TERMS,
    Column,
    Query,
    compile_condition,
    compile_sort,
    find_column,
)
from pipelines.rows.text_index import TextIndex, fold_terms, mapped, open_text_index
from pipelines.rows.values import Kind
from schemas.errors import Refused
from schemas.table_schema import SchemaField
from schemas.text import Text

SECONDS = 10.0  # most that one question may take
FEW = 20  # one row in twenty
STEPS = 5_000  # of SQLite's virtual machine between two looks at the clock


@dataclass(frozen=True)
class Page:
    """rows: JSON objects, one per row, without line ends. numbers: of the rows, 0 for the first. total: of all rows
    that match, None where it was not wanted."""

    rows: list[bytes]
    numbers: Sequence[int]
    total: int | None


class QueryTooSlow(Refused):
    """The index was not done in the time given."""

    def __init__(self) -> None:
        super().__init__(
            "query-too-slow",
            Text(zh=f"查询超过 {SECONDS:.0f} 秒，已停止", en=f"the query took over {SECONDS:.0f} s"),
            Text(zh="请缩小筛选范围，或下载整个文件", en="narrow the filters, or download the whole file"),
            field="filters",
        )


class RowStore:
    """The opened rows of one distribution. Immutable, so that answers may be kept; safe to share between threads."""

    def __init__(self, folder: Path):
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._budget = threading.local()  # seconds that this thread's question may take
        manifest = orjson.loads((folder / MANIFEST_FILE).read_bytes())
        self.folder = folder
        self.rows: int = manifest["rows"]
        self.columns = {
            c["name"]: Column(c["name"], Kind(c["kind"]), f"c{i}") for i, c in enumerate(manifest["columns"])
        }
        self.fields = {
            c["name"]: SchemaField.model_validate(c["field"]) for c in manifest["columns"] if c["field"] is not None
        }
        self._offsets = mapped(folder / OFFSETS_FILE, np.uint64)
        self._bytes = _map_bytes(folder / ROWS_FILE)
        self._text_columns = [c.name for c in self.columns.values() if c.kind is Kind.TEXT]
        self._text: TextIndex | None = open_text_index(folder) if self._text_columns else None
        self._count = lru_cache(maxsize=512)(self._count_rows)
        self._found = lru_cache(maxsize=8)(self._find_text)  # each up to 4 bytes per row

    def page(self, query: Query, seconds: float | None = None) -> Page:
        """The rows that `query` asks for. Raises Refused (unknown field, unfit value, over a limit), QueryTooSlow (the
        index took over `seconds`, by default SECONDS)."""
        self._budget.seconds = SECONDS if seconds is None else seconds
        self._check_fields(query)
        numbers, total = self._numbers(query)
        return Page(self._slices(numbers), numbers, total if query.want_total else None)

    def close(self) -> None:
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def __del__(self) -> None:
        self.close()

    def _check_fields(self, query: Query) -> None:
        for name in query.fields or ():
            find_column(self.columns, name)

    def _numbers(self, query: Query) -> tuple[Sequence[int], int | None]:
        """Numbers of the rows of the page, and the number of all."""
        where, values = compile_condition(query.condition, self.columns)
        order = compile_sort(query.sort, self.columns)
        matched = self._found(query.text, query.text_by_field) if query.text or query.text_by_field else None
        if not where and not order and not query.distinct:
            if matched is None:
                return range(min(query.offset, self.rows), min(query.offset + query.limit, self.rows)), self.rows
            return matched[query.offset : query.offset + query.limit].tolist(), len(matched)
        if matched is not None:
            where = f"row IN (SELECT value FROM json_each(?)){f' AND ({where})' if where else ''}"
            values = [orjson.dumps(matched, option=orjson.OPT_SERIALIZE_NUMPY).decode(), *values]
        selected, group = self._selection(query)
        condition = f" WHERE {where}" if where else ""
        counted = f"SELECT count(*) FROM cells{condition}"
        if group:
            counted = f"SELECT count(*) FROM (SELECT 1 FROM cells{condition}{group})"
        total = self._count(counted, tuple(values))
        if where and matched is None and not group:
            where, order = self._hinted(query, total)
            condition = f" WHERE {where}"
        sql = f"SELECT {selected} AS n FROM cells{condition}{group} ORDER BY {order + ', ' if order else ''}n"
        return [row[0] for row in self._select(f"{sql} LIMIT ? OFFSET ?", [*values, query.limit, query.offset])], total

    def _hinted(self, query: Query, total: int) -> tuple[str, str]:
        """WHERE and ORDER BY terms that make SQLite walk the index that pays. Its own planner cannot know how many
        rows match: few are found by the filter's index and sorted, many are met soon along the order asked for. A
        unary plus keeps a term from using its index and changes nothing else."""
        plus = {name: replace(c, column=f"+{c.column}") for name, c in self.columns.items()}
        many = total * FEW > self.rows
        where, _ = compile_condition(query.condition, plus if many else self.columns)
        order = compile_sort(query.sort, self.columns if many else plus)
        return where, order if many else order or "+row"

    def _selection(self, query: Query) -> tuple[str, str]:
        if not query.distinct:
            return "row", ""
        names = query.fields or tuple(self.columns)
        for item in query.sort:
            if item.field not in names:
                raise Refused(
                    "sort-outside-distinct",
                    Text(zh="去重查询只能按返回的字段排序", en="a distinct query sorts by the fields it returns only"),
                    Text(zh="请把排序字段加入 fields", en="add the field to `fields`"),
                    field="sort",
                )
        return "min(row)", " GROUP BY " + ", ".join(find_column(self.columns, name).column for name in names)

    def _count_rows(self, sql: str, values: tuple[Any, ...]) -> int:
        return int(self._select(sql, values)[0][0])

    def _find_text(self, text: str, by_field: tuple[tuple[str, str], ...]) -> np.ndarray:
        """Numbers of the rows in which every term occurs; sorted."""
        wanted: list[tuple[str, int | None]] = [(term, None) for term in self._terms(text)]
        for name, field_text in by_field:
            find_column(self.columns, name)
            if name not in self._text_columns:
                raise Refused(
                    "not-text",
                    Text(zh="只有文本字段可以全文检索", en="only text fields can be searched for words"),
                    Text(zh="其他字段请用筛选", en="use a filter for other fields"),
                    field=name,
                )
            wanted += [(term, self._text_columns.index(name)) for term in self._terms(field_text)]
        found: np.ndarray | None = None if self._text is not None or not wanted else np.empty(0, np.int64)
        for term, column in sorted(wanted, key=lambda item: -len(item[0])):
            if self._text is not None and (found is None or len(found)):
                rows = self._text.find(term, column)
                found = rows if found is None else np.intersect1d(found, rows, assume_unique=True)
        return (np.arange(self.rows) if found is None else found).astype(np.int32)

    def _terms(self, text: str) -> list[str]:
        terms = fold_terms(text) if len(text) <= MOST_CHARACTERS else []
        if len(text) > MOST_CHARACTERS or len(terms) > MOST_TERMS:
            raise Refused(
                "query-too-long",
                Text(
                    zh=f"检索词过长：最多 {MOST_CHARACTERS} 个字符、{MOST_TERMS} 个词",
                    en=f"the text query is too long: at most {MOST_CHARACTERS} characters and {MOST_TERMS} words",
                ),
                Text(zh="请缩短检索词", en="use fewer words"),
                field="q",
            )
        return terms

    def _slices(self, numbers: Sequence[int]) -> list[bytes]:
        if isinstance(numbers, range):
            if not numbers:
                return []
            start, end = int(self._offsets[numbers.start]), int(self._offsets[numbers.stop])
            return self._bytes[start : end - 1].split(b"\n")
        chosen = np.asarray(numbers, dtype=np.int64)
        starts, ends = self._offsets[chosen].tolist(), self._offsets[chosen + 1].tolist()
        return [self._bytes[a : b - 1] for a, b in zip(starts, ends, strict=True)]

    def _select(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._connection() as connection:
            try:
                return connection.execute(sql, values).fetchall()
            except sqlite3.OperationalError as error:
                if str(error) != "interrupted":
                    raise
                raise QueryTooSlow from None

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._idle.pop() if self._idle else _connect(self.folder / INDEX_FILE)
        deadline = time.monotonic() + self._budget.seconds
        connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
        try:
            yield connection
        finally:
            with self._lock:
                self._idle.append(connection)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True, check_same_thread=False)
    connection.execute("PRAGMA mmap_size=1073741824")
    return connection


def _map_bytes(path: Path) -> mmap.mmap | bytes:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""


@lru_cache(maxsize=64)
def open_rows(folder: Path) -> RowStore:
    """The finished rows in `folder`, opened once per process."""
    return RowStore(folder)
