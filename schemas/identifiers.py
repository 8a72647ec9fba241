"""Stable identifiers of catalogue entries: the same dataset, tier and format always have the same one."""

from uuid import UUID, uuid5

from schemas.dataset import Tier

# Fixed for ever: changing it would change the address of every package and resource.
NAMESPACE = UUID("6f0b7c62-5f0e-5d0c-9d3b-0c8a3f5f7a10")


def package_id(dataset: str) -> str:
    """CKAN package id of a dataset: UUIDv5 of its name (RFC 9562, section 5.5)."""
    return str(uuid5(NAMESPACE, dataset))


def resource_id(dataset: str, tier: Tier, format: str) -> str:
    """CKAN resource id of one format of one distribution; `datastore_search` answers to it."""
    return str(uuid5(NAMESPACE, f"{dataset}/{tier.value}/{format}"))
