"""The engine says exactly what the installed frictionless says: on random tables, and on real files."""

import csv
import json
import random
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.validation import blocks, keys
from pipelines.validation import frictionless_adapter as adapter
from pipelines.validation.engine import check_table
from tests.factories.random_tables import random_table
from tests.shared_data import SHARED_DATA

FIXED_SEED = 20_260_101
PAIRS, SHARDS = 500, 10
FRESH_SHARDS = 2


def facts(error: Any) -> list[Any]:
    named = tuple(adapter.PLACES)
    return [error.type, error.note, error.message, *(getattr(error, name, None) for name in named)]


def said_by_frictionless(package: Path, name: str, limit: int) -> list[Any] | str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return [facts(e) for e in adapter.frictionless_errors(adapter.package_resource(package, name), limit)]
        except csv.Error as error:
            return f"csv.Error: {error}"
        except Exception as error:
            return f"{type(error).__name__}: {error}"


def said_by_engine(package: Path, name: str, limit: int, fast: bool) -> tuple[Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            outcome = check_table(
                lambda: adapter.open_table(adapter.package_resource(package, name)),
                limit_errors=limit,
                fast=fast,
                threads=2,
            )
        except Exception as error:
            return f"{type(error).__name__}: {error}", None
    return [facts(e) for e in outcome.errors], outcome


def check_pair(seed: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Compare one random pair; returns how it was checked."""
    source = random.Random(seed)
    monkeypatch.setattr(blocks, "BLOCK", source.choice([700, 3000, 20_000]))
    monkeypatch.setattr(keys, "SPILL", source.choice([50, 1_000_000]))
    table = random_table(seed, folder)
    expected = said_by_frictionless(table.package, table.resource, table.limit)
    path = ""
    for fast in (True, False):
        got, outcome = said_by_engine(table.package, table.resource, table.limit, fast)
        path = path or (outcome.path if outcome else "exception")
        way = f"{table.description}, {'fast' if fast else 'exact'}"
        assert got == expected, way
        for error in outcome.errors[:40] if outcome else ():
            assert adapter.error_descriptor(error) == error.to_descriptor(), way
        if outcome is not None and not outcome.errors:
            assert outcome.table is not None, way
            assert_values_agree(outcome.table, table.package, table.resource, way)
    return path


def assert_values_agree(table: pa.Table, package: Path, name: str, way: str) -> None:
    """The typed table holds the values that frictionless reads; text stands for values without an Arrow type."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        opened = adapter.open_table(adapter.package_resource(package, name))
        rows = [opened.row(list(cells), number) for number, cells in opened.rows()]
        opened.close()
    for field in opened.readings:
        values = [row[field.name] for row in rows]
        typed = table[field.name].to_pylist()
        if pa.types.is_string(table.schema.field(field.name).type) and field.type not in ("string", "any"):
            values, typed = [v is None for v in values], [v is None for v in typed]
        if pa.types.is_floating(table.schema.field(field.name).type):
            values = [None if v is None else float(v) for v in values]
            values, typed = [repr(v) for v in values], [repr(v) for v in typed]
        assert typed == values, f"{way}: {field.name}"


def check_pairs(seeds: range, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    return Counter(check_pair(seed, folder, monkeypatch) for seed in seeds)


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_random_tables_of_a_fixed_seed(shard: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = PAIRS // SHARDS
    first = FIXED_SEED + shard * size
    ways = check_pairs(range(first, first + size), tmp_path, monkeypatch)
    assert ways["fast"] >= size // 4


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(FRESH_SHARDS))
def test_fresh_random_tables(shard: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = 100 // FRESH_SHARDS
    first = random.SystemRandom().randrange(1 << 40)
    print(f"fresh tables from seed {first}")
    check_pairs(range(first, first + size), tmp_path, monkeypatch)


@pytest.mark.parametrize("fast", [True, False])
def test_keys_of_numbers_that_no_decimal_type_holds_together(tmp_path: Path, fast: bool) -> None:
    """A record with too many cells, and others of the same key, beside numbers of more than 38 digits in all."""
    cells = ["0,x", "1e-30", "1" * 30, "0", "5", "5,y"]
    schema = {"fields": [{"name": "a", "type": "number", "bareNumber": False}], "primaryKey": ["a"]}
    package = written(tmp_path, "a\n" + "\n".join(cells) + "\n", schema)
    expected = said_by_frictionless(package, "t", 1000)
    assert [error[0] for error in expected] == ["extra-cell", "primary-key"] * 2
    assert said_by_engine(package, "t", 1000, fast)[0] == expected


@pytest.mark.parametrize("fast", [True, False])
def test_a_limit_reached_by_the_labels_of_a_table_without_records(tmp_path: Path, fast: bool) -> None:
    schema = {"fields": [{"name": f"a{n}", "type": "string"} for n in range(4)]}
    package = written(tmp_path, "b,c,d,e\r\n", schema)
    expected = said_by_frictionless(package, "t", 2)
    assert [error[0] for error in expected] == ["incorrect-label"] * 4
    assert said_by_engine(package, "t", 2, fast)[0] == expected


@pytest.mark.parametrize("fast", [True, False])
def test_a_reference_is_read_even_for_fields_that_the_header_lacks(tmp_path: Path, fast: bool) -> None:
    key = {"fields": ["a"], "reference": {"resource": "", "fields": ["a"]}}
    schema = {"fields": [{"name": "a", "type": "string"}], "fieldsMatch": "partial", "foreignKeys": [key]}
    package = written(tmp_path, "b\n" + "1\n" * 20_000 + "\udcff\n", schema)
    expected = said_by_frictionless(package, "t", 1000)
    assert [error[0] for error in expected] == ["encoding-error"]
    assert said_by_engine(package, "t", 1000, fast)[0] == expected


def written(folder: Path, text: str, schema: dict[str, Any]) -> Path:
    """A package with one table `t`; returns the path of its descriptor."""
    (folder / "t.csv").write_bytes(text.encode("utf-8", "surrogateescape"))
    package = folder / "p.json"
    table = {"name": "t", "path": "t.csv", "encoding": "utf-8", "schema": schema}
    package.write_text(json.dumps({"name": "p", "resources": [table]}))
    return package


VERDICTS = SHARED_DATA / "validation" / "verdicts.json"
FILE_SHARDS = 8
OTHERWISE = ("frictionless-py/data/table.ods",)  # recorded where the ODS reader was not installed
SECONDS = 20  # files that take frictionless longer are compared with the recorded verdict alone


def real_files() -> list[dict[str, Any]]:
    """Recorded verdicts of files with a schema that frictionless could judge."""
    if not VERDICTS.exists():
        return []
    return [v for v in json.loads(VERDICTS.read_text("utf-8"))["verdicts"] if "note" not in v]


def resource_of_verdict(verdict: dict[str, Any]) -> Any:
    folder = VERDICTS.parent
    described = verdict["schema"]
    if described and "#" in described:
        package, _, name = described.partition("#")
        return adapter.package_resource(folder / package, name)
    return adapter.resource_at(folder / verdict["file"], folder / described if described else None)


def recorded(verdict: dict[str, Any]) -> list[list[Any]]:
    return [[kind, row, field or None] for kind, row, field in verdict["errors"]]


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(FILE_SHARDS))
def test_real_files(shard: int) -> None:
    """Each file's verdict as recorded, and every detail as the installed frictionless gives it now."""
    verdicts = real_files()
    if not verdicts:
        pytest.skip("shared data not present: validation/verdicts.json")
    for verdict in verdicts[shard::FILE_SHARDS]:
        way = f"{verdict['file']} with {verdict['schema']}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            resource = resource_of_verdict(verdict)
            expected = None if verdict["seconds"] > SECONDS else adapter.frictionless_errors(resource, 1000)
            outcome = check_table(lambda verdict=verdict: adapter.open_table(resource_of_verdict(verdict)))
        if expected is not None:
            assert [facts(e) for e in outcome.errors] == [facts(e) for e in expected], way
        got = [[e.type, getattr(e, "row_number", None), getattr(e, "field_name", None) or None] for e in outcome.errors]
        if verdict["file"] in OTHERWISE:
            continue
        assert got[:100] == recorded(verdict), way
        assert len(got) == verdict["n_errors"], way
        assert (not got) == verdict["valid"], way
