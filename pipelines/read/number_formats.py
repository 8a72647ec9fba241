"""Which cell formats of a workbook show numbers as moments."""

import re
from xml.etree import ElementTree

# ECMA-376, part 1, 18.8.30: identifiers of the built-in formats. 27 to 36 and 50 to 58 are dates in Chinese, Japanese
# and Korean versions only: left to the general reader.
NUMBERS = {*range(14), *range(37, 41), 48, 49}
MOMENTS = {*range(14, 23), 45, 47}
DIGITS_ALONE = re.compile(r"(?:General|@|[0#?,.%;_()*¥$€ +-]|E[+-]|\\[ -]|\"[-¥$€ ]*\")*")
DAYS = re.compile(
    r"(?:\[\$-[0-9A-Fa-f]+\])?(?:yyyy|yy|mmmm|mmm|mm|m|dd|d|hh|h|ss|s|[-/:. 年月日]|\\[-/: ]|\"[年月日时分秒]\")*;?@?"
)


def moment_styles(styles: bytes) -> list[bool | None]:
    """Per cell style, in the order of `cellXfs`: whether numbers of that style are moments; None where that cannot be
    told for sure. Raises ElementTree.ParseError."""
    root = ElementTree.fromstring(styles)  # noqa: S314 (expat refuses entity bombs)
    formats, found = _children(root, "numFmts"), _children(root, "cellXfs")
    codes = {int(node.get("numFmtId", -1)): node.get("formatCode", "") for node in formats}
    return [_is_moment(int(style.get("numFmtId", 0)), codes) for style in found if _name(style) == "xf"]


def _is_moment(identifier: int, codes: dict[int, str]) -> bool | None:
    if identifier not in codes:
        return True if identifier in MOMENTS else False if identifier in NUMBERS else None
    code = codes[identifier]
    if DIGITS_ALONE.fullmatch(code):
        return False
    if DAYS.fullmatch(code) and re.search("[ymdhs]", code):
        return True
    return None


def _children(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    """Those of the part `name`; conditional formats have number formats of their own, which are no cell's."""
    return [child for part in root if _name(part) == name for child in part]


def _name(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2]
