"""The loader of the configuration reports everything that is wrong at once, with its file."""

import shutil
from pathlib import Path

import pytest

import catalog_config
from catalog_config.configuration import load_configuration
from schemas.errors import ConfigurationError

LISTS = ("organisations.yaml", "licences.yaml", "themes.yaml", "negative_list.yaml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The committed lists, without policies."""
    for name in LISTS:
        shutil.copy(Path(catalog_config.__file__).parent / name, tmp_path / name)
    return tmp_path


def complaint(folder: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(folder)
    assert caught.value.code == "invalid-configuration"
    return caught.value.message.en


def test_no_policy_stops(folder: Path) -> None:
    assert "policies: no disclosure policy" in complaint(folder)


def test_all_errors_are_named_with_their_files(folder: Path) -> None:
    (folder / "themes.yaml").write_text("- {name: transport, title: 交通, colour: red}\n", "utf-8")
    (folder / "licences.yaml").write_text("- [not closed\n", "utf-8")
    (folder / "organisations.yaml").unlink()
    said = complaint(folder)
    assert "themes.yaml: 0.colour" in said
    assert "licences.yaml: " in said
    assert "organisations.yaml: No such file or directory" in said
    assert "negative_list.yaml" not in said


def test_a_list_must_be_a_list(folder: Path) -> None:
    (folder / "negative_list.yaml").write_text("id: state-secrets\n", "utf-8")
    assert "negative_list.yaml: " in complaint(folder)
