"""Sources: accepted uploads, kept until they are prepared.

An upload is accepted once its bytes and its row are durable; from then on the outbox carries it through a kill at
any instant.
"""

import os
import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, BinaryIO

import sqlalchemy as sa

from governance.audit import record
from governance.database.dataset_tables import releases, sources
from governance.database.engine import reading
from governance.outbox import enqueue
from pipelines.datasets import load_dataset, require_steward
from pipelines.home import Home
from pipelines.platform import Platform
from pipelines.store import file_digest
from schemas.actor import Actor
from schemas.dataset import Dataset, Openness
from schemas.errors import GongkaiError, NotFound, Refused, TooLarge
from schemas.release import Release
from schemas.text import Text

BLOCK = 1 << 20


@dataclass(frozen=True)
class SourceRecord:
    """A row of `sources`. outcome: what the steward is told; may hold raw values of the steward's own file."""

    id: str
    dataset: str
    file_name: str
    digest: str
    size: int
    status: str
    stage: str | None
    done: float
    progress: dict[str, Any] | None
    outcome: dict[str, Any] | None
    uploaded_at: datetime
    uploaded_by: str


def accept_source(
    platform: Platform,
    dataset_name: str,
    content: BinaryIO,
    file_name: str,
    actor: Actor,
    now: datetime,
    corrected_from: str | None = None,
) -> str:
    """Take in an uploaded file and queue its preparation; returns the source id. corrected_from: the source of which
    it is the corrected copy; one that was handed in already is not taken in again, and its id returned.

    Raises NotPermitted, TooLarge, Refused (closed dataset, empty file, a name that is a path).
    """
    with reading(platform.engine) as connection:
        dataset = load_dataset(connection, dataset_name)
    require_steward(dataset, actor)
    _require_publishable(dataset)
    name = safe_file_name(file_name)
    source_id = uuid.uuid4().hex
    path = source_path(platform.home, source_id, name)
    path.parent.mkdir(mode=0o700)
    size = _write_durably(content, path, platform.settings.upload_limit)
    with path.open("rb") as reader:
        digest = file_digest(reader)
    with platform.engine.begin() as connection:
        known = find_copy(connection, corrected_from, digest, lock=True) if corrected_from else None
        if known is not None:
            path.unlink()
            path.parent.rmdir()
            return known
        connection.execute(
            sources.insert().values(
                id=source_id,
                dataset=dataset_name,
                file_name=name,
                digest=digest,
                size=size,
                status="received",
                done=0.0,
                uploaded_at=now,
                uploaded_by=actor.id,
            )
        )
        enqueue(connection, "prepare", preparation_key(source_id), {"source": source_id}, actor.id, now)
        record(
            connection,
            actor=actor,
            action="source.accept",
            subject=f"dataset:{dataset_name}",
            now=now,
            data={"source": source_id, "digest": digest, "size": size}
            | ({"corrected_from": corrected_from} if corrected_from else {}),
        )
    return source_id


def find_copy(connection: sa.Connection, source_id: str, digest: str, *, lock: bool = False) -> str | None:
    """The source, handed in for the same dataset no earlier than `source_id`, that has this digest.

    lock: of two who look in order to hand one in, the second waits for the first. SQLite's write lock does that itself.
    """
    original = sa.select(sources.c.dataset, sources.c.uploaded_at).where(sources.c.id == source_id)
    row = connection.execute(original.with_for_update() if lock else original).one()
    same = (sources.c.dataset == row.dataset, sources.c.digest == digest, sources.c.uploaded_at >= row.uploaded_at)
    found: str | None = connection.execute(
        sa.select(sources.c.id).where(*same).order_by(sources.c.uploaded_at).limit(1)
    ).scalar()
    return found


def preparation_key(source_id: str) -> str:
    """Key of the queued preparation of a source."""
    return f"prepare:{source_id}"


def _require_publishable(dataset: Dataset) -> None:
    if dataset.openness is Openness.CLOSED:
        raise Refused(
            "closed-dataset",
            Text(zh="不予开放的数据集不接收数据", en="a closed dataset takes no data"),
            Text(zh="只登记目录；如需开放请先修改声明", en="it is a catalogue entry only; change its openness first"),
            field="dataset",
        )


