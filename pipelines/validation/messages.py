"""Words for every error and warning: what is wrong, where, what to do, and what a right value looks like.

One template per error type and language stands in `catalog_config/messages/validation.yaml`. No text made here holds
a cell value: a label of the file is not quoted either, because a file without header has data in its first row.
The suggestion is the only exception, and `TableError.without_values` drops it.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import catalog_config
from pipelines.read.cell_names import column_letters
from pipelines.validation.pattern_example import pattern_example
from pipelines.validation.suggest import date_pattern, fits, suggest
from schemas.table_schema import TableSchema
from schemas.text import LANGUAGES, Language, Text
from schemas.validation import TableError
from schemas.yaml_text import read_yaml

TEMPLATES = Path(catalog_config.__file__).parent / "messages" / "validation.yaml"

# Types whose remedy shows an example of a right value.
WITH_EXAMPLE = ("type-error", "constraint-error", "meaning-error")
# Types whose notes hold facts of the schema or of the file as a whole, never of a cell.
WITH_NOTE = re.compile(
    r"(row-constraint|field-count|row-count|table-dimensions|byte-count|rule-error|.*(metadata|catalog|dataset"
    r"|checklist|check|detector|dialect|control|inquiry|task|package|pipeline|step|report|resource|schema|field|stats)"
    r"-error)$"
)
LISTED = 8
MONEY_DECIMALS = {"元": 2, "万元": 6, "亿元": 10}  # down to the fen
SAMPLE_TIME = datetime(2020, 3, 5, 8, 30)


class Wording(NamedTuple):
    """message: what is wrong. remedy: what to do, with an example. suggestion: the cell as it was probably meant."""

    message: Text
    remedy: Text
    suggestion: str | None


@cache
def templates() -> dict[str, Any]:
    """All templates: sections `errors`, `warnings`, `also`, `types`, `constraints`, `meanings`."""
    return read_yaml(TEMPLATES.read_text("utf-8"))


def known_types() -> tuple[str, ...]:
    """Every error and warning type that has words."""
    return (*templates()["errors"], *templates()["warnings"])


def word(
    error_type: str,
    *,
    row: int | None = None,
    position: int | None = None,
    field: Mapping[str, Any] | None = None,
    cell: str | None = None,
    note: str = "",
    rule: Text | None = None,
    **facts: Any,
) -> Wording:
    """The words for one error or warning.

    row: 1 = header. position: 1-based column. field: the field's Frictionless descriptor, our properties included.
    cell: as it stands in the file; read for the suggestion only. note: frictionless's note. rule: a rule's own text.
    facts: `keys` (names of key fields), `reference` (name of the reference table), `count`, `first_row`.
    An unknown type gets the general words, so that reporting never fails.
    """
    section = templates()["warnings" if error_type in templates()["warnings"] else "errors"]
    template = section.get(error_type, templates()["errors"]["error"])
    texts: dict[str, dict[str, str]] = {"message": {}, "remedy": {}}
    for language in LANGUAGES:
        slots = _slots(language, error_type, row, position, field or {}, note, facts)
        message = template[language]["message"].format_map(slots)
        if rule is not None:
            message = slots["where"] + ("：" if language == "zh" else ": ") + rule.to(language)
        texts["message"][language] = message.lstrip("：: ")
        remedy = _remedy(template, note, language).format_map(slots)
        texts["remedy"][language] = remedy + _example_words(language, error_type, field)
    suggestion = suggest(cell, field) if cell is not None and field is not None else None
    return Wording(Text(**texts["message"]), Text(**texts["remedy"]), suggestion)


def worded(error: Mapping[str, Any], schema: TableSchema) -> TableError:
    """The TableError of one error in frictionless's report form (`rowNumber`, `fieldName`, `note`, …)."""
    name = error.get("fieldName") or None
    field = field_descriptor(schema, name)
    position = error.get("fieldNumber") or None
    cell = error.get("cell", error.get("label"))
    facts = {"reference": error.get("referenceName", ""), "keys": _key_names(error, schema)}
    words = word(
        error["type"],
        row=error.get("rowNumber"),
        position=position,
        field=field,
        cell=None if "label" in error else cell,
        note=error.get("note", ""),
        **facts,
    )
    return TableError(
        type=error["type"],
        row=error.get("rowNumber") or (1 if "#header" in error.get("tags", ()) else None),
        field=name,
        field_number=position,
        message=words.message,
        remedy=words.remedy,
        note=error.get("note", ""),
        cell=cell,
        suggestion=words.suggestion,
    )


