"""The validation report as one web page that needs nothing else: no script, no font, no address."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from pipelines.read.cell_names import column_letters
from pipelines.validation.report_summary import summarise
from schemas.table_schema import TableSchema
from schemas.text import Language
from schemas.validation import ValidationReport

WORDS: dict[Language, dict[str, str]] = {
    "zh": {
        "title": "数据校验报告", "valid": "校验通过", "invalid": "校验未通过，请按下表改正后重新提交",
        "file": "文件", "schema": "表结构", "rows": "数据行数", "seconds": "用时（秒）", "errors": "错误",
        "warnings": "提醒", "truncated": "（仅列出前面的部分）", "overview": "概览", "kind": "类型", "field": "字段",
        "count": "数量", "row": "行", "column": "列", "message": "问题", "cell": "当前值", "suggestion": "建议值",
        "remedy": "怎么改",
    },
    "en": {
        "title": "Validation report", "valid": "The data is valid",
        "invalid": "The data is not valid: correct what is listed and submit it again", "file": "File",
        "schema": "Table schema", "rows": "Rows", "seconds": "Seconds", "errors": "Errors", "warnings": "Warnings",
        "truncated": "(only the first ones are listed)", "overview": "Overview", "kind": "Type", "field": "Field",
        "count": "Number", "row": "Row", "column": "Column", "message": "Problem", "cell": "Value now",
        "suggestion": "Suggested value", "remedy": "What to do",
    },
}  # fmt: skip


def render_html(
    report: ValidationReport, schema: TableSchema, *, language: Language, file_name: str = "", values: bool = True
) -> str:
    """The page. values: show cells and suggestions, which only the steward may see; without them the messages, which
    hold no values, stand alone."""
    return _template().render(
        report=report,
        schema=schema,
        summary=summarise(report, schema),
        errors=report.errors,
        warnings=report.warnings,
        language=language,
        file_name=file_name,
        values=values,
        letters=column_letters,
        t=WORDS[language],
    )


@cache
def _template() -> Template:
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("report.html")
