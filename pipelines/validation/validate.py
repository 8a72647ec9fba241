"""Validate one source table against one schema: a typed table, or a report of what is wrong."""

import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.progress import Progress, TellProgress
from pipelines.read import SourceTable
from pipelines.validation import frictionless_adapter as adapter
from pipelines.validation.batches import Block
from pipelines.validation.beyond import BatchChecks
from pipelines.validation.cell_hazards import FormulaWarnings
from pipelines.validation.conformance import quote_warnings, row_warnings
from pipelines.validation.engine import BlocksDone, Outcome, check_table
from pipelines.validation.errors import validation_report
from pipelines.validation.frictionless_adapter import OpenTable
from pipelines.validation.header_shape import refuse_misplaced_header
from pipelines.validation.object_blocks import object_blocks
from pipelines.validation.parquet_blocks import parquet_blocks
from pipelines.validation.rules import ReferenceLookup
from pipelines.validation.sheet_blocks import sheet_blocks
from schemas.errors import Refused
from schemas.table_schema import TableSchema
from schemas.text import Text
from schemas.validation import TableError, ValidationReport

OBJECT_FORMATS = ("json", "ndjson", "geojson")
SCHEMA_ERRORS = ("schema-error", "field-error", "resource-error", "metadata-error")


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
    progress: TellProgress | None = None,
    references: Mapping[str, pa.Table] | None = None,
    releases: ReferenceLookup | None = None,
    folder: Path | None = None,
    today: date | None = None,
) -> ValidatedTable | ValidationReport:
    """Check every record of `source`.

    limit_errors: stop after so many errors; 0 lists all. progress: told after each block. references: typed
    tables that the schema's foreign keys refer to, by name. releases: reads other datasets' current releases, for
    rules. folder: for scratch files. today: the day the file was handed in; nobody in it was born later.

    Raises Refused where the schema itself is wrong (`bad-schema`, `unknown-field-type`, `bad-pattern`,
    `pattern-too-slow`, `bad-bound`, `reference-unavailable`), the header is misplaced (`title-line`,
    `two-header-rows`) or a cell has no end (`unclosed-quote`, `cell-too-long`), and ConfigurationError
    (`invalid-rule`).
    """
    started = time.monotonic()
    checks = BatchChecks(schema, releases, limit=limit_errors, today=today)
    formulas = FormulaWarnings(schema)
    outcome = check_table(
        lambda: open_source(source, schema, references or {}),
        limit_errors=limit_errors,
        checks=[checks, formulas],
        references=references,
        folder=folder,
        progress=_told(source, progress) if progress else None,
        decodes=True,  # read_source refuses what does not
        blocks_of=block_reader(source),
    )
    seconds = round(time.monotonic() - started, 3)
    report = validation_report(
        outcome.errors,
        [*outcome.found, *_remarks(outcome), *checks.warnings(source.labels), *formulas.warnings()],
        schema,
        place=source.file_name,
        labels=source.labels,
        stats=_stats(source, schema, outcome, seconds),
        path=outcome.path,
        partial=outcome.partial,
        more=checks.truncated,
    )
    if progress:
        size = 0 if source.opened is not None else source.content.stat().st_size  # a sheet is not read by bytes
        progress(Progress("validate", 1.0, size, outcome.rows))
    if not report.valid or outcome.table is None:
        return report
    return ValidatedTable(in_schema_order(outcome.table, schema), schema, report)


def _remarks(outcome: Outcome) -> list[TableError]:
    """Warnings about the table as a whole."""
    empty = [] if outcome.errors else row_warnings(outcome.rows)
    return empty + quote_warnings(outcome.open_quote.row if outcome.open_quote else None)


def block_reader(source: SourceTable) -> Callable[[OpenTable], Iterator[Block]] | None:
    """The reader by columns of a format that is not CSV or TSV."""
    if source.opened is not None:
        return sheet_reader(source)
    if source.format == "parquet":
        return lambda table: parquet_blocks(source, table)
    return (lambda table: object_blocks(source, table)) if source.format in OBJECT_FORMATS else None


