"""Files that are refused: each with its own code, in both languages, with a remedy, and without a cell's text."""

import gzip
import json
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter

from pipelines.read import checked_file_name, read_source
from pipelines.read import source as source_module
from pipelines.read.containers import RATIO_FREE
from pipelines.read.features import MOST_NAMES
from schemas.errors import GongkaiError
from tests.factories.workbooks import write_ods

SECRET = "张三丰"


def refused(path: Path, **options: str) -> GongkaiError:
    with pytest.raises(GongkaiError) as caught:
        read_source(path, **options)
    error = caught.value
    assert error.message.zh != error.message.en
    assert error.remedy is not None
    assert error.remedy.zh != error.remedy.en
    assert SECRET not in f"{error.message} {error.remedy} {error.field} {error}"
    return error


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


TEXT = f"编号,姓名\n1,{SECRET}\n" * 30
GZ = gzip.compress(TEXT.encode(), mtime=0)


def encrypted_zip(data: bytes) -> bytes:
    """The same archive with the flag of encryption set in both of its headers."""
    return data.replace(b"PK\x03\x04\x14\x00\x00\x00", b"PK\x03\x04\x14\x00\x01\x00").replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"
    )


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.csv", b"", "empty-file"),
        ("a.csv", b"\xef\xbb\xbf\r\n \n", "empty-file"),
        ("a.csv", TEXT.encode("utf-8") + TEXT.encode("gb18030"), "mixed-encodings"),
        ("a.csv", TEXT.encode("gb18030") + TEXT.encode("utf-8"), "mixed-encodings"),
        ("a.csv.gz", GZ[:-20], "truncated-archive"),
        ("a.csv.gz", GZ[:30] + b"\0\0\0\0" + GZ[34:], "damaged-archive"),
        ("a.zip", b"PK\x03\x04 nothing", "damaged-archive"),
        ("a.parquet", b"PAR1 nothing", "truncated-parquet"),
        ("a.parquet", b"PAR1 nothing PAR1", "damaged-file"),
        ("a.parquet", b"nothing", "damaged-file"),
        ("a.parquet", b"PAR1 nothing PARE", "encrypted-parquet"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 nothing", "damaged-file"),
        ("a.json", b'[{"a": 1}, {"a": ', "damaged-json"),
        ("a.json", b'{"a": 1}', "damaged-json"),
    ],
)
def test_bad_files(tmp_path: Path, name: str, data: bytes, code: str) -> None:
    path = written(tmp_path, name, data)
    if code == "damaged-json" and name == "a.json" and data.startswith(b"["):
        with pytest.raises(GongkaiError) as caught:
            list(read_source(path).records())
        assert caught.value.code == code
    else:
        assert refused(path).code == code


def test_a_missing_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.csv").code == "no-such-file"


