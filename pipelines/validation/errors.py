"""frictionless's errors in our words and in frictionless's report form."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from pipelines.validation.cell_hazards import with_serial_dates
from pipelines.validation.frictionless_adapter import error_descriptor
from pipelines.validation.messages import with_meaning, worded
from schemas.table_schema import TableSchema
from schemas.validation import TableError, ValidationReport


def validation_report(
    errors: Sequence[Any],
    found: Sequence[TableError],
    schema: TableSchema,
    *,
    place: str,
    labels: Sequence[str],
    stats: dict[str, Any],
    path: str,
    partial: bool,
    more: bool = False,
) -> ValidationReport:
    """The report of one table.

    errors: frictionless's. found: what meaning and rule checks found. stats: rows, seconds, bytes, sha256, fields.
    partial: frictionless's errors were cut at the limit; more: the checks' were.
    """
    descriptors = [error_descriptor(error) for error in errors]
    ours = [e for e in found if e.level == "error"]
    words = with_serial_dates((worded(d, schema) for d in descriptors), schema)
    listed = sorted(once_per_cell(words, ours, schema), key=lambda e: (e.row is not None, e.row or 0))
    counts = Counter(error.type for error in listed)
    return ValidationReport(
        valid=not listed,
        rows=stats["rows"],
        seconds=stats["seconds"],
        path=path,
        errors=tuple(listed),
        warnings=tuple(e for e in found if e.level == "warning"),
        counts=dict(counts),
        truncated=partial or more,
        report=report_form(descriptors, place=place, labels=labels, stats=stats, valid=not listed, partial=partial),
    )


def once_per_cell(errors: Iterable[TableError], found: Iterable[TableError], schema: TableSchema) -> list[TableError]:
    """Both lists, with one error for a cell that breaks a constraint and its meaning.

    The constraint's error stays, and says what the value should have been.
    """
    meanings = {(e.row, e.field): e for e in found if e.type == "meaning-error"}
    told: list[TableError] = []
    for error in errors:
        same = meanings.pop((error.row, error.field), None) if error.type == "constraint-error" else None
        told.append(error if same is None else with_meaning(error, same, schema))
    return told + [e for e in found if e.type != "meaning-error" or (e.row, e.field) in meanings]


def report_form(
    errors: list[dict[str, Any]],
    *,
    place: str,
    labels: Sequence[str],
    stats: dict[str, Any],
    valid: bool,
    partial: bool,
) -> dict[str, Any]:
    """frictionless's report descriptor of one table."""
    warnings = [f"reached error limit: {len(errors)}"] if partial else []
    counts = {"errors": len(errors), "warnings": len(warnings), "seconds": stats["seconds"]}
    task = {
        "name": "table",
        "type": "table",
        "valid": valid,
        "place": place,
        "labels": list(labels),
        "stats": {**stats, **counts},
        "warnings": warnings,
        "errors": errors,
    }
    return {"valid": valid, "stats": {"tasks": 1, **counts}, "warnings": [], "errors": [], "tasks": [task]}
