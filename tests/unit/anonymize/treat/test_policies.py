"""The policies and hierarchies that ship: complete, sourced in both languages, and fit for their data."""

from pathlib import Path

import pyarrow as pa
import pytest

import catalog_config
from anonymize.hierarchies import generalise_column
from anonymize.plan import plan_controls
from catalog_config.configuration import Configuration, load_configuration
from schemas.dataset import Tier
from schemas.disclosure import Control
from schemas.table_schema import FieldRole
from tests.factories.disclosure import person_roles, person_schema


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return load_configuration(Path(catalog_config.__file__).parent)


@pytest.mark.parametrize("name", ["standard", "public-notice"])
@pytest.mark.parametrize("tier", list(Tier))
def test_every_tier_covers_every_role_and_names_its_sources(
    configuration: Configuration, name: str, tier: Tier
) -> None:
    tier_policy = configuration.policies[name].tiers[tier]
    assert set(tier_policy.by_role) == set(FieldRole)
    assert tier_policy.thresholds.source.zh
    assert tier_policy.thresholds.source.en
    planned = plan_controls(
        person_schema(), person_roles(), configuration.policies[name], [tier], configuration.hierarchies
    )[tier]
    assert len(planned) == len(person_schema().fields)


@pytest.mark.parametrize("name", ["standard", "public-notice"])
def test_no_tier_keeps_direct_identifiers_or_free_text_by_role(configuration: Configuration, name: str) -> None:
    for tier_policy in configuration.policies[name].tiers.values():
        assert tier_policy.by_role[FieldRole.DIRECT_IDENTIFIER].control is not Control.KEEP
        assert tier_policy.by_role[FieldRole.FREE_TEXT].control is not Control.KEEP


def test_the_open_tier_is_stricter_than_the_restricted_one(configuration: Configuration) -> None:
    tiers = configuration.policies["standard"].tiers
    assert tiers[Tier.OPEN].thresholds.k == 5
    assert tiers[Tier.RESTRICTED].thresholds.k == 3
    assert tiers[Tier.STATISTICAL].thresholds.smallest_cell == 10
    assert tiers[Tier.OPEN].thresholds.suppression_limit < tiers[Tier.RESTRICTED].thresholds.suppression_limit


@pytest.mark.parametrize(
    ("name", "cells", "levels"),
    [
        ("industry", ["C3511", "F"], [["C351", "F"], ["C35", "F"], ["C", "F"], ["第二产业", "第三产业"]]),
        ("industry-digits", ["3511", "01"], [["351", "01"], ["35", "01"], ["制造业", "农、林、牧、渔业"]]),
        ("industry-names", ["教育", "采矿业"], [["第三产业", "第二产业"]]),
        ("occupation", ["6-18-02-05"], [["6-18-02"], ["6-18"], ["生产制造及有关人员"]]),
        ("money", [4999.5, 1200], [["[4000, 5000)", "[1000, 2000)"], ["[3000, 5000)", "[1000, 3000)"]]),
        ("age-groups", [16, 80], [["[15, 18)", "80+"], ["[15, 35)", "65+"]]),
        ("education", ["硕士", "小学"], [["研究生", "初中及以下"], ["大专及以上", "高中及以下"]]),
    ],
)
def test_shipped_hierarchies(configuration: Configuration, name: str, cells: list, levels: list[list[str]]) -> None:
    hierarchy = configuration.hierarchies[name]
    assert hierarchy.source.zh != hierarchy.source.en
    column = generalise_column("f", pa.chunked_array([pa.array(cells)]), hierarchy, declared=True)
    for number, expected in enumerate(levels, start=1):
        assert column.at_level(number).to_pylist() == expected


def test_every_division_of_industry_has_a_section(configuration: Configuration) -> None:
    sections = configuration.hierarchies["industry-digits"].levels[2].lookup
    assert sections is not None
    assert sorted(sections) == [f"{n:02d}" for n in range(1, 98)]
    assert len(set(sections.values())) == 20
