"""A synthetic sample: the schema's types and each column's distribution, no record of anybody.

Made from the *released* table only, so it tells nothing the release does not tell. Columns are drawn independently of
each other: it is for trying programs, not for research, and says so in a column of its own and in its metadata.
"""

from collections.abc import Sequence, Set

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anonymize.hierarchies import distinct_values
from schemas.table_schema import SchemaField
from schemas.text import Text

MARK = "synthetic"
LEAST_HOLDERS = 5  # values held by fewer records are not drawn: a rare value points at a record
NUMERIC = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)


def synthetic_sample(
    released: pa.Table,
    rows: int,
    seed: int = 0,
    *,
    made_up: Set[str] = frozenset(),
    missing: Set[str] = frozenset(),
) -> pa.Table:
    """`rows` made-up records with the columns and types of `released` and a column `synthetic` that is always true.

    Frequent values are drawn by their frequency; numbers and dates that are rare are drawn between the deciles;
    other rare values become missing. made_up: columns that identify, pseudonyms among them; their values, even
    frequent ones, are somebody's, so texts are numbered afresh and others missing. missing: columns left empty.
    """
    random = np.random.default_rng(seed)
    columns: dict[str, pa.Array] = {}
    for name in (n for n in released.column_names if n != MARK):
        if name in made_up and pa.types.is_string(released[name].type):
            columns[name] = _numbered(rows, random)
        elif name in made_up or name in missing:
            columns[name] = pa.nulls(rows, released[name].type)
        else:
            columns[name] = _drawn(released[name], rows, random)
    columns[MARK] = pa.array(np.ones(rows, bool))
    return pa.table(columns).replace_schema_metadata({MARK: "true"})


def synthetic_fields(fields: Sequence[SchemaField]) -> tuple[SchemaField, ...]:
    """The fields of the sample: those of the release without uniqueness, and the mark."""
    loose = [f.model_copy(update={"constraints": {}}) for f in fields if f.name != MARK]
    mark = SchemaField(
        name=MARK,
        type="boolean",
        title=Text(zh="合成数据", en="Synthetic"),
        description=Text(zh="恒为真：本行为虚构，不对应任何人", en="always true: the row is made up and nobody's"),
        constraints={"required": True},
    )
    return (*loose, mark)


def _numbered(rows: int, random: np.random.Generator) -> pa.Array:
    """Texts of 16 characters, as pseudonyms have, some of them several times, so that records can be joined."""
    return pa.array([f"synthetic-{n:06d}" for n in random.integers(0, max(rows, 1), rows)], pa.string())


def _drawn(column: pa.ChunkedArray, rows: int, random: np.random.Generator) -> pa.Array:
    codes, values = distinct_values(column)
    counts = np.bincount(codes, minlength=len(values))
    frequent = np.flatnonzero(counts >= LEAST_HOLDERS)
    rare_share = float(counts[counts < LEAST_HOLDERS].sum() / max(counts.sum(), 1))
    rare = random.random(rows) < rare_share if len(frequent) else np.ones(rows, bool)
    drawn = np.full(rows, -1)
    if len(frequent):
        weights = counts[frequent] / counts[frequent].sum()
        drawn = random.choice(frequent, rows, p=weights)
    picked = values.take(pa.array(drawn, mask=rare | (drawn < 0)))
    if not (any(test(column.type) for test in NUMERIC) or pa.types.is_temporal(column.type)):
        return picked
    return pc.if_else(pa.array(rare), _between_deciles(column, rows, random), picked)


def _between_deciles(column: pa.ChunkedArray, rows: int, random: np.random.Generator) -> pa.Array:
    """Numbers or dates drawn evenly between the deciles, rounded to two digits: no single value shows through."""
    numbers = _as_numbers(column.drop_null())
    if len(numbers) < LEAST_HOLDERS:
        return pa.nulls(rows, column.type)
    deciles = np.quantile(numbers, np.linspace(0.05, 0.95, 10))
    drawn = np.interp(random.random(rows), np.linspace(0, 1, 10), deciles)
    kind = column.type
    if pa.types.is_temporal(kind):
        width = pa.int32() if pa.types.is_date32(kind) else pa.int64()
        return pa.array(np.round(drawn), pa.float64()).cast(width).cast(kind)
    digits = 0 if pa.types.is_integer(kind) else 2
    return pc.cast(pa.array(np.round(drawn, digits)), kind, safe=False)


def _as_numbers(column: pa.ChunkedArray) -> np.ndarray:
    if pa.types.is_temporal(column.type):
        width = pa.int32() if pa.types.is_date32(column.type) else pa.int64()
        return column.cast(width).to_numpy().astype(float)
    return column.cast(pa.float64(), safe=False).to_numpy()
