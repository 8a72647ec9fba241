"""A small catalogue for tests: configuration, an opened EmbeddedCatalog, and one dataset of each kind."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from catalog_config.configuration import Configuration, Licence, NegativeListItem, Organisation, Theme
from governance.database import all_tables
from governance.database.engine import metadata, open_database
from pipelines.catalogs.embedded import EmbeddedCatalog
from pipelines.catalogs.lexicon import load_lexicon
from pipelines.catalogs.search import CatalogueIndex
from schemas.actor import system_actor
from schemas.dataset import Dataset, Openness, Tier
from schemas.disclosure import DisclosureReport, Outcome
from schemas.release import Distribution, Release, StoredFile
from schemas.text import Text

SITE = "http://data.example.cn"
OPERATOR = system_actor("test")

CONFIGURATION = Configuration(
    organisations={
        name: Organisation(
            name=name, title=Text(zh=zh, en=en), description=Text(zh=zh, en=en), email=f"{name}@example.cn"
        )
        for name, zh, en in (
            ("transport-bureau", "市交通局", "Transport Bureau"),
            ("human-resources", "市人力资源和社会保障局", "Human Resources Bureau"),
        )
    },
    licences={
        "cc-by-4.0": Licence(
            id="cc-by-4.0",
            title=Text(zh="知识共享署名 4.0", en="CC BY 4.0"),
            url="https://creativecommons.org/licenses/by/4.0/",
            is_open=True,
        )
    },
    themes={
        name: Theme(name=name, title=Text(zh=zh, en=en))
        for name, zh, en in (("transport", "交通运输", "Transport"), ("employment", "就业", "Employment"))
    },
    negative_list={
        "state-secrets": NegativeListItem(
            id="state-secrets",
            title=Text(zh="国家秘密", en="State secrets"),
            legal_basis=Text(zh="保守国家秘密法", en="Law on Guarding State Secrets"),
        )
    },
    policies={},
)


def open_catalog(folder: Path) -> EmbeddedCatalog:
    """An EmbeddedCatalog that acts for an operator, over a new SQLite database in `folder`."""
    assert all_tables.catalogue_tables is not None  # the import fills `metadata`
    engine = open_database(folder)
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))  # for speed
    metadata.create_all(engine)
    return catalog_over(engine)


def catalog_over(engine: sa.Engine) -> EmbeddedCatalog:
    return EmbeddedCatalog(engine, CONFIGURATION, SITE, CatalogueIndex(load_lexicon()), OPERATOR)


def add_organisation(catalog: Any, name: str = "transport-bureau", title: str = "市交通局") -> dict[str, Any]:
    return catalog.call_action("organization_create", {"name": name, "title": title})


def bus_stops() -> Dataset:
    return Dataset(
        name="bus-stops",
        title=Text(zh="公交站点信息", en="Bus stops"),
        notes=Text(zh="全市公交站点的名称和位置", en="Names and places of all bus stops"),
        publisher="transport-bureau",
        openness=Openness.OPEN,
        schema="bus-stops@1.0.0",
        themes=("transport",),
        tags=("公交", "站点"),
        legal_basis=Text(zh="政府信息公开条例", en="Regulations on Open Government Information"),
        contact="data@example.cn",
    )


def employment() -> Dataset:
    return Dataset(
        name="employment-registrations",
        title=Text(zh="就业登记", en="Employment registrations"),
        notes=Text(zh="就业登记明细", en="Employment registrations in detail"),
        publisher="human-resources",
        openness=Openness.CONDITIONAL,
        schema="employment@1.0.0",
        themes=("employment",),
        legal_basis=Text(zh="就业促进法", en="Employment Promotion Law"),
        access_conditions=Text(zh="仅限研究", en="Research only"),
    )


def closed() -> Dataset:
    return Dataset(
        name="closed-register",
        title=Text(zh="不予开放的登记", en="A closed register"),
        notes=Text(zh="仅列目录", en="Listed only"),
        publisher="human-resources",
        openness=Openness.CLOSED,
        legal_basis=Text(zh="保守国家秘密法", en="Law on Guarding State Secrets"),
        negative_list_item="state-secrets",
    )


def release_of(dataset: Dataset, digest: str = "a" * 64) -> Release:
    """A release with one distribution per published tier, as CSV and Parquet."""
    return Release(
        id=digest[:16],
        dataset=dataset.name,
        table_schema=dataset.table_schema or "",
        policy=dataset.policy,
        source_digest="b" * 64,
        descriptor_digest=digest,
        distributions=tuple(_distribution(tier, digest) for tier in dataset.published_tiers),
    )


def _distribution(tier: Tier, digest: str) -> Distribution:
    return Distribution(
        tier=tier,
        rows=3,
        fields=(),
        files=(
            StoredFile(format="csv", media_type="text/csv", digest=digest, size=120),
            StoredFile(format="parquet", media_type="application/vnd.apache.parquet", digest="c" * 64, size=340),
        ),
        report=DisclosureReport(tier=tier, outcome=Outcome.PASS),
    )
