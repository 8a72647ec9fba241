"""Which parts of an XLSX workbook hold its sheets."""

import zipfile
from xml.etree import ElementTree

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """The part of each sheet by the sheet's name, in the workbook's order; of any version of the format.

    Raises KeyError where the workbook or what links its parts is absent, ParseError.
    """
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 (expat refuses entity bombs)
    targets = {link.get("Id"): link.get("Target", "").lstrip("/") for link in links}
    parts = {}
    for sheet in workbook_of(archive).iter():
        if sheet.tag.endswith("}sheet"):
            link = next((value for key, value in sheet.attrib.items() if key.endswith("}id")), None)
            target = targets.get(link, "")
            parts[sheet.get("name", "")] = target if target.startswith("xl/") else f"xl/{target}"
    return parts


def workbook_of(archive: zipfile.ZipFile) -> ElementTree.Element:
    """The workbook's own part. Raises KeyError, ParseError."""
    return ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 (expat refuses entity bombs)


def has_usual_calendar(workbook: ElementTree.Element) -> bool:
    """Whether days are counted from 1899-12-30, in the form of the format that all programs write."""
    properties = workbook.find(f"{MAIN}workbookPr")
    return workbook.tag == f"{MAIN}workbook" and (
        properties is None or properties.get("date1904", "0") in ("0", "false")
    )
