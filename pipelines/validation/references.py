"""What foreign keys refer to: the keys of other tables, looked up by hash and verified by value."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.validation import frictionless_adapter as adapter
from pipelines.validation.batches import Block, rows_blocks
from pipelines.validation.blocks import Irregular
from pipelines.validation.columns import Column
from pipelines.validation.csv_blocks import CsvReader
from pipelines.validation.frictionless_adapter import ForeignKey, OpenTable, StreamStopped, Unopenable
from pipelines.validation.keys import hashes, identity
from pipelines.validation.typed import STRING


class Lookup:
    """The distinct keys of a reference table, as identities. A key without any value refers to nothing and is never
    wrong. Memory: the distinct keys as text, and 16 bytes for each."""

    def __init__(self, columns: Sequence[pa.Array]):
        names = [str(i) for i in range(len(columns))]
        distinct = pa.table(list(columns), names=names).group_by(names).aggregate([])
        self._columns = [distinct[name].combine_chunks() for name in names]
        hashed = hashes(self._columns)
        self._order = np.argsort(hashed, kind="stable")
        self._hashed = hashed[self._order]

    def holds(self, columns: Sequence[pa.Array]) -> np.ndarray:
        """Per row, whether the key of these identities is known, or empty."""
        empty = np.logical_and.reduce([np.asarray(column.is_null()) for column in columns])
        if not len(self._hashed):
            return empty
        hashed = hashes(list(columns))
        place = np.minimum(np.searchsorted(self._hashed, hashed), len(self._hashed) - 1)
        hit = self._hashed[place] == hashed
        equal = hit.copy()
        found = pa.array(self._order[place])
        for column, known in zip(columns, self._columns, strict=True):
            equal &= _equal(column, known.take(found))
        for row in np.flatnonzero(hit & ~equal).tolist():  # another key has the same hash: look at all that do
            equal[row] = self._holds_one([column[row].as_py() for column in columns], hashed[row])
        return equal | empty

    def _holds_one(self, key: list[str | None], hashed: Any) -> bool:
        first, last = np.searchsorted(self._hashed, hashed), np.searchsorted(self._hashed, hashed, "right")
        return any([c[i].as_py() for c in self._columns] == key for i in self._order[first:last].tolist())

    def holds_values(self, values: Sequence[Any]) -> bool:
        """The same for one row of plain values."""
        return bool(self.holds([pa.array([identity(value)], STRING) for value in values])[0])


def _equal(left: pa.Array, right: pa.Array) -> np.ndarray:
    """Elementwise equality; null equals null."""
    both = np.asarray(left.is_null()) & np.asarray(right.is_null())
    return np.asarray(pc.fill_null(pc.equal(left, right), False)) | both


def build_lookups(table: OpenTable, references: Mapping[str, pa.Table] | None = None) -> dict[ForeignKey, Lookup]:
    """One lookup per foreign key of fields that the table has. references: typed tables by name; others are resources
    of the table's package, or the table itself; all are read, as frictionless does. Raises Unopenable where one cannot
    be opened."""
    built: dict[tuple[str, tuple[str, ...]], Lookup] = {}
    for key in table.foreign_keys:
        known = (key.reference, key.reference_fields)
        if known in built:
            continue
        if references and key.reference in references:
            built[known] = lookup_of_table(references[key.reference], key.reference_fields)
        else:
            built[known] = _lookup(adapter.reference_resource(table.resource, key.reference), key.reference_fields)
    names = {reading.name for reading in table.readings}
    present = [key for key in table.foreign_keys if names.issuperset(key.fields)]
    return {key: built[key.reference, key.reference_fields] for key in present}


def lookup_of_table(table: pa.Table, fields: Sequence[str]) -> Lookup:
    """The keys of a typed table."""
    columns = []
    for name in fields:
        values = table[name].combine_chunks() if name in table.column_names else pa.nulls(len(table), STRING)
        encoded = values.dictionary_encode()
        ids = pa.array([identity(value) for value in encoded.dictionary.to_pylist()], STRING)
        columns.append(ids.take(encoded.indices))
    return Lookup(columns)


def _lookup(resource: Any, fields: tuple[str, ...]) -> Lookup:
    """The keys of a resource: by blocks of CSV where that is exact, else record by record."""
    reference = adapter.open_table(resource, validate_metadata=False)
    columns = [Column(reading) for reading in reference.readings]
    try:
        if reference.csv:
            try:
                reader = CsvReader(reference.csv, columns, reference.first_row)
                return _lookup_of_blocks(reader.blocks(), reference, columns, fields)
            except (Irregular, UnicodeDecodeError, pa.ArrowInvalid):
                reference.reopen()
        return _lookup_of_blocks(rows_blocks(reference), reference, columns, fields)
    except StreamStopped as stop:
        raise Unopenable([stop.error]) from stop
    finally:
        reference.close()


def _lookup_of_blocks(
    blocks: Iterator[Block], reference: OpenTable, columns: Sequence[Column], fields: Sequence[str]
) -> Lookup:
    parts: list[list[pa.Array]] = [[pa.array([], STRING)] for _ in fields]
    places = {column.name: place for place, column in enumerate(columns)}
    for block in blocks:
        batch = block.batch()
        for part, name in zip(parts, fields, strict=True):
            part.append(
                _identities(batch.columns[places[name]], columns[places[name]], batch.nulls_known)
                if name in places
                else pa.nulls(len(batch.rows), STRING)
            )
        for _, cells in batch.odd:
            row = reference.row(list(cells), 1)
            for part, name in zip(parts, fields, strict=True):
                part.append(pa.array([identity(row.get(name))], STRING))
    return Lookup([pa.concat_arrays(part) for part in parts])


def _identities(cells: Any, column: Column, nulls_known: bool) -> pa.Array:
    return column.identities(cells, column.check(cells, nulls_known).typed)
