"""A draft schema of a file: types and formats that its cells fit, roles and meanings that the detector proposes.

A draft is for a person to finish. Fields for which the detector proposes nothing keep no role, and preparing stops on
them. No value of the file enters the draft, except the members of small code lists in fields of no concern.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pydantic import BaseModel, ConfigDict

from anonymize.detect import PROPOSALS, detect
from anonymize.recognizers.specification import CONFIDENT
from anonymize.spans import NameTagger
from pipelines.read import SourceTable
from pipelines.validation.meanings import check_meaning, checked_meanings
from pipelines.validation.raw_cells import cell_text, raw_table
from schemas.errors import Refused
from schemas.findings import Findings
from schemas.table_schema import FieldRole, Meaning, table_schema_from_descriptor
from schemas.text import Text

ROWS_READ = 200_000
SHARE_OF_MEANING = 0.9  # of a field's cells that must be what the meaning says before it is proposed
ROWS_TO_TELL = 500  # in smaller tables every value is rare
PROSE_LENGTH = 30  # characters on average, from which a text is proposed as free text
ENUM_VALUES, ENUM_TIMES = 12, 10  # a code list: at most so many values, each at least so many times

INTEGER = r"^-?(?:0|[1-9][0-9]{0,17})$"
NUMBER = r"^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]+)?$"
# Types in the order tried: (type, format, RE2 pattern of every cell, strptime pattern that must read every cell).
CANDIDATES: tuple[tuple[str, str | None, str, str | None], ...] = (
    ("boolean", None, r"^(?:true|false|True|False|TRUE|FALSE)$", None),
    ("year", None, r"^(?:18|19|20)[0-9]{2}$", None),
    ("integer", None, INTEGER, None),
    ("number", None, NUMBER, None),
    ("date", None, r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "%Y-%m-%d"),
    ("date", "%Y/%m/%d", r"^[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}$", "%Y/%m/%d"),
    ("date", "%Y.%m.%d", r"^[0-9]{4}\.[0-9]{1,2}\.[0-9]{1,2}$", "%Y.%m.%d"),
    ("date", "%Y年%m月%d日", r"^[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日$", "%Y年%m月%d日"),
    ("datetime", None, r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$", "%Y-%m-%dT%H:%M:%S"),
    (
        "datetime",
        "%Y-%m-%d %H:%M:%S",
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$",
        "%Y-%m-%d %H:%M:%S",
    ),
    (
        "datetime",
        "%Y/%m/%d %H:%M:%S",
        r"^[0-9]{4}/[0-9]{1,2}/[0-9]{1,2} [0-9]{1,2}:[0-9]{2}:[0-9]{2}$",
        "%Y/%m/%d %H:%M:%S",
    ),
    ("time", None, r"^[0-9]{2}:[0-9]{2}:[0-9]{2}$", "%H:%M:%S"),
    ("yearmonth", None, r"^[0-9]{4}-(?:0[1-9]|1[0-2])$", None),
)
# Meanings that are numbers; all others are texts even where their cells look like numbers.
NUMERIC_MEANINGS = (Meaning.LONGITUDE, Meaning.LATITUDE, Meaning.MONEY, Meaning.AGE)
# Found by detection only where the cells bear the header out, however a date or an age is written.
BORNE_OUT = (Meaning.DATE_OF_BIRTH, Meaning.AGE)
CODES = (Meaning.DATE_COMPACT, Meaning.DIVISION_CODE)  # proposed by their cells alone where the header agrees
YEAR_LABEL = re.compile(r"年|year", re.IGNORECASE)
KEY_LABEL = re.compile(r"(?:^|_)id$|编号|代码|序号|code$|number$", re.IGNORECASE)


class InferredSchema(BaseModel):
    """descriptor: a Frictionless Table Schema with our properties. undecided: fields for which a person has to choose
    a role. rows: how many were looked at."""

    model_config = ConfigDict(frozen=True)

    descriptor: dict[str, Any]
    undecided: tuple[str, ...]
    rows: int


def infer_schema(
    source: SourceTable, *, name: str, names: NameTagger | None = None, limit_rows: int = ROWS_READ
) -> InferredSchema:
    """A draft schema of the first `limit_rows` rows.

    names: a model that finds names of persons, places and organisations. Raises Refused `unusable-header` where labels
    are empty or repeated, and `unreadable-rows`.
    """
    table = untyped_table(source, limit_rows)
    findings = detect(table, names=names)
    fields = [_field(label, table.column(label).combine_chunks(), findings) for label in table.column_names]
    descriptor: dict[str, Any] = {"name": name, "version": "0.1.0", "title": name, "missingValues": [""]}
    key = next((f["name"] for f in fields if _is_key(f, table)), None)
    if key is not None:
        descriptor["primaryKey"] = key
    descriptor["fields"] = fields
    undecided = tuple(f["name"] for f in fields if "role" not in f)
    return InferredSchema(descriptor=descriptor, undecided=undecided, rows=len(table))


def to_yaml(inferred: InferredSchema) -> str:
    """The draft as YAML, headed by what is left to decide."""
    lines = ["# 草稿，请核对类型、角色和含义 / Draft: check types, roles and meanings"]
    lines += [f"# 尚未确定角色 / role undecided: {name}" for name in inferred.undecided]
    body = yaml.safe_dump(inferred.descriptor, allow_unicode=True, sort_keys=False, width=120)
    return "\n".join(lines) + "\n" + body


def untyped_table(source: SourceTable, limit_rows: int | None = None) -> pa.Table:
    """All columns as text before any schema, missing cells null; rows of another width are passed over.

    limit_rows: None reads all. Raises Refused `unusable-header`, `unreadable-rows`.
    """
    schema = table_schema_from_descriptor({"fields": []}, "draft", "0.0.0")
    with raw_table(source, schema) as raw:
        labels = [label.strip() for label in raw.labels]
        if not labels or "" in labels or len(set(labels)) < len(labels):
            raise Refused(
                "unusable-header",
                Text(zh="表头有空的或重复的列名", en="the header has empty or repeated column names"),
                Text(zh="请先在文件中改正列名", en="correct the column names in the file first"),
                field="file",
            )
        rows = islice(_regular((cells for _, cells in raw.rows), len(labels)), limit_rows)
        columns = list(zip(*rows, strict=True)) or [()] * len(labels)
    arrays = [pa.array([cell or None for cell in column], pa.string()) for column in columns]
    return pa.table(dict(zip(labels, arrays, strict=True)))


def _regular(rows: Iterable[list[Any]], width: int) -> Iterable[list[str]]:
    texts = ([cell if type(cell) is str else cell_text(cell) for cell in cells] for cells in rows)
    return (cells for cells in texts if len(cells) == width)


def _field(label: str, cells: pa.StringArray, findings: Findings) -> dict[str, Any]:
    values = pc.unique(pc.drop_null(cells))
    meaning = _meaning(label, values, findings)
    kind, style = _type(label, values, meaning)
    role = _role(label, values, kind, findings)
    field: dict[str, Any] = {"name": label, "type": kind}
    if style:
        field["format"] = style
    field["title"] = _title(label)
    if meaning and not label.isascii():
        field["title_en"] = str(meaning).replace("-", " ").capitalize()
    if role:
        field["role"] = str(role)
    if meaning:
        field["meaning"] = str(meaning)
    constraints: dict[str, Any] = {}
    if len(cells) and not cells.null_count:
        constraints["required"] = True
    members = _code_list(cells, values) if kind == "string" and not meaning and not findings.of(label) else None
    if members:
        constraints["enum"] = members
    return field | ({"constraints": constraints} if constraints else {})


def _meaning(label: str, values: pa.StringArray, findings: Findings) -> Meaning | None:
    """The detector's meaning with the highest score, if the cells bear it out."""
    confident = [f for f in findings.of(label) if f.meaning is not None and f.score >= CONFIDENT]
    for finding in sorted(confident, key=lambda f: -f.score):
        meaning = finding.meaning
        if meaning in checked_meanings() and meaning not in BORNE_OUT:
            right = check_meaning(values, {"name": label, "meaning": meaning})
            if len(values) and right.mean() >= SHARE_OF_MEANING:
                return meaning
        elif finding.whole_cell_share >= SHARE_OF_MEANING or finding.by_header:
            return meaning
    return None


