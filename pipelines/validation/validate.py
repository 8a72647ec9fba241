"""Validate one source table against one schema: a typed table, or a report of what is wrong."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.read import SourceTable
from pipelines.validation import frictionless_adapter as adapter
from pipelines.validation.engine import Outcome, check_table
from pipelines.validation.errors import validation_report
from pipelines.validation.frictionless_adapter import OpenTable
from schemas.table_schema import TableSchema
from schemas.validation import ValidationReport


@dataclass(frozen=True)
class ValidatedTable:
    """table: typed by the schema (string, int64, decimal128 or float64, bool, date32, timestamp, time64), missing
    values null, columns in schema order; memory-mapped. report: valid, maybe with warnings."""

    table: pa.Table
    schema: TableSchema
    report: ValidationReport


def validate_table(
    source: SourceTable,
    schema: TableSchema,
    *,
    limit_errors: int = 1000,
    progress: Callable[[float], None] | None = None,
    folder: Path | None = None,
) -> ValidatedTable | ValidationReport:
    """Check every record of `source`.

    limit_errors: stop after so many errors; 0 lists all. progress: called with the share done, 0 to 1. folder: for
    scratch files. Raises Refused where the schema itself is wrong (`bad-schema`, `bad-pattern`, `pattern-too-slow`).
    """
    started = time.monotonic()
    outcome = check_table(
        lambda: _open(source, schema),
        limit_errors=limit_errors,
        folder=folder,
    )
    seconds = round(time.monotonic() - started, 3)
    report = validation_report(
        outcome.errors,
        outcome.found,
        schema,
        place=source.file_name,
        labels=source.labels,
        stats=_stats(source, schema, outcome, seconds),
        path=outcome.path,
        partial=outcome.partial,
    )
    if progress:
        progress(1.0)
    if not report.valid or outcome.table is None:
        return report
    return ValidatedTable(in_schema_order(outcome.table, schema), schema, report)


def in_schema_order(table: pa.Table, schema: TableSchema) -> pa.Table:
    """The schema's fields alone, in its order; a field the file leaves out is all null."""
    columns = {
        f.name: table[f.name] if f.name in table.column_names else pa.nulls(len(table), pa.string())
        for f in schema.fields
    }
    return pa.table(columns)


def _open(source: SourceTable, schema: TableSchema) -> OpenTable:
    if source.format in ("csv", "tsv"):
        resource = adapter.resource_of(schema.descriptor, (source.content, source.format, source.encoding))
        return adapter.open_table(resource)
    resource = adapter.resource_of(schema.descriptor, records=lambda: iter(source.records()))
    return adapter.open_table(resource, validate_metadata=False)


def _stats(source: SourceTable, schema: TableSchema, outcome: Outcome, seconds: float) -> dict[str, Any]:
    return {
        "rows": outcome.rows,
        "fields": len(schema.fields),
        "bytes": source.size,
        "sha256": source.digest,
        "seconds": seconds,
    }