def with_meaning(error: TableError, meaning: TableError, schema: TableSchema) -> TableError:
    """The error of a broken constraint, in whose cell the meaning is broken, too: `meaning` is that error.

    The suggestion is the meaning's, which keeps the constraint as well.
    """
    field = field_descriptor(schema, error.field) or {}
    also = templates()["also"]["meaning"]
    message = {
        language: also[language].format(message=error.message.to(language), expected=meaning_words(field, language))
        for language in LANGUAGES
    }
    changed = {"message": Text(**message), "remedy": meaning.remedy, "suggestion": meaning.suggestion}
    return error.model_copy(update=changed)


def field_descriptor(schema: TableSchema, name: str | None) -> Mapping[str, Any] | None:
    """The Frictionless descriptor of the field `name`, or None."""
    return next((f for f in schema.descriptor.get("fields", ()) if f.get("name") == name), None)


def field_title(field: Mapping[str, Any], language: Language) -> str:
    """“title” of a field, with its name where that differs."""
    name = field.get("name", "")
    title = (field.get("title_en") if language == "en" else None) or field.get("title") or name
    quoted = f"“{title}”"
    return quoted if title == name else f"{quoted}（{name}）" if language == "zh" else f"{quoted} ({name})"


def expected(field: Mapping[str, Any], language: Language) -> str:
    """What the field takes, in words: its meaning if it has one that validation checks, else type and format."""
    types = templates()["types"]
    kind, style = field.get("type", "any"), field.get("format", "default")
    template = types.get(f"{kind}/{style}") or types.get(kind) or types["any"]
    return template[language].format(
        true_value=(field.get("trueValues") or ["true"])[0],
        false_value=(field.get("falseValues") or ["false"])[0],
        pattern=_readable(date_pattern(field) or ""),
        delimiter=field.get("delimiter", ","),
    )


def example(field: Mapping[str, Any]) -> str | None:
    """An example of a right value: the schema's own, one of its enum, or one that its meaning, its pattern, its bounds
    or its type give and that keeps all constraints. None where there is none. Never taken from the data.
    """
    constraints = field.get("constraints") or {}
    if field.get("example") is not None:
        return str(field["example"])
    if constraints.get("enum"):
        return str(constraints["enum"][0])
    meaning = templates()["meanings"].get(str(field.get("meaning") or ""), {})
    candidates = [
        meaning.get("example"),
        pattern_example(str(constraints["pattern"]))
        if "pattern" in constraints and not meaning.get("example")
        else None,
        _typed_example(field),
        constraints.get("minimum"),
        constraints.get("maximum"),
    ]
    given = [str(candidate) for candidate in candidates if candidate is not None]
    if not constraints and given:
        return given[0]
    return next((candidate for candidate in given if fits(candidate, field)), None)


def _typed_example(field: Mapping[str, Any]) -> str | None:
    kind = field.get("type", "any")
    if kind in ("date", "time", "datetime"):
        pattern = date_pattern(field)
        return SAMPLE_TIME.strftime(pattern) if pattern else None
    if kind == "boolean":
        return str((field.get("trueValues") or ["true"])[0])
    if kind == "number":
        return "12.5".replace(".", field.get("decimalChar", "."))
    known = {"integer": "123", "year": "2020", "yearmonth": "2020-03", "duration": "P1Y2M", "geopoint": "116.39, 39.91"}
    return known.get(kind)


