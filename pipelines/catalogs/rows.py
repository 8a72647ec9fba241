"""Rows of the embedded catalogue: find, save, and count revisions. SQL stands here and nowhere else."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from governance.database.catalogue_tables import (
    catalogue_groups,
    catalogue_packages,
    catalogue_resources,
    catalogue_revision,
)

Row = dict[str, Any]
MOST_PARAMETERS = 400  # of one statement; SQLite has a limit


def next_revision(connection: sa.Connection) -> int:
    """Count one write. Its row lock makes catalogue writes serial on PostgreSQL too."""
    counter = catalogue_revision
    raised = connection.execute(sa.update(counter).where(counter.c.id == 1).values(revision=counter.c.revision + 1))
    if raised.rowcount == 0:
        connection.execute(sa.insert(counter).values(id=1, revision=1))
    return current_revision(connection)


def current_revision(connection: sa.Connection) -> int:
    """Number of the last write; 0 before the first."""
    return connection.execute(sa.select(catalogue_revision.c.revision)).scalar_one_or_none() or 0


def find_package(connection: sa.Connection, reference: str) -> Row | None:
    """The package whose id or name is `reference`; of several deleted ones of that name, the newest."""
    table = catalogue_packages
    query = (
        sa.select(table)
        .where(sa.or_(table.c.id == reference, table.c.name == reference))
        .order_by(table.c.id != reference, table.c.state == "deleted", table.c.revision.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return dict(row) if row else None


def packages_by_id(connection: sa.Connection, ids: Sequence[str]) -> dict[str, Row]:
    """Rows of `ids`, keyed by id."""
    table = catalogue_packages
    rows: dict[str, Row] = {}
    for start in range(0, len(ids), MOST_PARAMETERS):
        query = sa.select(table).where(table.c.id.in_(ids[start : start + MOST_PARAMETERS]))
        rows |= {row["id"]: dict(row) for row in connection.execute(query).mappings()}
    return rows


def packages_since(connection: sa.Connection, revision: int) -> Iterator[list[Row]]:
    """Rows of packages touched after `revision`, some at a time."""
    table, last = catalogue_packages, ""
    while True:
        query = sa.select(table).where(table.c.revision > revision, table.c.id > last).order_by(table.c.id)
        rows = [dict(row) for row in connection.execute(query.limit(MOST_PARAMETERS)).mappings()]
        if not rows:
            return
        yield rows
        last = rows[-1]["id"]


def package_names(connection: sa.Connection, limit: int | None, offset: int) -> list[str]:
    """Names of the packages everybody may see, sorted."""
    table = catalogue_packages
    query = sa.select(table.c.name).where(visible()).order_by(table.c.name).limit(limit).offset(offset)
    return list(connection.execute(query).scalars())


def packages_newest_first(connection: sa.Connection, limit: int | None, offset: int) -> list[Row]:
    """Rows of the packages everybody may see, last modified first."""
    table = catalogue_packages
    query = sa.select(table).where(visible()).order_by(table.c.modified.desc(), table.c.name)
    return [dict(row) for row in connection.execute(query.limit(limit).offset(offset)).mappings()]


def visible() -> sa.ColumnElement[bool]:
    return sa.and_(catalogue_packages.c.state == "active", catalogue_packages.c.private.is_(False))


def is_name_taken(connection: sa.Connection, name: str, package_id: str) -> bool:
    """Whether another package that is not deleted has `name`."""
    table = catalogue_packages
    query = sa.select(table.c.id).where(table.c.name == name, table.c.state != "deleted", table.c.id != package_id)
    return connection.execute(query.limit(1)).first() is not None


def package_of_resource(connection: sa.Connection, resource_id: str) -> Row | None:
    """The package that holds the resource, deleted or not."""
    query = (
        sa.select(catalogue_packages)
        .join(catalogue_resources, catalogue_resources.c.package_id == catalogue_packages.c.id)
        .where(catalogue_resources.c.id == resource_id)
    )
    row = connection.execute(query).mappings().first()
    return dict(row) if row else None


def save_package(connection: sa.Connection, row: Row) -> None:
    """Insert or replace a package with the ids of its resources."""
    table, package_id = catalogue_packages, row["id"]
    changed = connection.execute(sa.update(table).where(table.c.id == package_id).values(**row))
    if changed.rowcount == 0:
        connection.execute(sa.insert(table).values(**row))
    connection.execute(sa.delete(catalogue_resources).where(catalogue_resources.c.package_id == package_id))
    if resources := row["body"]["resources"]:
        connection.execute(
            sa.insert(catalogue_resources), [{"id": r["id"], "package_id": package_id} for r in resources]
        )


def find_group(connection: sa.Connection, reference: str, *, is_organization: bool | None = None) -> Row | None:
    """The organisation or group whose id or name is `reference`, deleted or not."""
    table = catalogue_groups
    query = sa.select(table).where(sa.or_(table.c.id == reference, table.c.name == reference))
    if is_organization is not None:
        query = query.where(table.c.is_organization.is_(is_organization))
    row = connection.execute(query.order_by(table.c.id != reference).limit(1)).mappings().first()
    return dict(row) if row else None


def groups_for(connection: sa.Connection, packages: Iterable[Row], names: Iterable[str] = ()) -> dict[str, Row]:
    """Organisations and groups that `packages` show, and those of `names`, by id and by name; none that is deleted."""
    wanted = set(names)
    for row in packages:
        wanted |= {row["owner_org"] or "", *row["body"]["groups"]}
    table, found = catalogue_groups, {}
    references = sorted(wanted - {""})
    for start in range(0, len(references), MOST_PARAMETERS):
        some = references[start : start + MOST_PARAMETERS]
        query = sa.select(table).where(sa.or_(table.c.id.in_(some), table.c.name.in_(some)), table.c.state == "active")
        for group in connection.execute(query).mappings():
            found[group["id"]] = found[group["name"]] = dict(group)
    return found


def all_groups(connection: sa.Connection) -> list[Row]:
    """Every organisation and group, deleted ones included, by name."""
    rows = connection.execute(sa.select(catalogue_groups).order_by(catalogue_groups.c.name)).mappings()
    return [dict(row) for row in rows]


def save_group(connection: sa.Connection, row: Row) -> None:
    """Insert or replace an organisation or group."""
    table = catalogue_groups
    changed = connection.execute(sa.update(table).where(table.c.id == row["id"]).values(**row))
    if changed.rowcount == 0:
        connection.execute(sa.insert(table).values(**row))


def touch_packages_of_group(connection: sa.Connection, group: Row, revision: int) -> None:
    """Stamp the packages that show `group`, so that indexes read them again."""
    table = catalogue_packages
    if group["is_organization"]:
        connection.execute(sa.update(table).where(table.c.owner_org == group["id"]).values(revision=revision))
        return
    holders = [
        row["id"]
        for row in connection.execute(sa.select(table.c.id, table.c.body)).mappings()
        if group["name"] in row["body"]["groups"]
    ]
    if holders:
        connection.execute(sa.update(table).where(table.c.id.in_(holders)).values(revision=revision))


def packages_with_owner(connection: sa.Connection, group_id: str) -> int:
    """Number of packages of an organisation that are not deleted."""
    table = catalogue_packages
    query = sa.select(sa.func.count()).where(table.c.owner_org == group_id, table.c.state != "deleted")
    return connection.execute(query).scalar_one()
