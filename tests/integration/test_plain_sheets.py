"""Plain sheets have the cells that calamine reads; whatever is not surely plain is left to it."""

import datetime as dt
import random
import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import python_calamine as calamine
import xlsxwriter

from pipelines.read import plain_xml
from pipelines.read.calamine_sheet import open_by_calamine
from pipelines.read.plain_sheet import PlainSheet, read_plain_sheet
from pipelines.read.plain_xml import NotPlain
from pipelines.read.workbook import sheet_records
from tests.factories.workbooks import write_workbook
from tests.shared_data import SHARED_DATA

TEXTS = ["a", "中文", "<&>\"'", " pad ", "x\ny", "", "1", "_x", "𠮷", "é", "]]>", "=1"]
ODD_TEXTS = ["a_x0041_b", "\t", "a\rb"]


def assert_as_calamine(path: Path) -> PlainSheet:
    """Read both ways; raises NotPlain."""
    plain, name, sheets = read_plain_sheet(path, None)
    other, its_name, its_sheets = open_by_calamine(path, "xlsx", None)
    assert (name, sheets) == (its_name, its_sheets)
    assert list(map(repr, sheet_records(plain))) == list(map(repr, sheet_records(other)))
    if plain.blocks:
        assert plain.start == other.start
    assert plain.merged_cell_ranges == (other.merged_cell_ranges or [])
    return plain


def is_plain(path: Path) -> bool:
    try:
        assert_as_calamine(path)
    except NotPlain:
        return False
    return True


def some_cell(source: random.Random, texts: list[str]) -> Any:
    return source.choice(
        [
            source.choice(texts),
            source.randrange(-5, 100),
            source.random() * 10 ** source.randrange(-8, 12),
            source.random() < 0.5,
            dt.datetime(1901, 1, 1) + dt.timedelta(milliseconds=source.randrange(5 * 10**12)),
            dt.datetime(2020, 3, 5) + dt.timedelta(days=source.randrange(9999)),
            None,
        ]
    )


def random_rows(source: random.Random) -> list[list[Any]]:
    width, texts = source.randint(1, 30), source.choice([TEXTS, TEXTS, TEXTS + ODD_TEXTS])
    kinds = [source.random() < 0.7 for _ in range(width)]  # most columns hold cells of one kind
    first = [some_cell(source, texts) for _ in range(width)]
    same = [
        [value for value in (some_cell(source, texts) for _ in range(40)) if type(value) is type(one)] for one in first
    ]
    rows = []
    for _ in range(source.choice([1, 3, 40, 300])):
        row = [
            source.choice(same[place] or [first[place]]) if kinds[place] else some_cell(source, texts)
            for place in range(width)
        ]
        rows.append(row if source.random() < 0.9 else [])
    return rows


def test_workbooks_of_xlsxwriter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sum(is_plain(by_xlsxwriter(random.Random(seed), tmp_path, monkeypatch)) for seed in range(30)) >= 15


def by_xlsxwriter(source: random.Random, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(plain_xml, "CHUNK", source.choice([500, 5000, 1 << 20]))
    options = {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    path = tmp_path / "a.xlsx"
    book = xlsxwriter.Workbook(str(path), {**options, "constant_memory": source.random() < 0.5})
    moment, bold = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}), book.add_format({"bold": True})
    sheet = book.add_worksheet()
    across, down = source.choice([(0, 0), (0, 0), (2, 1), (700, 5)])
    for number, row in enumerate(random_rows(source), down):
        for place, value in enumerate(row, across):
            if isinstance(value, dt.datetime):
                sheet.write_datetime(number, place, value, moment)
            elif value is None:
                sheet.write_blank(number, place, None, bold)
            else:
                sheet.write(number, place, value, source.choice([None, bold]))
    book.close()
    return path


def test_workbooks_of_openpyxl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sum(is_plain(by_openpyxl(random.Random(seed), tmp_path, monkeypatch)) for seed in range(15)) >= 5


