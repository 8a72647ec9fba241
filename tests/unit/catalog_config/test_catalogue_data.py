"""The committed organisations, licences, themes and negative list: complete, bilingual, free of duplicates."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

import catalog_config
from catalog_config.configuration import Licence, NegativeListItem, Organisation, Theme

FOLDER = Path(catalog_config.__file__).parent
LISTS: dict[str, tuple[type, str]] = {
    "organisations.yaml": (Organisation, "name"),
    "licences.yaml": (Licence, "id"),
    "themes.yaml": (Theme, "name"),
    "negative_list.yaml": (NegativeListItem, "id"),
}
HAN = re.compile(r"[\u4e00-\u9fff]")


def entries(file: str) -> list[Any]:
    model, _ = LISTS[file]
    return TypeAdapter(list[model]).validate_python(yaml.safe_load((FOLDER / file).read_text("utf-8")))  # type: ignore[valid-type]


@pytest.mark.parametrize("file", LISTS)
def test_keys_occur_once(file: str) -> None:
    keys = [getattr(entry, LISTS[file][1]) for entry in entries(file)]
    assert len(keys) >= 6
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("file", LISTS)
def test_titles_are_chinese_and_english(file: str) -> None:
    for entry in entries(file):
        assert HAN.search(entry.title.zh), entry
        assert not HAN.search(entry.title.en), entry


def test_default_licence_is_listed_and_open() -> None:
    assert next(x for x in entries("licences.yaml") if x.id == "cc-by-4.0").is_open


def test_every_negative_list_item_names_a_law() -> None:
    for item in entries("negative_list.yaml"):
        assert re.search(r"《.+》", item.legal_basis.zh), item.id
        assert not HAN.search(item.legal_basis.en), item.id
