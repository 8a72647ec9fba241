"""Validation against frictionless: rows per second of clean and slightly bad files, memory, Arrow's bare read."""

import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import xlsxwriter

from pipelines.read import read_source
from pipelines.validation.validate import ValidatedTable, validate_table
from schemas.table_schema import TableSchema, table_schema_from_descriptor
from tests.benchmarks import Row

ROWS, LARGE = 1_000_000, 20_000_000
SAMPLE = 30_000  # rows given to frictionless
ROUNDS = 3
SHEET_ROWS, SHEET_SAMPLE = 50_000, 10_000
DISTRICTS = [f"{p}{c:02d}{d:02d}" for p in (11, 31, 44, 51) for c in range(1, 6) for d in range(1, 10)]
STREETS = ["中关村大街", "人民路", "解放东路", "建设二路", "长安街", "和平巷", "文化路北段"]
DESCRIPTOR: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer", "constraints": {"required": True, "unique": True}},
        {"name": "code", "type": "string", "constraints": {"required": True, "pattern": "[0-9]{6}"}},
        {"name": "name", "type": "string", "constraints": {"required": True, "maxLength": 40}},
        {"name": "address", "type": "string"},
        {"name": "opened", "type": "date", "constraints": {"minimum": "1950-01-01"}},
        {"name": "updated", "type": "datetime", "format": "%Y-%m-%d %H:%M:%S"},
        {"name": "beds", "type": "integer", "constraints": {"minimum": 0, "maximum": 100000}},
        {"name": "amount", "type": "number", "constraints": {"minimum": 0}},
        {"name": "longitude", "type": "number", "constraints": {"minimum": 73, "maximum": 136}},
        {"name": "active", "type": "boolean", "trueValues": ["是"], "falseValues": ["否"]},
        {"name": "kind", "type": "string", "constraints": {"enum": ["医院", "学校", "公园", "图书馆"]}},
        {"name": "year", "type": "year"},
    ],
    "primaryKey": ["id"],
}


def schema() -> TableSchema:
    return table_schema_from_descriptor(DESCRIPTOR, "bench", "1.0.0")


def record(source: random.Random, number: int) -> list[str]:
    return [
        str(number),
        source.choice(DISTRICTS),
        f"第{source.randrange(9000)}机构",
        f"{source.choice(STREETS)}{source.randrange(400)}号",
        f"{source.randint(1960, 2023)}-{source.randint(1, 12):02d}-{source.randint(1, 28):02d}",
        f"2024-{source.randint(1, 12):02d}-{source.randint(1, 28):02d} {source.randrange(24):02d}:"
        f"{source.randrange(60):02d}:{source.randrange(60):02d}",
        str(source.randrange(3000)),
        f"{source.random() * 1e6:.2f}",
        f"{source.uniform(74, 135):.6f}",
        source.choice("是否"),
        source.choice(["医院", "学校", "公园", "图书馆"]),
        str(source.randint(1990, 2024)),
    ]


def write_csv(path: Path, rows: int, bad_share: float = 0.0) -> Path:
    """A file of `rows` records; a bad one has one wrong cell in a random column that can be wrong."""
    source = random.Random(20_260_101)
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([f["name"] for f in DESCRIPTOR["fields"]])
        for number in range(1, rows + 1):
            cells = record(source, number)
            if bad_share and source.random() < bad_share:
                cells[source.choice([1, 4, 6, 7, 9, 10])] = "x"
            writer.writerow(cells)
    return path


def write_large(path: Path, rows: int) -> Path:
    """Many rows, made quickly: blocks of the same records under new numbers."""
    source = random.Random(7)
    tails = [",".join(record(source, 0)[1:]) + "\n" for _ in range(50_000)]
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write(",".join(f["name"] for f in DESCRIPTOR["fields"]) + "\n")
        for first in range(1, rows + 1, len(tails)):
            out.write("".join(f"{first + i},{tail}" for i, tail in enumerate(tails[: rows + 1 - first])))
    return path


MEASURE = """
import json, os, resource, sys, time
from pathlib import Path
if sys.argv[2] != "0":
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[2])])
from tests.benchmarks import bench_validation as bench
print(json.dumps(getattr(bench, sys.argv[1])(Path(sys.argv[3]))))
"""


def measured(what: str, path: Path, cores: int = 0) -> dict[str, float]:
    """Run one of the functions below in a process of its own, on so many cores (0 = all)."""
    child = subprocess.run(
        [sys.executable, "-c", MEASURE, what, str(cores), str(path)], stdout=subprocess.PIPE, text=True, check=True
    )
    result: dict[str, float] = json.loads(child.stdout.splitlines()[-1])
    return result


