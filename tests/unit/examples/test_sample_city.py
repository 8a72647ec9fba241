"""The sample city: what it declares exists, what it delivers has the declared form, what it invents is well formed."""

import csv
import filecmp
import json
import re
from pathlib import Path

import frictionless
import pyarrow.parquet as pq
import pytest
import yaml
from pydantic import TypeAdapter
from python_calamine import CalamineWorkbook
from stdnum.cn import ric
from stdnum.cn import uscc as uscc_oracle

import catalog_config
from catalog_config.configuration import Licence, NegativeListItem, Organisation, Theme, load_configuration
from examples.generate import SOURCES, generate
from examples.people import make_person
from schemas.actor import Duty
from schemas.dataset import Dataset, Name, Openness, Tier
from schemas.registry import load_published
from schemas.text import Text

CITY = SOURCES.parent
CONFIGURATION = Path(catalog_config.__file__).parent
DECLARATIONS = sorted((CITY / "datasets").glob("*.yaml"))
WITH_ERRORS = "administrative-penalties-with-errors.csv"
ENCODINGS = {
    "administrative-penalties-with-errors.csv": "gb18030",
    "administrative-penalties.csv": "gb18030",
    "bus-stops.csv": "utf-8-sig",
    "employment-registrations.csv": "utf-8-sig",
    "enterprise-register.csv": "gb18030",
    "hotline-tickets.csv": "utf-8",
}
MAGIC = {".xlsx": b"PK\x03\x04", ".parquet": b"PAR1", ".json": b"[\n"}
RESIDENT_ID = re.compile(r"(?<![0-9A-Z])\d{17}[\dX](?![0-9A-Z])")
USCC = re.compile(r"(?<![0-9A-Z])9[123]\d{6}[0-9A-Z]{10}(?![0-9A-Z])")
MOBILE = re.compile(r"(?<![0-9A-Z])1[3-9]\d{9}(?![0-9A-Z])")


def declared(path: Path) -> Dataset:
    return Dataset.model_validate(yaml.safe_load(path.read_text("utf-8")))


def keys(file: str, model: type, key: str) -> set[str]:
    entries = TypeAdapter(list[model]).validate_python(yaml.safe_load((CONFIGURATION / file).read_text("utf-8")))  # type: ignore[valid-type]
    return {getattr(entry, key) for entry in entries}


def rows_of(name: str) -> list[dict[str, str]]:
    with (SOURCES / name).open(encoding=ENCODINGS[name], newline="") as file:
        return list(csv.DictReader(file))


def row_count(path: Path) -> int:
    if path.suffix == ".csv":
        return len(rows_of(path.name))
    if path.suffix == ".parquet":
        return int(pq.read_metadata(path).num_rows)
    if path.suffix == ".json":
        return len(json.loads(path.read_text("utf-8")))
    return CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).height - 1


def text_of(path: Path) -> str:
    """All cells of a source file as text."""
    if path.suffix == ".csv":
        return path.read_text(ENCODINGS[path.name])
    if path.suffix == ".parquet":
        return "\n".join(",".join(map(str, row.values())) for row in pq.read_table(path).to_pylist())
    if path.suffix == ".xlsx":
        return ""  # prices: no identifiers; read by the validation below
    return path.read_text("utf-8")


@pytest.fixture(params=DECLARATIONS, ids=lambda path: path.stem)
def dataset(request: pytest.FixtureRequest) -> Dataset:
    return declared(request.param)


def test_generator_writes_the_committed_bytes(tmp_path: Path) -> None:
    written = {path.name for path in generate(tmp_path)}
    committed = {path.name for path in SOURCES.iterdir()}
    assert written == committed
    _, differing, unreadable = filecmp.cmpfiles(tmp_path, SOURCES, sorted(written), shallow=False)
    assert (differing, unreadable) == ([], [])


def test_the_city_is_small_enough_to_commit() -> None:
    assert sum(path.stat().st_size for path in CITY.rglob("*") if path.is_file()) < 2_000_000


def test_declarations_are_named_after_their_dataset() -> None:
    assert [declared(path).name for path in DECLARATIONS] == [path.stem for path in DECLARATIONS]


def test_the_city_covers_every_openness_tier_and_format() -> None:
    datasets = [declared(path) for path in DECLARATIONS]
    assert {d.openness for d in datasets} == set(Openness)
    assert {tier for d in datasets for tier in d.published_tiers} == set(Tier)
    assert len({d.publisher for d in datasets}) >= 5
    assert {Path(d.source).suffix for d in datasets if d.source} == {".csv", ".json", ".parquet", ".xlsx"}


def test_references_resolve(dataset: Dataset) -> None:
    assert dataset.publisher in keys("organisations.yaml", Organisation, "name")
    assert dataset.licence in keys("licences.yaml", Licence, "id")
    assert set(dataset.themes) <= keys("themes.yaml", Theme, "name")
    assert dataset.themes
    if dataset.negative_list_item:
        assert dataset.negative_list_item in keys("negative_list.yaml", NegativeListItem, "id")


def test_policy_exists_and_covers_the_tiers(dataset: Dataset) -> None:
    policy = load_configuration(CONFIGURATION).policies[dataset.policy]
    assert set(dataset.published_tiers) <= set(policy.tiers)


def test_schema_and_statistics_fit(dataset: Dataset) -> None:
    if dataset.table_schema is None:
        assert dataset.openness is Openness.CLOSED
        return
    schema = load_published(dataset.table_schema)
    if dataset.statistics:
        assert {*dataset.statistics.by, *dataset.statistics.measured} <= {field.name for field in schema.fields}


