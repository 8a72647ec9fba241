"""Synthetic samples: types and distributions of the release, no record of it, and marked."""

import datetime

import numpy as np
import pyarrow as pa

from anonymize.synthetic import MARK, synthetic_fields, synthetic_sample
from tests.factories.disclosure import person_schema

RANDOM = np.random.default_rng(3)
RELEASED = pa.table(
    {
        "性别": RANDOM.choice(["男", "女"], 2000, p=[0.3, 0.7]),
        "备注": [f"only once {n}" for n in range(2000)],
        "额": RANDOM.normal(5000, 900, 2000).round(2),
        "日": [datetime.date(2024, 1, 1) + datetime.timedelta(days=int(d)) for d in RANDOM.integers(0, 400, 2000)],
        "空": pa.nulls(2000, pa.string()),
    }
)


def test_types_and_frequencies_are_those_of_the_release() -> None:
    sample = synthetic_sample(RELEASED, 4000)
    assert [sample.schema.field(n).type for n in RELEASED.column_names] == RELEASED.schema.types
    assert abs(sample["性别"].to_pylist().count("男") / 4000 - 0.3) < 0.04
    assert abs(float(np.mean(sample["额"].to_numpy())) - 5000) < 150
    assert sample["空"].null_count == 4000


def test_no_rare_value_is_drawn() -> None:
    sample = synthetic_sample(RELEASED, 1000)
    assert sample["备注"].null_count == 1000


def test_it_is_marked_and_reproducible() -> None:
    sample = synthetic_sample(RELEASED, 50, seed=7)
    assert set(sample[MARK].to_pylist()) == {True}
    assert sample.schema.metadata[b"synthetic"] == b"true"
    assert sample.equals(synthetic_sample(RELEASED, 50, seed=7))
    assert not sample.equals(synthetic_sample(RELEASED, 50, seed=8))
    assert synthetic_sample(sample, 10).column_names.count(MARK) == 1


def test_fields_carry_the_mark() -> None:
    fields = synthetic_fields(person_schema().fields)
    assert fields[-1].name == MARK
    assert len(synthetic_fields(fields)) == len(fields)
