"""The summary of a validation that anybody may see: counts and places, never a value of the table."""

from collections import Counter
from typing import Any

from pydantic import BaseModel, ConfigDict

from pipelines.validation.messages import field_descriptor, templates, word
from schemas.table_schema import TableSchema
from schemas.text import Text
from schemas.validation import TableError, ValidationReport

PLACES = 20


class SummaryLine(BaseModel):
    """count errors (or warnings) of one type in one field. rows: the first row numbers. text: what to do."""

    model_config = ConfigDict(frozen=True)

    type: str
    level: str
    field: str | None
    count: int
    rows: tuple[int, ...]
    text: Text


class ValidationSummary(BaseModel):
    """schema: reference of the schema. truncated: more errors exist than are counted per field."""

    model_config = ConfigDict(frozen=True)

    schema_reference: str
    valid: bool
    rows: int
    seconds: float
    path: str
    truncated: bool
    counts: dict[str, int]
    lines: tuple[SummaryLine, ...]


def summarise(report: ValidationReport, schema: TableSchema) -> ValidationSummary:
    """What the report says without values: only types that we know, fields of the schema and row numbers pass."""
    groups: Counter[tuple[str, str, str | None]] = Counter()
    rows: dict[tuple[str, str, str | None], list[int]] = {}
    for error in (*report.errors, *report.warnings):
        key = (error.level, _type(error.type), _field(error, schema))
        groups[key] += 1
        if error.row is not None and len(places := rows.setdefault(key, [])) < PLACES and error.row not in places:
            places.append(error.row)
    counts: Counter[str] = Counter()
    for name, count in report.counts.items():
        counts[_type(name)] += count
    return ValidationSummary(
        schema_reference=schema.reference,
        valid=report.valid,
        rows=report.rows,
        seconds=report.seconds,
        path=report.path if report.path in ("fast", "exact", "frictionless") else "",
        truncated=report.truncated,
        counts=dict(counts),
        lines=tuple(
            SummaryLine(
                type=key[1],
                level=key[0],
                field=key[2],
                count=count,
                rows=tuple(rows.get(key, ())),
                text=remedy_text(key[1], schema, key[2]),
            )
            for key, count in groups.most_common()
        ),
    )


def remedy_text(error_type: str, schema: TableSchema, field: str | None) -> Text:
    """What to do about errors of one type in a field of the schema, in general."""
    return word(error_type, field=field_descriptor(schema, field), note="-").remedy


def _sections() -> dict[str, Any]:
    return {**templates()["errors"], **templates()["warnings"]}


def _type(name: str) -> str:
    return name if name in _sections() else "error"


def _field(error: TableError, schema: TableSchema) -> str | None:
    """The field if it is the schema's: a label of the file may be a value of a table without header."""
    return error.field if error.field in {f.name for f in schema.fields} else None