def test_legal_basis_names_laws_in_both_languages(dataset: Dataset) -> None:
    assert re.search(r"《.+?》", dataset.legal_basis.zh)
    assert re.search(r"Law|Regulations", dataset.legal_basis.en)


def test_source_is_valid_under_its_schema(dataset: Dataset) -> None:
    """With the real frictionless; Parquet by its columns alone, as frictionless refuses null integers there."""
    if dataset.source is None:
        return
    path = (CITY / "datasets" / dataset.source).resolve()
    schema = load_published(dataset.table_schema or "")
    names = [field.name for field in schema.fields]
    if path.suffix == ".parquet":
        assert pq.read_schema(path).names == names
        return
    encoding = ENCODINGS.get(path.name, "utf-8")
    report = frictionless.validate(
        path.name,
        basepath=str(path.parent),
        encoding=encoding,
        schema=frictionless.Schema.from_descriptor(schema.descriptor),
    )
    assert report.flatten(["rowNumber", "fieldName", "type"]) == []


@pytest.mark.parametrize("path", sorted(SOURCES.iterdir()), ids=lambda path: path.name)
def test_sources_have_hundreds_of_rows(path: Path) -> None:
    fewest = 100 if path.name == WITH_ERRORS else 200
    assert fewest <= row_count(path) <= 3000


def test_errors_made_on_purpose_are_found() -> None:
    schema = frictionless.Schema.from_descriptor(load_published("administrative-penalties@1.0.0").descriptor)
    report = frictionless.validate(WITH_ERRORS, basepath=str(SOURCES), encoding="gb18030", schema=schema)
    assert sorted(report.flatten(["type", "fieldName"]), key=str) == [
        ["constraint-error", "处罚机关"],
        ["constraint-error", "处罚种类"],
        ["primary-key", None],
        ["type-error", "决定日期"],
        ["type-error", "决定日期"],
        ["type-error", "罚款金额（元）"],
    ]


def test_checksums_broken_on_purpose_are_two() -> None:
    rows = rows_of(WITH_ERRORS)
    broken_ids = [r for r in rows if r["当事人身份证号"] and not ric.is_valid(r["当事人身份证号"])]
    broken_codes = [r for r in rows if r["统一社会信用代码"] and not uscc_oracle.is_valid(r["统一社会信用代码"])]
    assert (len(broken_ids), len(broken_codes)) == (1, 1)


@pytest.mark.parametrize("file", sorted(ENCODINGS))
def test_text_files_have_the_encoding_they_should(file: str) -> None:
    raw = (SOURCES / file).read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf") == (ENCODINGS[file] == "utf-8-sig")
    raw.decode(ENCODINGS[file])
    if ENCODINGS[file] == "gb18030":
        with pytest.raises(UnicodeDecodeError):
            raw.decode("utf-8")


def test_other_files_are_what_their_suffix_says() -> None:
    others = [path for path in SOURCES.iterdir() if path.name not in ENCODINGS]
    assert {path.suffix for path in others} == set(MAGIC)
    for path in others:
        assert path.read_bytes().startswith(MAGIC[path.suffix]), path.name


def test_invented_numbers_hold_their_checksums_and_lie_in_unused_ranges() -> None:
    text = "\n".join(text_of(path) for path in SOURCES.iterdir() if path.name != WITH_ERRORS)
    ids, codes, mobiles = (set(pattern.findall(text)) for pattern in (RESIDENT_ID, USCC, MOBILE))
    assert len(ids) > 2400
    assert len(codes) == 800
    assert len(mobiles) > 2000
    assert [n for n in ids if not ric.is_valid(n)] == []
    assert [c for c in codes if not uscc_oracle.is_valid(c)] == []
    assert all(900 <= int(n[14:17]) <= 999 for n in ids)
    assert {c[2:8] for c in codes} == {"629901"}
    assert {m[:3] for m in mobiles} <= {"134", "145", "147"}


def test_identifiers_agree_with_birth_date_gender_and_division() -> None:
    for row in rows_of("employment-registrations.csv"):
        number = row["身份证号"]
        assert number[6:14] == row["出生日期"].replace("-", "")
        assert (int(number[16]) % 2 == 0) == (row["性别"] == "女")
        assert number[:6] == row["户籍地区划代码"]


def test_people_are_never_given_the_same_number_twice() -> None:
    from random import Random

    taken: set[str] = set()
    people = [make_person(Random(1), taken) for _ in range(50)]  # the same draws over and over
    assert len({person.resident_id for person in people}) == 50


def test_people_of_the_demonstration_fill_every_duty_and_agency() -> None:
    people = yaml.safe_load((CITY / "people.yaml").read_text("utf-8"))
    assert len({p["account"] for p in people}) == len(people)
    for person in people:
        assert set(person) <= {"account", "name", "duties", "organisation", "email"}  # above all no password
        TypeAdapter(Name).validate_python(person["account"])
        assert Text.model_validate(person["name"]).zh != Text.model_validate(person["name"]).en
    duties = {Duty(duty) for person in people for duty in person["duties"]}
    assert duties == set(Duty)
    for publisher in {declared(path).publisher for path in DECLARATIONS}:
        held = {duty for p in people if p.get("organisation") == publisher for duty in p["duties"]}
        assert held == {"steward", "agency-reviewer"}
