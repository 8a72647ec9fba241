"""Coordinates become districts: planned from a policy, treated, made k-anonymous and assessed."""

import numpy as np
import pyarrow as pa
import pytest
import shapely

from anonymize.apply import apply_controls
from anonymize.assess import assess_disclosure
from anonymize.located import Located, add_districts, locate_districts
from anonymize.plan import plan_controls
from anonymize.rerelease import suppress_differences
from anonymize.treated import TreatedTable
from schemas.dataset import Tier
from schemas.disclosure import Control, ControlSpec, Outcome, Recoding, TierPolicy
from schemas.district import Boundaries
from schemas.errors import ConfigurationError, Refused
from schemas.table_schema import FieldRole, Meaning, TableSchema, table_schema_from_descriptor
from tests.factories.boundaries import SOUTH, SQUARES, WEST, areas, boundaries
from tests.factories.disclosure import KEY, policy, published, tier_policy

ROWS = 600
COORDINATES = (Meaning.LONGITUDE, Meaning.LATITUDE)


def schema(role: FieldRole = FieldRole.QUASI_IDENTIFIER, datum: str | None = None) -> TableSchema:
    declared = {"datum": datum} if datum else {}
    fields = [
        {"name": "经度", "type": "number", "role": role, "meaning": "longitude", **declared},
        {"name": "纬度", "type": "number", "role": role, "meaning": "latitude", **declared},
        {"name": "年龄", "type": "integer", "role": "quasi-identifier", "meaning": "age"},
        {"name": "事项", "type": "string", "role": "non-sensitive"},
    ]
    if role is not FieldRole.QUASI_IDENTIFIER:
        fields = [f for f in fields if f["name"] != "年龄"]
    return table_schema_from_descriptor({"fields": fields}, "calls", "1.0.0")


def calls(described: TableSchema, seed: int = 0, several_ages: bool = True) -> pa.Table:
    """Calls from the squares of the invented city, few of them from the last one; one has no latitude."""
    random = np.random.default_rng(seed)
    squares = list(SQUARES.values())
    chosen = random.choice(len(squares), ROWS, p=[0.3, 0.2, 0.2, 0.15, 0.147, 0.003])
    chosen[0] = len(squares) - 1
    x, y = (np.array([s[n] for s in squares])[chosen] + random.uniform(0.05, 0.35, ROWS) for n in (0, 1))
    latitudes = pa.array(SOUTH + 0.1 * y, mask=np.arange(ROWS) == 1)
    columns = {
        "经度": pa.array(WEST + 0.1 * x),
        "纬度": latitudes,
        "年龄": pa.array(random.choice([25, 45], ROWS) if several_ages else np.full(ROWS, 30)),
        "事项": pa.array(random.choice(["噪声", "停车"], ROWS).tolist()),
    }
    return pa.table({f.name: columns[f.name] for f in described.fields})


def by_district(recoding: Recoding = Recoding.FULL_DOMAIN, k: int | None = 5, **parameters: object) -> TierPolicy:
    spec = ControlSpec(control=Control.COARSEN, parameters={"district": "county", **parameters})
    return tier_policy(by_meaning=dict.fromkeys(COORDINATES, spec), recoding=recoding, k=k)


def treat(
    described: TableSchema, table: pa.Table, tier: TierPolicy, cut: Boundaries | None = None
) -> tuple[Located, TreatedTable]:
    roles = {f.name: f.role for f in described.fields if f.role is not None}
    controls = plan_controls(described, roles, policy(tier), [Tier.OPEN])[Tier.OPEN]
    located = locate_districts(table, controls, cut or boundaries())
    treated = apply_controls(located.table, located.controls, tier, KEY)
    return located, add_districts(treated, located)


def report_of(located: Located, treated: TreatedTable, tier: TierPolicy):  # type: ignore[no-untyped-def]
    before = (located.source, located.planned)
    return assess_disclosure(located.table, treated, located.controls, tier, Tier.OPEN, before)


