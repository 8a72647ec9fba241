"""Risk figures: ARX's on its own data, definitions elsewhere."""

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from anonymize.classes import equivalence_classes
from anonymize.hierarchies import distinct_values
from anonymize.recode import sensitive_column
from anonymize.risk import measure_risk, population_uniqueness, share_above
from tests.shared_data import shared

ARX_USA = 317_238_626  # ARXPopulationModel.Region.USA at the commit the figures were recorded with


@pytest.fixture(scope="module")
def adult() -> pa.Table:
    return pa.csv.read_csv(shared("deid/arx/adult.csv"), parse_options=pa.csv.ParseOptions(delimiter=";"))


def test_figures_equal_those_of_arx(adult: pa.Table) -> None:
    recorded = shared("deid/arx/arx_reference_risk.txt").read_text("utf-8")
    figures = measure_risk(adult, adult.column_names, population=ARX_USA)
    assert figures.records == 30162
    assert figures.prosecutor_risk == 1.0
    assert figures.marketer_risk == pytest.approx(0.6465751607983555, abs=1e-15)
    assert figures.sample_uniqueness == pytest.approx(0.5142895033485844, abs=1e-15)
    for figure in (figures.marketer_risk, figures.sample_uniqueness):
        assert repr(figure) in recorded


def test_population_uniqueness_equals_that_of_arx(adult: pa.Table) -> None:
    sizes = equivalence_classes([distinct_values(c)[0] for c in adult.columns], adult.num_rows)[1]
    found = population_uniqueness(sizes, ARX_USA)
    assert found.dankar == pytest.approx(0.038896188531360315, abs=1e-11)
    assert found.zayatz == pytest.approx(0.2645647181504129, abs=1e-8)
    assert found.pitman == pytest.approx(0.038896188531360315, abs=1e-11)
    assert found.snb == 0.0


# Recorded with pycanon 1.3.6 on adult.csv; `band` is the age divided by 20.
PYCANON = [
    (("sex", "race"), "occupation", 87, 10, 0.3249624441807344),
    (("sex", "race"), "salary-class", 87, 2, 0.20294547375208355),
    (("sex", "race"), "age", 87, None, 0.09193571485872032),
    (("sex", "marital-status", "workclass"), "occupation", 1, 1, 0.9672103971885154),
    (("sex", "marital-status", "workclass"), "age", 1, None, 0.43072805909123607),
    (("band", "sex"), "occupation", 29, 6, 0.519686943275697),
    (("band", "sex"), "salary-class", 29, 1, 0.24892248524633642),
    (("band", "sex"), "age", 29, None, 0.6476601846018174),
]


@pytest.mark.parametrize(("quasi", "sensitive", "k", "diversity", "distance"), PYCANON)
def test_k_l_and_t_equal_those_of_pycanon(
    adult: pa.Table,
    quasi: tuple[str, ...],
    sensitive: str,
    k: int,
    diversity: int | None,
    distance: float,
) -> None:
    table = adult.append_column("band", pa.array(adult["age"].to_numpy() // 20))
    figures = measure_risk(table, quasi, [sensitive_column(sensitive, table[sensitive])])
    assert figures.k == k
    assert diversity is None or figures.l == diversity
    assert figures.t == pytest.approx(distance, abs=1e-9)


def test_without_quasi_identifiers_nobody_is_singled_out() -> None:
    figures = measure_risk(pa.table({"a": [1, 2]}), ())
    assert (figures.k, figures.prosecutor_risk, figures.sample_uniqueness) == (None, None, None)


def test_an_empty_table() -> None:
    assert measure_risk(pa.table({"a": pa.array([], pa.int64())}), ["a"]).records == 0


def test_risks_of_a_small_table() -> None:
    figures = measure_risk(pa.table({"q": ["a"] * 5 + ["b"] * 4 + ["c"]}), ["q"], population=100)
    assert (figures.k, figures.equivalence_classes) == (1, 3)
    assert figures.marketer_risk == pytest.approx(0.3)
    assert figures.journalist_risk == pytest.approx(0.1)
    assert figures.sample_uniqueness == pytest.approx(0.1)
    assert figures.share_above["0.2"] == pytest.approx(0.5)
    assert figures.class_sizes == {
        "1": 1, "2": 0, "3-4": 4, "5-9": 5, "10-19": 0, "20-49": 0, "50-99": 0, "100+": 0,
    }  # fmt: skip


@pytest.mark.parametrize(("size", "limit", "share"), [(4, 0.2, 1.0), (5, 0.2, 0.0), (11, 0.09, 1.0), (12, 0.09, 0.0)])
def test_both_sides_of_a_risk_limit(size: int, limit: float, share: float) -> None:
    assert share_above(np.array([size]), limit) == share


def test_a_table_that_is_the_whole_population_has_its_own_uniques() -> None:
    sizes = np.array([1] * 30 + [2] * 20 + [5] * 6)
    assert population_uniqueness(sizes, int(sizes.sum())).zayatz == pytest.approx(30 / sizes.sum())


def test_uniques_grow_rarer_as_the_population_grows() -> None:
    sizes = np.array([1] * 300 + [2] * 100 + [3] * 60)
    found = [population_uniqueness(sizes, n).dankar for n in (1_000, 10_000, 1_000_000)]
    assert found == sorted(found, reverse=True)
    assert all(0 <= share <= 1 for share in found)
