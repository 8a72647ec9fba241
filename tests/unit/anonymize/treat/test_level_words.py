"""How a level is told: "the age is published in bands of 10"."""

import datetime

import numpy as np
import pyarrow as pa
import pytest

from anonymize.built_in_hierarchies import BUILT_IN
from anonymize.hierarchies import fixed_column, generalise_column
from anonymize.level_words import AS_IT_IS, AS_ONE, published_as, published_by_group
from schemas.hierarchy import Hierarchy, Level
from schemas.text import Text
from tests.factories.disclosure import text

NAMED = Hierarchy(
    name="named",
    title=text("n"),
    source=text("s"),
    levels=(
        Level(edges=(10, 20)),
        Level(edges=(20,), title=Text(zh="分老少", en="as young or old")),
    ),
)
DAYS = [datetime.date(2020, 1, 1), datetime.date(2024, 6, 30)]


@pytest.mark.parametrize(
    ("hierarchy", "cells", "level", "zh", "en"),
    [
        (BUILT_IN["age"], [1, 42], 1, "每 5 一段，90 及以上合并", "in bands of 5, 90 and over as one"),
        (BUILT_IN["division-code"], ["110105", "310104"], 3, "只到地级", "by prefecture"),
        (BUILT_IN["date"], DAYS, 2, "只到季度", "by quarter"),
        (BUILT_IN["date"], DAYS, 4, "每五年一段", "in spans of five years"),
        (BUILT_IN["number"], [0, 1000], 1, "每 20 一段", "in bands of 20"),
        (BUILT_IN["address"], ["北京市海淀区中关村", "上海市浦东新区"], 1, "只到县级", "by county"),
        (NAMED, [1, 15, 30], 1, "分为 3 段", "in 3 bands"),
        (NAMED, [1, 15, 30], 2, "分老少", "as young or old"),
    ],
)
def test_words_of_a_level(hierarchy: Hierarchy, cells: list, level: int, zh: str, en: str) -> None:
    column = generalise_column("c", pa.chunked_array([cells]), hierarchy)
    assert published_as(column, level) == Text(zh=zh, en=en)


def test_the_values_themselves_and_the_root() -> None:
    column = generalise_column("c", pa.chunked_array([[1, 42]]), BUILT_IN["age"])
    assert published_as(column, 0) == AS_IT_IS
    assert published_as(column, column.height - 1) == AS_ONE
    assert published_as(fixed_column("c", pa.chunked_array([["a"]])), 0) == AS_IT_IS


def test_a_column_that_does_not_fit_its_hierarchy_is_told_as_it_was_treated() -> None:
    column = generalise_column("c", pa.chunked_array([["not an age", "nor this"]]), BUILT_IN["age"])
    assert column.height == 2
    assert published_as(column, 1) == AS_ONE


def test_groups_at_different_levels_are_told_by_the_finest_and_the_coarsest() -> None:
    column = generalise_column("c", pa.chunked_array([[1, 42, 80]]), BUILT_IN["age"])
    told = published_by_group(column, np.array([3, 0, 1]))
    assert told.en == "group by group, from “unchanged” to “in bands of 30, 90 and over as one”"
    assert told.zh == "按组从“保持原值”到“每 30 一段，90 及以上合并”"
    assert published_by_group(column, np.array([0, 0])) == AS_IT_IS
    assert published_by_group(column, np.array([], int)) == AS_ONE
