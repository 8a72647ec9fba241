"""What changed between two versions of a schema, whether it breaks anybody, and the version that follows.

Semantic versioning as Data Package advises it (https://datapackage.org/recipes/data-package-version/): major where a
file that was valid may be refused now, or a reader of the data may break; minor where more is allowed than before;
patch where only words change. A property that is not listed counts as major.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from pipelines.validation.meanings import checked_meanings
from pipelines.validation.messages import field_title
from schemas.table_schema import FieldRole, TableSchema
from schemas.text import Text

Level = Literal["major", "minor", "patch"]
LEVELS: tuple[Level, ...] = ("patch", "minor", "major")

# Kind of change → level and words. Kinds whose level depends on the case are decided by the function that finds them.
CHANGES: dict[str, tuple[Level, Text]] = {
    "field-added": ("major", Text(zh="新增字段", en="field added")),
    "optional-field-added": ("minor", Text(zh="新增可选字段", en="optional field added")),
    "field-removed": ("major", Text(zh="删除字段", en="field removed")),
    "fields-reordered": ("major", Text(zh="字段顺序改变", en="fields reordered")),
    "fields-reordered-freely": ("patch", Text(zh="字段顺序改变（按列名读取）", en="fields reordered, read by name")),
    "type-changed": ("major", Text(zh="类型改变", en="type changed")),
    "format-changed": ("major", Text(zh="格式改变", en="format changed")),
    "reading-changed": ("major", Text(zh="读法改变", en="way of reading changed")),
    "values-added": ("minor", Text(zh="允许更多写法", en="more spellings allowed")),
    "constraint-tightened": ("major", Text(zh="约束收紧", en="constraint tightened")),
    "constraint-loosened": ("minor", Text(zh="约束放宽", en="constraint loosened")),
    "constraint-changed": ("major", Text(zh="约束改变", en="constraint changed")),
    "meaning-checked": ("major", Text(zh="含义改变，校验更严", en="meaning changed, checked more strictly")),
    "meaning-unchecked": ("minor", Text(zh="不再校验含义", en="meaning no longer checked")),
    "meaning-noted": ("patch", Text(zh="含义改变（不参与校验）", en="meaning changed, not checked")),
    "role-stricter": ("major", Text(zh="角色更严，公布的值会变", en="role stricter, published values change")),
    "role-looser": ("minor", Text(zh="角色放宽，需重新评估", en="role looser, to be assessed again")),
    "unit-changed": ("major", Text(zh="单位或坐标系改变", en="unit or datum changed")),
    "key-added": ("major", Text(zh="新增或更改键", en="key added or changed")),
    "key-removed": ("minor", Text(zh="取消键", en="key removed")),
    "rule-added": ("major", Text(zh="新增或更改规则", en="rule added or changed")),
    "warning-rule-added": ("minor", Text(zh="新增或更改提醒规则", en="warning rule added or changed")),
    "rule-removed": ("minor", Text(zh="取消规则", en="rule removed")),
    "rule-reworded": ("patch", Text(zh="规则文字改变", en="rule reworded")),
    "match-tightened": ("major", Text(zh="表头匹配收紧", en="header match tightened")),
    "match-loosened": ("minor", Text(zh="表头匹配放宽", en="header match loosened")),
    "missing-values-changed": ("major", Text(zh="空值写法改变", en="missing values changed")),
    "words-changed": ("patch", Text(zh="说明文字改变", en="words changed")),
    "property-changed": ("major", Text(zh="其他属性改变", en="other property changed")),
}
WORDS = frozenset(
    {"title", "title_en", "description", "description_en", "example", "examples", "rdfType", "homepage", "keywords"}
    | {"contributors", "sources", "licenses", "created", "$schema", "hierarchy"}
)
READING = frozenset(
    {"trueValues", "falseValues", "decimalChar", "groupChar", "bareNumber", "delimiter", "itemType", "floatNumber"}
)
SCHEMA_HANDLED = frozenset(
    {"name", "version", "fields", "primaryKey", "foreignKeys", "uniqueKeys", "rules", "fieldsMatch", "missingValues"}
)
# What each fieldsMatch allows beyond the schema's fields in their order.
ALLOWED = {
    "exact": frozenset[str](),
    "equal": frozenset({"order"}),
    "subset": frozenset({"order", "more"}),
    "superset": frozenset({"order", "fewer"}),
    "partial": frozenset({"order", "more", "fewer"}),
}
LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength")
UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength")
STRICTNESS = {
    FieldRole.NON_SENSITIVE: 0,
    FieldRole.SENSITIVE: 1,
    FieldRole.QUASI_IDENTIFIER: 2,
    FieldRole.FREE_TEXT: 3,
    FieldRole.DIRECT_IDENTIFIER: 4,
}


class SchemaChange(BaseModel):
    """One change. path: where in the descriptor. compatible: files and readers of before still do."""

    model_config = ConfigDict(frozen=True)

    kind: str
    level: Level
    path: str
    text: Text
    old: Any = None
    new: Any = None

    @property
    def compatible(self) -> bool:
        return self.level != "major"


class SchemaDiff(BaseModel):
    """level: of the weightiest change, None where nothing changed. version: proposed for the new schema."""

    model_config = ConfigDict(frozen=True)

    changes: tuple[SchemaChange, ...]
    level: Level | None
    version: str

    @property
    def compatible(self) -> bool:
        return self.level != "major"


def diff_schemas(old: TableSchema, new: TableSchema) -> SchemaDiff:
    """All changes from `old` to `new`, weightiest first, and the version that follows `old`'s."""
    changes = [
        *_field_set_changes(old, new),
        *(c for a, b in _shared_fields(old, new) for c in _field_changes(a, b)),
        *_schema_changes(old.descriptor, new.descriptor),
    ]
    changes.sort(key=lambda c: -LEVELS.index(c.level))
    level = changes[0].level if changes else None
    return SchemaDiff(changes=tuple(changes), level=level, version=next_version(old.version, level))


