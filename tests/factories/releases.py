"""Small platforms with published releases, made by the packager itself, without preparing and review."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa
from fastapi import FastAPI

from anonymize.treated import TreatedTable
from api import data_v1, datastore, downloads
from api.errors import install_error_handlers
from catalog_config.configuration import Configuration
from catalog_config.settings import Settings
from governance.accounts import token_hash
from governance.database import all_tables  # noqa: F401 - fills the metadata
from governance.database.dataset_tables import datasets, publications, releases, sources
from governance.database.decision_tables import applications, grants
from governance.database.engine import metadata, open_database
from pipelines.catalogs.connect import connect_catalog
from pipelines.home import open_home
from pipelines.package import package_release
from pipelines.platform import Platform
from pipelines.store import Store
from schemas.dataset import Dataset, Openness, Tier
from schemas.disclosure import DisclosureReport, Outcome
from schemas.release import Release
from schemas.table_schema import Meaning, SchemaField, TableSchema
from schemas.text import Text

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def small_platform(folder: Path) -> Platform:
    """An installation with empty configuration and an empty database."""
    settings = Settings(home=folder, site_url="http://testserver")
    configuration = Configuration(organisations={}, licences={}, themes={}, negative_list={}, policies={})
    home = open_home(folder)
    engine = open_database(home.folder)
    metadata.create_all(engine)
    catalog = connect_catalog(settings, configuration, engine)
    return Platform(settings, configuration, home, engine, Store(home / "releases"), catalog)


def data_app(platform: Platform) -> FastAPI:
    """The routers that serve data, over `platform`."""
    app = FastAPI()
    app.state.platform = platform
    install_error_handlers(app)
    for module in (datastore, data_v1, downloads):
        app.include_router(module.router)
    return app


def fields_of(table: pa.Table, meanings: Mapping[str, Meaning] | None = None) -> tuple[SchemaField, ...]:
    """Fields named as the columns, with titles in both languages."""
    return tuple(
        SchemaField(
            name=name,
            type=str(kind),
            title=Text(zh=f"字段 {name}", en=f"field {name}"),
            description=Text(zh="说明", en="description"),
            meaning=(meanings or {}).get(name),
        )
        for name, kind in zip(table.column_names, table.schema.types, strict=True)
    )


def packaged_release(
    platform: Platform, name: str, tables: Mapping[Tier, pa.Table], fields: Sequence[SchemaField] | None = None
) -> Release:
    """A release in the store, of one table per tier."""
    first = next(iter(tables.values()))
    openness = Openness.CONDITIONAL if Tier.RESTRICTED in tables else Openness.OPEN
    conditional = openness is Openness.CONDITIONAL
    dataset = Dataset(
        name=name,
        title=Text(zh=f"数据集 {name}", en=f"dataset {name}"),
        notes=Text(zh="说明", en="notes"),
        publisher="transport",
        openness=openness,
        table_schema="stops@1.0.0",
        legal_basis=Text(zh="依据", en="basis"),
        access_conditions=Text(zh="研究", en="research") if conditional else None,
    )
    schema = TableSchema(
        name="stops",
        version="1.0.0",
        title=Text(zh="表", en="table"),
        description=Text(zh="", en=""),
        fields=fields_of(first),
        descriptor={},
    )
    treated = {
        tier: TreatedTable(table=table, fields=tuple(fields or fields_of(table)), effects=())
        for tier, table in tables.items()
    }
    reports = {tier: DisclosureReport(tier=tier, outcome=Outcome.PASS) for tier in tables}
    release = package_release(dataset, schema, "0" * 64, treated, reports, platform.store, platform.home / "work")
    with platform.engine.begin() as connection:
        known = connection.execute(sa.select(datasets.c.name).where(datasets.c.name == name)).one_or_none()
        if known is None:
            declaration = dataset.model_dump(mode="json", by_alias=True)
            connection.execute(
                datasets.insert().values(name=name, declaration=declaration, updated_at=NOW, updated_by="test")
            )
        connection.execute(
            sources.insert().values(
                id=release.id,
                dataset=name,
                file_name="source.csv",
                digest="0" * 64,
                size=1,
                status="prepared",
                done=1.0,
                uploaded_at=NOW,
                uploaded_by="test",
            )
        )
        connection.execute(
            releases.insert().values(
                id=release.id,
                dataset=name,
                source=release.id,
                descriptor=release.model_dump(mode="json"),
                created_at=NOW,
                created_by="test",
            )
        )
    return release


def published(platform: Platform, release: Release) -> Release:
    """Put the release into the list of publications."""
    with platform.engine.begin() as connection:
        connection.execute(
            publications.insert().values(
                dataset=release.dataset, release=release.id, writes=[], published_at=NOW, published_by="test"
            )
        )
    return release


def withdraw_release(platform: Platform, release: Release) -> None:
    with platform.engine.begin() as connection:
        connection.execute(
            publications.update()
            .where(publications.c.release == release.id)
            .values(withdrawn_at=NOW, withdrawn_by="test", withdrawn_reason="wrong")
        )


def grant_id(token: str) -> str:
    """The id of the grant that `granted` makes for a token."""
    return token_hash(token)[:32]


def granted(platform: Platform, token: str, dataset: str, days: int = 1) -> None:
    """A grant of the restricted tier to `researcher`, with its application; it ends in `days` days."""
    now = datetime.now(UTC)
    begin, end = now - timedelta(days=2), now + timedelta(days=days)
    common = {"id": grant_id(token), "dataset": dataset, "tier": Tier.RESTRICTED}
    with platform.engine.begin() as connection:
        connection.execute(
            applications.insert().values(
                **common, applicant="researcher", status="approved", submitted_at=begin, version=1
            )
        )
        connection.execute(
            grants.insert().values(
                **common,
                application_id=grant_id(token),
                holder="researcher",
                token_hash=token_hash(token),
                issued_at=begin,
                valid_from=begin,
                valid_until=end,
            )
        )