def sheet_reader(source: SourceTable) -> Callable[[OpenTable], Iterator[Block]]:
    return lambda table: sheet_blocks(source.opened, table.first_row, len(table.readings))


def in_schema_order(table: pa.Table, schema: TableSchema) -> pa.Table:
    """The schema's fields alone, in its order; a field the file leaves out is all null."""
    # Selecting touches no data; making a new table would look into every batch, and so load the mapped file.
    ordered = table.select([f.name for f in schema.fields if f.name in table.column_names])
    for place, f in enumerate(schema.fields):
        if f.name not in table.column_names:
            ordered = ordered.add_column(place, f.name, pa.nulls(len(table), pa.string()))
    return ordered


def open_source(source: SourceTable, schema: TableSchema, references: Container[str] = ()) -> OpenTable:
    """Open a source by frictionless. Raises Unopenable, and Refused: `bad-schema` where the schema is at fault,
    `title-line` and `two-header-rows`."""
    try:
        if source.format in ("csv", "tsv"):
            file = (source.content, source.format, source.encoding)
            table = adapter.open_table(adapter.resource_of(schema.descriptor, file), references=references)
        else:
            resource = adapter.resource_of(schema.descriptor, records=lambda: iter(source.records()))
            table = adapter.open_table(resource, validate_metadata=False, references=references)
    except adapter.Unopenable as error:
        if any(found.type in SCHEMA_ERRORS for found in error.errors):
            refuse_unknown_types(schema)
            raise bad_schema(error.errors) from error
        raise
    try:
        refuse_misplaced_header(table.labels, table.sample, schema)
    except Refused:
        table.close()
        raise
    return table


def refuse_unknown_types(schema: TableSchema) -> None:
    """Raises Refused `unknown-field-type` for the first field whose type the standard does not have."""
    for field in schema.fields:
        if field.type in adapter.FIELD_TYPES:
            continue
        close = get_close_matches(field.type, adapter.FIELD_TYPES, 1)
        raise Refused(
            "unknown-field-type",
            Text(
                zh=f"表结构中字段“{field.name}”的类型“{field.type}”不存在",
                en=f"the field “{field.name}” of the table schema has the type “{field.type}”, which does not exist",
            ),
            Text(
                zh=(f"是否应为 {close[0]}？" if close else "")
                + f"请表结构的维护者改为以下类型之一：{'、'.join(adapter.FIELD_TYPES)}",
                en=(f"{close[0]}, perhaps? " if close else "")
                + f"the keeper of the table schema has to use one of: {', '.join(adapter.FIELD_TYPES)}",
            ),
            field=field.name,
        )


def bad_schema(errors: Sequence[Any]) -> Refused:
    """The schema itself cannot be used. frictionless's notes about a schema hold no cell."""
    notes = "; ".join(dict.fromkeys(error.note for error in errors[:5]))
    return Refused(
        "bad-schema",
        Text(zh=f"表结构本身有错误，无法校验：{notes}", en=f"the table schema itself is wrong: {notes}"),
        Text(
            zh="请表结构的维护者按 Frictionless Table Schema 改正字段的类型、约束或外键",
            en="the keeper of the table schema has to correct types, constraints or foreign keys of its fields",
        ),
        field="schema",
    )


def _told(source: SourceTable, progress: TellProgress) -> BlocksDone:
    """Turn bytes and rows done into shares: of the file's bytes, or of the rows where it says how many it has."""
    size, rows_in_all = max(source.content.stat().st_size, 1), source.rows_in_all

    def tell(size_done: int, rows: int) -> None:
        share = size_done / size if size_done else rows / rows_in_all if rows_in_all else None
        progress(Progress("validate", None if share is None else min(share, 0.99), size_done, rows))

    return tell


def _stats(source: SourceTable, schema: TableSchema, outcome: Outcome, seconds: float) -> dict[str, Any]:
    return {
        "rows": outcome.rows,
        "fields": len(schema.fields),
        "bytes": source.size,
        "sha256": source.digest,
        "seconds": seconds,
    }
