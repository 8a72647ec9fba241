"""Package a release: Parquet + CSV per tier and a descriptor, content-addressed.

The descriptor is a Data Package (https://datapackage.org/standard/data-package/) in canonical JSON: it names the
SHA-256 of every file, so its own digest fixes the whole release.
"""

import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from anonymize.apply import TreatedTable
from pipelines.store import Store
from schemas.dataset import Dataset, Tier
from schemas.disclosure import DisclosureReport, KChoice
from schemas.errors import DependencyFailed
from schemas.release import Distribution, Release, StoredFile
from schemas.table_schema import SchemaField, TableSchema
from schemas.text import Text

MEDIA_TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet", "json": "application/json"}
ROW_GROUP = 100_000
ID_LENGTH = 16  # hex digits of the descriptor's digest


def package_release(
    dataset: Dataset,
    schema: TableSchema,
    source_digest: str,
    treated: Mapping[Tier, TreatedTable],
    reports: Mapping[Tier, DisclosureReport],
    store: Store,
    work: Path,
    choice: KChoice | None = None,
) -> Release:
    """Write every tier's files and the descriptor into `store`. The same input gives the same release id."""
    distributions = tuple(_distribution(tier, treated[tier], reports[tier], store, work) for tier in treated)
    descriptor = {
        "profile": "data-package",
        "name": dataset.name,
        "title": dataset.title.zh,
        "schema": schema.reference,
        "policy": dataset.policy,
        "source_digest": source_digest,
        "licenses": [{"name": dataset.licence}],
        "resources": [_resource(d, f) for d in distributions for f in d.files],
        "disclosure": {d.tier: d.report.model_dump(mode="json") for d in distributions},
        **({"choice": choice.model_dump(mode="json")} if choice else {}),
    }
    content = _descriptor_bytes(descriptor)
    digest = _store_bytes(content, store, work)
    return Release(
        id=hashlib.sha256(content).hexdigest()[:ID_LENGTH],
        dataset=dataset.name,
        table_schema=schema.reference,
        policy=dataset.policy,
        source_digest=source_digest,
        distributions=distributions,
        descriptor_digest=digest,
        choice=choice,
    )


def _descriptor_bytes(value: Any) -> bytes:
    """JSON with sorted keys and no spaces, UTF-8: the same descriptor gives the same bytes on one platform."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def verify_release(release: Release, store: Store) -> None:
    """Compare every stored file with its digest, and the release with the descriptor that the reviewers signed.

    Raises DependencyFailed.
    """
    verify_record(release, store)
    for distribution in release.distributions:
        for file in distribution.files:
            store.verify(file.digest)


def verify_record(release: Release, store: Store) -> None:
    """Compare the record of a release with the descriptor that the reviewers signed. Raises DependencyFailed."""
    store.verify(release.descriptor_digest)
    signed = json.loads(store.path(release.descriptor_digest).read_bytes())
    hashes = {resource["name"]: resource["hash"] for resource in signed["resources"]}
    named = {_resource_name(d, f): _hash(f) for d in release.distributions for f in d.files}
    if hashes != named or release.id != release.descriptor_digest[:ID_LENGTH]:
        raise descriptor_mismatch()


def descriptor_mismatch() -> DependencyFailed:
    return DependencyFailed(
        "descriptor-mismatch",
        Text(zh="版本记录与审核签署的描述不一致", en="the record of the release is not what the reviewers signed"),
        Text(zh="请停止发布并从备份核对", en="stop publishing and compare with a backup"),
    )


def _resource_name(distribution: Distribution, file: StoredFile) -> str:
    return f"{distribution.tier}-{file.format}"


def _hash(file: StoredFile) -> str:
    return f"sha256:{file.digest}"


def _distribution(
    tier: Tier, treated: TreatedTable, report: DisclosureReport, store: Store, work: Path
) -> Distribution:
    table = _without_traces(treated.table)
    files = []
    for format, write in (("csv", write_csv), ("parquet", write_parquet)):
        with tempfile.TemporaryDirectory(dir=work) as folder:
            path = Path(folder) / f"data.{format}"
            write(table, path)
            size = path.stat().st_size
            files.append(StoredFile(format=format, media_type=MEDIA_TYPES[format], digest=store.add(path), size=size))
    return Distribution(tier=tier, rows=table.num_rows, fields=treated.fields, files=tuple(files), report=report)


def _without_traces(table: pa.Table) -> pa.Table:
    """Drop schema metadata and decode dictionaries: either may hold values that were treated away."""
    columns = [
        pc.cast(column, column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in table.columns
    ]
    bare = pa.schema([pa.field(name, c.type) for name, c in zip(table.column_names, columns, strict=True)])
    return pa.table(columns, schema=bare)


def write_csv(table: pa.Table, path: Path) -> None:
    """RFC 4180, UTF-8, a header, dates and times in ISO 8601 (in UTC where they have a zone), missing values empty."""
    whole = pa.table([_without_empty_fractions(c) for c in table.columns], names=table.column_names)
    text = pa.schema([pa.field(name, pa.string()) for name in table.column_names])
    with pacsv.CSVWriter(path, text, write_options=pacsv.WriteOptions(quoting_style="needed")) as out:
        for batch in whole.to_batches(max_chunksize=ROW_GROUP):
            out.write_batch(pa.record_batch([_text(c) for c in batch.columns], schema=text))


def write_parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd", row_group_size=ROW_GROUP, store_schema=False)


def _without_empty_fractions(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of times in whole seconds where nothing is lost by it."""
    if not pa.types.is_timestamp(column.type):
        return column
    seconds = pc.cast(column, pa.timestamp("s", column.type.tz), safe=False)
    exact = pc.all(pc.equal(pc.cast(seconds, column.type), column), min_count=0).as_py()
    return seconds if exact else column


def _text(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_timestamp(kind):
        return pc.strftime(column, "%Y-%m-%dT%H:%M:%SZ" if kind.tz else "%Y-%m-%dT%H:%M:%S")
    if pa.types.is_nested(kind):
        return pa.array([None if v is None else json.dumps(v, ensure_ascii=False) for v in column.to_pylist()])
    return pc.cast(column, pa.string())


def _resource(distribution: Distribution, file: StoredFile) -> dict[str, Any]:
    return {
        "name": _resource_name(distribution, file),
        "path": f"{distribution.tier}.{file.format}",
        "format": file.format,
        "mediatype": file.media_type,
        "hash": _hash(file),
        "bytes": file.size,
        "rows": distribution.rows,
        "schema": {"fields": [field_descriptor(f) for f in distribution.fields]},
    }


def field_descriptor(field: SchemaField) -> dict[str, Any]:
    """A field as a Table Schema states it; the English title and description are properties of ours."""
    plain = field.model_dump(mode="json", exclude_none=True)
    title, description = plain.pop("title"), plain.pop("description")
    return {
        **plain,
        "title": title["zh"],
        "title_en": title["en"],
        "description": description["zh"],
        "description_en": description["en"],
    }


def _store_bytes(content: bytes, store: Store, work: Path) -> str:
    with tempfile.TemporaryDirectory(dir=work) as folder:
        path = Path(folder) / "descriptor.json"
        path.write_bytes(content)
        return store.add(path)
