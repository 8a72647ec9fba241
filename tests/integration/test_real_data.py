"""Real files from elsewhere go the whole way and come back equal."""

import io
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
import yaml
from starlette.testclient import TestClient

import catalog_config
from anonymize.classify import conflict
from anonymize.detect import detect
from api.app import create_app
from catalog_config.settings import Settings
from governance.database.engine import reading
from pipelines.datasets import apply_dataset
from pipelines.platform import Platform, open_platform
from pipelines.preparation import prepare_source
from pipelines.publish import publish
from pipelines.read import read_source
from pipelines.reviewing import sign_step
from pipelines.schema_tools.infer import infer_schema
from pipelines.sources import accept_source, load_release
from pipelines.validation.validate import ValidatedTable, validate_table
from schemas.actor import Actor, Duty, system_actor
from schemas.dataset import Dataset
from schemas.table_schema import FieldRole, TableSchema, table_schema_from_descriptor
from tests.shared_data import shared

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OPERATOR = system_actor("test")
FRENCH = "validation/fr/"
CHINESE = "validation/cn/"

# (dataset, file, schema: None where the draft that `schema infer` makes is taken)
FILES: tuple[tuple[str, str, str | None], ...] = (
    (
        "stationnement",
        FRENCH + "etalab__schema-stationnement/exemple-valide.csv",
        FRENCH + "etalab__schema-stationnement/schema.json",
    ),
    (
        "passage-a-niveau",
        FRENCH + "etalab__schema-passage-a-niveau/exemple-valide.csv",
        FRENCH + "etalab__schema-passage-a-niveau/schema.json",
    ),
    (
        "vehicules-faibles-emissions",
        FRENCH + "etalab__schema-vehicules-faibles-emissions-renouvellement-parc/exemple-valide.csv",
        FRENCH + "etalab__schema-vehicules-faibles-emissions-renouvellement-parc/schema.json",
    ),
    (
        "irve-statique",  # its telephone numbers are foreign
        FRENCH + "etalab__schema-irve/statique/exemple-valide-statique.csv",
        FRENCH + "etalab__schema-irve/statique/schema-statique.json",
    ),
    (
        "irve-dynamique",
        FRENCH + "etalab__schema-irve/dynamique/exemple-valide-dynamique.csv",
        FRENCH + "etalab__schema-irve/dynamique/schema-dynamique.json",
    ),
    (
        "arretes-circulation",
        FRENCH + "CEREMA__schema-arrete-circulation-marchandises/exemples/carros.csv",
        FRENCH + "CEREMA__schema-arrete-circulation-marchandises/schema.json",
    ),
    (
        "acceslibre-base",
        FRENCH + "MTES-MCT__acceslibre-schema/base/exemple.csv",
        FRENCH + "MTES-MCT__acceslibre-schema/base/schema.json",
    ),
    (
        "comptage-mesures",
        FRENCH + "etalab__schema-comptage-mobilites/measure/exemple-valide.csv",
        FRENCH + "etalab__schema-comptage-mobilites/measure/schema.json",
    ),
    ("divisions-200712", CHINESE + "GB2260/stats/200712.tsv", None),
    ("divisions-201810", CHINESE + "GB2260/stats/201810.tsv", None),
    ("division-streets", CHINESE + "modood-divisions/dist/streets.csv", None),
    ("epidemic-0310", CHINESE + "wuhan-2019-ncov/Data/2020-03-10.csv", None),
    ("epidemic-0619", CHINESE + "wuhan-2019-ncov/Data/2020-06-19.csv", None),
    ("country-codes", CHINESE + "wuhan-2019-ncov/CountryCode.csv", None),
)
VILLAGES = ("villages", CHINESE + "npm-china-division/dist/villages.csv.gz", None)


