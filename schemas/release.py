"""Release: one immutable, content-addressed outcome of preparing one source under one schema and one policy."""

from pydantic import BaseModel, ConfigDict

from schemas.dataset import Tier
from schemas.disclosure import DisclosureReport, KChoice
from schemas.table_schema import SchemaField


class StoredFile(BaseModel):
    """A file in the content-addressed store. digest: SHA-256, hex. size: bytes."""

    model_config = ConfigDict(frozen=True)

    format: str  # csv, parquet
    media_type: str
    digest: str
    size: int


class Distribution(BaseModel):
    """The treated table of one tier (dcat:Distribution)."""

    model_config = ConfigDict(frozen=True)

    tier: Tier
    rows: int
    fields: tuple[SchemaField, ...]  # as they are after treatment
    files: tuple[StoredFile, ...]
    report: DisclosureReport

    def file(self, format: str) -> StoredFile:
        return next(f for f in self.files if f.format == format)


class Release(BaseModel):
    """id: the first 16 hex digits of the SHA-256 of the canonical descriptor, which holds every digest. choice: the
    steward's, where one was made; the same source under another choice is another release."""

    model_config = ConfigDict(frozen=True)

    id: str
    dataset: str
    table_schema: str
    policy: str
    source_digest: str
    distributions: tuple[Distribution, ...]
    descriptor_digest: str
    choice: KChoice | None = None

    def distribution(self, tier: Tier) -> Distribution:
        return next(d for d in self.distributions if d.tier is tier)
