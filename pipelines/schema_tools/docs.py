"""A page about a schema, for those who fill tables and those who read them: Markdown or HTML, Chinese or English."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from pipelines.validation.meanings import checked_meanings
from pipelines.validation.messages import constraint_words, example, expected, meaning_words
from pipelines.validation.rules import read_rules
from schemas.table_schema import FieldRole, TableSchema
from schemas.text import Language

WORDS: dict[Language, dict[str, str]] = {
    "zh": {
        "reference": "版本", "key": "主键", "fields": "字段", "name": "列名", "title": "标题", "type": "内容",
        "required": "必填", "rules": "约束", "role": "角色", "example": "示例", "description": "说明",
        "foreign": "引用", "cross": "跨字段规则", "yes": "是", "warning": "（仅提醒）", "refers": "引用",
        "this": "本表", "unit": "单位", "datum": "坐标系",
    },
    "en": {
        "reference": "Version", "key": "Primary key", "fields": "Fields", "name": "Column", "title": "Title",
        "type": "Content", "required": "Required", "rules": "Constraints", "role": "Role", "example": "Example",
        "description": "Description", "foreign": "References", "cross": "Rules over several fields", "yes": "yes",
        "warning": " (warning only)", "refers": "refers to", "this": "this table", "unit": "unit", "datum": "datum",
    },
}  # fmt: skip
ROLES: dict[FieldRole, dict[Language, str]] = {
    FieldRole.DIRECT_IDENTIFIER: {"zh": "直接标识符", "en": "direct identifier"},
    FieldRole.QUASI_IDENTIFIER: {"zh": "准标识符", "en": "quasi-identifier"},
    FieldRole.SENSITIVE: {"zh": "敏感", "en": "sensitive"},
    FieldRole.NON_SENSITIVE: {"zh": "非敏感", "en": "non-sensitive"},
    FieldRole.FREE_TEXT: {"zh": "自由文本", "en": "free text"},
}


def document_schema(schema: TableSchema, language: Language, form: Literal["markdown", "html"] = "markdown") -> str:
    """The page. Raises ConfigurationError where the schema's rules are wrong."""
    words = WORDS[language]
    template = _environment().get_template("schema.html" if form == "html" else "schema.md")
    return template.render(
        schema=schema,
        language=language,
        t=words,
        keys=", ".join(_listed(schema.descriptor.get("primaryKey"))),
        fields=[_row(field, language) for field in schema.descriptor["fields"]],
        foreign=[_reference(key, language) for key in schema.descriptor.get("foreignKeys") or ()],
        rules=[
            {
                "name": rule.name,
                "text": rule.text.to(language),
                "warning": words["warning"] if rule.level == "warning" else "",
            }
            for rule in read_rules(schema)
        ],
    )


def _row(field: Mapping[str, Any], language: Language) -> dict[str, str]:
    constraints = field.get("constraints") or {}
    limits = [constraint_words(name, field, language) for name in constraints if name != "required"]
    suffix = "_en" if language == "en" else ""
    return {
        "name": field["name"],
        "title": field.get(f"title{suffix}") or field.get("title") or field["name"],
        "type": _content(field, language),
        "required": WORDS[language]["yes"] if constraints.get("required") else "",
        "limits": ("；" if language == "zh" else "; ").join(limits),
        "role": ROLES[FieldRole(field["role"])][language] if field.get("role") else "–",
        "example": example(field) or "",
        "description": field.get(f"description{suffix}") or field.get("description") or "",
    }


def _content(field: Mapping[str, Any], language: Language) -> str:
    """The meaning where validation checks it, else type and format; both with the unit."""
    checked = field.get("meaning") in checked_meanings()
    words = meaning_words(field, language) if checked else expected(field, language)
    terms = WORDS[language]
    named = [f"{terms[key]} {field[key]}" for key in ("unit", "datum") if field.get(key)]
    return ("，" if language == "zh" else ", ").join([words, *named])


def _reference(key: Mapping[str, Any], language: Language) -> str:
    words, target = WORDS[language], key["reference"]
    there = target.get("resource") or words["this"]
    ours, theirs = ", ".join(_listed(key["fields"])), ", ".join(_listed(target["fields"]))
    return f"{ours} → {there} ({theirs})"


def _listed(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = _markdown_cell
    return environment


def _markdown_cell(text: str) -> str:
    """Text that cannot end a table cell or begin other markup."""
    for sign in ("\\", "|", "<", "*", "_", "[", "`"):
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.split())
