"""Keep the catalogue as it should be: compare and reconcile every published dataset."""

import sqlalchemy as sa

from governance.database.dataset_tables import publications
from governance.database.engine import reading
from pipelines.catalogs.ckan_mapping import desired_package
from pipelines.catalogs.reconcile import plan_writes, reconcile
from pipelines.current_release import current_release
from pipelines.datasets import list_datasets
from pipelines.platform import Platform


def _desired(platform: Platform) -> list[dict[str, object]]:
    with reading(platform.engine) as connection:
        published = set(connection.execute(sa.select(publications.c.dataset).distinct()).scalars())
        return [
            desired_package(
                dataset, current_release(connection, dataset.name), platform.configuration, platform.settings.site_url
            )
            for dataset in list_datasets(connection)
            if dataset.name in published
        ]


def catalog_differences(platform: Platform) -> list[str]:
    """One line per write that `sync_catalog` would do."""
    return [f"{w.action} {w.subject}" for package in _desired(platform) for w in plan_writes(platform.catalog, package)]


def sync_catalog(platform: Platform) -> list[str]:
    """Reconcile; returns the writes done. Running it again writes nothing."""
    return [f"{w.action} {w.subject}" for package in _desired(platform) for w in reconcile(platform.catalog, package)]
