"""JSON, NDJSON, GeoJSON and Parquet checked by columns give what their records give row by row; and what frictionless
gives, where it reads the same."""

import datetime as dt
import random
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.read import json_text, parquet, read_source
from pipelines.validation import frictionless_adapter as adapter
from pipelines.validation import object_blocks
from pipelines.validation.engine import check_table
from pipelines.validation.validate import block_reader, open_source
from schemas.errors import GongkaiError
from schemas.table_schema import TableSchema, table_schema_from_descriptor

FIXED_SEED = 20_261_127
SHARDS, SIZE = 6, 15
TYPES = (
    *("integer", "number", "string", "boolean", "date", "datetime", "time", "year", "any"),
    *("object", "array", "yearmonth", "geopoint", "duration", "list", "geojson"),
)
# Cells as JSON text, by the type of field that they are mostly right for.
TOKENS: dict[str, list[str]] = {
    "integer": ["1", "2", "0", "-7", "41", "1000000", '"12"', "5.0", "2.5", "-0", '"x"', '"5.0"', "9007199254740993"],
    "number": ["1.5", "2", "0.25", "-2.125", "1e2", "12.50", '"3.5"', "0.1", '"x"', "1E-7", "123456.789", "-0.0"],
    "string": ['"a"', '"中文"', '"\\u4e2d\\ud83d\\ude00"', '"=x"', '"q\\"uo\\\\te"', '" pad "', '"NaN"', '"[{"', "5"],
    "boolean": ["true", "false", '"true"', '"是"', "1", '"false"'],
    "date": ['"2020-03-05"', '"2021-12-31"', '"2020-2-30"', '"1999-01-01"', "20200305"],
    "datetime": ['"2020-03-05T10:00:00"', '"2020-03-05T10:00:00Z"', '"2020-03-05T25:00:00"', '"x"'],
    "time": ['"10:00:00"', '"10:00:00.5"', '"25:00:00"', "10"],
    "year": ["2020", '"1999"', "20", "2020.0", '"20"', "-1"],
    "any": ["1", '"x"', "2.5", "true", "[1]", '{"a": 1}'],
    "object": ['{"a": 1}', '"{}"', "[1]", "{}"],
    "array": ["[1, 2.5]", '"[1]"', "[]", '{"a": 1}'],
    "yearmonth": ['"2020-01"', '"2020-13"', "202001"],
    "geopoint": ['"1,2"', "[1, 2]", '"190,0"'],
    "duration": ['"P1D"', '"1"', "5"],
    "list": ['"a,b"', '""', "[1]"],
    "geojson": ['{"type": "Point", "coordinates": [1.5, 2]}', '{"a": 1}', '"x"'],
}
SIMPLE = {
    "integer": 4,
    "number": 3,
    "string": 3,
    "boolean": 2,
    "date": 2,
    "datetime": 1,
    "time": 1,
    "year": 1,
    "any": 1,
}
HARD = ["99999999999999999999", "0.30000000000000004", "1e400", "12345678.123456789", "NaN", '"\\ud800"', "-Infinity"]


def facts(error: Any) -> list[Any]:
    named = tuple(adapter.PLACES)
    return [error.type, error.note, error.message, *(getattr(error, name, None) for name in named)]


def random_schema(source: random.Random) -> dict[str, Any]:
    fields = []
    for number in range(source.randint(1, 7)):
        kind = source.choice(TYPES[:9] if source.random() < 0.7 else TYPES)
        constraints: dict[str, Any] = {"required": True} if source.random() < 0.3 else {}
        if source.random() < 0.2 and kind not in ("any", "object", "array", "geojson", "list"):
            constraints["unique"] = True
        if source.random() < 0.3 and kind in ("integer", "number"):
            constraints |= {"minimum": source.choice([0, 1]), "maximum": 100_000}
        if source.random() < 0.3 and kind == "date":
            constraints["minimum"] = "2020-01-01"
        if source.random() < 0.2 and kind == "string":
            constraints |= source.choice([{"enum": ["a", "中文"]}, {"maxLength": 3}, {"pattern": "[a-z]+"}])
        if source.random() < 0.2 and kind in ("integer", "number"):
            constraints["enum"] = [1, 2, 5]
        more = {"floatNumber": True} if kind == "number" and source.random() < 0.2 else {}
        fields.append({"name": f"f{number}", "type": kind, "constraints": constraints, **more})
    missing = source.choice([{}, {}, {"missingValues": ["", "NA", "1", "2.5"]}, {"missingValues": ["-", "True"]}])
    key = {"primaryKey": [fields[0]["name"]]} if source.random() < 0.3 and fields[0]["type"] in TYPES[:9] else {}
    return {"fields": fields, **missing, **key}