def _type(label: str, values: pa.StringArray, meaning: Meaning | None) -> tuple[str, str | None]:
    if not len(values) or (meaning in checked_meanings() and meaning not in (*NUMERIC_MEANINGS, *BORNE_OUT)):
        return "string", None
    for kind, style, pattern, reads in CANDIDATES:
        if kind == "year" and not YEAR_LABEL.search(label):
            continue
        if pc.all(pc.match_substring_regex(values, pattern)).as_py() and (reads is None or _all_read(values, reads)):
            return kind, style
    return "string", None


def _all_read(values: pa.StringArray, pattern: str) -> bool:
    try:
        for value in values.to_pylist():
            datetime.strptime(value, pattern)
    except ValueError:
        return False
    return True


def _role(label: str, values: pa.StringArray, kind: str, findings: Findings) -> FieldRole | None:
    """The role of the strongest finding by content; then prose; then, in tables large enough to tell, rare values."""
    seen = [f for f in findings.of(label) if f.entity not in PROPOSALS and f.score >= CONFIDENT]
    if seen:
        return max(seen, key=lambda f: f.score).proposed_role
    if kind == "string" and len(values) and pc.mean(pc.utf8_length(values)).as_py() >= PROSE_LENGTH:
        return FieldRole.FREE_TEXT
    rare = [f for f in findings.of(label) if f.entity in PROPOSALS]
    return rare[0].proposed_role if rare and findings.rows >= ROWS_TO_TELL else None


def _code_list(cells: pa.StringArray, values: pa.StringArray) -> list[str] | None:
    if not 2 <= len(values) <= ENUM_VALUES:
        return None
    counted = pc.value_counts(pc.drop_null(cells))
    rare = pc.any(pc.less(counted.field("counts"), ENUM_TIMES)).as_py()
    return None if rare else sorted(values.to_pylist())


def _is_key(field: dict[str, Any], table: pa.Table) -> bool:
    """Complete, without repetition, and named like a key."""
    cells = table.column(field["name"])
    named = KEY_LABEL.search(field["name"]) is not None
    return named and len(cells) > 1 and not cells.null_count and len(pc.unique(cells)) == len(cells)


def _title(label: str) -> str:
    return label.replace("_", " ").strip().capitalize() if label.isascii() and label.islower() else label
