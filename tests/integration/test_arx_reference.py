"""Full-domain k-anonymity against ARX: the same optimum, loss and number of suppressed records on all recorded runs.

ARX keeps shares with fewer digits, so losses agree to 1e-9."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

from anonymize.hierarchies import GeneralisedColumn, generalise_column
from anonymize.kanonymity import Requirement, full_domain
from schemas.hierarchy import Hierarchy, Level
from tests.shared_data import shared


def arx_hierarchy(path: Path) -> Hierarchy:
    rows = list(csv.reader(path.read_text("utf-8").splitlines(), delimiter=";"))
    inner = range(1, len(rows[0]) - 1)  # the last level is the root
    levels = tuple(Level(lookup={row[0]: row[level] for row in rows}) for level in inner)
    return Hierarchy(name=path.stem, title=path.stem, source="ARX", levels=levels)  # type: ignore[arg-type]


def adult_columns(file: str, names: list[str]) -> list[GeneralisedColumn]:
    table = pa.csv.read_csv(
        shared(f"deid/arx/{file}"),
        parse_options=pa.csv.ParseOptions(delimiter=";"),
        convert_options=pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    )
    return [
        generalise_column(
            name, table[name], arx_hierarchy(shared(f"deid/arx/adult_hierarchy_{name}.csv")), declared=True
        )
        for name in names
    ]


def recorded_runs() -> list[dict]:
    try:
        path = shared("deid/arx/arx_reference_runs.jsonl")
    except pytest.skip.Exception:
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def columns_of() -> dict[tuple[str, tuple[str, ...]], list[GeneralisedColumn]]:
    return {}


@pytest.mark.parametrize(
    "run", recorded_runs(), ids=lambda r: f"{r['file']}-k{r['k']}-{r['suppression_limit']}-{r['metric']}"
)
def test_equals_arx(run: dict, columns_of: dict) -> None:
    names = list(run["levels"])
    key = (run["file"], tuple(names))
    columns = columns_of.setdefault(key, None) or adult_columns(run["file"], names)
    columns_of[key] = columns
    found = full_domain(
        columns, Requirement(run["k"], run["suppression_limit"]), aggregate=run["metric"].removeprefix("loss_")
    )
    assert found is not None
    assert found.loss == pytest.approx(float(run["score"]), abs=1e-9)
    assert int(found.suppressed.sum()) == run["suppressed"]


def test_the_recorded_runs_are_there() -> None:
    shared("deid/arx/arx_reference_runs.jsonl")
    assert len(recorded_runs()) == 44