@pytest.fixture
def platform(tmp_path: Path) -> Any:
    """An installation with schemas of its own and a policy under which registers are published as they are."""
    configuration = tmp_path / "configuration"
    ours = Path(catalog_config.__file__).parent
    shutil.copytree(ours, configuration, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    keep = {role.value: {"control": "keep"} for role in FieldRole}
    policy = {
        "name": "as-is",
        "title": "公开登记 / public registers",
        "description": "原样发布 / published as they are",
        "tiers": {"open": {"by_role": keep, "thresholds": {"source": "test", "suppression_limit": 0}}},
    }
    (configuration / "policies" / "as-is.yaml").write_text(yaml.safe_dump(policy, allow_unicode=True), "utf-8")
    settings = Settings(
        home=tmp_path / "home",
        configuration=configuration,
        schemas=tmp_path / "schemas",
        site_url="http://testserver",
    )
    opened = open_platform(settings)
    yield opened
    opened.engine.dispose()


def publish_schema(platform: Platform, name: str, file: Path, schema_file: Path | None) -> TableSchema:
    """The file's own schema, or the draft; a field that detection finds to identify somebody says so and of what kind.

    These are public registers: what merely singles out a record (a code, a name of a place) is not sensitive.
    """
    source = read_source(file)
    if schema_file is None:
        descriptor = infer_schema(source, name=name).descriptor
    else:
        descriptor = json.loads(schema_file.read_text("utf-8"))
    for field in descriptor["fields"]:
        field.pop("meaning", None)  # the division codes of later years are not in the table of codes
        field["role"] = FieldRole.NON_SENSITIVE.value
    schema = table_schema_from_descriptor(descriptor, name, "1.0.0")
    validated = validate_table(source, schema)
    assert isinstance(validated, ValidatedTable)
    findings = detect(validated.table)
    for field in descriptor["fields"]:
        found = conflict(schema.field(field["name"]), findings.of(field["name"]))
        if found is not None:
            field |= {"role": FieldRole.DIRECT_IDENTIFIER.value, "meaning": found.meaning}
    folder = platform.settings.schemas / name / "1.0.0"
    folder.mkdir(parents=True)
    (folder / "schema.json").write_text(json.dumps(descriptor, ensure_ascii=False), "utf-8")
    return table_schema_from_descriptor(descriptor, name, "1.0.0")


def publish_file(platform: Platform, name: str, file: Path) -> str:
    publisher = next(iter(platform.configuration.organisations))
    dataset = Dataset.model_validate(
        {
            "name": name,
            "title": name,
            "notes": name,
            "publisher": publisher,
            "openness": "open",
            "schema": f"{name}@1.0.0",
            "policy": "as-is",
            "legal_basis": "test",
        }
    )
    steward = Actor(id="li", duties=frozenset({Duty.STEWARD}), organisation=publisher)
    with platform.engine.begin() as connection:
        apply_dataset(connection, dataset, platform.configuration, OPERATOR, NOW)
    with file.open("rb") as content:
        source = accept_source(platform, name, content, file.name, steward, NOW)
    release = prepare_source(platform, source, OPERATOR)
    for step, duty in (
        ("agency", Duty.AGENCY_REVIEWER),
        ("compliance", Duty.COMPLIANCE_REVIEWER),
        ("secrecy", Duty.SECRECY_REVIEWER),
    ):
        reviewer = Actor(id=step, duties=frozenset({duty}), organisation=publisher)
        with reading(platform.engine) as connection:
            digest = load_release(connection, release.id).descriptor_digest
        sign_step(platform, release.id, step, "approve", "", digest, reviewer, NOW)
    publish(platform, name, steward, NOW)
    return release.id


def in_order(table: pa.Table) -> pl.DataFrame:
    """The table's rows as text, sorted: row order is no content."""
    frame = pl.from_arrow(table.cast(pa.schema([pa.field(n, pa.string()) for n in table.column_names])))
    assert isinstance(frame, pl.DataFrame)
    return frame.sort(frame.columns)


def comes_back_equal(platform: Platform, tmp_path: Path, name: str, relative: str, schema: str | None) -> None:
    file = shared(relative)
    published_schema = publish_schema(platform, name, file, shared(schema) if schema else None)
    release = publish_file(platform, name, file)
    client = TestClient(create_app(platform))
    answer = client.get(f"/download/{name}/{release}/open.csv")
    assert answer.status_code == 200
    fetched = tmp_path / "fetched.csv"
    fetched.write_bytes(answer.content)
    before = validate_table(read_source(file), published_schema)
    after = validate_table(read_source(fetched), published_schema)
    assert isinstance(before, ValidatedTable)
    assert isinstance(after, ValidatedTable)
    expected = in_order(before.table)
    assert in_order(after.table).equals(expected)
    parquet = pl.read_parquet(io.BytesIO(client.get(f"/download/{name}/{release}/open.parquet").content))
    assert in_order(parquet.to_arrow()).equals(expected)
    [package] = client.get("/api/3/action/package_search").json()["result"]["results"]
    assert package["name"] == name


@pytest.mark.parametrize(("name", "relative", "schema"), FILES, ids=[f[0] for f in FILES])
def test_a_real_file_comes_back_equal(
    platform: Platform, tmp_path: Path, name: str, relative: str, schema: str | None
) -> None:
    comes_back_equal(platform, tmp_path, name, relative, schema)


@pytest.mark.slow
def test_620_thousand_villages_come_back_equal(platform: Platform, tmp_path: Path) -> None:
    comes_back_equal(platform, tmp_path, *VILLAGES)
