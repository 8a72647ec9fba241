"""Build the rows of one distribution from its reviewed Parquet file."""

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.rows.text_index import TextIndexWriter
from pipelines.rows.values import Kind, index_keys, json_values, kind_of
from pipelines.store import file_digest
from schemas.table_schema import SchemaField

VERSION = 1  # of the folder's layout; another version is built anew
BATCH_ROWS = 10_000
LONG_TEXT = 120  # bytes on average; longer text is searched, not indexed for sorting and filters
ROWS_FILE, OFFSETS_FILE, INDEX_FILE, MANIFEST_FILE = "rows.ndjson", "rows.offsets", "index.sqlite", "manifest.json"
SEAL_FILE = "digests.json"


def build_rows(parquet: Path, folder: Path, fields: Sequence[SchemaField]) -> None:
    """Make `folder` (`rows.ndjson`, row offsets, index of row numbers, text index, manifest).

    Atomic: the folder appears whole or not at all. A folder that is there already is left alone. Memory is bounded by
    the batch, not by the file. `fields` are kept in the manifest for titles; names and types come from the file.
    """
    if is_built(folder):
        return
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    making = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _fill(parquet, making, fields)
        _seal(making)
        _put_in_place(making, folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def is_built(folder: Path) -> bool:
    """Whether `folder` holds finished rows of this layout."""
    try:
        return bool(json.loads((folder / MANIFEST_FILE).read_bytes())["version"] == VERSION)
    except (OSError, ValueError, KeyError):
        return False


def _put_in_place(making: Path, folder: Path) -> None:
    if folder.exists() and not is_built(folder):
        shutil.rmtree(folder)
    try:
        os.rename(making, folder)
    except OSError:
        if not is_built(folder):  # another process finished first: its folder holds the same
            raise


def _fill(parquet: Path, folder: Path, fields: Sequence[SchemaField]) -> None:
    with pq.ParquetFile(parquet) as source:
        names = source.schema_arrow.names
        kinds = [kind_of(t) for t in source.schema_arrow.types]
        text_columns = [i for i, kind in enumerate(kinds) if kind is Kind.TEXT]
        text = TextIndexWriter(folder) if text_columns else None
        lengths = [0] * len(names)
        index = _open_index(folder / INDEX_FILE, len(names))
        with (folder / ROWS_FILE).open("wb") as rows, (folder / OFFSETS_FILE).open("wb") as offsets:
            position = np.zeros(1, np.uint64)
            offsets.write(position.tobytes())
            numbers = count()
            for batch in source.iter_batches(batch_size=BATCH_ROWS):
                columns = [_plain(c) for c in batch.columns]
                values = [c.to_pylist() for c in columns]
                lines = list(_rendered(names, kinds, values))
                rows.write(b"".join(lines))
                ends = np.cumsum([len(line) for line in lines], dtype=np.uint64) + position[-1]
                offsets.write(ends.tobytes())
                position = ends
                _insert(index, numbers, kinds, values)
                if text is not None:
                    text.add([columns[i] for i in text_columns])
                for i in text_columns:
                    lengths[i] += pc.sum(pc.binary_length(columns[i])).as_py() or 0
        if text is not None:
            text.close()
        total = source.metadata.num_rows
    _finish_index(index, [k is not Kind.JSON and lengths[i] <= LONG_TEXT * max(total, 1) for i, k in enumerate(kinds)])
    _write_manifest(folder, names, kinds, total, fields)


def _plain(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    if pa.types.is_null(column.type) or kind_of(column.type) is Kind.TEXT:
        return pc.cast(column, pa.string())
    return column


def _rendered(names: list[str], kinds: list[Kind], values: list[list[Any]]) -> Iterator[bytes]:
    """One line of JSON per row."""
    shown = [json_values(kind, column) for kind, column in zip(kinds, values, strict=True)]
    for row in zip(*shown, strict=True):
        yield orjson.dumps(dict(zip(names, row, strict=True)), default=str, option=orjson.OPT_APPEND_NEWLINE)


def _open_index(path: Path, columns: int) -> sqlite3.Connection:
    index = sqlite3.connect(path, isolation_level=None)
    for pragma in ("page_size=8192", "journal_mode=OFF", "synchronous=OFF", "cache_size=-32768"):
        index.execute(f"PRAGMA {pragma}")
    names = "".join(f", c{i}" for i in range(columns))
    index.execute(f"CREATE TABLE cells (row INTEGER PRIMARY KEY{names})")
    index.execute("BEGIN")
    return index


def _insert(index: sqlite3.Connection, numbers: "count[int]", kinds: list[Kind], values: list[list[Any]]) -> None:
    keys = [index_keys(kind, column) for kind, column in zip(kinds, values, strict=True)]
    marks = ", ".join("?" * (len(keys) + 1))
    rows = zip(*keys, strict=True)
    index.executemany(f"INSERT INTO cells VALUES ({marks})", ((next(numbers), *row) for row in rows))


def _finish_index(index: sqlite3.Connection, indexed: list[bool]) -> None:
    for i, wanted in enumerate(indexed):
        if wanted:
            index.execute(f"CREATE INDEX i{i} ON cells (c{i})")
    index.execute("COMMIT")
    index.execute("PRAGMA analysis_limit=1000")
    index.execute("ANALYZE")
    index.close()


def _write_manifest(
    folder: Path, names: list[str], kinds: list[Kind], rows: int, fields: Sequence[SchemaField]
) -> None:
    known = {f.name: f for f in fields}
    columns = [
        {"name": name, "kind": kind, "field": known[name].model_dump(mode="json") if name in known else None}
        for name, kind in zip(names, kinds, strict=True)
    ]
    manifest = {"version": VERSION, "rows": rows, "columns": columns}
    (folder / MANIFEST_FILE).write_bytes(orjson.dumps(manifest))


def _seal(folder: Path) -> None:
    """Write every file to the disk, and its digest into the seal."""
    digests = {}
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            digests[path.name] = file_digest(file)
            os.fsync(file.fileno())
    (folder / SEAL_FILE).write_bytes(orjson.dumps(digests))


def is_unharmed(folder: Path) -> bool:
    """Whether every file of finished rows is as it was when they were built."""
    try:
        digests: dict[str, str] = orjson.loads((folder / SEAL_FILE).read_bytes())
        for name, digest in digests.items():
            with (folder / name).open("rb") as file:
                if file_digest(file) != digest:
                    return False
    except (OSError, ValueError):
        return False
    return True