def by_openpyxl(source: random.Random, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(plain_xml, "CHUNK", source.choice([500, 5000, 1 << 20]))
    book = openpyxl.Workbook(write_only=source.random() < 0.5)
    sheet = book.active or book.create_sheet()
    for row in random_rows(source):
        sheet.append([value if value != "=1" else "1=" for value in row])
    if source.random() < 0.3:
        book.create_sheet("第二")
    path = tmp_path / "a.xlsx"
    book.save(path)
    return path


def test_tables_as_programs_write_them_are_plain(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    sheet, day = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd"})
    money = book.add_format({"num_format": "#,##0.00"})
    sheet.write_row(0, 0, ["编号", "名称", "日期", "金额", "公开"])
    for number in range(1, 50):
        sheet.write_row(number, 0, [number, f"第{number}所 & <分>"])
        sheet.write_datetime(number, 2, dt.datetime(2020, 1, number % 28 + 1, 8, 30), day)
        sheet.write_number(number, 3, number / 7, money)
        sheet.write_boolean(number, 4, number % 2 == 0)
    book.close()
    assert assert_as_calamine(tmp_path / "a.xlsx").total_height == 50
    other = openpyxl.Workbook()
    for row in [["a", "b", "c"], [1, "x", dt.datetime(2021, 5, 6)], [2.5, "y", dt.datetime(2021, 5, 7)]]:
        other.active.append(row)
    other.save(tmp_path / "b.xlsx")
    assert assert_as_calamine(tmp_path / "b.xlsx").width == 3


ROWS = (
    '<row r="1" spans="1:3"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="inlineStr"><is>'
    '<t xml:space="preserve"> c </t></is></c></row><row r="2"><c r="A2"><v>1.50</v></c><c r="B2" s="1"><v>43895.25</v>'
    '</c><c r="C2" t="b"><v>1</v></c></row><row r="4" ht="12"/><row r="5"><c r="A5" s="1"/><c r="C5" t="str">'
    '<v>a&amp;b</v></c></row><row r="6"></row>'
)
SHARED = '<si><t>名称</t><phoneticPr fontId="1"/></si><si><t xml:space="preserve"> b</t></si>'
BOOK: dict[str, Any] = {"shared": SHARED, "styles": (0, 22)}


def test_a_sheet_with_gaps_and_everything_plain(tmp_path: Path) -> None:
    merged = '<mergeCells count="1"><mergeCell ref="A5:C5"/></mergeCells>'
    sheet = assert_as_calamine(write_workbook(tmp_path / "a.xlsx", ROWS, behind=merged, **BOOK))
    assert (sheet.width, sheet.total_height, sheet.merged_cell_ranges) == (3, 5, [((4, 0), (4, 2))])
    assert list(sheet_records(sheet))[1] == [1.5, dt.datetime(2020, 3, 5, 6), True]


@pytest.mark.parametrize(
    "formula",
    ["<f>B2&lt;2</f>", '<f t="shared" ref="A2:A9" si="0">B2*2</f>', '<f t="shared" si="0"/>', '<f ca="1">NOW()>1</f>'],
)
def test_formulas_with_results_are_plain(tmp_path: Path, formula: str) -> None:
    rows = ROWS.replace("<v>1.50", f"{formula}<v>1.50").replace("<v>a&amp;b", f"{formula}<v>a&amp;b")
    assert_as_calamine(write_workbook(tmp_path / "a.xlsx", rows, **BOOK))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<v>1.50</v>", "<f>A2*2</f><v></v>"),
        ("<v>1.50</v>", "<f>A2*2</f>"),
        ("<v>1.50</v>", '<f t="shared" si="0"/>'),
        ("<v>1.50</v>", "<f x><v>1.50</v>"),
        ("<v>1.50</v>", "<f x<v>1.50</v>"),
        ("<v>1.50</v>", '<f x="1">A2<v>1.50</v>'),
        ('<c r="A2"><v>1.50</v>', '<c r="A2" t="e"><v>#N/A</v>'),
        ('<c r="A2"><v>1.50</v>', '<c r="A2" t="d"><v>2020-01-01</v>'),
        ("<v>1.50</v>", "<v>1.5x</v>"),
        ("<v>1.50</v>", "<v>1e999</v>"),
        ("<v>43895.25</v>", "<v>59.5</v>"),
        ("<v>0</v>", "<v>7</v>"),
        ('r="A2"', 'r="A3"'),
        ('r="A2"', 'r="B2"'),
        ('r="A2"', 'r="a2"'),
        ('<row r="2"', '<row r="1"'),
        ("<row ", "<x:row "),
        ("</row>", "</row> "),
        ("a&amp;b", "a&nbsp;b"),
        ("a&amp;b", "a_x000D_b"),
        ("a&amp;b", "a\rb"),
        ("a&amp;b", " a"),
        ("a&amp;b", "&#32;a"),
        ("a&amp;b", "a&#10;"),
        ("a&amp;b", "a<!-- -->b"),
        ('<row r="2"', '<row spans="1:3" r="2"'),
        ('<row r="6"></row>', '<row r="1048577"><c r="A1048577"><v>1</v></c></row>'),
        ('<row r="6"></row>', '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
    ],
)
def test_what_is_not_plain_is_left_to_the_general_reader(tmp_path: Path, old: str, new: str) -> None:
    assert old in ROWS
    with pytest.raises(NotPlain):
        read_plain_sheet(write_workbook(tmp_path / "a.xlsx", ROWS.replace(old, new), **BOOK), None)


def test_other_calendars_rich_texts_and_other_names_are_not_plain(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    old_calendar = '<workbookPr date1904="1"/>'
    with pytest.raises(NotPlain):
        read_plain_sheet(write_workbook(path, ROWS, properties=old_calendar, **BOOK), None)
    rich = "<si><r><t>a</t></r><r><t>b</t></r></si><si><t>c</t></si>"
    with pytest.raises(NotPlain):
        read_plain_sheet(write_workbook(path, ROWS, shared=rich, styles=(0, 22)), None)
    with pytest.raises(NotPlain):
        read_plain_sheet(write_workbook(path, ROWS, **BOOK), "T")


@pytest.mark.parametrize("behind", ["<mergeCells>", "<a", "</worksheet><b>", "&"])
def test_xml_that_is_damaged_behind_its_rows_is_not_plain(tmp_path: Path, behind: str) -> None:
    with pytest.raises(NotPlain):
        read_plain_sheet(write_workbook(tmp_path / "a.xlsx", ROWS, behind=behind, **BOOK), None)


PIECES = [
    *('"', "<", ">", "/", "&", " ", "r", "0", "9", "A", ".", "-", "E", "\n", "中", "</c>", "<v>", "</v>", "</row>"),
    *('<row r="9">', '<c r="D2">', 't="s"', 's="1"', 't="inlineStr"', "<is>", "<t>", "&#65;", "&lt;", "", "\x00"),
    *("<f>", "</f>", '<f t="shared" si="0"/>', "<f>1</f>", '<f ca="1">'),
]


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(4))
def test_damaged_sheets_are_read_as_calamine_reads_them_or_left_to_it(shard: int, tmp_path: Path) -> None:
    source, path, plain = random.Random(shard), tmp_path / "a.xlsx", 0
    for _ in range(250):
        text = ROWS
        for _ in range(source.choice([1, 1, 1, 2, 3])):
            at = source.randrange(len(text))
            text = text[:at] + source.choice(PIECES) + text[at + source.choice([0, 1, 1, 3, 9]) :]
        try:
            assert_as_calamine(write_workbook(path, text, **BOOK))
            plain += 1
        except NotPlain:
            continue
    assert plain


CODES = [
    *(
        "General",
        "0",
        "0.00",
        "#,##0",
        "#,##0.00_);(#,##0.00)",
        "0%",
        "0.00E+00",
        "@",
        "¥#,##0.00",
        "# ?/?",
        "0;[Red]-0",
    ),
    *("yyyy-mm-dd", "yyyy/m/d;@", "yyyy\\-mm\\-dd", "h:mm:ss", "[h]:mm", "mmm d", "0.0&quot;元&quot;", "yyyy年m月d日"),
    *(
        "yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;;@",
        "[$-804]yyyy-mm-dd",
        "d.m.yy",
        "0&quot;days&quot;",
        "&quot;m&quot;0",
    ),
    *("_ * #,##0.00_ ;_ * \\-#,##0.00_ ;_ * &quot;-&quot;??_ ;_ @_ ", "dd/mm/yyyy hh:mm", "ss.00", "aaaa", "e", "b1"),
]


def test_number_formats_mean_what_calamine_takes_them_for(tmp_path: Path) -> None:
    builtin = [*range(60), 164]
    told = 0
    for number in [*builtin, *range(165, 165 + len(CODES))]:
        rows = '<row r="1"><c r="A1" s="0"><v>43895.25</v></c></row>'
        path = write_workbook(tmp_path / "a.xlsx", rows, styles=(number,), formats=["0", *CODES])
        told += is_plain(path)
    assert told >= 50


def test_number_formats_of_conditional_formats_are_no_cells(tmp_path: Path) -> None:
    other = '<dxfs><dxf><numFmt numFmtId="164" formatCode="0.00"/></dxf></dxfs>'
    rows = '<row r="1"><c r="A1" s="0"><v>43895.25</v></c></row>'
    path = write_workbook(tmp_path / "a.xlsx", rows, styles=(164,), formats=["yyyy-mm-dd"], more_styles=other)
    assert list(sheet_records(assert_as_calamine(path))) == [[dt.datetime(2020, 3, 5, 6)]]


def test_parts_of_other_names_and_locked_ones_are_not_plain(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "a.xlsx", ROWS, names={"xl/styles.xml": "xl/Styles.xml"}, **BOOK)
    with pytest.raises(NotPlain):
        read_plain_sheet(path, None)
    data = bytearray(write_workbook(path, ROWS, **BOOK).read_bytes())
    for at in (found.start() for found in re.finditer(b"PK\x01\x02", bytes(data))):
        data[at + 8] |= 1  # encrypted
    path.write_bytes(data)
    with pytest.raises(NotPlain):
        read_plain_sheet(path, None)


def test_moments_are_rounded_as_calamine_rounds_them(tmp_path: Path) -> None:
    source = random.Random(1)
    serials = [61, 61.5, 2_958_465, 43895.999999999, 43895.00000001, 43895.9999999]
    serials += [source.uniform(61, 2_958_465) for _ in range(3000)]
    serials += [source.randrange(61, 90_000) + source.randrange(86_400) / 86_400 for _ in range(3000)]
    rows = "".join(f'<row r="{n}"><c r="A{n}" s="1"><v>{day!r}</v></c></row>' for n, day in enumerate(serials, 1))
    assert_as_calamine(write_workbook(tmp_path / "a.xlsx", rows, **BOOK))


@pytest.mark.skipif(not SHARED_DATA.exists(), reason="no shared data")
def test_real_workbooks() -> None:
    plain = 0
    for path in sorted((SHARED_DATA / "validation").rglob("*.xlsx")):
        for name in calamine.CalamineWorkbook.from_path(path).sheet_names:
            try:
                sheet, _, _ = read_plain_sheet(path, name)
            except NotPlain:
                continue
            other, _, _ = open_by_calamine(path, "xlsx", name)
            assert list(sheet_records(sheet)) == list(sheet_records(other))
            plain += 1
    assert plain >= 10
