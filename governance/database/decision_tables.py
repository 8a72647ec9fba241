"""Tables of accounts, reviews, applications, grants, the audit log and the transparency log.

Events are the truth. `reviews`, `applications` and `grants` are read models, written in the same transaction.
"""

import sqlalchemy as sa

from governance.database.append_only import append_only
from governance.database.engine import metadata
from governance.database.utc_time import UtcTime

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("id", sa.String(100), primary_key=True),
    sa.Column("name", sa.JSON, nullable=False),  # schemas.text.Text
    sa.Column("password_hash", sa.String(200)),  # argon2id; absent: no sign-in with a password
    sa.Column("duties", sa.JSON, nullable=False),  # list of schemas.actor.Duty
    sa.Column("organisation", sa.String(100), index=True),
    sa.Column("email", sa.String(254)),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("created_by", sa.String(200), nullable=False),
)

sign_in_attempts = sa.Table(
    "sign_in_attempts",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),  # digest of the name tried, whether or not it exists
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("since", UtcTime, nullable=False),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("account", sa.String(100), sa.ForeignKey("accounts.id"), nullable=False, index=True),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime, nullable=False),
    sa.Column("ended_at", UtcTime),
)

api_tokens = sa.Table(
    "api_tokens",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("account", sa.String(100), sa.ForeignKey("accounts.id"), nullable=False, index=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("created_by", sa.String(200), nullable=False),
    sa.Column("expires_at", UtcTime, nullable=False),
    sa.Column("revoked_at", UtcTime),
)

audit_log = append_only(
    sa.Table(
        "audit_log",
        metadata,
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", UtcTime, nullable=False, index=True),
        sa.Column("actor", sa.String(200), nullable=False, index=True),
        sa.Column("organisation", sa.String(100)),
        sa.Column("action", sa.String(100), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False, index=True),
        sa.Column("data", sa.JSON, nullable=False),
    )
)

review_events = append_only(
    sa.Table(
        "review_events",
        metadata,
        sa.Column("release_id", sa.String(64), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),  # 1, 2, … per release
        sa.Column("kind", sa.String(50), nullable=False),
        sa.Column("event", sa.JSON, nullable=False),  # governance.release_review.events
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("at", UtcTime, nullable=False),
    )
)

reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("release_id", sa.String(64), primary_key=True),
    sa.Column("dataset", sa.String(100), nullable=False, index=True),
    sa.Column("publisher", sa.String(100), nullable=False, index=True),
    sa.Column("status", sa.String(30), nullable=False, index=True),
    sa.Column("due", sa.Date),
    sa.Column("submitted_at", UtcTime, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

application_events = append_only(
    sa.Table(
        "application_events",
        metadata,
        sa.Column("application_id", sa.String(32), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(50), nullable=False),
        sa.Column("event", sa.JSON, nullable=False),  # governance.access.events
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("at", UtcTime, nullable=False),
    )
)

applications = sa.Table(
    "applications",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("dataset", sa.String(100), nullable=False, index=True),
    sa.Column("tier", sa.String(20), nullable=False),
    sa.Column("applicant", sa.String(100), nullable=False, index=True),
    sa.Column("organisation", sa.String(100)),
    sa.Column("status", sa.String(30), nullable=False, index=True),
    sa.Column("due", sa.Date),
    sa.Column("submitted_at", UtcTime, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

grants = sa.Table(
    "grants",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("application_id", sa.String(32), sa.ForeignKey("applications.id"), nullable=False, unique=True),
    sa.Column("holder", sa.String(100), nullable=False, index=True),
    sa.Column("dataset", sa.String(100), nullable=False, index=True),
    sa.Column("tier", sa.String(20), nullable=False),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("issued_at", UtcTime, nullable=False),
    sa.Column("valid_from", UtcTime, nullable=False),
    sa.Column("valid_until", UtcTime, nullable=False),
    sa.Column("ended_at", UtcTime),
    sa.Column("ended_as", sa.String(20)),  # expired, revoked
)

grant_uses = append_only(
    sa.Table(
        "grant_uses",
        metadata,
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("grant_id", sa.String(32), nullable=False, index=True),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("release_id", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),  # of what was served
        sa.Column("what", sa.String(100), nullable=False),  # format of a download, or `query`
    )
)

log_entries = append_only(
    sa.Table(
        "log_entries",
        metadata,
        sa.Column("index", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(50), nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),  # canonical JSON
        sa.Column("subject", sa.String(100), nullable=False, index=True),
        sa.Column("at", UtcTime, nullable=False),
    )
)

log_nodes = append_only(
    sa.Table(
        "log_nodes",
        metadata,
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("index", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
)
