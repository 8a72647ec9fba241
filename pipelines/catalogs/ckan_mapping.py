"""From our nouns to the catalogue: Dataset and Release → the package dict CKAN takes.

The dict is in CKAN's own form. Its `organization` and `groups` are whole, so that the publisher can create what is
missing; CKAN itself reads only `owner_org` and the names in `groups`.
"""

from typing import Any

from catalog_config.configuration import Configuration, Organisation, Theme
from pipelines.catalogs.forms import clean_format
from schemas.dataset import Dataset, Openness, Tier
from schemas.errors import ConfigurationError
from schemas.identifiers import package_id, resource_id
from schemas.release import Distribution, Release, StoredFile
from schemas.text import Text

TIER_TITLES = {
    Tier.OPEN: Text(zh="开放数据", en="Open data"),
    Tier.RESTRICTED: Text(zh="受限数据（须申请）", en="Restricted data (on application)"),
    Tier.STATISTICAL: Text(zh="统计数据", en="Statistical data"),
}


def desired_package(
    dataset: Dataset, release: Release | None, configuration: Configuration, site_url: str
) -> dict[str, Any]:
    """The package as it should stand in the catalogue. release None: nothing is published, so it has no resources.

    Raises ConfigurationError for a publisher, licence or theme that is not configured.
    """
    site = site_url.rstrip("/")
    publisher = _configured(configuration.organisations, dataset.publisher, "publisher")
    themes = [_configured(configuration.themes, name, "themes") for name in dataset.themes]
    if dataset.licence not in configuration.licences:
        raise _not_configured(dataset.licence, "licence")
    package: dict[str, Any] = {
        "id": package_id(dataset.name),
        "name": dataset.name,
        "type": "dataset",
        "state": "active",
        "private": False,
        "title": dataset.title.zh,
        "title_translated": dataset.title.model_dump(),
        "notes": dataset.notes.zh,
        "notes_translated": dataset.notes.model_dump(),
        "owner_org": publisher.name,
        "organization": desired_organisation(publisher),
        "groups": [desired_group(theme) for theme in sorted(themes, key=lambda theme: theme.name)],
        "tags": [{"name": name} for name in sorted(set(dataset.tags))],
        "license_id": dataset.licence,
        "maintainer_email": dataset.contact if dataset.contact and "@" in dataset.contact else None,
        "maintainer": dataset.contact if dataset.contact and "@" not in dataset.contact else None,
        "url": f"{site}/datasets/{dataset.name}",
        "version": release.id if release else None,
        "openness": dataset.openness.value,
        "update_frequency": dataset.update_frequency.value,
        "legal_basis": dataset.legal_basis.model_dump(),
        "access_conditions": dataset.access_conditions.model_dump() if dataset.access_conditions else None,
        "negative_list_item": dataset.negative_list_item,
        "policy": None if dataset.openness is Openness.CLOSED else dataset.policy,
        "schema_reference": dataset.table_schema,
        "schema_url": schema_url(site, dataset.table_schema) if dataset.table_schema else None,
        "spatial": dataset.spatial,
        "release": release.id if release else None,
        "resources": _resources(dataset, release, site),
    }
    return package


def desired_organisation(organisation: Organisation) -> dict[str, Any]:
    """An organisation as it should stand in the catalogue."""
    given = {"unified_social_credit_code": organisation.uscc, "email": organisation.email}
    return {
        "name": organisation.name,
        "title": organisation.title.zh,
        "title_translated": organisation.title.model_dump(),
        "description": organisation.description.zh,
        "description_translated": organisation.description.model_dump(),
        "extras": [{"key": key, "value": value} for key, value in sorted(given.items()) if value],
    }


def desired_group(theme: Theme) -> dict[str, Any]:
    """A theme as it should stand in the catalogue: a CKAN group."""
    return {"name": theme.name, "title": theme.title.zh, "title_translated": theme.title.model_dump()}


def schema_url(site_url: str, reference: str) -> str:
    """Address of a published table schema: `/schemas/<name>/<version>.json`."""
    name, _, version = reference.partition("@")
    return f"{site_url.rstrip('/')}/schemas/{name}/{version}.json"


def download_url(site_url: str, release: Release, tier: Tier, format: str) -> str:
    """Address of one file: `/download/<dataset>/<release>/<tier>.<format>`."""
    return f"{site_url.rstrip('/')}/download/{release.dataset}/{release.id}/{tier.value}.{format}"


def _resources(dataset: Dataset, release: Release | None, site: str) -> list[dict[str, Any]]:
    if release is None or dataset.openness is Openness.CLOSED:
        return []
    return [
        _resource(dataset, release, distribution, file, site)
        for distribution in release.distributions
        for file in distribution.files
    ]


def _resource(
    dataset: Dataset, release: Release, distribution: Distribution, file: StoredFile, site: str
) -> dict[str, Any]:
    """hash: SHA-256 of the bytes, hex; size: bytes. A restricted one says where to apply."""
    tier, title = distribution.tier, TIER_TITLES[distribution.tier]
    written = clean_format(file.format)
    name = Text(zh=f"{dataset.title.zh}：{title.zh}（{written}）", en=f"{dataset.title.en}: {title.en} ({written})")
    resource: dict[str, Any] = {
        "id": resource_id(dataset.name, tier, file.format),
        "name": name.zh,
        "name_translated": name.model_dump(),
        "url": download_url(site, release, tier, file.format),
        "format": written,
        "mimetype": file.media_type,
        "hash": file.digest,
        "size": file.size,
        "tier": tier.value,
        "rows": distribution.rows,
        "release": release.id,
        "schema": schema_url(site, release.table_schema),
        "access": "public",
    }
    if tier is Tier.RESTRICTED:
        resource["access"] = "on-application"
        resource["apply_url"] = f"{site}/apply/{dataset.name}"
    return resource


def _configured(known: dict[str, Any], name: str, field: str) -> Any:
    if name not in known:
        raise _not_configured(name, field)
    return known[name]


def _not_configured(name: str, field: str) -> ConfigurationError:
    return ConfigurationError(
        "not-configured",
        Text(zh=f"配置中没有 {name}", en=f"{name} is not configured"),
        Text(
            zh="请在 catalog_config 的机构、许可或主题清单中加上它，或改正数据集声明",
            en="add it to the organisations, licences or themes of catalog_config, or correct the declaration",
        ),
        field=field,
    )
