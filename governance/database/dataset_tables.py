"""Tables of datasets, sources, releases, publications and the outbox."""

import sqlalchemy as sa

from governance.database.append_only import append_only
from governance.database.engine import metadata
from governance.database.utc_time import UtcTime

datasets = sa.Table(
    "datasets",
    metadata,
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("declaration", sa.JSON, nullable=False),  # schemas.dataset.Dataset
    sa.Column("updated_at", UtcTime, nullable=False),
    sa.Column("updated_by", sa.String(200), nullable=False),
)

sources = sa.Table(
    "sources",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("dataset", sa.String(100), sa.ForeignKey("datasets.name"), nullable=False, index=True),
    sa.Column("file_name", sa.String(255), nullable=False),  # as the steward named it; shown to stewards alone
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("status", sa.String(20), nullable=False),  # received, preparing, refused, prepared, failed
    sa.Column("stage", sa.String(40)),  # step of preparing, for progress
    sa.Column("done", sa.Float, nullable=False, default=0.0),  # share of the step done, 0 to 1
    sa.Column("progress", sa.JSON),  # rows, bytes, speed and time left of the step
    sa.Column(
        "outcome", sa.JSON
    ),  # refused: error or validation report with values, for the steward; prepared: release
    sa.Column("uploaded_at", UtcTime, nullable=False),
    sa.Column("uploaded_by", sa.String(200), nullable=False),
)

source_files = sa.Table(
    "source_files",
    metadata,
    sa.Column("source", sa.String(32), sa.ForeignKey("sources.id"), primary_key=True),
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("status", sa.String(20), nullable=False),  # making, ready, refused
    sa.Column("progress", sa.JSON),  # while it is made
    sa.Column("outcome", sa.JSON),  # ready: size, digest, what was changed; refused: the error; no raw value
    sa.Column("requested_at", UtcTime, nullable=False),
    sa.Column("requested_by", sa.String(200), nullable=False),
)

releases = sa.Table(
    "releases",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("dataset", sa.String(100), sa.ForeignKey("datasets.name"), nullable=False, index=True),
    sa.Column("source", sa.String(32), sa.ForeignKey("sources.id"), nullable=False),
    sa.Column("descriptor", sa.JSON, nullable=False),  # schemas.release.Release
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("created_by", sa.String(200), nullable=False),
)

publications = sa.Table(
    "publications",
    metadata,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("dataset", sa.String(100), sa.ForeignKey("datasets.name"), nullable=False, index=True),
    sa.Column("release", sa.String(64), sa.ForeignKey("releases.id")),  # absent for closed datasets
    sa.Column("log_index", sa.Integer),
    sa.Column("writes", sa.JSON, nullable=False),  # what was written to the catalogue
    sa.Column("published_at", UtcTime, nullable=False),
    sa.Column("published_by", sa.String(200), nullable=False),
    sa.Column("withdrawn_at", UtcTime),
    sa.Column("withdrawn_by", sa.String(200)),
    sa.Column("withdrawn_reason", sa.String(500)),
)

privacy_spendings = append_only(
    sa.Table(
        "privacy_spendings",
        metadata,
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("dataset", sa.String(100), sa.ForeignKey("datasets.name"), nullable=False, index=True),
        sa.Column("release", sa.String(64), sa.ForeignKey("releases.id"), nullable=False),
        sa.Column("question", sa.String(64), nullable=False, unique=True),  # the same question is paid for once
        sa.Column("epsilon", sa.Float, nullable=False),
        sa.Column("spent_at", UtcTime, nullable=False),
        sa.Column("spent_by", sa.String(200), nullable=False),
    )
)

k_choices = append_only(
    sa.Table(
        "k_choices",
        metadata,
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("dataset", sa.String(100), sa.ForeignKey("datasets.name"), nullable=False, index=True),
        sa.Column("k", sa.JSON, nullable=False),  # tier → k; the newest row of a dataset holds
        sa.Column("chosen_at", UtcTime, nullable=False),
        sa.Column("chosen_by", sa.String(200), nullable=False),
    )
)

declaration_changes = sa.Table(
    "declaration_changes",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("dataset", sa.String(100), sa.ForeignKey("datasets.name"), nullable=False, index=True),
    sa.Column("declaration", sa.JSON, nullable=False),  # schemas.dataset.Dataset, whole, as proposed
    sa.Column("fields", sa.JSON, nullable=False),  # names of what a reviewer has to agree to
    sa.Column("status", sa.String(20), nullable=False, index=True),  # waiting, approved, rejected, superseded
    sa.Column("proposed_at", UtcTime, nullable=False),
    sa.Column("proposed_by", sa.String(200), nullable=False),
    sa.Column("decided_at", UtcTime),
    sa.Column("decided_by", sa.String(200)),
    sa.Column("reason", sa.String(2000)),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.String(50), nullable=False),  # prepare, publish, letter, …
    sa.Column("key", sa.String(200), nullable=False, unique=True),  # the same key is queued once
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("actor", sa.String(200), nullable=False),
    sa.Column("queued_at", UtcTime, nullable=False),
    sa.Column("due_at", UtcTime, nullable=False, index=True),
    sa.Column("leased_until", UtcTime),
    sa.Column("leased_by", sa.String(200)),  # the worker process that took it last
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("done_at", UtcTime, index=True),
    sa.Column("error", sa.String(200)),  # code of the last error, never its text
)
