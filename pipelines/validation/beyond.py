"""All that is checked beyond the schema's own types and constraints, batch by batch: meanings, rules, warnings."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.validation.conformance import CellWarnings, header_warnings
from pipelines.validation.meanings import meaning_errors
from pipelines.validation.rules import ReferenceLookup, rule_check
from schemas.table_schema import TableSchema
from schemas.validation import TableError


class BatchChecks:
    """Called with every batch of one table, in order; afterwards `warnings` gives what was only counted.

    A reader may begin anew: a batch whose rows do not follow those before starts the counting afresh. Making one
    raises ConfigurationError (`invalid-rule`) and Refused (`reference-unavailable`).
    """

    def __init__(
        self,
        schema: TableSchema,
        lookup: ReferenceLookup | None = None,
        *,
        limit: int = 1000,
        today: date | None = None,
    ):
        """lookup: reads other datasets' current releases. limit: of errors over all batches; 0 is no limit. today:
        nobody is born later."""
        self.schema = schema
        self.today = today
        self.rules = rule_check(schema, lookup)
        self.limit = limit or 10**9
        self.truncated = False
        self._listed = 0
        self._last_row = 0
        self._cells = CellWarnings(schema)

    def __call__(
        self,
        batch: pa.RecordBatch,
        rows: npt.NDArray[np.int64],
        cells: Mapping[str, pa.Array] | None = None,
    ) -> list[TableError]:
        """Errors of a batch, in order of rows.

        batch: typed, columns named as the fields. rows: the file's row of each record. cells: the columns as they
        stand in the file, for warnings; None: those that are typed as text are looked at.
        """
        if len(rows) and rows[0] <= self._last_row:
            self._start()
        left = self.limit - self._listed
        names = batch.schema.names
        self._cells.add(dict(zip(names, batch.columns, strict=True)) if cells is None else cells, rows, names)
        table = pa.Table.from_batches([batch])
        found, total = meaning_errors(table, self.schema, row_numbers=rows, limit=max(left, 0), today=self.today)
        self.truncated |= total > len(found)
        if self.rules:
            more = self.rules(batch, rows, max(left, 0) + 1)
            found = sorted([*found, *more], key=lambda e: e.row or 0)
        self.truncated |= len(found) > left
        listed = found[: max(left, 0)]
        self._listed += len(listed)
        self._last_row = int(rows[-1]) if len(rows) else self._last_row
        return listed

    def warnings(self, labels: Sequence[str]) -> list[TableError]:
        """Warnings about the header, whose labels are given, and about the cells seen."""
        return [*header_warnings(labels, self.schema), *self._cells.warnings()]

    def _start(self) -> None:
        self.truncated = False
        self._listed = 0
        self._last_row = 0
        self._cells = CellWarnings(self.schema)
