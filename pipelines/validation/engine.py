"""The validation engine: the same errors as frictionless, and the typed table, in one streaming pass.

scan (find suspicious rows, write typed batches, collect keys) → find repeats → word (frictionless words the rows).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.validation import frictionless_adapter as adapter
from pipelines.validation.batches import Batch, exact_batches
from pipelines.validation.columns import Checked, Column
from pipelines.validation.frictionless_adapter import OpenTable, StreamStopped
from pipelines.validation.keys import KeyStore, hashes, identity
from pipelines.validation.references import Lookup, build_lookups
from pipelines.validation.typed import TypedWriter

REMEMBERED_ROWS = 20_000  # bad records kept from the scan; others are read again
BatchCheck = Callable[[pa.RecordBatch, np.ndarray], Iterable[Any]]


@dataclass
class Outcome:
    """errors: frictionless's errors, in its order. rows: records with data that were read. table: typed, where nothing is
    wrong. found: what the batch checks returned. partial: more errors may exist."""

    errors: list[Any]
    rows: int
    path: str
    table: pa.Table | None = None
    found: list[Any] = field(default_factory=list)
    partial: bool = False


@dataclass
class Keys:
    """What a key is made of, and the rows that may repeat it."""

    fields: list[str]
    store: KeyStore


@dataclass
class Scan:
    """The state of one pass."""

    bad: set[int] = field(default_factory=set)
    remembered: dict[int, list[Any]] = field(default_factory=dict)
    rows: int = 0
    stopped: Any = None
    complete: bool = True
    fits: bool = True
    table: pa.Table | None = None
    found: list[Any] = field(default_factory=list)


@dataclass
class CheckedBatch:
    """The outcome of one batch: suspicious rows with their cells, keys, typed cells."""

    batch: Batch
    bad: list[int]
    cells: dict[int, list[Any]]
    keys: list[tuple[np.ndarray, np.ndarray]]
    typed: pa.RecordBatch | None


class Engine:
    """Checks one open table."""

    def __init__(
        self,
        table: OpenTable,
        *,
        limit_errors: int,
        lookups: dict[Any, Lookup] | None = None,
        checks: Sequence[BatchCheck] = (),
        folder: Path | None = None,
        progress: Callable[[int], None] | None = None,
    ):
        self.table = table
        self.limit = limit_errors
        self.lookups = lookups or {}
        self.checks = checks
        self.folder = folder
        self.progress = progress
        patterns = {check.field: check for check in table.patterns}
        self.columns = [Column(reading, patterns.get(reading.name)) for reading in table.readings]
        self.by_name = {column.name: column for column in self.columns}
        self.key_fields = [[name] for name in table.unique] + ([table.primary_key] if table.primary_key else [])
        self.keys: list[Keys] = []

    def run(self, batches: Callable[[], Iterator[Batch]], path: str) -> Outcome:
        """Check all batches. `batches` starts reading from the beginning each time it is called."""
        scan = self.scan(batches())
        if not scan.fits and (not scan.bad or self.key_fields):
            scan = self.scan(batches())  # the columns' types are wide enough now
        repeats = [key.store.candidates(self.limit) for key in self.keys]
        for found in repeats:
            scan.bad.update(found[:, 1].tolist())
        errors, partial = self.word(scan, batches, repeats)
        table = scan.table if not errors else None
        return Outcome(errors, scan.rows, path, table, scan.found, partial)

    # -- scan

    def scan(self, batches: Iterator[Batch]) -> Scan:
        """One pass over the batches."""
        scan = Scan()
        self.keys = [Keys(fields, KeyStore(self.folder)) for fields in self.key_fields]
        writer: TypedWriter | None = None
        schema: pa.Schema | None = None
        suspicious = len(self.table.errors)
        try:
            for checked in map(self.check, batches):
                scan.rows += len(checked.batch.rows) + len(checked.batch.odd)
                scan.bad.update(checked.bad)
                suspicious += len(checked.bad)
                if len(scan.remembered) < REMEMBERED_ROWS:
                    scan.remembered.update(checked.cells)
                for key, (hashed, rows) in zip(self.keys, checked.keys, strict=True):
                    key.store.add(hashed, rows)
                schema = schema or (checked.typed.schema if checked.typed else None)
                scan.fits &= checked.typed is not None and checked.typed.schema.equals(schema)
                if checked.typed is not None and scan.fits and not suspicious:
                    writer = writer or TypedWriter(checked.typed.schema, self.folder)
                    writer.write(checked.typed)
                if checked.typed is not None:
                    for check in self.checks:
                        scan.found.extend(check(checked.typed, checked.batch.rows))
                if self.progress:
                    self.progress(scan.rows)
                if self.limit and suspicious >= self.limit:
                    scan.complete = False
                    break
        except StreamStopped as stop:
            scan.stopped = stop.error
        finally:
            if writer and (not scan.fits or suspicious or scan.stopped):
                writer.discard()
        if scan.fits and not suspicious and scan.stopped is None:
            scan.table = writer.finish() if writer else self._empty()
        return scan

    def _empty(self) -> pa.Table:
        return pa.schema([(column.name, column.type) for column in self.columns]).empty_table()

    def check(self, batch: Batch) -> CheckedBatch:
        """Check one batch; touches nothing but the columns' memories."""
        checked = [
            column.check_text(cells) if isinstance(cells, pa.Array) else column.check_values(cells)
            for column, cells in zip(self.columns, batch.columns, strict=True)
        ]
        count = len(batch.rows)
        bad = np.zeros(count, bool)
        blank = np.ones(count, bool)
        for one in checked:
            bad |= one.bad
            blank &= one.missing
        bad |= blank
        cells = dict(zip(self.by_name, zip(checked, batch.columns, strict=True), strict=True))
        for key, lookup in self.lookups.items():
            bad |= self._unmatched(key.fields, lookup, cells, count)
        keys = []
        for key in self.keys:
            columns = [self._key_column(name, *cells[name]) for name in key.fields]
            absent = np.logical_and.reduce([np.asarray(c.is_null()) for c in columns])
            if key is self._primary():
                bad |= absent
            keys.append(self._with_odd(key, hashes(columns)[~absent], batch.rows[~absent], batch.odd))
        rows = batch.rows[bad].tolist()
        found = sorted([*rows, *(number for number, _ in batch.odd)])
        return CheckedBatch(batch, found, {**batch.cells_of(rows), **dict(batch.odd)}, keys, self._typed(checked))

    def _primary(self) -> Keys | None:
        return self.keys[-1] if self.table.primary_key and self.keys else None

    def _typed(self, checked: list[Checked]) -> pa.RecordBatch | None:
        arrays = [one.typed for one in checked]
        if any(array is None for array in arrays):
            return None
        return pa.RecordBatch.from_arrays(arrays, names=[column.name for column in self.columns])

    def _key_column(self, name: str, checked: Checked, cells: Any) -> pa.Array:
        """Values of a key field such that equal values are equal; null for no value."""
        column = self.by_name[name]
        if column.plain_identity and checked.typed is not None:
            return checked.typed
        return column.identities(cells)

    def _with_odd(
        self, key: Keys, hashed: np.ndarray, rows: np.ndarray, odd: list[tuple[int, list[Any]]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Records with too many or too few cells take part in keys, too."""
        more: list[tuple[np.ndarray, int]] = []
        for number, cells in odd:
            row = self.table.row(list(cells), number)
            values = [row[name] for name in key.fields]
            if any(value is not None for value in values):
                columns = [self.by_name[n].key_array([v]) for n, v in zip(key.fields, values, strict=True)]
                more.append((hashes(columns), number))
        if not more:
            return hashed, rows
        return np.concatenate([hashed, *(h for h, _ in more)]), np.append(rows, [number for _, number in more])

    def _unmatched(self, fields: tuple[str, ...], lookup: Lookup, cells: dict[str, Any], count: int) -> np.ndarray:
        columns = [self.by_name[name].identities(cells[name][1]) for name in fields]
        return ~lookup.holds(columns)

    # -- word

    def word(
        self, scan: Scan, batches: Callable[[], Iterator[Batch]], repeats: list[np.ndarray]
    ) -> tuple[list[Any], bool]:
        """frictionless's errors of the suspicious rows, in order; and whether more may exist."""
        found = list(self.table.errors)
        groups = [dict(zip(r[:, 1].tolist(), r[:, 0].tolist(), strict=True)) for r in repeats]
        last: list[dict[tuple[int, Any], int]] = [{} for _ in repeats]
        if self.limit and not scan.bad and len(found) >= self.limit and scan.rows:
            return found[: self.limit], True
        for number, cells in self._cells(scan, batches):
            row = self.table.row(list(cells), number)
            errors = row.errors
            for i, key in enumerate(self.keys):
                errors.extend(self._repeat_errors(i, key, row, number, groups[i], last[i]))
            for foreign, lookup in self.lookups.items():
                values = [row[name] for name in foreign.fields]
                if any(v is not None for v in values) and not lookup.holds_values(values):
                    errors.append(adapter.foreign_key_error(row, foreign))
            found.extend(errors)
            if self.limit and len(found) >= self.limit:
                return found[: self.limit], True
        if scan.stopped is not None:
            found.append(scan.stopped)
        return found, not scan.complete

    def _repeat_errors(
        self, i: int, key: Keys, row: Any, number: int, group: dict[int, int], last: dict[tuple[int, Any], int]
    ) -> list[Any]:
        is_primary = key is self._primary()
        values = [row[name] for name in key.fields]
        if all(value is None for value in values):
            return [adapter.primary_key_error(row, None)] if is_primary else []
        if number not in group:
            return []
        known = (group[number], tuple(identity(value) for value in values))
        previous = last.get(known)
        last[known] = number
        if previous is None:
            return []
        return [
            adapter.primary_key_error(row, previous)
            if is_primary
            else adapter.unique_error(row, key.fields[0], previous)
        ]

    def _cells(self, scan: Scan, batches: Callable[[], Iterator[Batch]]) -> Iterator[tuple[int, list[Any]]]:
        """(number, cells) of all suspicious rows in order; reads the source again only for rows not remembered."""
        wanted = np.array(sorted(scan.bad), np.int64)
        known = scan.remembered
        if all(number in known for number in wanted.tolist()):
            yield from ((number, known[number]) for number in wanted.tolist())
            return
        try:
            for batch in batches():
                here = wanted[(wanted >= batch.first) & (wanted < batch.first + batch.count)].tolist()
                if here:
                    cells = {**batch.cells_of(here), **dict(batch.odd)}
                    yield from ((number, cells[number]) for number in here)
                if not len(wanted) or batch.first + batch.count > wanted[-1]:
                    return
        except StreamStopped:
            return


def check_table(
    open_source: Callable[[], OpenTable],
    *,
    limit_errors: int = 1000,
    checks: Sequence[BatchCheck] = (),
    folder: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> Outcome:
    """Open a table and check it. `open_source` opens it anew each time. Errors as frictionless's, never raised."""
    try:
        table = open_source()
    except adapter.Unopenable as unopenable:
        return Outcome(unopenable.errors, 0, "frictionless")
    try:
        lookups = build_lookups(table)
        engine = Engine(
            table, limit_errors=limit_errors, lookups=lookups, checks=checks, folder=folder, progress=progress
        )

        fresh = iter([True])

        def again() -> Iterator[Batch]:
            if not next(fresh, False):
                table.reopen()
            return exact_batches(table)

        return engine.run(again, "exact")
    except adapter.Unopenable as unopenable:
        return Outcome(unopenable.errors, 0, "frictionless")
    finally:
        table.close()