@pytest.mark.parametrize("recoding", list(Recoding))
def test_districts_are_quasi_identifiers_with_the_hierarchy_of_divisions(recoding: Recoding) -> None:
    described, tier = schema(), by_district(recoding).model_copy()
    if recoding is Recoding.SUPPRESS:
        tier = by_district(recoding, k=2)
    located, treated = treat(described, calls(described), tier)
    assert treated.quasi_identifiers == ("district_code", "年龄")
    assert treated.table.column_names == ["district_code", "年龄", "事项"]
    report = report_of(located, treated, tier)
    assert report.outcome is not Outcome.FAIL, report.reasons
    assert report.after is not None
    assert report.before is not None
    assert report.after.k is not None
    assert report.after.k >= (tier.thresholds.k or 0)
    assert report.before.k == 1  # as measured on the points themselves
    assert report.before.sample_uniqueness is not None
    assert report.before.sample_uniqueness > 0.9


def test_k_may_take_the_districts_to_the_city() -> None:
    described = schema()
    tier = by_district(k=85, least=1)
    _, treated = treat(described, calls(described, several_ages=False), tier)
    assert treated.levels["district_code"] == 0
    tier = by_district(k=100, least=1)
    _, treated = treat(described, calls(described, several_ages=False), tier)
    assert {c for c in treated.table["district_code"].to_pylist() if c} == {"620100", "620300"}


def test_few_records_are_with_their_parent_and_the_effects_say_so() -> None:
    described = schema(FieldRole.NON_SENSITIVE)
    located, treated = treat(described, calls(described), by_district(least=10))
    found = located.table["district_code"].to_pylist()
    assert found[1] is None
    assert "620321" not in found  # the few went along with the other county of the same city
    assert min(found.count(code) for code in set(found) - {None}) >= 10
    by_field = {e.field: e for e in treated.effects}
    assert set(by_field) == {"经度", "纬度", "district_code", "事项"}
    assert "1 records lie in no district" in by_field["经度"].why.en
    assert "district_code" in by_field["纬度"].why.zh
    assert 0 < by_field["经度"].loss < 1


def test_the_order_of_rows_tells_nothing() -> None:
    described, tier = schema(FieldRole.NON_SENSITIVE), by_district()
    table = calls(described)
    shuffled = table.take(pa.array(np.random.default_rng(9).permutation(ROWS)))
    assert treat(described, table, tier)[1].table.equals(treat(described, shuffled, tier)[1].table)


@pytest.mark.parametrize(("k", "code", "centre"), [(85, "620102", (104.05, 36.05)), (100, "620100", (104.1, 36.1))])
def test_centroids_follow_the_codes_as_published(k: int, code: str, centre: tuple[float, float]) -> None:
    described, tier = schema(), by_district(k=k, least=1, centroid=True)
    _, treated = treat(described, calls(described, several_ages=False), tier)
    rows = treated.table.select(["district_code", "经度", "纬度"]).to_pylist()
    centre_of = {row["district_code"]: (row["经度"], row["纬度"]) for row in rows}
    assert all(centre_of[row["district_code"]] == (row["经度"], row["纬度"]) for row in rows)
    assert {"经度", "纬度"} <= {f.name for f in treated.fields}
    assert [f.name for f in treated.fields] == treated.table.column_names
    assert centre_of[code] == pytest.approx(centre, abs=1e-3)
    assert all(found == (None, None) for code, found in centre_of.items() if code is None)


def test_roles_of_the_column() -> None:
    for role, becomes in (
        (FieldRole.DIRECT_IDENTIFIER, FieldRole.QUASI_IDENTIFIER),
        (FieldRole.SENSITIVE, FieldRole.SENSITIVE),
        (FieldRole.NON_SENSITIVE, FieldRole.NON_SENSITIVE),
    ):
        described = schema(role)
        roles = {f.name: f.role for f in described.fields if f.role is not None}
        controls = plan_controls(described, roles, policy(by_district()), [Tier.OPEN])[Tier.OPEN]
        located = locate_districts(calls(described), controls, boundaries())
        assert located.controls[0].role is becomes


def test_the_datum_that_the_schema_declares_goes_first() -> None:
    described = schema(datum="GCJ-02")
    roles = {f.name: f.role for f in described.fields if f.role is not None}
    controls = plan_controls(described, roles, policy(by_district(datum="wgs84")), [Tier.OPEN])[Tier.OPEN]
    assert controls[0].parameters == {"district": "county", "datum": "gcj02", "least": 5}


