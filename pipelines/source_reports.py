"""Making the files that a steward takes away about a source; by the worker, in its own process."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from governance.database.dataset_tables import source_files
from governance.database.engine import reading
from pipelines.datasets import load_dataset
from pipelines.memory_limit import ran_out_of_memory
from pipelines.platform import Platform
from pipelines.progress import Pace, Progress, every, progress_record
from pipelines.source_files import AT_ONCE, CORRECTED, NAMES, VERDICT, WHEN_ASKED, file_path, insert_row, require_report
from pipelines.sources import SourceRecord, error_record, load_source, source_path
from pipelines.store import file_digest
from schemas.actor import Actor
from schemas.dataset import Dataset
from schemas.errors import GongkaiError, Refused
from schemas.registry import load_published
from schemas.table_schema import TableSchema
from schemas.text import Language, Text
from schemas.validation import ValidationReport
from schemas.whole_file import whole_file

Writer = Callable[[Path], Any]  # a mapping that it returns is told with the file


def keep_verdict(
    platform: Platform, source: SourceRecord, dataset: Dataset, report: ValidationReport, actor: Actor
) -> None:
    """Write what the other files are made of, and the files that cost little; none where the report names nothing.
    What an earlier verdict gave goes. May run twice."""
    folder = source_path(platform.home, source.id, source.file_name).parent
    with platform.engine.begin() as connection:
        connection.execute(source_files.delete().where(source_files.c.source == source.id))
    for name in (VERDICT, *NAMES):
        (folder / name).unlink(missing_ok=True)
    if not (report.errors or report.warnings):
        return
    schema = load_published(dataset.table_schema or "", platform.configuration.schemas)
    verdict = {"schema": schema.reference, "report": report.model_dump(mode="json")}
    with whole_file(folder / VERDICT, durable=True) as path:
        path.write_text(json.dumps(verdict, ensure_ascii=False), "utf-8")
    for name in AT_ONCE:
        with whole_file(folder / name, durable=True) as path:
            _light_writer(name, report, schema)(path)
    now = datetime.now(UTC)
    with platform.engine.begin() as connection:
        for name in AT_ONCE:
            insert_row(connection, source.id, name, "ready", actor, now, {"size": (folder / name).stat().st_size})


def make_file(platform: Platform, source_id: str, name: str) -> None:
    """Make a file that was asked for. May run twice. Raises Refused after recording for the steward why."""
    path = file_path(platform.home, source_id, name)
    try:
        source = load_source(platform, source_id)
        schema, report = _verdict(platform, source)
        write = _light_writer(name, report, schema)
        if name in WHEN_ASKED:
            write = _heavy_writer(platform, source, name, report, schema)
        with whole_file(path, durable=True) as unfinished:
            told = write(unfinished)
        outcome = told if isinstance(told, dict) else {}
        outcome["size"] = path.stat().st_size
    except GongkaiError as error:
        if ran_out_of_memory(error):  # the worker says so, once
            raise
        _update(platform, source_id, name, status="refused", progress=None, outcome={"error": error_record(error)})
        raise
    _update(platform, source_id, name, status="ready", progress=None, outcome=outcome)


def give_up_file(platform: Platform, source_id: str, name: str, error: Refused) -> None:
    """Tell the steward that making the file was given up."""
    _update(platform, source_id, name, status="refused", progress=None, outcome={"error": error_record(error)})


def _light_writer(name: str, report: ValidationReport, schema: TableSchema) -> Writer:
    from pipelines.validation.report_html import render_html  # heavy libraries load where something is made
    from pipelines.validation.report_summary import summarise

    kind, _, rest = name.partition(".")
    if kind == "summary":
        return lambda path: path.write_text(summarise(report, schema).model_dump_json(indent=2), "utf-8")
    if rest == "json":
        return lambda path: path.write_text(json.dumps(report.report, ensure_ascii=False, indent=2), "utf-8")
    page = render_html(report, schema, language=_language(name), values=kind == "report")
    return lambda path: path.write_text(page, "utf-8")


def _heavy_writer(
    platform: Platform, source: SourceRecord, name: str, report: ValidationReport, schema: TableSchema
) -> Writer:
    from pipelines.read import read_source
    from pipelines.validation.fix import fix_file
    from pipelines.validation.report_xlsx import write_xlsx

    def keep(now: Progress, pace: Pace, seconds: float) -> None:
        _update(platform, source.id, name, progress=progress_record(now, pace, seconds))

    progress = every(1.0, keep)
    table = read_source(source_path(platform.home, source.id, source.file_name), progress=progress)

    def marked(path: Path) -> None:
        write_xlsx(report, table, schema, path, language=_language(name), progress=progress)

    def corrected(path: Path) -> dict[str, Any]:
        changes = fix_file(table, schema, path, rows_in_all=report.rows, progress=progress)
        if not changes.changed:
            raise Refused(
                "nothing-to-correct",
                Text(zh="没有可以自动改正的地方", en="nothing can be corrected without a person"),
                Text(zh="请按校验报告逐条改正", en="correct what the validation report lists"),
            )
        with path.open("rb") as reader:
            digest = file_digest(reader)
        return {"digest": digest, "changes": [line.model_dump() for line in changes.lines(schema)]}

    return corrected if name == CORRECTED else marked


def _language(name: str) -> Language:
    return "zh" if ".zh." in name else "en"


def _verdict(platform: Platform, source: SourceRecord) -> tuple[TableSchema, ValidationReport]:
    """The schema and the report of the source's validation, as they were."""
    path = source_path(platform.home, source.id, source.file_name).parent / VERDICT
    root = platform.configuration.schemas
    if path.is_file():
        kept = json.loads(path.read_text("utf-8"))
        return load_published(kept["schema"], root), ValidationReport.model_validate(kept["report"])
    report = require_report(source, path.parent)
    with reading(platform.engine) as connection:
        dataset = load_dataset(connection, source.dataset)
    return load_published(dataset.table_schema or "", root), ValidationReport.model_validate(report)


def _update(platform: Platform, source_id: str, name: str, **values: Any) -> None:
    with platform.engine.begin() as connection:
        same = (source_files.c.source == source_id, source_files.c.name == name)
        connection.execute(source_files.update().where(*same).values(**values))