def random_objects(source: random.Random, descriptor: dict[str, Any], tame: bool) -> list[list[tuple[str, str]]]:
    """Objects as lists of (key, token). tame: nothing that parsers disagree on."""
    clean, strange = source.random() < 0.4, source.choice([0.0, 0.02, 0.3])
    objects = []
    for number in range(source.choice([1, 3, 30, 200, 600])):
        pairs = []
        for f in descriptor["fields"]:
            tokens = TOKENS[f["type"]]
            token = source.choice(tokens[: SIMPLE.get(f["type"], 1)] if clean else tokens)
            if source.random() < 0.1:
                token = "null"
            elif source.random() < strange:
                token = source.choice(TOKENS[source.choice(TYPES)] if tame or source.random() < 0.7 else HARD)
            if f.get("constraints", {}).get("unique") and source.random() < 0.9:
                token = {"integer": str(number), "number": f"{number}.25"}.get(f["type"], token)
            pairs.append((f["name"], token))
        if number and source.random() < strange:
            source.shuffle(pairs)
        if number and source.random() < strange:
            pairs.pop()
        if number and source.random() < strange and not tame:
            pairs.append((source.choice(["f0", "other", "\\u0066\\u0031"]), source.choice(["7", "NaN", '"x"', "[{}]"])))
        objects.append(pairs)
    return objects


def object_text(source: random.Random, pairs: list[tuple[str, str]], spaced: bool) -> str:
    space = (lambda: source.choice(["", " ", "\n  ", "\t"])) if spaced else (lambda: "")
    return "{" + ",".join(f'{space()}"{k}"{space()}:{space()}{v}{space()}' for k, v in pairs) + "}"


def write_json(source: random.Random, objects: list[list[tuple[str, str]]], path: Path) -> None:
    if path.suffix == ".ndjson":
        end = source.choice(["\n", "\r\n"])
        text = end.join(object_text(source, pairs, spaced=False) for pairs in objects)
        text += source.choice(["", end])
    else:
        spaced = source.random() < 0.5
        between = source.choice([",", ", ", " ,\n", ",\n  "])
        text = (
            "[" + between.join(object_text(source, pairs, spaced) for pairs in objects) + source.choice(["]", "\n]\n"])
        )
    path.write_text(text, "utf-8")