def safe_file_name(name: str) -> str:
    """The plain file name. Raises Refused for a path, control characters, or more than 200 characters."""
    plain = bool(name) and name not in {".", ".."} and len(name.encode()) <= 200 and not re.search(r"[\x00-\x1f]", name)
    if not plain or PurePosixPath(name).name != name or PureWindowsPath(name).name != name:
        raise Refused(
            "unsafe-file-name",
            Text(zh="文件名不能是路径，也不能为空或过长", en="a file name must not be a path, empty or too long"),
            Text(zh="请只给出文件名，例如 data.csv", en="give the bare name, such as data.csv"),
            field="file_name",
        )
    return name


def source_path(home: Home, source_id: str, file_name: str) -> Path:
    """Private place of an accepted upload; the suffix alone is kept, as names may hold personal data."""
    suffixes = "".join(Path(file_name).suffixes[-2:]).lower()
    return home / "sources" / source_id / f"source{suffixes}"


def _write_durably(content: BinaryIO | BufferedReader, path: Path, limit: int) -> int:
    size = 0
    try:
        with path.open("xb") as writer:
            while block := content.read(BLOCK):
                size += len(block)
                if size > limit:
                    raise TooLarge(
                        "source-too-large",
                        Text(zh=f"文件超过上限 {limit} 字节", en=f"the file is over the limit of {limit} bytes"),
                        Text(
                            zh="请拆分后上传，或由运维调大 GONGKAI_UPLOAD_LIMIT",
                            en="split it, or have the operator raise GONGKAI_UPLOAD_LIMIT",
                        ),
                        field="file",
                    )
                writer.write(block)
            writer.flush()
            os.fsync(writer.fileno())
        if size == 0:
            raise Refused(
                "empty-file",
                Text(zh="文件是空的", en="the file is empty"),
                Text(zh="请检查后重新上传", en="check it and upload again"),
                field="file",
            )
    except BaseException:
        path.unlink(missing_ok=True)
        path.parent.rmdir()
        raise
    return size


def load_source(platform: Platform, source_id: str, *, outcome: bool = True) -> SourceRecord:
    """outcome: False leaves it unread; it may be large. Raises NotFound."""
    columns = [c if outcome or c is not sources.c.outcome else sa.null().label("outcome") for c in sources.c]
    with reading(platform.engine) as connection:
        row = connection.execute(sa.select(*columns).where(sources.c.id == source_id)).first()
    if row is None:
        raise NotFound(
            "unknown-source",
            Text(zh="没有这次上传", en="there is no such upload"),
            Text(zh="请在数据集页面查看上传记录", en="see the uploads on the dataset's desk"),
            field="source",
        )
    return SourceRecord(**row._mapping)


def error_record(error: GongkaiError) -> dict[str, Any]:
    """An error as plain data."""
    return {
        "code": error.code,
        "message": error.message.model_dump(),
        "remedy": error.remedy.model_dump() if error.remedy else None,
        "field": error.field,
    }


def list_sources(platform: Platform, dataset: str | None = None, limit: int = 50) -> list[SourceRecord]:
    """Newest first."""
    query = sa.select(sources).order_by(sources.c.uploaded_at.desc()).limit(limit)
    if dataset is not None:
        query = query.where(sources.c.dataset == dataset)
    with reading(platform.engine) as connection:
        return [SourceRecord(**row._mapping) for row in connection.execute(query)]


def load_release(connection: sa.Connection, release_id: str) -> Release:
    """Raises NotFound."""
    row = connection.execute(sa.select(releases.c.descriptor).where(releases.c.id == release_id)).first()
    if row is None:
        raise NotFound(
            "unknown-release",
            Text(zh="没有这个发布版本", en="there is no such release"),
            Text(zh="请在数据集的发布记录中查找", en="look in the releases of the dataset"),
            field="release",
        )
    return Release.model_validate(row.descriptor)