def peak() -> float:
    """The most anonymous and shared memory this process ever held, in MiB (mapped files count while resident)."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def warm_up(path: Path, check: Callable[[Path], object]) -> None:
    """Check a small file first: loading of modules is no part of the speed of a server."""
    small = path.with_name(f"small-{os.getpid()}{path.suffix}")
    write_sheet(small, 10) if path.suffix == ".xlsx" else write_csv(small, 10)
    check(small)
    small.unlink()


def ours(path: Path) -> dict[str, float]:
    warm_up(path, lambda small: validate_table(read_source(small), schema()))
    start, used = time.perf_counter(), time.process_time()
    result = validate_table(read_source(path), schema(), limit_errors=0 if "bad" in path.name else 1000)
    rows = result.report.rows if isinstance(result, ValidatedTable) else result.rows
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "cpu": time.process_time() - used, "rows": rows, "peak": peak()}


def frictionless(path: Path) -> dict[str, float]:
    from pipelines.validation import frictionless_adapter as adapter

    format = path.suffix[1:]

    def check(file: Path) -> None:
        adapter.frictionless_errors(adapter.resource_of(DESCRIPTOR, (file, format, "utf-8")), 1000)

    warm_up(path, check)
    start, used = time.perf_counter(), time.process_time()
    check(path)
    seconds = time.perf_counter() - start
    rows = SHEET_SAMPLE if format == "xlsx" else SAMPLE
    return {"seconds": seconds, "cpu": time.process_time() - used, "rows": rows, "peak": peak()}


def arrow(path: Path) -> dict[str, float]:
    types = {
        "id": pa.int64(), "opened": pa.date32(), "updated": pa.timestamp("s"), "beds": pa.int64(),
        "amount": pa.float64(), "longitude": pa.float64(), "year": pa.int64(),
    }  # fmt: skip
    types |= {name: pa.string() for name in ("code", "name", "address", "active", "kind")}
    cores = len(os.sched_getaffinity(0))
    start, used = time.perf_counter(), time.process_time()
    table = pacsv.read_csv(
        path, pacsv.ReadOptions(use_threads=cores > 1), convert_options=pacsv.ConvertOptions(column_types=types)
    )
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "cpu": time.process_time() - used, "rows": len(table), "peak": peak()}


def write_sheet(path: Path, rows: int) -> Path:
    source = random.Random(3)
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, [f["name"] for f in DESCRIPTOR["fields"]])
    for number in range(1, rows + 1):
        cells: list[Any] = list(record(source, number))
        for column in (0, 6, 11):
            cells[column] = int(cells[column])
        for column in (7, 8):
            cells[column] = float(cells[column])
        sheet.write_row(number, 0, cells)
    book.close()
    return path


def rate(result: dict[str, float], clock: str = "cpu") -> float:
    """Rows per second; of processor time on one core, so that other work on the machine hardly matters."""
    return result["rows"] / result[clock]


def run() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="gongkai-bench-") as name:
        folder = Path(name)
        return [*_speed(folder), *_sheet(folder), *_by_columns(folder), *_large(folder)]


def _speed(folder: Path) -> list[Row]:
    clean = write_csv(folder / "clean.csv", ROWS)
    bad = write_csv(folder / "bad.csv", ROWS, 0.001)
    sample = write_csv(folder / "sample.csv", SAMPLE)
    slow, one, two, wrong, bare = in_rounds(
        ("frictionless", sample, 1), ("ours", clean, 1), ("ours", clean, 0), ("ours", bad, 1), ("arrow", clean, 1)
    )
    times = middle(bare) / middle(one)
    memory = max(result["peak"] for result in two)
    return [
        Row("frictionless, 12 columns, clean", f"{middle(slow):,.0f} rows/s"),
        _ratio("1 M × 12 clean, one core", one, slow, 40),
        _ratio("1 M × 12 clean, two cores, by the clock", two, slow, 60, "seconds"),
        _ratio("1 M × 12, 0.1 % bad rows, one core", wrong, slow, 25),
        Row("against Arrow's bare typed read, one core", f"{times:.2f} times its time", "≤ 4", times <= 4),
        Row("peak memory, 1 M rows", f"{memory:.0f} MiB", "≤ 400 MiB", memory <= 400),
    ]


def _sheet(folder: Path) -> list[Row]:
    sample, sheet = write_sheet(folder / "sample.xlsx", SHEET_SAMPLE), write_sheet(folder / "s.xlsx", SHEET_ROWS)
    slow, checked = in_rounds(("frictionless", sample, 1), ("ours", sheet, 1))
    return [_ratio("XLSX 50 k × 12", checked, slow, 15)]


def in_rounds(*runs: tuple[str, Path, int]) -> list[list[dict[str, float]]]:
    """The results of each run of `measured`: all ROUNDS times, in turn, as the machine's speed comes and goes."""
    rounds = [[measured(*run) for run in runs] for _ in range(ROUNDS)]
    return [list(results) for results in zip(*rounds, strict=True)]


