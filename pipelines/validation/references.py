"""What foreign keys refer to: the values of other tables, looked up exactly."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.validation import frictionless_adapter as adapter
from pipelines.validation.batches import rows_blocks
from pipelines.validation.columns import Column
from pipelines.validation.frictionless_adapter import ForeignKey, OpenTable, StreamStopped, Unopenable
from pipelines.validation.keys import identity


class Lookup:
    """The keys of a reference table. An empty key (no values at all) refers to nothing and is never wrong."""

    def __init__(self, known: set[tuple[str | None, ...]]):
        self._known = known

    def holds(self, columns: Sequence[pa.Array]) -> np.ndarray:
        """Per row, whether the key of these identities is known or empty."""
        rows = list(zip(*(column.to_pylist() for column in columns), strict=True))
        empty = (None,) * len(columns)
        return np.fromiter((row == empty or row in self._known for row in rows), bool, len(rows))

    def holds_values(self, values: Sequence[Any]) -> bool:
        return tuple(identity(value) for value in values) in self._known


def build_lookups(table: OpenTable) -> dict[ForeignKey, Lookup]:
    """One lookup per foreign key of the table. Raises Unopenable where a reference table cannot be opened."""
    built: dict[tuple[str, tuple[str, ...]], Lookup] = {}
    for key in table.foreign_keys:
        known = (key.reference, key.reference_fields)
        if known not in built:
            built[known] = _lookup(adapter.reference_resource(table.resource, key.reference), key.reference_fields)
    return {key: built[key.reference, key.reference_fields] for key in table.foreign_keys}


def _lookup(resource: Any, fields: tuple[str, ...]) -> Lookup:
    reference = adapter.open_table(resource, validate_metadata=False)
    known: set[tuple[str | None, ...]] = set()
    try:
        names = [reading.name for reading in reference.readings]
        columns = {r.name: Column(r) for r in reference.readings if r.name in fields}
        for block in rows_blocks(reference):
            batch = block.batch()
            ids = [
                columns[f].identities(batch.columns[names.index(f)]).to_pylist()
                if f in columns
                else [None] * len(batch.rows)
                for f in fields
            ]
            known.update(zip(*ids, strict=True))
            for number, cells in batch.odd:
                row = reference.row(list(cells), number)
                known.add(tuple(identity(row.get(f)) for f in fields))
    except StreamStopped as stop:
        raise Unopenable([stop.error]) from stop
    finally:
        reference.close()
    known.discard((None,) * len(fields))
    return Lookup(known)