def next_version(version: str, level: Level | None) -> str:
    """The version after a change of `level`. Below 1.0.0 a major change raises the middle number, as usual."""
    parts = [int(part) for part in [*version.split("."), "0", "0"][:3]]
    if level is None:
        return version
    place = {"major": 0, "minor": 1, "patch": 2}[level]
    if parts[0] == 0 and place < 2:
        place = 1
    return ".".join(map(str, [*parts[:place], parts[place] + 1, *([0] * (2 - place))]))


def _change(kind: str, path: str, old: Any = None, new: Any = None, detail: Text | None = None) -> SchemaChange:
    level, words = CHANGES[kind]
    where = detail or Text(zh=path, en=path)
    return SchemaChange(
        kind=kind,
        level=level,
        path=path,
        text=Text(zh=f"{where.zh}：{words.zh}", en=f"{where.en}: {words.en}"),
        old=old,
        new=new,
    )


def _field_set_changes(old: TableSchema, new: TableSchema) -> list[SchemaChange]:
    before, after = _fields(old), _fields(new)
    changes = [_change("field-removed", f"fields.{n}", n, detail=_named(before[n])) for n in before if n not in after]
    fewer_allowed = "fewer" in _allowed(new.descriptor)
    for name in after:
        if name not in before:
            required = (after[name].get("constraints") or {}).get("required")
            kind = "optional-field-added" if fewer_allowed and not required else "field-added"
            changes.append(_change(kind, f"fields.{name}", None, name, _named(after[name])))
    if [n for n in before if n in after] != [n for n in after if n in before]:
        freely = "order" in _allowed(old.descriptor) and "order" in _allowed(new.descriptor)
        changes.append(_change("fields-reordered-freely" if freely else "fields-reordered", "fields"))
    return changes


def _shared_fields(old: TableSchema, new: TableSchema) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    before, after = _fields(old), _fields(new)
    return [(before[name], after[name]) for name in after if name in before]


def _field_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[SchemaChange]:
    path, named = f"fields.{new['name']}", _named(new)
    changes: list[SchemaChange] = []

    def add(kind: str, key: str) -> None:
        changes.append(_change(kind, f"{path}.{key}", old.get(key), new.get(key), named))

    for key in sorted(set(old) | set(new)):
        if old.get(key) == new.get(key) or key in ("name", "constraints"):
            continue
        if key == "type":
            add("type-changed", key)
        elif key == "format":
            if (old.get(key) or "default") != (new.get(key) or "default"):
                add("format-changed", key)
        elif key in ("trueValues", "falseValues") and old.get(key) and set(old[key]) < set(new.get(key) or ()):
            add("values-added", key)
        elif key in READING:
            add("reading-changed", key)
        elif key == "meaning":
            add(_meaning_kind(old.get(key), new.get(key)), key)
        elif key == "role":
            add(_role_kind(old.get(key), new.get(key)), key)
        elif key in ("unit", "datum"):
            add("unit-changed", key)
        elif key in ("valid_on", "valid_on_field"):
            add("meaning-checked" if new.get(key) else "meaning-unchecked", key)
        elif key == "missingValues":
            add("missing-values-changed", key)
        else:
            add("words-changed" if key in WORDS else "property-changed", key)
    before, after = old.get("constraints") or {}, new.get("constraints") or {}
    for key in sorted(set(before) | set(after)):
        kind = _constraint_kind(key, before.get(key), after.get(key))
        if kind is not None:
            changes.append(_change(kind, f"{path}.constraints.{key}", before.get(key), after.get(key), named))
    return changes


