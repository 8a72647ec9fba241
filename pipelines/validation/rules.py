"""Rules over several fields or tables, declared as data in the schema's property `rules`.

Each rule has a `name`, a `kind`, its own bilingual `text` and, if it likes, a `remedy` and the level `warning`:

  compare               left, operator (< <= = != >= >), and right (a field) or value
  sum                   parts add up to total, within tolerance
  one-of-required       at least one of fields is there; with exactly: true just one
  interval-order        start does not come after end; with strict: true it comes before
  conditional-required  when {field, equals | in | present}, then the fields under require are there
  reference             the values of fields occur as reference_fields in the current release of dataset

A missing value says nothing, so rules that need it pass; only the two `required` kinds look for it.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from pipelines.validation.messages import field_descriptor, word
from pipelines.validation.raw_cells import cell_text
from schemas.errors import ConfigurationError, GongkaiError, Refused
from schemas.table_schema import TableSchema
from schemas.text import Text
from schemas.validation import TableError

Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
RuleCheck = Callable[[pa.RecordBatch, Rows, int], list[TableError]]
# (name of a dataset, names of its fields) → those columns of its current release. Raises GongkaiError without one.
ReferenceLookup = Callable[[str, Sequence[str]], pa.Table]

OPERATORS = {
    "<": pc.less,
    "<=": pc.less_equal,
    "=": pc.equal,
    "!=": pc.not_equal,
    ">=": pc.greater_equal,
    ">": pc.greater,
}
# Sums of floats are exact to about 15 digits.
FLOAT_ERROR = 1e-9
SEED = 17


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    text: Text
    remedy: Text | None = None
    level: Literal["error", "warning"] = "error"

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The fields the rule is about; errors are reported at the first."""


class Compare(_Rule):
    kind: Literal["compare"]
    left: str
    operator: Literal["<", "<=", "=", "!=", ">=", ">"]
    right: str | None = None
    value: Any = None

    @model_validator(mode="after")
    def _one_side(self) -> "Compare":
        if (self.right is None) == (self.value is None):
            raise ValueError("give either right (a field) or value")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        return (self.left,) if self.right is None else (self.left, self.right)


class Sum(_Rule):
    kind: Literal["sum"]
    parts: Annotated[tuple[str, ...], Field(min_length=1)]
    total: str
    tolerance: Annotated[float, Field(ge=0)] = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        return (self.total, *self.parts)


class OneOfRequired(_Rule):
    kind: Literal["one-of-required"]
    fields: Annotated[tuple[str, ...], Field(min_length=2)]
    exactly: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return self.fields


class IntervalOrder(_Rule):
    kind: Literal["interval-order"]
    start: str
    end: str
    strict: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return (self.end, self.start)


