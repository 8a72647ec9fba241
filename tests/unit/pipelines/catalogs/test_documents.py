"""The pages and the CKAN schema that must keep up with the code."""

import inspect
from pathlib import Path
from typing import Any

import yaml

from catalog_config.settings import __file__ as settings_file
from pipelines.catalogs.ckan_mapping import desired_package
from pipelines.catalogs.embedded import ACTIONS
from schemas.dataset import Openness, UpdateFrequency
from tests.catalog_factory import CONFIGURATION, SITE, bus_stops, employment, release_of

ROOT = Path(settings_file).parents[1]
# CKAN's own, beside what the schema lists: CKAN fills or takes them itself.
CORE_PACKAGE_FIELDS = {
    "id",
    "type",
    "state",
    "private",
    "title",
    "notes",
    "organization",
    "groups",
    "tags",
    "resources",
}


def test_every_action_is_documented_as_the_code_says() -> None:
    page = (ROOT / "docs/reference/action-api.md").read_text("utf-8")
    sections = dict(part.split("\n\n", 1) for part in page.split("\n### ")[1:])
    assert sections.keys() == ACTIONS.keys()
    for name, action in ACTIONS.items():
        assert sections[name].partition("\n\n## ")[0].strip() == inspect.getdoc(action)


def test_the_ckan_schema_has_every_field_that_is_published() -> None:
    schema = yaml.safe_load(
        (ROOT / "catalog_config/ckan/ckanext-gongkai/ckanext/gongkai/gongkai_dataset.yaml").read_text("utf-8")
    )
    dataset_fields = {field["field_name"]: field for field in schema["dataset_fields"]}
    resource_fields = {field["field_name"] for field in schema["resource_fields"]}
    for dataset in (bus_stops(), employment()):
        package: dict[str, Any] = desired_package(dataset, release_of(dataset), CONFIGURATION, SITE)
        assert package.keys() - CORE_PACKAGE_FIELDS <= dataset_fields.keys()
        for resource in package["resources"]:
            assert resource.keys() - {"id"} <= resource_fields
    for name, choices in (("openness", Openness), ("update_frequency", UpdateFrequency)):
        assert {choice["value"] for choice in dataset_fields[name]["choices"]} == set(choices)