def _constraint_kind(key: str, old: Any, new: Any) -> str | None:
    """Which kind of change a constraint went through; None where it means the same."""
    if old == new or (key in ("required", "unique") and bool(old) == bool(new)):
        return None
    if old is None or (key in ("required", "unique") and new):
        return "constraint-tightened"
    if new is None or (key in ("required", "unique") and not new):
        return "constraint-loosened"
    if key == "enum":
        return "constraint-loosened" if set(map(str, old)) <= set(map(str, new)) else "constraint-tightened"
    if key in LOWER_BOUNDS or key in UPPER_BOUNDS:
        # Bounds of dates are texts in the order of time.
        comparable = isinstance(old, str) == isinstance(new, str)
        if not comparable:
            return "constraint-changed"
        return "constraint-tightened" if (new > old) == (key in LOWER_BOUNDS) else "constraint-loosened"
    return "constraint-changed"


def _meaning_kind(old: str | None, new: str | None) -> str:
    checked = checked_meanings()
    if new in checked:
        return "meaning-checked"
    return "meaning-unchecked" if old in checked else "meaning-noted"


def _role_kind(old: str | None, new: str | None) -> str:
    # A field without a role stops preparing, so giving one up is the strictest of all.
    def strict(role: str | None) -> int:
        return 5 if role is None else STRICTNESS[FieldRole(role)]

    if old is None:
        return "role-looser"
    return "role-stricter" if strict(new) > strict(old) else "role-looser"


def _schema_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[SchemaChange]:
    changes = []
    for key in ("primaryKey", "foreignKeys", "uniqueKeys"):
        before, after = _listed(old.get(key)), _listed(new.get(key))
        if before != after:
            removed = not after or (key != "primaryKey" and all(k in before for k in after))
            changes.append(_change("key-removed" if removed else "key-added", key, old.get(key), new.get(key)))
    before_missing, after_missing = old.get("missingValues", [""]), new.get("missingValues", [""])
    if before_missing != after_missing:
        changes.append(_change("missing-values-changed", "missingValues", before_missing, after_missing))
    if _allowed(old) != _allowed(new):
        kind = "match-loosened" if _allowed(old) < _allowed(new) else "match-tightened"
        changes.append(_change(kind, "fieldsMatch", old.get("fieldsMatch"), new.get("fieldsMatch")))
    changes += _rule_changes(old.get("rules") or (), new.get("rules") or ())
    for key in sorted((set(old) | set(new)) - SCHEMA_HANDLED):
        if old.get(key) != new.get(key):
            kind = "words-changed" if key in WORDS else "property-changed"
            changes.append(_change(kind, key, old.get(key), new.get(key)))
    return changes


def _rule_changes(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[SchemaChange]:
    before, after = {r["name"]: r for r in old}, {r["name"]: r for r in new}
    changes = [_change("rule-removed", f"rules.{n}", before[n]) for n in before if n not in after]
    for name, rule in after.items():
        was = before.get(name)
        if was == rule:
            continue
        reworded = was is not None and _without_words(was) == _without_words(rule)
        warns = rule.get("level") == "warning"
        kind = "rule-reworded" if reworded else "warning-rule-added" if warns else "rule-added"
        changes.append(_change(kind, f"rules.{name}", was, rule))
    return changes


def _without_words(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in rule.items() if k not in ("text", "remedy")}


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _allowed(descriptor: Mapping[str, Any]) -> frozenset[str]:
    given = descriptor.get("fieldsMatch") or "exact"
    return ALLOWED[given if isinstance(given, str) else given[0]]


def _fields(schema: TableSchema) -> dict[str, Mapping[str, Any]]:
    return {f["name"]: f for f in schema.descriptor["fields"]}


def _named(field: Mapping[str, Any]) -> Text:
    return Text(zh=f"字段{field_title(field, 'zh')}", en=f"field {field_title(field, 'en')}")