class Condition(BaseModel):
    """field equals a value, is one of several, or is present (or absent)."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    field: str
    equals: Any = None
    one_of: tuple[Any, ...] | None = Field(default=None, alias="in")
    present: bool | None = None

    @model_validator(mode="after")
    def _one_condition(self) -> "Condition":
        if sum(given is not None for given in (self.equals, self.one_of, self.present)) != 1:
            raise ValueError("give exactly one of equals, in, present")
        return self


class ConditionalRequired(_Rule):
    kind: Literal["conditional-required"]
    when: Condition
    require: Annotated[tuple[str, ...], Field(min_length=1)]

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.require, self.when.field)


class Reference(_Rule):
    kind: Literal["reference"]
    dataset: str
    fields: Annotated[tuple[str, ...], Field(min_length=1)]
    reference_fields: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _same_number(self) -> "Reference":
        if self.reference_fields and len(self.reference_fields) != len(self.fields):
            raise ValueError("reference_fields and fields differ in number")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        return self.fields


Rule = Annotated[
    Compare | Sum | OneOfRequired | IntervalOrder | ConditionalRequired | Reference, Field(discriminator="kind")
]
_RULES: TypeAdapter[tuple[Rule, ...]] = TypeAdapter(tuple[Rule, ...])


def read_rules(schema: TableSchema) -> tuple[Rule, ...]:
    """The rules of a schema. Raises ConfigurationError `invalid-rule` that lists all that is wrong with them."""
    wrong: list[str] = []
    rules: tuple[Rule, ...] = ()
    try:
        rules = _RULES.validate_python(tuple(schema.descriptor.get("rules") or ()))
    except ValidationError as error:
        wrong = [f"rules.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    known = {field.name for field in schema.fields}
    wrong += [f"rule {r.name}: the schema has no field {name}" for r in rules for name in r.names if name not in known]
    if wrong:
        listed = "; ".join(wrong)
        raise ConfigurationError(
            "invalid-rule",
            Text(zh=f"表结构的规则有误：{listed}", en=f"the schema's rules are wrong: {listed}"),
            Text(zh="请表结构的维护者改正 rules", en="the maintainer of the schema has to correct its rules"),
            field="rules",
        )
    return rules


def rule_check(schema: TableSchema, lookup: ReferenceLookup | None = None) -> RuleCheck | None:
    """A check of typed batches: (batch, the file's row of each record, limit) → at most `limit` errors, in order of
    rows; None where the schema has no rules.

    Raises ConfigurationError (rules are wrong) and Refused `reference-unavailable` (a referenced dataset cannot be
    read).
    """
    rules = read_rules(schema)
    if not rules:
        return None
    held = {rule.name: _held_keys(rule, lookup) for rule in rules if isinstance(rule, Reference)}

    def check(batch: pa.RecordBatch, rows: Rows, limit: int) -> list[TableError]:
        found: list[tuple[int, int, Rule, int]] = []
        for order, rule in enumerate(rules):
            broken = np.flatnonzero(broken_by(rule, batch, held.get(rule.name)))[:limit]
            found += [(int(rows[i]), order, rule, int(i)) for i in broken]
        found.sort(key=lambda f: f[:2])
        return [_error(schema, rule, batch, row, index) for row, _, rule, index in found[:limit]]

    return check


def broken_by(rule: Rule, batch: pa.RecordBatch, held: "HeldKeys | None" = None) -> Flags:
    """Per record of a typed batch, whether it breaks the rule. Raises ConfigurationError where types do not compare."""
    try:
        if isinstance(rule, Compare):
            left = _column(batch, rule.left)
            right = pa.scalar(rule.value).cast(left.type) if rule.right is None else _column(batch, rule.right)
            return _not(OPERATORS[rule.operator](left, right))
        if isinstance(rule, Sum):
            return _sum_differs(rule, batch)
        if isinstance(rule, OneOfRequired):
            present = sum(_present(batch, name).astype(np.int64) for name in rule.fields)
            return np.asarray(present != 1 if rule.exactly else present == 0)
        if isinstance(rule, IntervalOrder):
            order = pc.less if rule.strict else pc.less_equal
            return _not(order(_column(batch, rule.start), _column(batch, rule.end)))
        if isinstance(rule, ConditionalRequired):
            lacking = ~np.logical_and.reduce([_present(batch, name) for name in rule.require])
            return lacking & _meets(rule.when, batch)
        if held is None:
            raise _unavailable(rule, None)
        return held.lacks([_column(batch, name) for name in rule.fields])
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise ConfigurationError(
            "invalid-rule",
            Text(
                zh=f"规则“{rule.name}”涉及的字段类型无法比较",
                en=f"rule “{rule.name}” compares fields or values of types that do not compare",
            ),
            Text(zh="请表结构的维护者改正该规则", en="the maintainer of the schema has to correct the rule"),
            field="rules",
        ) from error


class HeldKeys:
    """The keys of a referenced release: found by hash, confirmed by value."""

    def __init__(self, columns: Sequence[pa.Array]):
        keys = pc.drop_null(_joined(columns))
        hashes = _hashes(keys)
        order = np.argsort(hashes, kind="stable")
        self.hashes = hashes[order]
        self.keys = keys.take(pa.array(order))

    def lacks(self, columns: Sequence[pa.Array]) -> Flags:
        """Per row, whether its key is complete and not among those held."""
        keys = _joined(columns)
        complete = np.asarray(keys.is_valid())
        if not len(self.hashes):
            return complete
        hashes = _hashes(keys)
        # Sorted questions are answered several times faster: neighbours share the way through memory.
        order = np.argsort(hashes)
        places = np.empty(len(hashes), np.int64)
        places[order] = np.searchsorted(self.hashes, hashes[order])
        places = np.minimum(places, len(self.hashes) - 1)
        same = np.array(pc.fill_null(pc.equal(self.keys.take(pa.array(places)), keys), False))
        # The first of several keys with one hash may be another one; those few are looked for by value.
        doubtful = np.flatnonzero(complete & ~same & (self.hashes[places] == hashes))
        if len(doubtful):
            same[doubtful] = np.asarray(pc.is_in(keys.take(pa.array(doubtful)), value_set=self.keys))
        return complete & ~same


def _held_keys(rule: Reference, lookup: ReferenceLookup | None) -> HeldKeys:
    if lookup is None:
        raise _unavailable(rule, None)
    names = rule.reference_fields or rule.fields
    try:
        table = lookup(rule.dataset, names)
        return HeldKeys([table.column(name).combine_chunks() for name in names])
    except (GongkaiError, KeyError) as error:
        raise _unavailable(rule, error) from error


def _unavailable(rule: Reference, error: Exception | None) -> Refused:
    reason = error.message if isinstance(error, GongkaiError) else Text(zh="没有可用的发布版", en="no release to read")
    return Refused(
        "reference-unavailable",
        Text(
            zh=f"规则“{rule.name}”引用的数据集“{rule.dataset}”无法读取：{reason.zh}",
            en=f"dataset “{rule.dataset}”, to which rule “{rule.name}” refers, cannot be read: {reason.en}",
        ),
        Text(
            zh="请先发布该数据集的开放层级并确认字段名，或改正规则",
            en="publish that dataset first and check the names of its fields, or correct the rule",
        ),
        field="rules",
    )


def _joined(columns: Sequence[pa.Array]) -> pa.StringArray:
    """One text per row that is equal where all values are equal; null where one is missing."""
    texts = [_text(column) for column in columns]
    if len(texts) == 1:
        return texts[0]
    escaped = [pc.replace_substring(text, "\x1f", "\x1f0") for text in texts]
    return pc.binary_join_element_wise(*escaped, "\x1f1", null_handling="emit_null")


def _hashes(keys: pa.StringArray) -> npt.NDArray[np.uint64]:
    return pl.Series(pl.from_arrow(keys)).hash(SEED).to_numpy()


def _text(column: pa.Array) -> pa.StringArray:
    """The column as text; numbers without trailing zeros, so that 5 and 5.00 are one key."""
    text = column.cast(pa.string())
    if pa.types.is_decimal(column.type) or pa.types.is_floating(column.type):
        text = pc.replace_substring_regex(text, r"(\.[0-9]*?)0+$", r"\1")
        text = pc.replace_substring_regex(text, r"\.$", "")
    return text


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    """A column; all missing where the file does not have it."""
    if name not in batch.schema.names:
        return pa.nulls(len(batch))
    column = batch.column(name)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _present(batch: pa.RecordBatch, name: str) -> Flags:
    return np.asarray(_column(batch, name).is_valid())


def _not(holds: pa.Array) -> Flags:
    return ~np.asarray(pc.fill_null(holds, True))


def _sum_differs(rule: Sum, batch: pa.RecordBatch) -> Flags:
    parts = [_column(batch, name) for name in rule.parts]
    total = _column(batch, rule.total)
    added = parts[0]
    for part in parts[1:]:
        added = pc.add(added, part)
    difference = pc.abs(pc.subtract(added, total)).cast(pa.float64())
    allowed = rule.tolerance
    if any(pa.types.is_floating(c.type) for c in (*parts, total)):
        allowed = pc.max_element_wise(pc.multiply(pc.abs(total.cast(pa.float64())), FLOAT_ERROR), rule.tolerance)
    return ~np.asarray(pc.fill_null(pc.less_equal(difference, allowed), True))


def _meets(condition: Condition, batch: pa.RecordBatch) -> Flags:
    column = _column(batch, condition.field)
    if condition.present is not None:
        return np.asarray(column.is_valid()) == condition.present
    wanted = [condition.equals] if condition.one_of is None else list(condition.one_of)
    if pa.types.is_null(column.type):
        return np.zeros(len(batch), bool)
    return np.asarray(pc.is_in(column, value_set=pa.array(wanted).cast(column.type)))


def _error(schema: TableSchema, rule: Rule, batch: pa.RecordBatch, row: int, index: int) -> TableError:
    name = rule.names[0]
    labels = batch.schema.names
    position = labels.index(name) + 1 if name in labels else None
    words = word(
        "rule-error",
        row=row,
        position=position,
        field=field_descriptor(schema, name),
        note=rule.name,
        rule=rule.text,
    )
    cell = _column(batch, name)[index].as_py()
    return TableError(
        type="rule-error",
        level=rule.level,
        row=row,
        field=name,
        field_number=position,
        message=words.message,
        remedy=rule.remedy or words.remedy,
        note=rule.name,
        cell=None if cell is None else cell_text(cell),
    )
