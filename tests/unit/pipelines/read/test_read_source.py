"""What a source is: format, encoding, digest, labels; and records of every format."""

import datetime as dt
import gzip
import hashlib
import json
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from pipelines.read import read_source

CHINESE = "编号,姓名,地址\n1,张三,北京市海淀区中关村大街\n2,李四,上海市浦东新区世纪大道\n"


def source_of(folder: Path, name: str, data: bytes, **options: Any) -> Any:
    path = folder / name
    path.write_bytes(data)
    return read_source(path, **options)


@pytest.mark.parametrize(
    ("written", "found"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("gb18030", "gb18030"), ("utf-16", "utf-16")],
)
def test_encoding_is_found(tmp_path: Path, written: str, found: str) -> None:
    source = source_of(tmp_path, "a.csv", CHINESE.encode(written))
    assert source.encoding == found
    assert source.labels == ("编号", "姓名", "地址")


def test_latin_text_is_not_taken_for_chinese(tmp_path: Path) -> None:
    text = "id,prénom,ville\n" + "1,Émile,Orléans\n2,Hélène,Besançon\n3,François,Nîmes\n" * 20
    assert source_of(tmp_path, "a.csv", text.encode("latin-1")).encoding in ("cp1252", "iso8859-1", "iso8859-15")


def test_a_character_may_lie_across_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.read import source as module

    for size in (1, 2, 3, 5, 7):
        monkeypatch.setattr(module, "CHUNK", size)
        assert source_of(tmp_path, "a.csv", CHINESE.encode("utf-8")).encoding == "utf-8"
        assert source_of(tmp_path, "a.csv", CHINESE.encode("gb18030")).encoding == "gb18030"


def test_digest_and_size_are_of_the_file_as_given(tmp_path: Path) -> None:
    data = gzip.compress(CHINESE.encode())
    source = source_of(tmp_path, "a.csv.gz", data)
    assert source.digest == hashlib.sha256(data).hexdigest()
    assert source.size == len(data)
    assert source.content.read_text("utf-8") == CHINESE


def test_a_single_member_of_a_zip_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/数据.tsv", "a\tb\n1\t2\n")
    source = read_source(path)
    assert (source.format, source.labels) == ("tsv", ("a", "b"))


@pytest.mark.parametrize(
    ("name", "data", "format"),
    [
        ("a.csv", b"a,b\n1,2\n", "csv"),
        ("a.dat", b"a;b\n1;2\n", "csv"),
        ("a.tsv", b"a\tb\n1\t2\n", "tsv"),
        ("a.json", b'[{"a": 1, "b": 2}]', "json"),
        ("a", b' [{"a": 1, "b": 2}]', "json"),
        ("a.jsonl", b'{"a": 1, "b": 2}\n', "ndjson"),
        ("a", b'{"a": 1, "b": 2}\n', "ndjson"),
    ],
)
def test_format_is_found(tmp_path: Path, name: str, data: bytes, format: str) -> None:
    source = source_of(tmp_path, name, data)
    assert source.format == format
    assert source.labels == ("a", "b")


def test_json_numbers_stay_exact(tmp_path: Path) -> None:
    source = source_of(tmp_path, "a.json", b'[{"v": 0.1}, {"v": null}, {"w": 2}]')
    assert list(source.records()) == [["v"], [Decimal("0.1")], [None], [None]]


def test_parquet_nulls_are_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"n": pa.array([1, None]), "d": pa.array([None, dt.date(2020, 1, 1)])}), path)
    assert list(read_source(path).records()) == [["n", "d"], [1, None], [None, dt.date(2020, 1, 1)]]


def test_points_become_longitude_and_latitude(tmp_path: Path) -> None:
    features = [
        {"type": "Feature", "properties": {"名称": "甲"}, "geometry": {"type": "Point", "coordinates": [116.4, 39.9]}},
        {"type": "Feature", "properties": {"等级": 3}, "geometry": None},
    ]
    data = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    source = source_of(tmp_path, "a.json", data)
    assert source.format == "geojson"
    header, *rows = source.records()
    assert header == ["名称", "等级", "longitude", "latitude"]
    assert rows == [["甲", None, Decimal("116.4"), Decimal("39.9")], [None, 3, None, None]]


def test_other_geometries_become_text(tmp_path: Path) -> None:
    line = {"type": "LineString", "coordinates": [[1.5, 2.0], [3.0, 4.0]]}
    data = json.dumps(
        {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"a": 1}, "geometry": line}]}
    )
    header, row = source_of(tmp_path, "a.geojson", data.encode()).records()
    assert header == ["a", "geometry"]
    assert json.loads(row[1]) == line


def test_cells_of_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("数据")
    sheet.write_row(0, 0, ["n", "x", "t", "d", "b"])
    sheet.write_row(1, 0, [7, 1.5, "文"])
    sheet.write_datetime(1, 3, dt.datetime(2020, 3, 5), book.add_format({"num_format": "yyyy-mm-dd"}))
    sheet.write_boolean(1, 4, True)
    sheet.write_row(2, 0, [8])
    book.add_worksheet("其他")
    book.close()
    source = read_source(path)
    assert (source.format, source.sheet, len(source.notes)) == ("xlsx", "数据", 1)
    header, first, second = source.records()
    assert header == ["n", "x", "t", "d", "b"]
    assert first == [7, 1.5, "文", dt.datetime(2020, 3, 5), True]
    assert type(first[0]) is int
    assert second == [8, None, None, None, None]