def middle(results: list[dict[str, float]], clock: str = "cpu") -> float:
    """The middle of several rates."""
    return statistics.median(rate(result, clock) for result in results)


def _large(folder: Path) -> list[Row]:
    large = measured("ours", write_large(folder / "large.csv", LARGE))
    return [
        Row("20 M × 12 clean, two cores", f"{rate(large, 'seconds'):,.0f} rows/s, {large['seconds']:.0f} s"),
        Row("peak memory, 20 M rows", f"{large['peak']:.0f} MiB", "≤ 400 MiB", large["peak"] <= 400),
    ]


def _ratio(
    name: str, results: list[dict[str, float]], slow: list[dict[str, float]], goal: float, clock: str = "cpu"
) -> Row:
    ratio = middle(results, clock) / middle(slow, clock)
    return Row(name, f"{middle(results, clock):,.0f} rows/s, {ratio:.0f} × frictionless", f"≥ {goal} ×", ratio >= goal)


OBJECT_ROWS = 200_000
TYPED = {"opened": pa.date32(), "updated": pa.timestamp("us"), "active": pa.bool_()}


def write_typed(path: Path, rows: int) -> Path:
    """The same records as NDJSON, JSON (numbers as numbers, the rest text) or Parquet (all in types of their own)."""
    source = random.Random(5)
    names = [f["name"] for f in DESCRIPTOR["fields"]]
    if path.suffix == ".parquet":
        with pq.ParquetWriter(path, _typed_part(source, names, 0, 1).schema) as out:
            for first in range(0, rows, 100_000):
                out.write_table(_typed_part(source, names, first, min(100_000, rows - first)))
        return path
    start, between, end = ("[", ",\n", "]") if path.suffix == ".json" else ("", "\n", "\n")
    with path.open("w", encoding="utf-8") as text:
        text.write(start)
        for number in range(1, rows + 1):
            text.write(between if number > 1 else "")
            text.write(json.dumps(dict(zip(names, typed_record(source, number), strict=True)), ensure_ascii=False))
        text.write(end)
    return path


def typed_record(source: random.Random, number: int) -> list[Any]:
    cells: list[Any] = list(record(source, number))
    for column, kind in ((0, int), (6, int), (7, float), (8, float), (11, int)):
        cells[column] = kind(cells[column])
    return cells


def _typed_part(source: random.Random, names: list[str], first: int, count: int) -> pa.Table:
    part = pa.Table.from_pylist([dict(zip(names, typed_record(source, first + i), strict=True)) for i in range(count)])
    for name, type in TYPED.items():
        cells = pc.equal(part[name], "是") if type == pa.bool_() else part[name].cast(type)
        part = part.set_column(part.column_names.index(name), name, cells)
    return part


def ours_typed(path: Path) -> dict[str, float]:
    return _typed(path, lambda file: validate_table(read_source(file), schema()))


def frictionless_typed(path: Path) -> dict[str, float]:
    from pipelines.validation import frictionless_adapter as adapter

    def check(file: Path) -> None:
        adapter.frictionless_errors(adapter.resource_of(DESCRIPTOR, (file, file.suffix[1:], "utf-8")), 1000)

    return {**_typed(path, check), "rows": SAMPLE}


def _typed(path: Path, check: Callable[[Path], object]) -> dict[str, float]:
    check(write_typed(path.with_name(f"small-{os.getpid()}{path.suffix}"), 10))
    start, used = time.perf_counter(), time.process_time()
    result = check(path)
    seconds = time.perf_counter() - start
    rows = result.report.rows if isinstance(result, ValidatedTable) else 0
    return {"seconds": seconds, "cpu": time.process_time() - used, "rows": rows, "peak": peak()}


def _by_columns(folder: Path) -> list[Row]:
    """Formats whose cells have types: against frictionless on the same kind of file."""
    rows: list[Row] = []
    for suffix, count in ((".ndjson", OBJECT_ROWS), (".json", OBJECT_ROWS), (".parquet", ROWS)):
        sample = write_typed(folder / f"typed-sample{suffix}", SAMPLE)
        whole = write_typed(folder / f"typed{suffix}", count)
        slow, mine = in_rounds(("frictionless_typed", sample, 1), ("ours_typed", whole, 1))
        memory = max(result["peak"] for result in mine)
        name = f"{suffix[1:].upper() if suffix != '.parquet' else 'Parquet'} {count // 1000:,} k × 12"
        rows += [
            _ratio(name, mine, slow, 15),
            Row(f"peak memory, {name}", f"{memory:.0f} MiB", "≤ 400 MiB", memory <= 400),
        ]
    return rows
