import csv
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.package import write_csv, write_parquet


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (None, pa.string(), ""),
        ("a,b", pa.string(), "a,b"),
        ('say "x"', pa.string(), 'say "x"'),
        ("two\nlines", pa.string(), "two\nlines"),
        (True, pa.bool_(), "true"),
        (Decimal("0.10"), pa.decimal128(10, 2), "0.10"),
        (0.1, pa.float64(), "0.1"),
        (date(2026, 3, 5), pa.date32(), "2026-03-05"),
        (time(7, 5), pa.time64("us"), "07:05:00.000000"),
        (datetime(2026, 3, 5, 7, 5), pa.timestamp("us"), "2026-03-05T07:05:00"),
        (datetime(2026, 3, 5, 7, 5, 0, 250000), pa.timestamp("us"), "2026-03-05T07:05:00.250000"),
        (datetime(2026, 3, 5, 7, 5, tzinfo=UTC), pa.timestamp("us", "UTC"), "2026-03-05T07:05:00Z"),
    ],
)
def test_cells_are_written_in_iso_form(tmp_path: Path, value: Any, kind: pa.DataType, expected: str) -> None:
    table = pa.table({"列": pa.array([value], kind), "b": ["x"]})
    write_csv(table, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as reader:
        assert list(csv.reader(reader)) == [["列", "b"], [expected, "x"]]


@given(st.lists(st.tuples(st.text(), st.text()), max_size=20))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    rows = [(a.replace("\r", ""), b.replace("\r", "")) for a, b in rows]
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    columns = list(zip(*rows, strict=True)) or [(), ()]
    write_csv(pa.table({"a": pa.array(columns[0], pa.string()), "b": pa.array(columns[1], pa.string())}), path)
    with path.open(encoding="utf-8", newline="") as reader:
        assert [tuple(r) for r in csv.reader(reader)][1:] == rows


def test_the_same_table_gives_the_same_bytes_without_metadata(tmp_path: Path) -> None:
    table = pa.table({"a": [1, 2]}).replace_schema_metadata({"origin": "raw.csv"})
    for name in ("1", "2"):
        write_parquet(table.replace_schema_metadata(None), tmp_path / name)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    assert b"raw.csv" not in (tmp_path / "1").read_bytes()
    assert pq.read_table(tmp_path / "1").equals(pa.table({"a": [1, 2]}))