def test_declared_encodings(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", TEXT.encode("gb18030"))
    assert refused(path, encoding="no-such").code == "unknown-encoding"
    assert refused(path, encoding="hex").code == "unknown-encoding"
    error = refused(path, encoding="utf-8")
    assert error.code == "wrong-encoding"
    assert "1" in error.message.en
    assert refused(path, encoding="ascii").code == "wrong-encoding"
    assert read_source(path, encoding="gbk").encoding == "gbk"


@pytest.mark.parametrize(
    ("data", "options", "line"),
    [
        (TEXT.encode() + TEXT.encode("gb18030"), {}, 61),
        (TEXT.encode("gb18030") + TEXT.encode(), {}, 1),
        (b"a,b\n1,2\n" + TEXT.encode("gb18030"), {"encoding": "utf-8"}, 3),
        (b"a\n\n" + b"1\n" * 3_000_000 + b"\xff\n", {"encoding": "gb18030"}, 3_000_003),
    ],
)
def test_the_line_of_a_wrong_encoding_is_told(tmp_path: Path, data: bytes, options: dict[str, str], line: int) -> None:
    error = refused(written(tmp_path, "a.csv", data), **options)
    assert error.code in ("mixed-encodings", "wrong-encoding")
    assert f"第 {line} 行" in error.message.zh
    assert re.search(rf"line {line}\b", error.message.en)


@pytest.mark.parametrize("encoding", ["gb18030", "latin-1", "cp1252", "ascii"])
def test_utf8_under_another_name_would_be_read_as_other_characters(tmp_path: Path, encoding: str) -> None:
    even = written(tmp_path, "a.csv", "编号,名称\n1,北京\n2,上海\n".encode())  # decodes as GB18030
    error = refused(even, encoding=encoding)
    assert (error.code, "UTF-8" in error.message.zh) == ("wrong-encoding", True)
    assert read_source(even, encoding="utf-8").labels == ("编号", "名称")


def test_a_character_across_two_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "CHUNK", 16)
    text = b"a,b\n1234567890,"
    assert len(text) == 15
    path = written(tmp_path, "a.csv", text + "中文的表格内容在这里\n".encode("gb18030"))
    assert read_source(path).encoding == "gb18030"


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "iso8859-15"])
def test_gb18030_under_the_name_of_a_latin_encoding(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, "a.csv", "编号,名称\n1,北京市人民医院\n2,上海图书馆\n".encode("gb18030"))
    error = refused(path, encoding=encoding)
    assert (error.code, "GB18030" in error.message.zh) == ("wrong-encoding", True)


@pytest.mark.parametrize("text", ["naïve", "ÄÖÜ ßß", "Grüße aus Köln", "ÐÑÒÓ ÔÕÖØ ÿþý", "Ça été «élevé»", "ŠšŽž€"])
def test_latin_letters_in_pairs_are_believed(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, "a.csv", ("a,b\n" + f"1,{text}\n" * 20).encode("cp1252"))
    assert read_source(path, encoding="cp1252").encoding == "cp1252"


@pytest.mark.parametrize("text", ["[]", " [ ]\n"])
def test_a_list_of_nothing_is_an_empty_file(tmp_path: Path, text: str) -> None:
    assert refused(written(tmp_path, "a.json", text.encode())).code == "empty-file"
    assert refused(written(tmp_path, "b.json", b"[null]")).code == "damaged-json"
    assert refused(written(tmp_path, "c.json", b'{"a": 1}')).code == "damaged-json"


@pytest.mark.parametrize("text", ["id,name\n1,café\n2,naïve\n", "id,name\n1,北京\n2,上海\n", "a,b\n1,2\n"])
def test_other_encodings_are_believed(tmp_path: Path, text: str) -> None:
    encoding = "gb18030" if "北" in text else "latin-1"
    source = read_source(written(tmp_path, "a.csv", text.encode(encoding)), encoding=encoding)
    assert source.encoding in ("gb18030", "iso8859-1")


def test_properties_of_ever_new_names_are_not_all_gathered(tmp_path: Path) -> None:
    """A parser makes a cell for every name in every feature: their square would fill the memory."""
    features = [{"type": "Feature", "geometry": None, "properties": {f"p{n}": 1}} for n in range(50_000)]
    text = json.dumps({"type": "FeatureCollection", "features": features})
    path = written(tmp_path, "many.geojson", text.encode())
    error = refused(path)
    assert error.code == "too-many-columns"
    told = re.search(r"has (\d+) columns", error.message.en)
    assert told is not None
    assert MOST_NAMES < int(told[1]) < 4 * MOST_NAMES


