"""The outcome of treating one table for one tier."""

from dataclasses import dataclass, field

import pyarrow as pa

from schemas.disclosure import FieldEffect
from schemas.table_schema import SchemaField
from schemas.text import Text


@dataclass(frozen=True)
class CellCounts:
    """Cells of a statistical table. primary: too small or dominated; secondary: suppressed to protect those.

    smallest_published: the fewest contributors to a cell that is published, None where all are suppressed.
    quantiles_withheld: published cells that are too small for quantiles. compared: withheld because an earlier table,
    set beside this one, would tell of few; they are counted among neither primary nor secondary.
    """

    by: tuple[str, ...]
    published: int
    primary: int
    secondary: int
    smallest_published: int | None
    quantiles_withheld: int = 0
    compared: int = 0


@dataclass(frozen=True)
class Privacy:
    """What makes a table differentially private. Nothing here depends on the data.

    unit: whose presence is protected, `person` or `record`; subject: the field that tells persons apart. epsilon: of
    the whole table; epsilon_of_each: of each figure that is drawn; split: figure → its epsilon. bounds: measure →
    least and greatest value, to which values are moved. margins: column → distance from the truth that noise exceeds
    in one of twenty cells. selection: how quantiles are chosen; rank_margins: their column → records between them and
    the truth, exceeded in one of twenty cells at most; steps: their column → distance of the values they are chosen
    from. intervals: column of a mean → the columns between which it lies in nineteen of twenty cells.
    """

    mechanism: str
    epsilon: float
    epsilon_of_each: float
    unit: str
    subject: str | None
    records_per_subject: int
    by: tuple[str, ...]
    bounds: dict[str, tuple[float, float]]
    margins: dict[str, float]
    selection: str | None = None
    split: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[str, str]] = field(default_factory=dict)
    rank_margins: dict[str, float] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class TreatedTable:
    """A treated table and what was done to it.

    fields: the columns as they are now; their constraints hold nothing the treatment took away.
    quasi_identifiers: columns over which k was reached, in the table's order. levels: field → level of its hierarchy
    (-1: differs between records). loss: ARX Loss metric over the quasi-identifiers, None where there are none.
    remarks: what a reviewer has to know besides the effects. cells: of a statistical table only; privacy: of one
    with noise. treatments, ladders: how values and levels came about, as digests for comparison with later releases
    (see anonymize/earlier.py).
    """

    table: pa.Table
    fields: tuple[SchemaField, ...]
    effects: tuple[FieldEffect, ...]
    records_suppressed: int = 0
    quasi_identifiers: tuple[str, ...] = ()
    levels: dict[str, int] = field(default_factory=dict)
    loss: float | None = None
    remarks: tuple[Text, ...] = ()
    cells: CellCounts | None = None
    privacy: Privacy | None = None
    treatments: dict[str, str] = field(default_factory=dict)
    ladders: dict[str, tuple[str, ...]] = field(default_factory=dict)
