from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.field_summary import MOST_DISTINCT, FieldSummary, read_summary, summarise_fields, write_summary


def _parquet(folder: Path, table: pa.Table) -> Path:
    pq.write_table(table, folder / "t.parquet")
    return folder / "t.parquet"


def test_what_a_summary_says(tmp_path: Path) -> None:
    table = pa.table(
        {
            "city": ["a", "a", "b", None],
            "price": pa.array([Decimal("1.50"), Decimal("2.50"), None, Decimal("5.00")]),
            "day": pa.array([date(2026, 1, 2), date(2026, 1, 1), None, None]),
            "empty": pa.array([None] * 4, pa.string()),
        }
    )
    city, price, day, empty = summarise_fields(_parquet(tmp_path, table))
    assert (city.filled, city.distinct, city.frequent, city.lowest) == (0.75, 2, {"a": 2, "b": 1}, None)
    assert (price.lowest, price.highest, price.mean, price.median) == ("1.50", "5.00", 3.0, 2.5)
    assert (day.lowest, day.highest, day.mean) == ("2026-01-01", "2026-01-02", None)
    assert (empty.filled, empty.distinct) == (0.0, 0)


@pytest.mark.parametrize(("values", "listed"), [(MOST_DISTINCT, True), (MOST_DISTINCT + 1, False)])
def test_many_values_have_no_frequent_ones(tmp_path: Path, values: int, listed: bool) -> None:
    [summary] = summarise_fields(_parquet(tmp_path, pa.table({"a": [str(n) for n in range(values)]})))
    assert bool(summary.frequent) is listed


def test_a_table_without_rows_has_a_summary(tmp_path: Path) -> None:
    [summary] = summarise_fields(_parquet(tmp_path, pa.table({"a": pa.array([], pa.int64())})))
    assert summary == FieldSummary(field="a", filled=0.0, distinct=0)


def test_it_is_written_once_and_read_back(tmp_path: Path) -> None:
    parquet, target = _parquet(tmp_path, pa.table({"a": [1, 2]})), tmp_path / "s.json"
    assert read_summary(target) == []
    write_summary(parquet, target)
    assert read_summary(target) == summarise_fields(parquet)
    parquet.unlink()
    write_summary(parquet, target)
