"""Commands on files: validate, detect, anonymize. Heavy libraries load inside, so that `--help` is quick."""

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalog_config.settings import read_settings
from pipelines.cli.output import Json, Lang, language, print_json, print_table, say
from pipelines.cli.progress_bar import stage_progress
from pipelines.progress import TellProgress
from schemas.dataset import Tier
from schemas.disclosure import DisclosureReport, TradeoffPoint
from schemas.errors import Conflict, NotFound
from schemas.registry import load_published, load_schema_file
from schemas.table_schema import TableSchema
from schemas.text import Text
from schemas.validation import ValidationReport

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.read import SourceTable

BELOW_POLICY = Text(zh="低于策略的最低要求，不可选", en="below the policy's minimum: not to be chosen")
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The table. 数据文件。")]
SchemaOption = Annotated[str, typer.Option("--schema", help="NAME[@VERSION] or a file. 表结构。")]


def add_to(app: typer.Typer) -> None:
    app.command()(validate)
    app.command(name="detect")(detect_file)
    app.command()(anonymize)


def find_schema(reference: str) -> TableSchema:
    """A schema file, or a published schema."""
    path = Path(reference)
    return (
        load_schema_file(path)
        if path.suffix in {".json", ".yaml", ".yml"}
        else load_published(reference, read_settings().schemas)
    )


