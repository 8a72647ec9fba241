"""The validation engine: the same errors as frictionless, and the typed table, in one streaming pass.

scan (find suspicious rows, write typed batches, collect keys) → repeats → word (frictionless words the rows).
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.validation import blocks as block_reader
from pipelines.validation import frictionless_adapter as adapter
from pipelines.validation.batches import Batch, Block, rows_blocks
from pipelines.validation.blocks import Irregular
from pipelines.validation.buffers import absent
from pipelines.validation.columns import Checked, Column
from pipelines.validation.csv_blocks import CsvReader
from pipelines.validation.frictionless_adapter import OpenTable, StreamStopped
from pipelines.validation.keys import KeyStore, hashes
from pipelines.validation.quotes import OpenQuote, refuse_endless_cell
from pipelines.validation.references import Lookup, build_lookups
from pipelines.validation.typed import STRING, TypedWriter
from pipelines.validation.wording import Key, Suspects, word

REMEMBERED_ROWS = 20_000  # bad records kept from the scan; others are read again
DECODED_AHEAD = 16_384  # bytes
BatchCheck = Callable[[pa.RecordBatch, np.ndarray, dict[str, pa.Array]], Iterable[Any]]
Blocks = Callable[[], Iterator[Block]]
BlocksDone = Callable[[int, int], None]  # (bytes, rows) done in this pass; another pass starts again


@dataclass
class Outcome:
    """errors: frictionless's errors, in its order. rows: records with data that were read. path: how. table: typed,
    where nothing is wrong. found: what the batch checks returned. partial: more errors may exist. open_quote: of a CSV
    file that ends within a quoted cell."""

    errors: list[Any]
    rows: int
    path: str
    table: pa.Table | None = None
    found: list[Any] = field(default_factory=list)
    partial: bool = False
    open_quote: OpenQuote | None = None


@dataclass
class CheckedBlock:
    """The outcome of one block: positions of suspicious records and their cells, (hashes, positions) of each key,
    typed cells (None where those of `misfits` do not fit their types), and the cells of text columns as they stand."""

    batch: Batch
    bad: list[int]
    cells: dict[int, list[Any]]
    keys: dict[tuple[str, ...], tuple[np.ndarray, np.ndarray]]
    typed: pa.RecordBatch | None
    misfits: set[str]
    texts: dict[str, pa.Array]


@dataclass
class Scan:
    """The state of one pass. fits: all typed batches had the same types. misfits: columns with values that their type
    does not hold."""

    stores: dict[tuple[str, ...], KeyStore]
    suspects: Suspects = field(default_factory=Suspects)
    bytes: int = 0
    fits: bool = True
    misfits: set[str] = field(default_factory=set)
    table: pa.Table | None = None
    found: list[Any] = field(default_factory=list)


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
        progress: BlocksDone | None = None,
        threads: int | None = None,
    ):
        self.table = table
        self.limit = limit_errors
        self.lookups = lookups or {}
        self.checks = checks
        self.folder = folder
        self.progress = progress
        self.threads = threads or min(4, len(os.sched_getaffinity(0)))
        patterns = {check.field: check for check in table.patterns}
        self.columns = [Column(reading, patterns.get(reading.name)) for reading in table.readings]
        self.by_name = {column.name: column for column in self.columns}
        self.keys = [Key((name,), primary=False) for name in table.unique]
        if table.primary_key:
            self.keys.append(Key(tuple(table.primary_key), primary=True))

    def run(self, blocks: Blocks, path: str) -> Outcome:
        """Check all blocks. `blocks` starts reading from the beginning each time it is called.

        Raises Irregular, UnicodeDecodeError or ArrowInvalid where these blocks cannot be read exactly.
        """
        scan = self.scan(blocks())
        if self._hashed_apart() or not scan.fits:
            scan = self.scan(blocks())  # the columns' types are wide enough now
        if self._hashed_apart() or not scan.fits:  # unless a column holds values that no type of numbers takes
            for name in scan.misfits:
                self.by_name[name].type = STRING
            scan = self.scan(blocks())
        candidates = {fields: store.candidates(self.limit) for fields, store in scan.stores.items()}
        repeats = [candidates[key.fields] for key in self.keys]
        errors, partial = word(self.table, self.keys, repeats, self.lookups, scan.suspects, blocks, self.limit)
        return Outcome(errors, scan.suspects.rows, path, None if errors else scan.table, scan.found, partial)

    def _hashed_apart(self) -> bool:
        return any(column.hashed_apart for column in self.columns)

    def scan(self, blocks: Iterator[Block]) -> Scan:
        """One pass over the blocks."""
        for column in self.columns:
            column.hashed_apart = False
        scan = Scan({key.fields: KeyStore(self.folder) for key in self.keys})
        suspects = scan.suspects
        writer: TypedWriter | None = None
        schema: pa.Schema | None = None
        known = len(self.table.errors)
        ordered = self._in_order(blocks)
        try:
            for block, checked in ordered:
                first = suspects.span(block.first, checked.batch.count)
                suspects.rows += len(checked.batch.rows) + len(checked.batch.odd)
                suspects.add(first, checked.bad, checked.cells, REMEMBERED_ROWS)
                for fields, (hashed, positions) in checked.keys.items():
                    scan.stores[fields].add(hashed, positions + first)
                clean = known + len(suspects.bad) == 0
                if checked.typed is None:
                    scan.fits = False
                    scan.misfits |= checked.misfits
                else:
                    schema = schema or checked.typed.schema
                    scan.fits &= checked.typed.schema.equals(schema)
                    if clean and scan.fits:
                        writer = writer or TypedWriter(schema, self.folder)
                        writer.write(checked.typed)
                    for check in self.checks:
                        scan.found.extend(check(checked.typed, checked.batch.rows + first, checked.texts))
                scan.bytes += block.size
                if self.progress:
                    self.progress(scan.bytes, suspects.rows)
                if self.limit and known + len(suspects.bad) >= self.limit:
                    suspects.complete = False
                    if block.first is None:
                        look_ahead(ordered)
                    break
        except StreamStopped as stop:
            suspects.stopped = stop.error
        finally:
            complete = scan.fits and suspects.stopped is None and known + len(suspects.bad) == 0
            if writer and not complete:
                writer.discard()
        if complete:
            scan.table = writer.finish() if writer else self._empty()
        return scan

    def _in_order(self, blocks: Iterator[Block]) -> Iterator[tuple[Block, CheckedBlock]]:
        """Blocks with their outcomes, in order. The first one teaches the columns; the others share the processors."""
        first = next(blocks, None)
        if first is None:
            return
        yield first, self.check(first)
        if self.threads < 2:
            yield from ((block, self.check(block)) for block in blocks)
            return
        with ThreadPoolExecutor(self.threads) as pool:
            waiting: deque[tuple[Block, Future[CheckedBlock]]] = deque()
            try:
                for block in blocks:
                    waiting.append((block, pool.submit(self.check, block)))
                    if len(waiting) >= self.threads:
                        done, future = waiting.popleft()
                        yield done, future.result()
                while waiting:
                    done, future = waiting.popleft()
                    yield done, future.result()
            finally:
                for _, future in waiting:
                    future.cancel()

    def _empty(self) -> pa.Table:
        return pa.schema([(column.name, column.type) for column in self.columns]).empty_table()

    # -- one block

    def check(self, block: Block) -> CheckedBlock:
        """Check one block; touches nothing but the columns' memories."""
        batch = block.batch()
        checked = {
            column.name: column.check(cells, batch.nulls_known)
            for column, cells in zip(self.columns, batch.columns, strict=True)
        }
        cells = dict(zip(self.by_name, batch.columns, strict=True))
        bad = np.zeros(len(batch.rows), bool)
        blank = np.ones(len(batch.rows), bool)
        for one in checked.values():
            bad |= one.bad
            blank &= one.missing
        bad |= blank
        for foreign, lookup in self.lookups.items():
            ids = [self.by_name[name].identities(cells[name], checked[name].typed) for name in foreign.fields]
            bad |= ~lookup.holds(ids)
        keys: dict[tuple[str, ...], tuple[np.ndarray, np.ndarray]] = {}
        for key in self.keys:
            columns = [self._key_column(name, checked[name], cells[name]) for name in key.fields]
            nothing = np.logical_and.reduce([absent(column) for column in columns])
            if key.primary:
                bad |= nothing
            if key.fields not in keys:
                keys[key.fields] = self._with_odd(key, hashes(columns)[~nothing], batch.rows[~nothing], batch.odd)
        positions = batch.rows[bad].tolist()
        return CheckedBlock(
            batch=batch,
            bad=sorted([*positions, *(position for position, _ in batch.odd)]),
            cells={**(block.cells(positions) if positions else {}), **dict(batch.odd)},
            keys=keys,
            typed=self._typed([one.typed for one in checked.values()]),
            misfits={name for name, one in checked.items() if one.typed is None},
            texts=self._texts(cells, checked) if self.checks else {},
        )

    def _texts(self, cells: dict[str, Any], checked: dict[str, Checked]) -> dict[str, pa.Array]:
        """Columns as they stand in the file, as far as they were read as text and may be written in several ways."""
        both = {name: (cells[name], one.typed) for name, one in checked.items()}
        picked = {
            name: raw if isinstance(raw, pa.Array) and raw.type == STRING else typed
            for name, (raw, typed) in both.items()
            if not checked[name].canonical
        }
        return {name: column for name, column in picked.items() if column is not None and column.type == STRING}

    def _typed(self, arrays: list[pa.Array | None]) -> pa.RecordBatch | None:
        if any(array is None for array in arrays):
            return None
        return pa.RecordBatch.from_arrays(arrays, names=list(self.by_name))

    def _key_column(self, name: str, checked: Checked, cells: Any) -> pa.Array:
        """Values of a key field such that equal values are equal; null for no value."""
        column = self.by_name[name]
        return checked.typed if column.plain_identity and checked.typed is not None else column.identities(cells)

    def _with_odd(
        self, key: Key, hashed: np.ndarray, rows: np.ndarray, odd: list[tuple[int, list[Any]]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Records with too many or too few cells take part in keys, too."""
        more: list[tuple[np.ndarray, int]] = []
        for position, cells in odd:
            row = self.table.row(list(cells), position)
            values = [row[name] for name in key.fields]
            if any(value is not None for value in values):
                columns = [self.by_name[n].key_array([v]) for n, v in zip(key.fields, values, strict=True)]
                more.append((hashes(columns), position))
        if not more:
            return hashed, rows
        return np.concatenate([hashed, *(h for h, _ in more)]), np.append(rows, [position for _, position in more])


def look_ahead(blocks: Iterator[Any]) -> None:
    """Read a little on. frictionless decodes ahead of its rows, so an undecodable byte soon after the last row wanted
    comes before that row; reading on finds it, too."""
    for _ in islice(blocks, 1 + DECODED_AHEAD // block_reader.BLOCK):
        pass


def check_table(
    open_source: Callable[[], OpenTable],
    *,
    limit_errors: int = 1000,
    checks: Sequence[BatchCheck] = (),
    folder: Path | None = None,
    progress: BlocksDone | None = None,
    references: Mapping[str, pa.Table] | None = None,
    threads: int | None = None,
    fast: bool = True,
    decodes: bool = False,
    blocks_of: Callable[[OpenTable], Iterator[Block]] | None = None,
) -> Outcome:
    """Open a table and check it: by blocks of CSV where that is exact, else record by record. Errors found are
    returned, as frictionless's. references: typed tables that foreign keys refer to, by name. fast: False keeps to the
    exact way. decodes: all bytes of the file are known to decode. blocks_of: a reader of the caller's own, for formats
    other than CSV."""
    try:
        table = open_source()
    except adapter.Unopenable as unopenable:
        return Outcome(unopenable.errors, 0, "frictionless")
    try:
        if adapter.declares_counts(table):
            table.close()
            return Outcome(adapter.frictionless_errors(table.resource, limit_errors), 0, "frictionless")
        lookups = build_lookups(table, references)
        options: dict[str, Any] = {
            "limit_errors": limit_errors,
            "lookups": lookups,
            "checks": checks,
            "folder": folder,
            "progress": progress,
            "threads": threads,
        }
        if fast and blocks_of is not None:
            try:
                return Engine(table, **options).run(lambda: blocks_of(table), "fast")
            except Irregular:
                table.reopen()
        if fast and table.csv:
            engine = Engine(table, **options)
            reader = CsvReader(table.csv, engine.columns, table.first_row, decodes=decodes)
            try:
                return engine.run(reader.blocks, "fast")
            except (Irregular, UnicodeDecodeError, pa.ArrowInvalid):
                table.reopen()
        open_quote = table.open_quote()
        refuse_endless_cell(open_quote)
        outcome = Engine(table, **{**options, "threads": 1}).run(_exact(table), "exact")
        return replace(outcome, open_quote=open_quote)
    except adapter.Unopenable as unopenable:
        return Outcome(unopenable.errors, 0, "frictionless")
    finally:
        table.close()


def _exact(table: OpenTable) -> Blocks:
    fresh = [True]

    def blocks() -> Iterator[Block]:
        if not fresh.pop():
            table.reopen()
        fresh.append(False)
        return rows_blocks(table)

    return blocks
