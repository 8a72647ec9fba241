"""The file behind a download: reviewed files as they are, other formats and compressed forms made once and kept.

Everything under `rows/` can be made again from the reviewed Parquet file; nothing there needs a backup.
"""

import gzip
import os
import shutil
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO

import brotli
import zstandard

from pipelines.current_release import verified_path, verify_file
from pipelines.home import Home
from pipelines.rows.build import ROWS_FILE, build_rows, is_built, is_unharmed
from pipelines.rows.formats import coordinates, write_geojson, write_json, write_xlsx
from pipelines.rows.store import RowStore, open_rows
from pipelines.store import BLOCK, Store, file_digest
from schemas.errors import DependencyFailed
from schemas.release import Distribution

CODINGS = ("zstd", "br", "gzip")  # in the order we prefer them
SMALLEST_COMPRESSED = 1024  # bytes; below, compressing does not pay
BROTLI_QUALITY, ZSTD_LEVEL, GZIP_LEVEL = 5, 9, 6


@dataclass(frozen=True)
class ServedFile:
    """path: of bytes that were compared with `digest` (SHA-256, hex)."""

    path: Path
    digest: str


def rows_of(home: Home, store: Store, distribution: Distribution) -> RowStore:
    """The opened rows of a distribution; built first where they are missing or damaged. Raises DependencyFailed."""
    parquet = distribution.file("parquet")
    source = verified_path(store, parquet.digest)
    folder = home / "rows" / parquet.digest
    with _lock(folder):
        if folder not in _checked or not folder.exists():
            if is_built(folder) and not is_unharmed(folder):
                shutil.rmtree(folder)
            build_rows(source, folder, distribution.fields)
            _checked.add(folder)
    return open_rows(folder)


def rows_are_ready(home: Home, distribution: Distribution) -> bool:
    """Whether this process has rows of the distribution that need no building or checking."""
    return home / "rows" / distribution.file("parquet").digest in _checked


def served_file(home: Home, store: Store, distribution: Distribution, format: str) -> ServedFile:
    """The file of one format. Raises NotFound (no coordinates), Refused (too large for XLSX), DependencyFailed."""
    for file in distribution.files:
        if file.format == format:
            return ServedFile(verified_path(store, file.digest), file.digest)
    parquet = distribution.file("parquet")
    stem = parquet.digest
    match format:
        case "ndjson":
            rows = rows_of(home, store, distribution).folder
            return _made(home, f"{stem}.ndjson", lambda out: _link(rows / ROWS_FILE, out))
        case "json":
            rows = rows_of(home, store, distribution).folder
            return _made(home, f"{stem}.json", lambda out: write_json(rows, out))
        case "geojson":
            longitude, latitude = coordinates(distribution.fields)
            rows = rows_of(home, store, distribution).folder
            which = sha256(f"{longitude}\0{latitude}".encode()).hexdigest()[:8]
            return _made(home, f"{stem}.{which}.geojson", lambda out: write_geojson(rows, out, longitude, latitude))
        case "xlsx":
            source = verified_path(store, stem)
            return _made(home, f"{stem}.xlsx", lambda out: write_xlsx(source, out))
    raise ValueError(format)


def encoded_file(home: Home, file: ServedFile, coding: str) -> ServedFile:
    """`file` compressed with one of CODINGS."""
    return _made(home, f"{file.digest}.{coding}", lambda out: _compress(file.path, out, coding))


def _made(home: Home, name: str, make: Callable[[Path], None]) -> ServedFile:
    """The kept file `name`, made where it is missing or no longer what was made. Appears whole or not at all."""
    folder = home / "rows" / "files"
    target, seal = folder / name, folder / f"{name}.sha256"
    with _lock(target):
        kept = _kept(target, seal)
        if kept is not None:
            return kept
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        making = Path(tempfile.mkdtemp(prefix=".making.", dir=folder))
        try:
            make(making / "file")
            with (making / "file").open("rb") as reader:
                digest = file_digest(reader)
                os.fsync(reader.fileno())
            (making / "seal").write_text(digest)
            os.replace(making / "file", target)
            os.replace(making / "seal", seal)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    verify_file(target, digest)
    return ServedFile(target, digest)


def _kept(target: Path, seal: Path) -> ServedFile | None:
    try:
        digest = seal.read_text()
        verify_file(target, digest)
    except (OSError, DependencyFailed):
        return None
    return ServedFile(target, digest)


def _link(source: Path, out: Path) -> None:
    os.link(source, out)


def _compress(source: Path, out: Path, coding: str) -> None:
    """Streamed; no time stamp or name goes in, so that the same bytes give the same bytes."""
    with source.open("rb") as reader, out.open("wb") as writer:
        match coding:
            case "gzip":
                with gzip.GzipFile("", "wb", GZIP_LEVEL, writer, mtime=0) as packed:
                    shutil.copyfileobj(reader, packed, BLOCK)
            case "zstd":
                # Browsers refuse windows above 8 MiB (RFC 9659).
                parameters = zstandard.ZstdCompressionParameters.from_level(ZSTD_LEVEL, window_log=23)
                zstandard.ZstdCompressor(compression_params=parameters).copy_stream(reader, writer)
            case "br":
                _compress_brotli(reader, writer)
            case _:
                raise ValueError(coding)


def _compress_brotli(reader: IO[bytes], writer: IO[bytes]) -> None:
    compressor = brotli.Compressor(quality=BROTLI_QUALITY)
    while block := reader.read(BLOCK):
        writer.write(compressor.process(block))
    writer.write(compressor.finish())


_checked: set[Path] = set()  # folders compared with their seals by this process
_locks: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)
_locks_guard = threading.Lock()


def _lock(path: Path) -> threading.Lock:
    """One lock per path and process: what is wanted by many is made once. Other processes are held off by renames."""
    with _locks_guard:
        return _locks[path]