def test_a_bomb_in_gzip_is_stopped_early(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    with gzip.open(path, "wb", compresslevel=9) as out:
        for _ in range(3):
            out.write(b"0" * RATIO_FREE)
    assert refused(path).code == "decompression-bomb"


def test_a_bomb_in_zip_is_stopped_early(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("a.csv", "w") as out,
    ):
        for _ in range(2):
            out.write(b"0" * RATIO_FREE)
    assert refused(path).code == "decompression-bomb"


@pytest.mark.parametrize(
    ("members", "code"),
    [(["a.csv", "b.csv"], "archive-members"), ([], "archive-members"), (["../../x.csv"], "unsafe-file-name")],
)
def test_members_of_a_zip(tmp_path: Path, members: list[str], code: str) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for member in members:
            archive.writestr(member, "a\n1\n")
    assert refused(path).code == code


def test_an_encrypted_zip(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "a\n1\n")
    path.write_bytes(encrypted_zip(path.read_bytes()))
    assert refused(path).code == "encrypted-archive"


def test_one_endless_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "MAXIMUM_LINE", 1 << 20)
    monkeypatch.setattr(source_module, "CHUNK", 1 << 18)
    assert refused(written(tmp_path, "a.csv", b"x" * (3 << 20))).code == "line-too-long"
    assert read_source(written(tmp_path, "b.csv", b"x" * 1000 + b"\n" + b"y" * (1 << 19))).format == "csv"


def workbook(path: Path, fill: Callable[[xlsxwriter.Workbook, object], None]) -> Path:
    book = xlsxwriter.Workbook(str(path))
    fill(book, book.add_worksheet("甲"))
    book.close()
    return path


def test_a_sheet_that_does_not_exist(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", lambda _, sheet: sheet.write_row(0, 0, ["a"]))
    error = refused(path, sheet="乙")
    assert error.code == "no-such-sheet"
    assert "甲" in (error.remedy.zh if error.remedy else "")


@pytest.mark.parametrize("column", [0, 2])
def test_cells_with_errors(tmp_path: Path, column: int) -> None:
    def fill(_: object, sheet: xlsxwriter.worksheet.Worksheet) -> None:
        sheet.write_row(0, 0, ["a", "b", "c"])
        sheet.write_row(1, 0, [1, 2, 't="e"'])
        sheet.write_formula(2, column, "=1/0", None, "#DIV/0!")

    error = refused(workbook(tmp_path / "a.xlsx", fill))
    assert (error.code, f"{'ABC'[column]}3" in error.message.zh) == ("error-cells", True)


ODS_TEXT = '<table:table-cell office:value-type="string"><text:p>a</text:p></table:table-cell>'
ODS_ERROR = (
    '<table:table-cell table:formula="of:=1/0" office:value-type="string" office:string-value="" '
    'calcext:value-type="error"><text:p>#DIV/0!</text:p></table:table-cell>'
)


@pytest.mark.parametrize(
    ("cell", "code"),
    [(ODS_ERROR, "error-cells"), ('<table:table-cell table:formula="of:=1+1"/>', "formulas-without-values")],
)
def test_open_documents_with_cells_that_hold_nothing(tmp_path: Path, cell: str, code: str) -> None:
    rows = f"<table:table-row>{ODS_TEXT * 3}</table:table-row>"
    rows += '<table:table-row table:number-rows-repeated="3"><table:table-cell/></table:table-row>'
    rows += f'<table:table-row><table:table-cell table:number-columns-repeated="2"/>{cell}</table:table-row>'
    error = refused(write_ods(tmp_path / "a.ods", rows))
    assert (error.code, "C5" in error.message.zh) == (code, True)


def test_open_documents_are_as_large_as_their_repeated_cells(tmp_path: Path) -> None:
    header = f"<table:table-row>{ODS_TEXT}</table:table-row>"
    empty = '<table:table-row table:number-rows-repeated="1048575"><table:table-cell/></table:table-row>'
    assert read_source(write_ods(tmp_path / "a.ods", header + empty)).labels == ("a",)
    many = '<table:table-row table:number-rows-repeated="1048575"><table:table-cell table:number-columns-repeated="90" '
    many += 'office:value-type="float" office:value="1"/></table:table-row>'
    assert refused(write_ods(tmp_path / "b.ods", header + many)).code == "sparse-sheet"
    few = many.replace("1048575", "99").replace('"90"', '"99"')
    assert refused(write_ods(tmp_path / "d.ods", header + few * 500)).code == "sparse-sheet"
    assert len(read_source(write_ods(tmp_path / "e.ods", header + few)).labels) == 99
    with_result = ODS_ERROR.replace("error", "string")
    row = f"<table:table-row>{with_result}</table:table-row>"
    assert read_source(write_ods(tmp_path / "c.ods", header + row)).labels == ("a",)


def test_merged_header_cells(tmp_path: Path) -> None:
    def fill(_: object, sheet: xlsxwriter.worksheet.Worksheet) -> None:
        sheet.merge_range(0, 1, 0, 2, SECRET)
        sheet.write_row(1, 0, [1, 2, 3])

    error = refused(workbook(tmp_path / "a.xlsx", fill))
    assert error.code == "merged-header"
    assert "B–C" in error.message.zh


def test_merged_cells_below_the_header_are_no_matter(tmp_path: Path) -> None:
    def fill(_: object, sheet: xlsxwriter.worksheet.Worksheet) -> None:
        sheet.write_row(0, 0, ["a", "b"])
        sheet.merge_range(1, 0, 2, 0, "x")

    assert read_source(workbook(tmp_path / "a.xlsx", fill)).labels == ("a", "b")


def test_formulas_without_values(tmp_path: Path) -> None:
    def fill(_: object, sheet: xlsxwriter.worksheet.Worksheet) -> None:
        sheet.write_row(0, 0, ["a", "b"])
        sheet.write_formula(1, 1, "=1+1", None, "")

    path = workbook(tmp_path / "a.xlsx", fill)
    rewrite(path, lambda xml: xml.replace(b"<v></v>", b""))
    error = refused(path)
    assert error.code == "formulas-without-values"
    assert "B2" in error.message.en


def test_formulas_with_values_are_read(tmp_path: Path) -> None:
    def fill(_: object, sheet: xlsxwriter.worksheet.Worksheet) -> None:
        sheet.write_row(0, 0, ["a"])
        sheet.write_formula(1, 0, "=1+1", None, 2)

    path = workbook(tmp_path / "a.xlsx", fill)
    assert list(read_source(path).records()) == [["a"], [2]]


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, change(data) if "worksheets/" in name else data)


