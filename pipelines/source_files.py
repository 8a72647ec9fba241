"""What a steward takes away about a source that was refused or warned of: reports, a marked workbook, a corrected copy.

The files stand beside the source, in the source area, as most hold raw cells. They are made by the worker; the server
only sends them. Their names say what they are, never what the steward called the source.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

import sqlalchemy as sa

from governance.audit import record
from governance.database.dataset_tables import source_files, sources
from governance.database.engine import reading
from governance.outbox import enqueue
from pipelines.datasets import load_dataset
from pipelines.home import Home
from pipelines.platform import Platform
from pipelines.sources import SourceRecord, accept_source, find_copy, load_source
from schemas.actor import Actor, Duty
from schemas.dataset import Dataset
from schemas.errors import Conflict, NotFound, NotPermitted
from schemas.text import LANGUAGES, Text

TASK = "source-file"
VERDICT = "validation.json"  # what the files are made of
CORRECTED = "corrected.csv"
SUMMARY = "summary.json"
AT_ONCE = ("report.json", SUMMARY, *(f"{kind}.{lang}.html" for kind in ("report", "places") for lang in LANGUAGES))
WHEN_ASKED = (*(f"report.{lang}.xlsx" for lang in LANGUAGES), CORRECTED)
WITHOUT_CELLS = frozenset({SUMMARY, *(f"places.{lang}.html" for lang in LANGUAGES)})
NAMES = frozenset((*AT_ONCE, *WHEN_ASKED))


@dataclass(frozen=True)
class SourceFile:
    """One file about a source. status: making, ready, refused. outcome: size, digest and what was changed; or the
    error."""

    name: str
    status: str
    progress: dict[str, Any] | None
    outcome: dict[str, Any] | None


def sees_cells(dataset: Dataset, actor: Actor) -> bool:
    """Raw cells are for the publisher's stewards alone: not for operators either."""
    return Duty.STEWARD in actor.duties and actor.organisation == dataset.publisher


def require_cells(dataset: Dataset, actor: Actor) -> None:
    """Raises NotPermitted."""
    if not sees_cells(dataset, actor):
        raise NotPermitted(
            "cells-for-stewards",
            Text(
                zh="含原始数据的文件只供发布单位的数据专员使用",
                en="files with raw cells are for data stewards of the publishing organisation alone",
            ),
            Text(zh="请由该单位的数据专员登录后操作", en="sign in as a data steward of that organisation"),
        )


def list_files(platform: Platform, source_id: str) -> dict[str, SourceFile]:
    """Files of a source that were asked for, by name."""
    columns = (source_files.c.name, source_files.c.status, source_files.c.progress, source_files.c.outcome)
    with reading(platform.engine) as connection:
        rows = connection.execute(sa.select(*columns).where(source_files.c.source == source_id))
        return {row.name: SourceFile(*row) for row in rows}


def file_path(home: Home, source_id: str, name: str) -> Path:
    """Where a file about a source stands. Raises NotFound for a name that is none."""
    if name not in NAMES:
        raise _no_file()
    return home / "sources" / source_id / name


def ready_file(platform: Platform, source: SourceRecord, name: str) -> Path:
    """A file that can be sent. Raises NotFound, and Conflict `file-not-ready`."""
    path = file_path(platform.home, source.id, name)
    known = list_files(platform, source.id).get(name)
    if known is None or (known.status == "ready" and not path.is_file()):
        raise _no_file()
    if known.status != "ready":
        raise Conflict(
            "file-not-ready",
            Text(zh="文件尚未生成", en="the file is not made yet"),
            Text(zh="请回到上传页面查看进度", en="see how far it is on the page of the upload"),
            field="name",
        )
    return path


def request_file(platform: Platform, source_id: str, name: str, actor: Actor, now: datetime) -> None:
    """Have the worker make a file. Asking again for what is being made or is ready changes nothing.

    Raises NotFound, NotPermitted `cells-for-stewards`, Conflict `nothing-to-report`.
    """
    path = file_path(platform.home, source_id, name)
    source = load_source(platform, source_id)
    with platform.engine.begin() as connection:
        require_cells(load_dataset(connection, source.dataset), actor)
        require_report(source, path.parent)
        # PostgreSQL: two requests at the same moment make the file once. SQLite holds the write lock already.
        connection.execute(sa.select(sources.c.id).where(sources.c.id == source_id).with_for_update())
        same = sa.and_(source_files.c.source == source_id, source_files.c.name == name)
        known = connection.execute(sa.select(source_files.c.status).where(same)).scalar()
        if known == "making" or (known == "ready" and path.is_file()):
            return
        connection.execute(source_files.delete().where(same))
        insert_row(connection, source_id, name, "making", actor, now)
        key = f"{TASK}:{source_id}:{name}:{now.isoformat()}"
        enqueue(connection, TASK, key, {"source": source_id, "name": name}, actor.id, now)
        record(
            connection,
            actor=actor,
            action="source.report",
            subject=f"dataset:{source.dataset}",
            now=now,
            data={"source": source_id, "file": name},
        )


def use_corrected(platform: Platform, source_id: str, actor: Actor, now: datetime) -> str:
    """Hand the corrected copy in as a new source; returns its id. Doing it twice, even at once, gives the same source.

    Raises NotFound, NotPermitted, Conflict `file-not-ready`, and what `accept_source` raises.
    """
    source = load_source(platform, source_id)
    with reading(platform.engine) as connection:
        require_cells(load_dataset(connection, source.dataset), actor)
    path = ready_file(platform, source, CORRECTED)
    digest = (list_files(platform, source_id)[CORRECTED].outcome or {}).get("digest", "")
    with reading(platform.engine) as connection:
        known = find_copy(connection, source_id, digest)
    if known is not None:
        return known
    with path.open("rb") as content:
        name = corrected_name(source.file_name)
        return accept_source(platform, source.dataset, content, name, actor, now, corrected_from=source_id)


def corrected_name(file_name: str) -> str:
    """`data-corrected.csv` of `data.xlsx` or `data.csv.gz`, at most 200 bytes."""
    stem = file_name
    while PurePath(stem).suffix.lower() in {".gz", ".zip", ".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods", ".json",
                                            ".ndjson", ".jsonl", ".geojson", ".parquet"}:  # fmt: skip
        stem = PurePath(stem).stem
    return f"{stem.encode()[:180].decode(errors='ignore')}-corrected.csv"


def require_report(source: SourceRecord, folder: Path) -> dict[str, Any]:
    """The report recorded with the source, {} where it stands in a file. Raises Conflict `nothing-to-report`."""
    if (folder / VERDICT).is_file():
        return {}
    found: dict[str, Any] | None = (source.outcome or {}).get("validation")
    if not found:
        raise Conflict(
            "nothing-to-report",
            Text(zh="这次上传没有校验问题", en="validation found nothing about this upload"),
            Text(zh="请在数据集页面查看上传记录", en="see the uploads on the dataset's desk"),
        )
    return found


def insert_row(
    connection: sa.Connection,
    source_id: str,
    name: str,
    status: str,
    actor: Actor,
    now: datetime,
    outcome: dict[str, Any] | None = None,
) -> None:
    """Record a file about a source, which has none of that name recorded yet."""
    values = {"source": source_id, "name": name, "status": status, "outcome": outcome}
    connection.execute(source_files.insert().values(**values, requested_at=now, requested_by=actor.id))


def _no_file() -> NotFound:
    return NotFound(
        "unknown-file",
        Text(zh="没有这个文件", en="there is no such file"),
        Text(zh="请回到上传页面查看可下载的文件", en="see what can be downloaded on the page of the upload"),
        field="name",
    )