def validate(
    file: File,
    schema: SchemaOption,
    json: Json = False,
    limit_errors: Annotated[int, typer.Option(min=1)] = 1000,
    encoding: str | None = None,
    sheet: str | None = None,
    fix: Annotated[
        Path | None, typer.Option(help="Write a copy with mechanical errors corrected. 写出改正的副本。")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report as a page, with cells. 网页报告。")] = None,
    xlsx: Annotated[Path | None, typer.Option(help="Write a workbook with the bad cells marked. 标注的表格。")] = None,
    lang: Lang = "",
) -> None:
    """Check a file against a schema. 按表结构校验文件。"""
    from governance.clocks import local_day
    from pipelines.read import read_source
    from pipelines.validation.validate import validate_table

    checked = find_schema(schema)
    with stage_progress(file.name) as progress:
        source = read_source(file, sheet=sheet, encoding=encoding, progress=progress)
        today = local_day(datetime.now(UTC))
        result = validate_table(source, checked, limit_errors=limit_errors, progress=progress, today=today)
        report = result if isinstance(result, ValidationReport) else result.report
        _write_reports(source, checked, report, html, xlsx, progress)
        changes = _write_fixed(source, checked, fix, report.rows, progress) if fix else ()
    for line in changes:
        print(line.to(language()), file=sys.stderr)
    if json:
        print_json(report.report)
    else:
        print_report(report)
    if not report.valid:
        raise typer.Exit(1)


def _write_reports(
    source: "SourceTable",
    schema: TableSchema,
    report: ValidationReport,
    html: Path | None,
    xlsx: Path | None,
    progress: TellProgress,
) -> None:
    """Both hold raw values: they are for whoever handed the file in."""
    if html:
        from pipelines.validation.report_html import render_html

        html.write_text(render_html(report, schema, language=language(), file_name=source.file_name), "utf-8")
    if xlsx:
        from pipelines.validation.report_xlsx import write_xlsx

        write_xlsx(report, source, schema, xlsx, language=language(), progress=progress)


def _write_fixed(
    source: "SourceTable", schema: TableSchema, out: Path, rows: int, progress: TellProgress
) -> tuple[Text, ...]:
    """What was changed, one line each."""
    from pipelines.validation.fix import fix_file

    if out.exists():
        raise Conflict(
            "output-exists",
            Text(zh=f"{out.name} 已存在", en=f"{out.name} exists already"),
            Text(zh="请换一个文件名", en="choose another name"),
            field="fix",
        )
    return fix_file(source, schema, out, rows_in_all=rows, progress=progress).lines(schema)


def print_report(report: ValidationReport) -> None:
    """A table of errors with row, column, what and remedy; then the verdict."""
    problems = (*report.errors, *report.warnings)
    if problems:
        print_table(
            [
                Text(zh="行", en="row"),
                Text(zh="列", en="column"),
                Text(zh="问题", en="problem"),
                Text(zh="怎么改", en="remedy"),
            ],
            [
                (
                    p.row or "",
                    p.field or "",
                    p.message,
                    (p.remedy.to(language()) if p.remedy else "") + (f" → {p.suggestion}" if p.suggestion else ""),
                )
                for p in problems
            ],
        )
    total, pace = sum(report.counts.values()), report.rows / max(report.seconds, 0.01)
    verdict = (
        Text(zh="符合表结构", en="valid")
        if report.valid
        else Text(zh=f"不符合表结构：{total} 处错误", en=f"invalid: {total} errors")
    )
    say(
        Text(
            zh=f"{verdict.zh}；{report.rows:,} 行，{report.seconds:.2f} 秒，每秒 {pace:,.0f} 行（{report.path}）",
            en=f"{verdict.en}; {report.rows:,} rows in {report.seconds:.2f} s, {pace:,.0f} rows/s ({report.path})",
        )
    )


class Engine(StrEnum):
    """Who detects: the column path, or Presidio beside it on a sample."""

    COLUMNS = "columns"
    PRESIDIO = "presidio"


def detect_file(
    file: File,
    engine: Annotated[
        Engine, typer.Option(help="presidio: compare with Presidio on a sample of each column. 与 Presidio 抽样比对。")
    ] = Engine.COLUMNS,
    json: Json = False,
    lang: Lang = "",
) -> None:
    """What each column seems to hold, without a raw value. 识别各列的个人和敏感信息。"""
    from anonymize.detect import detect
    from governance.clocks import local_day
    from pipelines.read import read_source
    from pipelines.schema_tools.infer import untyped_table

    table = untyped_table(read_source(file))
    if engine is Engine.PRESIDIO:
        _compare_with_presidio(table, json)
        return
    findings = detect(table, today=local_day(datetime.now(UTC)))
    if json:
        print_json(findings)
        return
    print_table(
        [
            Text(zh="列", en="column"),
            Text(zh="像是", en="seems to hold"),
            Text(zh="单元格", en="cells"),
            Text(zh="占比", en="share"),
            Text(zh="校验通过", en="verified"),
            Text(zh="建议角色", en="proposed role"),
        ],
        [
            (
                f.field,
                f.entity,
                f"{f.cells:,}",
                f"{f.share:.1%}",
                "" if f.verified_share is None else f"{f.verified_share:.1%}",
                f.proposed_role,
            )
            for f in findings.findings
        ],
    )


def _compare_with_presidio(table: "pa.Table", json: bool) -> None:
    from anonymize.second_opinion import ask_presidio

    opinions = ask_presidio(table)
    if json:
        print_json(opinions)
        return
    print_table(
        [
            Text(zh="列", en="column"),
            Text(zh="像是", en="seems to hold"),
            Text(zh="抽查单元格", en="cells looked at"),
            Text(zh="本平台", en="here"),
            Text(zh="Presidio", en="Presidio"),
        ],
        [(o.field, o.entity, o.looked_at, o.here, o.presidio) for o in opinions],
    )
    differing = sum(not o.agrees for o in opinions)
    say(
        Text(zh=f"{differing} 处与 Presidio 不一致", en=f"{differing} differences from Presidio")
        if differing
        else Text(zh="与 Presidio 完全一致", en="Presidio finds the same")
    )


def anonymize(
    file: File,
    schema: SchemaOption,
    tier: Annotated[Tier, typer.Option(help="open, restricted. 层级。")],
    output: Annotated[Path, typer.Option("-o", "--output", help="CSV or Parquet to write. 输出文件。")],
    policy: str = "standard",
    k: Annotated[
        int | None, typer.Option("--k", help="k in place of the policy's, at least that. 代替策略的 k，不低于策略。")
    ] = None,
    json: Json = False,
    lang: Lang = "",
) -> None:
    """Treat one file for one tier and print its disclosure report. 按策略脱敏一个文件。"""
    from catalog_config.configuration import load_configuration
    from pipelines.anonymize_file import anonymize_file
    from pipelines.home import open_home

    settings = read_settings()
    configuration = load_configuration(settings.configuration, settings.schemas, settings.boundaries)
    policies = configuration.policies
    if policy not in policies:
        raise NotFound(
            "unknown-policy",
            Text(zh=f"没有名为“{policy}”的策略", en=f"there is no policy “{policy}”"),
            Text(zh="可用：" + "、".join(policies), en="known: " + ", ".join(policies)),
            field="policy",
        )
    key = open_home(settings.home).key("command-line")
    report = anonymize_file(
        file,
        find_schema(schema),
        policies[policy],
        configuration.hierarchies,
        tier,
        key,
        output,
        configuration.boundaries,
        k,
    )
    if json:
        print_json(report)
        return
    print_table(
        [
            Text(zh="列", en="column"),
            Text(zh="处理", en="control"),
            Text(zh="损失", en="loss"),
            Text(zh="原因", en="why"),
        ],
        [(e.field, e.control, f"{e.loss:.0%}", e.why) for e in report.effects],
    )
    _print_choices(report)
    say(Text(zh=f"结果：{report.outcome}；已写入 {output.name}", en=f"outcome: {report.outcome}; wrote {output.name}"))


def _print_choices(report: DisclosureReport) -> None:
    """What each k would cost, one sentence each; nothing where no k applies."""
    points = [TradeoffPoint.model_validate(p) for p in report.extra.get("tradeoff", ())]
    if not points:
        return
    chosen, least = report.thresholds.k if report.thresholds else None, report.extra["least_k"]
    print_table(
        [
            Text(zh="k", en="k"),
            Text(zh="损失", en="loss"),
            Text(zh="不发布的记录", en="left out"),
            Text(zh="最高风险", en="highest risk"),
            Text(zh="说明", en="what it means"),
        ],
        [
            (
                f"{p.k}{' ←' if p.k == chosen else ''}",
                "" if p.loss is None else f"{p.loss:.0%}",
                f"{p.records_suppressed:,}" if p.feasible else "",
                "" if p.highest_risk is None else f"{p.highest_risk:.1%}",
                BELOW_POLICY if p.k < least else p.sentence or p.note or "",
            )
            for p in points
        ],
        title=Text(zh="不同的 k 与代价（--k 选择）", en="What each k would cost (choose with --k)"),
    )