def small_blocks(source: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    size = source.choice([300, 3000, 1 << 20])
    monkeypatch.setattr(json_text, "FIRST_CHUNK", size // 2)
    monkeypatch.setattr(json_text, "CHUNK", size)
    monkeypatch.setattr(object_blocks, "PART", source.choice([4, 256]))
    monkeypatch.setattr(parquet, "BATCH", source.choice([7, 100, 30_000]))


def outcome_of(path: Path, schema: TableSchema, *, fast: bool) -> tuple[Any, pa.Table | None, str]:
    """(errors or what was raised, typed table, way)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            table = read_source(path)
            outcome = check_table(
                lambda: open_source(table, schema), fast=fast, blocks_of=block_reader(table), threads=2
            )
        except GongkaiError as error:
            return error.code, None, "refused"
    return [facts(e) for e in outcome.errors], outcome.table, outcome.path


def said_by_frictionless(path: Path, descriptor: dict[str, Any]) -> list[Any] | None:
    """Its errors; None where it cannot cope with an object in a cell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            resource = adapter.resource_of(descriptor, (path, path.suffix[1:], "utf-8"))
            return [facts(e) for e in adapter.frictionless_errors(resource, 1000)]
        except TypeError:
            return None


def compared(table: pa.Table) -> dict[str, list[Any]]:
    """Values such that equal ones are equal: NaN and the sign of zero, too."""
    columns = {name: table[name].to_pylist() for name in table.column_names}
    return {n: [repr(v) if isinstance(v, float) else v for v in values] for n, values in columns.items()}


def assert_same(path: Path, schema: TableSchema, way: str) -> str:
    """Fast and by rows: the same verdict and the same values; returns how the fast way read the file."""
    expected, rows_table, _ = outcome_of(path, schema, fast=False)
    got, table, used = outcome_of(path, schema, fast=True)
    assert got == expected, way
    assert (table is None) == (rows_table is None), way
    if table is not None and rows_table is not None:
        assert compared(table) == compared(rows_table), way
        for name in table.column_names:
            one, other = table.schema.field(name).type, rows_table.schema.field(name).type
            assert one == other or (pa.types.is_decimal(one) and pa.types.is_decimal(other)), (way, name)
    return used


def check_objects(seed: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    source = random.Random(seed)
    small_blocks(source, monkeypatch)
    tame = source.random() < 0.5
    descriptor = random_schema(source)
    objects = random_objects(source, descriptor, tame)
    schema = table_schema_from_descriptor(descriptor, "test", "1.0.0")
    ways = []
    for name in ("a.json", "a.ndjson"):
        path = folder / name
        write_json(source, objects, path)
        ways.append(assert_same(path, schema, f"seed {seed}, {name}"))
        if tame:
            expected = said_by_frictionless(path, descriptor)
            assert expected in (None, outcome_of(path, schema, fast=True)[0]), f"seed {seed}, {name}, frictionless"
    return ways


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_random_objects(shard: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = FIXED_SEED + shard * SIZE
    ways = [way for seed in range(first, first + SIZE) for way in check_objects(seed, tmp_path, monkeypatch)]
    assert ways.count("fast") > SIZE


def test_a_number_that_means_no_value_beside_fractions(tmp_path: Path) -> None:
    """1 is missing, 1.0 is not: a column of floats would not tell them apart."""
    fields = [{"name": "a", "type": "number"}, {"name": "b", "type": "string"}]
    schema = table_schema_from_descriptor({"fields": fields, "missingValues": ["1"]}, "test", "1.0.0")
    path = tmp_path / "a.ndjson"
    path.write_text("".join(f'{{"a": {a}, "b": "x"}}\n' for a in ("2.5", "1", "1.0", "3")), "utf-8")
    assert_same(path, schema, "1")
    _, table, _ = outcome_of(path, schema, fast=True)
    assert table is not None
    assert [value is None for value in table["a"].to_pylist()] == [False, True, False, False]


@pytest.mark.slow
def test_fresh_random_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = random.SystemRandom().randrange(1 << 40)
    print(f"fresh objects from seed {first}")
    for seed in range(first, first + SIZE):
        check_objects(seed, tmp_path, monkeypatch)


MOMENTS = [
    dt.datetime(2020, 3, 5),
    dt.datetime(2021, 12, 31),
    dt.datetime(1999, 5, 5, 10, 30),
    dt.datetime(2020, 3, 5, 1),
]
DAYS = [dt.date(2020, 3, 5), dt.date(2021, 12, 31), dt.date(1999, 1, 1)]
FLOATS = [1.5, 0.25, 12.5, -2.0, 1e6, 0.1 + 0.2, 1e22, 1e-9, float("nan"), float("inf"), 123456.789, -0.0, 2.0**53]
FLOATS += [116.40739990234375, 39.904211234567893, 1 / 3, 0.0001 / 3, 1e15 / 7, -1e-5 / 3]
TEXTS = ["a", "中文", "12", "1.5", "x", "2020-03-05", "", "NA", "=x", "true"]
DECIMALS = [Decimal("1.50"), Decimal("2.00"), Decimal("-3.25"), Decimal("100000.00")]
ARROW_TYPES: dict[str, list[pa.DataType]] = {
    "integer": [*(pa.int64(), pa.int8(), pa.int32(), pa.uint64(), pa.float64(), pa.float32()), pa.decimal128(20, 2)],
    "number": [pa.float64(), pa.float32(), pa.decimal128(20, 2), pa.decimal256(40, 2), pa.int64(), pa.uint64()],
    "string": [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())],
    "boolean": [pa.bool_(), pa.string()],
    "date": [pa.date32(), pa.date64(), pa.timestamp("ms"), pa.timestamp("us", "Asia/Shanghai"), pa.string()],
    "datetime": [*(pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")), pa.timestamp("us", "Asia/Shanghai")],
    "time": [pa.time32("s"), pa.time64("us"), pa.time64("ns")],
    "year": [pa.int16(), pa.int64(), pa.string()],
    "duration": [pa.duration("ms"), pa.string()],
    "array": [pa.list_(pa.int64()), pa.string()],
    "object": [pa.struct([("a", pa.int64())]), pa.string()],
}


def random_values(source: random.Random, type: pa.DataType, count: int, clean: bool) -> pa.Array:
    """Values of an Arrow type; clean: mostly right ones."""
    pool: list[Any]
    if pa.types.is_integer(type):
        pool = [1, 2, 7, 20] if clean or type.bit_width == 8 else [1, 2, 2020, 300, 0]
        pool = pool if clean or type.bit_width < 64 else [*pool, 2**62, 10**15 + 1]
    elif pa.types.is_floating(type):
        pool = source.choice([FLOATS[:4], FLOATS[-6:]]) if clean else FLOATS
    elif pa.types.is_decimal(type):
        pool = DECIMALS[:2] if clean else DECIMALS
    elif pa.types.is_boolean(type):
        pool = [True, False]
    elif pa.types.is_date(type):
        pool = DAYS
    elif pa.types.is_timestamp(type):
        pool = MOMENTS[: 2 if clean else 4]
    elif pa.types.is_time(type):
        pool = [dt.time(10), dt.time(23, 59, 59)]
    elif pa.types.is_duration(type):
        pool = [dt.timedelta(days=1), dt.timedelta(seconds=5)]
    elif pa.types.is_list(type):
        pool = [[1, 2], []]
    elif pa.types.is_struct(type):
        pool = [{"a": 1}]
    else:
        pool = TEXTS[:2] if clean else TEXTS
    nulls = source.choice([0.0, 0.1, 0.1, 1.0 if source.random() < 0.2 else 0.0])
    values = [None if source.random() < nulls else source.choice(pool) for _ in range(count)]
    if pa.types.is_dictionary(type):
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, type)


def beyond_the_calendar(source: random.Random, column: pa.Array) -> pa.Array:
    """One day or moment that Python's calendar does not have."""
    type, far = column.type, source.choice([10**8, -(10**8)])
    if pa.types.is_date32(type):
        return pa.concat_arrays([column.slice(1), pa.array([far], pa.date32())])
    if type == pa.timestamp("us"):
        return pa.concat_arrays([column.slice(1), pa.array([far * 10**10], type)])
    return column


def check_parquet(seed: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    source = random.Random(seed)
    small_blocks(source, monkeypatch)
    descriptor = random_schema(source)
    count, clean = source.choice([0, 1, 30, 400]), source.random() < 0.5
    columns = {}
    for f in descriptor["fields"]:
        types = ARROW_TYPES.get(f["type"], [pa.string(), pa.int64()])
        if source.random() < 0.1:
            types = ARROW_TYPES[source.choice(sorted(set(ARROW_TYPES) - {"array", "object"}))]
        column = random_values(source, source.choice(types), count, clean)
        columns[f["name"]] = beyond_the_calendar(source, column) if count and source.random() < 0.05 else column
        if f.get("constraints", {}).get("unique") and pa.types.is_int64(column.type):
            columns[f["name"]] = pa.array(range(count), pa.int64())
    path = folder / "a.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=source.choice([50, 1000]))
    return [assert_same(path, table_schema_from_descriptor(descriptor, "test", "1.0.0"), f"seed {seed}")]


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_random_parquet_files(shard: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = FIXED_SEED + shard * SIZE
    ways = [way for seed in range(first, first + SIZE) for way in check_parquet(seed, tmp_path, monkeypatch)]
    assert ways.count("fast") > SIZE * 0.8


GEOMETRIES = {
    "Point": ["[116.4, 39.9]", "[1, 2.5, 30]", "[116.123456789, -0.5]"],
    "LineString": ["[[1, 2], [3.5, 4]]"],
}


def check_features(seed: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """FeatureCollections of points and others, with members before and after the features."""
    source = random.Random(seed)
    small_blocks(source, monkeypatch)
    descriptor = random_schema(source)
    kinds = source.choice([["Point"], ["Point"], ["Point", "LineString"]])
    features = []
    for pairs in random_objects(source, descriptor, tame=source.random() < 0.7):
        kind = source.choice(kinds)
        place = f'{{"type":"{kind}","coordinates":{source.choice(GEOMETRIES[kind])}}}'
        odd = source.choice(["null", '{"type":"Point","coordinates":[]}', '{"type":"Point"}'])
        place = odd if source.random() < 0.02 else place
        properties = object_text(source, pairs, spaced=source.random() < 0.2)
        members = [("type", '"Feature"'), ("properties", properties), ("geometry", place)]
        features.append(object_text(source, members, spaced=False))
    before = source.choice(["", '"name":"a features [",', '"crs":{"features":[1]},'])
    after = source.choice(["", ',"bbox":[1,2,3,4]', ',"features":[]', ',"x":NaN', ","])
    text = '{"type":"FeatureCollection",' + before + '"features": [' + ",\n".join(features) + "]" + after + "}"
    path = folder / "a.geojson"
    path.write_text(text, "utf-8")
    place_fields = [{"name": n, "type": "number"} for n in ("longitude", "latitude")]
    fields = place_fields if kinds == ["Point"] else [{"name": "geometry", "type": "geojson"}]
    described = {**descriptor, "fields": [*descriptor["fields"], *fields]}
    return [assert_same(path, table_schema_from_descriptor(described, "test", "1.0.0"), f"seed {seed}")]


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(3))
def test_random_features(shard: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = FIXED_SEED + shard * SIZE
    ways = [way for seed in range(first, first + SIZE) for way in check_features(seed, tmp_path, monkeypatch)]
    assert ways.count("fast") > SIZE // 4


def check_damage(seed: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Bytes cut off, put in, or doubled: the same error, wherever it is found."""
    source = random.Random(seed)
    small_blocks(source, monkeypatch)
    descriptor = random_schema(source)
    objects = random_objects(source, descriptor, tame=False)
    schema = table_schema_from_descriptor(descriptor, "test", "1.0.0")
    ways = []
    for name in ("a.json", "a.ndjson"):
        path = folder / name
        write_json(source, objects, path)
        data = path.read_bytes()
        for _ in range(source.randint(1, 3)):
            at = source.randrange(len(data) + 1)
            more = source.choice(DAMAGE)
            data = data[:at] + (more or b"") + (data[at:] if more else b"") + source.choice([b"", b"", more or b""])
        path.write_bytes(source.choice([b"", b"", b"\xef\xbb\xbf"]) + data)
        ways.append(assert_same(path, schema, f"seed {seed}, {name}"))
    return ways


DAMAGE = [
    None,
    b",",
    b"]",
    b"}",
    b"{",
    b"[",
    b'"',
    b"\\",
    b"\n",
    b"\r",
    b" ",
    b"NaN",
    b"Inf",
    b"1",
    b"\0",
    b"\xff",
    b"[" * 150,
]
DAMAGE += [
    b"}\n{",
    b"\xc2\xa0",
    b"//x\n",
    b"{}",
    b"[]",
    b"null",
    b"1" * 1100,
    b'\\"',
    b"},{",
    b"\xed\xa0\x80",
    b"\x01",
    b"\n\n",
]


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_damaged_objects(shard: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = FIXED_SEED + shard * SIZE
    for seed in range(first, first + SIZE):
        check_damage(seed, tmp_path, monkeypatch)
