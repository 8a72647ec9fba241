"""Tables of the embedded catalogue.

Every write adds one to `catalogue_revision` and stamps the rows it touched with the new number, so that each process
brings its search index up to date by reading the rows above the number it last saw.
"""

import sqlalchemy as sa

from governance.database.engine import metadata
from governance.database.utc_time import UtcTime

catalogue_revision = sa.Table(
    "catalogue_revision",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),  # always 1
    sa.Column("revision", sa.Integer, nullable=False),
)

catalogue_packages = sa.Table(
    "catalogue_packages",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("name", sa.String(100), nullable=False, index=True),  # unique among those not deleted
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("state", sa.String(10), nullable=False),  # active, draft, deleted
    sa.Column("type", sa.String(100), nullable=False),
    sa.Column("private", sa.Boolean, nullable=False),
    sa.Column("owner_org", sa.String(36), index=True),
    sa.Column("body", sa.JSON, nullable=False),  # the rest of the package as it was written
    sa.Column("created", UtcTime, nullable=False),
    sa.Column("modified", UtcTime, nullable=False),
    sa.Column("creator", sa.String(200), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False, index=True),
)

catalogue_resources = sa.Table(
    "catalogue_resources",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("package_id", sa.String(36), sa.ForeignKey("catalogue_packages.id"), nullable=False, index=True),
)

catalogue_groups = sa.Table(
    "catalogue_groups",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("name", sa.String(100), nullable=False, unique=True),
    sa.Column("is_organization", sa.Boolean, nullable=False, index=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("created", UtcTime, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False, index=True),
)