def test_a_workbook_with_a_password(tmp_path: Path) -> None:
    """An encrypted workbook is a compound file with two streams, one of them named EncryptedPackage."""
    assert refused(written(tmp_path, "a.xlsx", compound_file(["EncryptionInfo", "EncryptedPackage"]))).code == (
        "password-protected"
    )


def compound_file(streams: list[str]) -> bytes:
    """A minimal OLE2 file (MS-CFB, version 3) with empty streams of these names."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
    header += struct.pack(
        "<HHHHH6xIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0
    )
    header = header[:76] + struct.pack("<I", 0) + b"\xff" * (512 - 80)
    fat = struct.pack("<II", 0xFFFFFFFD, 0xFFFFFFFE) + b"\xff" * (512 - 8)
    entries = b""
    names = ["Root Entry", *streams]
    for number in range(4):
        name = names[number] if number < len(names) else ""
        text = name.encode("utf-16-le") + b"\0\0" if name else b""
        kind = 0 if not name else 5 if number == 0 else 2
        child = 1 if number == 0 else 0xFFFFFFFF
        right = number + 1 if 0 < number < len(names) - 1 else 0xFFFFFFFF
        entries += text.ljust(64, b"\0") + struct.pack("<HBBIII", len(text), kind, 1, 0xFFFFFFFF, right, child)
        entries += b"\0" * 36 + struct.pack("<IQ", 0xFFFFFFFE, 0)
    return header + fat + entries


@pytest.mark.parametrize(
    "name", ["../../x.csv", "a/b.csv", "a\\b.csv", "..", "", "/etc/x", "a\0.csv", "C:x.csv", "x" * 300]
)
def test_unsafe_file_names(name: str) -> None:
    with pytest.raises(GongkaiError) as caught:
        checked_file_name(name)
    assert caught.value.code == "unsafe-file-name"


def test_plain_file_names() -> None:
    assert checked_file_name("2024年 数据.csv") == "2024年 数据.csv"
