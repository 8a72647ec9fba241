"""Boundaries of districts: all that is wrong is named at once, with file and place."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import shapely

import catalog_config
from catalog_config.configuration import load_configuration
from schemas.district import DistrictLevel
from schemas.errors import ConfigurationError
from tests.factories.boundaries import areas, feature, load, square, write_folder

BOW_TIE = shapely.Polygon([(104, 36), (105, 37), (105, 36), (104, 37)])
COMMITTED = Path(catalog_config.__file__).parent


def test_a_folder_is_read(tmp_path: Path) -> None:
    found, errors = load(write_folder(tmp_path))
    assert errors == []
    assert found is not None
    assert [d.code for d in found.districts] == sorted(areas())
    assert {d.code: d.level for d in found.districts}["620200"] is DistrictLevel.CITY
    assert found.sources[0].zh == "invented for tests"


def test_codes_may_be_numbers_and_properties_have_other_names(tmp_path: Path) -> None:
    one = feature(0, square(0, 0), adcode=620102, 名称="甲区", 级别="county")
    listed = {"code": "adcode", "name": "名称", "level": "级别", "datum": "gcj02"}
    found, errors = load(write_folder(tmp_path, [one], listed))
    assert errors == []
    assert found is not None
    assert [(d.code, d.name, d.datum) for d in found.districts] == [("620102", "甲区", "gcj02")]


@pytest.mark.parametrize(
    ("given", "code"), [("620102001", "620102001"), ("620102001000", "620102001"), ("620102000000", "620102")]
)
def test_codes_of_townships(tmp_path: Path, given: str, code: str) -> None:
    found, errors = load(write_folder(tmp_path, [feature(given, square(0, 0))]))
    assert errors == []
    assert found is not None
    assert found.districts[0].code == code


@pytest.mark.parametrize(
    ("one", "complaint"),
    [
        (feature("620102", BOW_TIE), "features.0.geometry: invalid polygon: Self-intersection"),
        (feature("620102", shapely.Point(104, 36)), "features.0.geometry: not a Polygon"),
        (feature("620102", shapely.Polygon()), "features.0.geometry: not a Polygon"),
        (feature("620102", shapely.box(500_000, 4_000_000, 500_100, 4_000_100)), "geometry: coordinates are not long"),
        (feature(None, square(0, 0)), "features.0.properties.code: no code"),
        (feature("6201", square(0, 0)), "features.0.properties.code: not a division code"),
        (feature("62010A", square(0, 0)), "features.0.properties.code: not a division code"),
        (feature("620102001001", square(0, 0)), "features.0.properties.code: not a division code"),
        (feature(True, square(0, 0)), "features.0.properties.code: not a division code"),
        (feature("620199", square(0, 0)), "features.0.properties.code: 620199 is not in the table"),
        (feature("620102", square(0, 0), name=" "), "features.0.properties.name: no name"),
        ({"type": "Feature", "properties": None, "geometry": None}, "features.0.properties.code: no code"),
        ("not a feature", "features.0.geometry: not a Polygon"),
    ],
)
def test_a_wrong_feature_is_named(tmp_path: Path, one: Any, complaint: str) -> None:
    found, errors = load(write_folder(tmp_path, [one]))
    assert found is None
    assert any("areas.geojson: " in error and complaint in error for error in errors), errors


def test_a_level_that_the_code_contradicts(tmp_path: Path) -> None:
    one = feature("620102", square(0, 0), level="city")
    found, errors = load(write_folder(tmp_path, [one], {"level": "level"}))
    assert found is None
    assert len(errors) == 1
    assert "features.0.properties.level: not county, which is the level of code 620102" in errors[0]


def test_a_code_twice_names_both_places(tmp_path: Path) -> None:
    _, errors = load(write_folder(tmp_path, [feature("620102", square(0, 0)), feature(620102, square(1, 0))]))
    assert len(errors) == 1
    assert "features.1: code 620102 is also that of" in errors[0]
    assert errors[0].endswith("features.0")


@pytest.mark.parametrize(
    ("listed", "complaint"),
    [
        ({"datum": None}, "boundaries.yaml: 0.datum"),
        ({"datum": "mars"}, "boundaries.yaml: 0.datum"),
        ({"colour": "red"}, "boundaries.yaml: 0.colour"),
        ({"file": "elsewhere.geojson"}, "elsewhere.geojson: No such file"),
    ],
)
def test_a_wrong_list(tmp_path: Path, listed: dict[str, Any], complaint: str) -> None:
    found, errors = load(write_folder(tmp_path, listed=listed))
    assert found is None
    assert any(complaint in error for error in errors), errors


def test_a_datum_that_is_absent(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "boundaries.yaml").write_text("- {file: areas.geojson, source: invented}\n", "utf-8")
    assert load(tmp_path) == (None, [f"{tmp_path / 'boundaries.yaml'}: 0.datum: Field required"])


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"type": "FeatureCollection", "features": []}', b"\xff"])
def test_a_file_that_is_no_collection(tmp_path: Path, content: bytes) -> None:
    write_folder(tmp_path)
    (tmp_path / "areas.geojson").write_bytes(content)
    found, errors = load(tmp_path)
    assert found is None
    assert len(errors) == 1
    assert "areas.geojson: " in errors[0]


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """The committed configuration with a policy that moves coordinates to districts."""
    folder = tmp_path / "configuration"
    shutil.copytree(COMMITTED, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__", "ckan", "divisions"))
    text = (folder / "policies" / "standard.yaml").read_text("utf-8").replace("name: standard", "name: by-district")
    spec = "{control: coarsen, parameters: {district: county}}"
    text = text.replace("    by_meaning:\n", f"    by_meaning:\n      longitude: {spec}\n      latitude: {spec}\n", 1)
    (folder / "policies" / "by-district.yaml").write_text(text, "utf-8")
    return folder


def test_districts_without_boundaries_stop_the_start(configuration: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(configuration)
    assert "by-district: open: coarsen to district county needs boundaries" in caught.value.message.en
    assert "GONGKAI_BOUNDARIES" in caught.value.message.en


def test_boundaries_of_a_coarser_level_do_not_do(configuration: Path, tmp_path: Path) -> None:
    cities = write_folder(tmp_path / "cities", [feature("620100", square(0, 0))])
    with pytest.raises(ConfigurationError):
        load_configuration(configuration, boundaries=cities)


def test_boundaries_of_the_configuration_or_of_the_setting(configuration: Path, tmp_path: Path) -> None:
    elsewhere = write_folder(tmp_path / "elsewhere", [feature("620102", square(0, 0))])
    found = load_configuration(configuration, boundaries=elsewhere).boundaries
    assert found is not None
    assert len(found.districts) == 1
    write_folder(configuration / "boundaries")
    found = load_configuration(configuration).boundaries
    assert found is not None
    assert len(found.districts) == len(areas())


def test_wrong_boundaries_are_told_with_everything_else(configuration: Path) -> None:
    write_folder(configuration / "boundaries", [feature("620102", BOW_TIE), feature("999999", square(0, 0))])
    (configuration / "themes.yaml").write_text("- [not closed\n", "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(configuration)
    said = caught.value.message.en
    assert "features.0.geometry" in said
    assert "features.1.properties.code" in said
    assert "themes.yaml" in said


def test_no_boundaries_are_bundled() -> None:
    assert load_configuration(COMMITTED).boundaries is None