def _slots(
    language: Language,
    error_type: str,
    row: int | None,
    position: int | None,
    field: Mapping[str, Any],
    note: str,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    zh = language == "zh"
    column = field_title(field, language) if field else ""
    keys = "、".join(facts.get("keys") or ()) if zh else ", ".join(facts.get("keys") or ())
    first = facts.get("first_row")
    return {
        "where": _where(language, row, position, "" if error_type == "incorrect-label" else column),
        "column": column or _position_words(language, position),
        "expected": _expected_of(error_type, field, language),
        "constraint": constraint_words(_constraint_name(note), field, language),
        "note": _note_words(error_type, note, language),
        "other_row": _other_row(note, language),
        "keys": keys,
        "reference": facts.get("reference") or "-",
        "count": facts.get("count", ""),
        "first_row": "" if first is None else f"，首个在第 {first} 行" if zh else f", the first in row {first}",
    }


def _where(language: Language, row: int | None, position: int | None, column: str) -> str:
    zh = language == "zh"
    parts = [] if row is None else [f"第 {row} 行" if zh else f"row {row}"]
    place = _position_words(language, position)
    if place or column:
        parts.append((place + column) if zh else " ".join(filter(None, (place, column))))
    return ("，" if zh else ", ").join(parts)


def _position_words(language: Language, position: int | None) -> str:
    if position is None:
        return ""
    return f"{column_letters(position)} 列" if language == "zh" else f"column {column_letters(position)}"


def _expected_of(error_type: str, field: Mapping[str, Any], language: Language) -> str:
    checked = error_type == "meaning-error" and field.get("meaning")
    return meaning_words(field, language) if checked else expected(field, language)


def meaning_words(field: Mapping[str, Any], language: Language) -> str:
    """What the field's meaning asks for, with the date at which a code must have been in force."""
    valid_on = field.get("valid_on")
    revision = "" if not valid_on else f"，{valid_on} 有效" if language == "zh" else f", in force on {valid_on}"
    decimals = str(MONEY_DECIMALS.get(str(field.get("unit") or "元"), 2))
    words = templates()["meanings"][str(field["meaning"])][language]
    return words.replace("{revision}", revision).replace("{decimals}", decimals)


def constraint_words(name: str, field: Mapping[str, Any], language: Language) -> str:
    """What the constraint `name` of the field asks for."""
    known = templates()["constraints"]
    limit = (field.get("constraints") or {}).get(name, name or "-")
    if isinstance(limit, list):
        more = [] if len(limit) <= LISTED else ["…"]
        limit = ("、" if language == "zh" else ", ").join([str(v) for v in limit[:LISTED]] + more)
    return known.get(name, known["other"])[language].format(limit=limit)


def _remedy(template: Mapping[str, Any], note: str, language: Language) -> str:
    """The type's remedy, or that of the broken constraint where it has its own."""
    constraint = templates()["constraints"].get(_constraint_name(note), {})
    return str(constraint.get("remedy", {}).get(language) or template[language]["remedy"])


def _constraint_name(note: str) -> str:
    """The broken constraint, which frictionless names in its note: `constraint "minimum" is "5"`."""
    found = re.match(r'constraint "(\w+)" is "', note)
    return found.group(1) if found else ""


def _note_words(error_type: str, note: str, language: Language) -> str:
    if error_type == "duplicate-label":
        others = re.findall(r"\d+", note)
        letters = ", ".join(column_letters(int(n)) for n in others)
        return f"与 {letters} 列相同" if language == "zh" else f"as in column {letters}"
    return note if WITH_NOTE.match(error_type) else "-"


def _other_row(note: str, language: Language) -> str:
    found = re.match(r'the same as (?:in the )?row at position "?(\d+)', note)
    if found is None:
        return ""
    return f"，与第 {found.group(1)} 行相同" if language == "zh" else f", the same as in row {found.group(1)}"


def _example_words(language: Language, error_type: str, field: Mapping[str, Any] | None) -> str:
    shown = example(field) if field and error_type in WITH_EXAMPLE else None
    if shown is None:
        return ""
    return f"。例如：{shown}" if language == "zh" else f"; for example: {shown}"


def _key_names(error: Mapping[str, Any], schema: TableSchema) -> list[str]:
    names = error.get("fieldNames") or (
        schema.descriptor.get("primaryKey", []) if error["type"] == "primary-key" else []
    )
    return [names] if isinstance(names, str) else list(names)


def _readable(pattern: str) -> str:
    for code, shown in (
        ("%Y", "YYYY"),
        ("%m", "MM"),
        ("%d", "DD"),
        ("%H", "hh"),
        ("%M", "mm"),
        ("%S", "ss"),
        ("%y", "YY"),
    ):
        pattern = pattern.replace(code, shown)
    return pattern