def test_the_same_file_is_another_table_where_boundaries_were_edited() -> None:
    """The codes are the same; the border between the first two squares is not."""
    described, tier = schema(), by_district()
    moved = areas()
    east = shapely.box(WEST + 0.02, SOUTH, WEST + 0.1, SOUTH + 0.1)
    moved["620102"] = shapely.difference(moved["620102"], east)
    moved["620103"] = shapely.union(moved["620103"], east)
    (_, old), (again, new), (located, other) = (
        treat(described, calls(described), tier, cut) for cut in (boundaries(), boundaries(), boundaries(moved))
    )
    assert set(old.table["district_code"].to_pylist()) == set(other.table["district_code"].to_pylist())
    earlier = published(old, tier, same_source=True)
    assert suppress_differences(new, again.table, [earlier], again.controls, tier) is new
    for beside in (earlier, published(old, tier, same_source=True, ladders=None)):
        compared = suppress_differences(other, located.table, [beside], located.controls, tier)
        assert any(r.en.startswith("district_code was treated") for r in compared.remarks)
    unrecorded = published(
        old, tier, same_source=True, treatments={**old.treatments, "district_code": "coarsen:varies"}
    )
    assert suppress_differences(new, again.table, [unrecorded], again.controls, tier) is not new


def test_without_boundaries_nothing_is_treated() -> None:
    described, tier = schema(), by_district()
    roles = {f.name: f.role for f in described.fields if f.role is not None}
    controls = plan_controls(described, roles, policy(tier), [Tier.OPEN])[Tier.OPEN]
    for attempt in (
        lambda: locate_districts(calls(described), controls),
        lambda: apply_controls(calls(described), controls, tier, KEY),
    ):
        with pytest.raises(ConfigurationError) as caught:
            attempt()
        assert caught.value.code == "no-boundaries"


def test_tables_without_coordinates_come_back_as_they_are() -> None:
    table = pa.table({"事项": ["噪声"]})
    located = locate_districts(table, ())
    assert located.table is table
    assert located.controls == ()


def test_a_pair_whose_halves_go_elsewhere_is_refused() -> None:
    described = schema()
    tier = by_district()
    grid = ControlSpec(control=Control.COARSEN, parameters={"metres": 1000})
    mixed = tier.model_copy(update={"by_meaning": {**tier.by_meaning, Meaning.LATITUDE: grid}})
    with pytest.raises(Refused) as caught:
        treat(described, calls(described), mixed)
    assert caught.value.code == "untreatable-field"


def test_texts_that_are_no_numbers_are_refused_without_a_cell() -> None:
    described = schema(FieldRole.NON_SENSITIVE)
    table = pa.table({"经度": ["somewhere secret"], "纬度": ["36.05"], "事项": ["噪声"]})
    with pytest.raises(Refused) as caught:
        treat(described, table, by_district())
    assert caught.value.code == "untreatable-field"
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_column_that_is_taken_is_refused_and_a_second_pair_is_numbered() -> None:
    described = schema(FieldRole.NON_SENSITIVE)
    with pytest.raises(Refused) as caught:
        treat(described, calls(described), by_district(column="事项"))
    assert caught.value.code == "district-column-taken"
    fields = [
        {"name": name, "type": "number", "role": "non-sensitive", "meaning": meaning}
        for name, meaning in (("起x", "longitude"), ("起y", "latitude"), ("止x", "longitude"), ("止y", "latitude"))
    ]
    trips = table_schema_from_descriptor({"fields": fields}, "trips", "1.0.0")
    table = pa.table({"起x": [104.05] * 9, "起y": [36.05] * 9, "止x": [104.25] * 9, "止y": [36.05] * 9})
    located, _ = treat(trips, table, by_district(column="区划"))
    assert located.table.to_pylist()[0] == {"区划": "620102", "区划_2": "620302"}


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"metres": 100, "district": "county"},
        {"metres": 100, "least": 5},
        {"district": "village"},
        {"district": "county", "least": 0},
        {"district": "county", "centroid": "yes"},
        {"district": "county", "column": " "},
        {"district": "county", "located": "county"},
    ],
)
def test_a_control_that_makes_no_sense_is_refused(parameters: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"coarsen|district|metres|least|centroid|column"):
        ControlSpec(control=Control.COARSEN, parameters=parameters)


def test_a_policy_states_how_few_are_too_few() -> None:
    keep = {FieldRole.QUASI_IDENTIFIER: ControlSpec(control=Control.KEEP)}
    spec = ControlSpec(control=Control.COARSEN, parameters={"district": "county"})
    with pytest.raises(ValueError, match="least"):
        tier_policy(keep, {Meaning.LONGITUDE: spec}, k=None)
