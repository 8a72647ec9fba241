"""Workbooks written part by part, to say in a sheet's XML what no library would."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
PARTS = {
    "workbook": "sheet.main",
    "worksheets/sheet1": "worksheet",
    "styles": "styles",
    "sharedStrings": "sharedStrings",
}


def write_workbook(
    path: Path,
    rows: str | bytes,
    *,
    shared: str = "",
    styles: Sequence[int] = (0,),
    formats: Sequence[str] = (),
    behind: str = "",
    properties: str = "",
    more_styles: str = "",
    names: Mapping[str, str] | None = None,
) -> Path:
    """One sheet `S`. rows: the XML inside `sheetData`; shared: inside `sst`; behind: what follows the rows. styles: the
    number format of each; formats: codes of the formats 164, 165, …; properties: of the workbook. more_styles: what
    follows the cells' styles. names: other names of parts."""
    overrides = "".join(
        f'<Override PartName="/xl/{part}.xml" ContentType="{TYPES}.{kind}+xml"/>' for part, kind in PARTS.items()
    )
    links = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(
            [("worksheet", "worksheets/sheet1.xml"), ("styles", "styles.xml"), ("sharedStrings", "sharedStrings.xml")],
            1,
        )
    )
    codes = "".join(f'<numFmt numFmtId="{164 + n}" formatCode="{code}"/>' for n, code in enumerate(formats))
    cell_styles = "".join(f'<xf numFmtId="{number}"/>' for number in styles)
    looks = f"<numFmts>{codes}</numFmts><cellXfs>{cell_styles}</cellXfs>{more_styles}"
    before = f'<?xml version="1.0" encoding="UTF-8"?><worksheet {NAMESPACE}><sheetData>'.encode()
    inside = rows if isinstance(rows, bytes) else rows.encode()
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{overrides}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {NAMESPACE} xmlns:r="{OFFICE}">{properties}<sheets>'
        '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>',
        "xl/styles.xml": f"<styleSheet {NAMESPACE}>{looks}</styleSheet>",
        "xl/sharedStrings.xml": f"<sst {NAMESPACE}>{shared}</sst>",
        "xl/worksheets/sheet1.xml": before + inside + f"</sheetData>{behind}</worksheet>".encode(),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr((names or {}).get(name, name), text)
    return path


ODS_NAMES = {
    "office": "office:1.0",
    "table": "table:1.0",
    "text": "text:1.0",
}
CALCEXT = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"
ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"

MANIFEST = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'


def write_ods(path: Path, rows: str) -> Path:
    """An OpenDocument workbook with one sheet `S`. rows: the XML inside `table:table`."""
    names = " ".join(f'xmlns:{k}="urn:oasis:names:tc:opendocument:xmlns:{v}"' for k, v in ODS_NAMES.items())
    content = (
        f'<office:document-content {names} xmlns:calcext="{CALCEXT}"><office:body><office:spreadsheet>'
        f'<table:table table:name="S">{rows}</table:table></office:spreadsheet></office:body></office:document-content>'
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", ODS_TYPE)
        archive.writestr("META-INF/manifest.xml", MANIFEST)
        archive.writestr("content.xml", content)
    return path
