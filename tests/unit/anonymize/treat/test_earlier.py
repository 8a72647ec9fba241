"""What is on record of how a table was made, and what it says of a later one."""

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from anonymize.apply import apply_controls
from anonymize.assess import assess_disclosure
from anonymize.common_ground import common_column
from anonymize.earlier import Earlier, earlier_table, ladder_of, linkable, repeatable, treatments_of, varies
from anonymize.plan import plan_controls
from anonymize.rerelease import suppress_differences
from anonymize.treated import TreatedTable
from schemas.dataset import Tier
from schemas.disclosure import Control, ControlSpec, DisclosureControl, DisclosureReport
from schemas.hierarchy import Level
from schemas.table_schema import FieldRole
from tests.factories.disclosure import (
    KEY,
    control,
    person_roles,
    person_schema,
    persons,
    policy,
    published,
    text,
    tier_policy,
)

KEPT = control("v", FieldRole.NON_SENSITIVE, Control.KEEP)
ROUNDED = control("v", FieldRole.NON_SENSITIVE, Control.ROUND, base=10)
COARSER = control("v", FieldRole.NON_SENSITIVE, Control.ROUND, base=100)
GROUPED = control("v", FieldRole.NON_SENSITIVE, Control.MICROAGGREGATE, k=5)
CAPPED = control("v", FieldRole.NON_SENSITIVE, Control.TOP_BOTTOM_CODE, top=9)
CAPPED_BY_DATA = control("v", FieldRole.NON_SENSITIVE, Control.TOP_BOTTOM_CODE, share=0.01)
KEYED = control("v", FieldRole.DIRECT_IDENTIFIER, Control.PSEUDONYM)
NOTHING = pa.table({})


@pytest.mark.parametrize(
    ("new", "old", "links"),
    [
        (KEPT, KEPT, True),
        (ROUNDED, ROUNDED, True),
        (ROUNDED, COARSER, False),
        (KEPT, ROUNDED, False),
        (GROUPED, GROUPED, False),
        (CAPPED, CAPPED, True),
        (CAPPED_BY_DATA, CAPPED_BY_DATA, False),
        (KEYED, KEYED, True),
    ],
)
def test_equal_values_say_something_only_if_they_came_about_alike(
    new: DisclosureControl, old: DisclosureControl, links: bool
) -> None:
    earlier = Earlier(NOTHING, treatments=treatments_of([old]))
    assert linkable("v", treatments_of([new]), earlier) is links


def test_each_tier_has_a_key_of_its_own() -> None:
    earlier = Earlier(NOTHING, treatments=treatments_of([KEYED]), same_tier=False)
    assert linkable("v", treatments_of([KEYED]), earlier) is None


@pytest.mark.parametrize("one", [GROUPED, CAPPED_BY_DATA])
def test_of_values_that_vary_with_the_data_the_parameters_are_on_record(one: DisclosureControl) -> None:
    """They link nobody across files, and tell whether the same file was treated alike."""
    (same,), (treated,) = (treatments_of([c]).values() for c in (one, one.model_copy()))
    other = one.model_copy(update={"parameters": {name: value * 2 for name, value in one.parameters.items()}})
    assert same == treated != treatments_of([other])["v"]
    assert repeatable(same)
    assert not repeatable(same.rpartition(":")[0])
    assert varies(same)


@pytest.mark.parametrize("change", [{"k": 4}, {"l": 3}])
@pytest.mark.parametrize("same_source", [True, False])
def test_the_same_file_under_another_threshold_is_compared(change: dict[str, int], same_source: bool) -> None:
    source = persons(400)
    tier = tier_policy(k=5, l=2, suppression_limit=0.2)
    controls = plan_controls(person_schema(), person_roles(), policy(tier), [Tier.OPEN])[Tier.OPEN]
    treated = apply_controls(source, controls, tier, None)
    fewer = published(treated, tier, table=treated.table.slice(3), same_source=same_source)
    again = suppress_differences(treated, source, [fewer], controls, tier)
    assert (again is treated) is same_source  # the same question: nothing new can be told
    other = dataclasses.replace(fewer, **change)
    assert suppress_differences(treated, source, [other], controls, tier).table.num_rows < treated.table.num_rows


def test_dates_shifted_by_the_key_of_another_tier_may_be_any_of_its_dates() -> None:
    """Were they taken as they stand, everybody would have come and nobody would be in a class of both."""
    shifted = control("v", FieldRole.QUASI_IDENTIFIER, Control.DATE_SHIFT)
    treatments = treatments_of([shifted])
    new, old = (pa.table({"v": [word] * 3}) for word in ("2025-01-01", "2025-02-01"))
    treated = TreatedTable(new, (), (), quasi_identifiers=("v",), treatments=treatments)
    own, other = (
        common_column("v", treated, Earlier(old, treatments=treatments, same_tier=same), None) for same in (True, False)
    )
    assert own.known
    assert not np.intersect1d(*own.ground).size
    assert not other.known
    assert np.intersect1d(*other.ground).size


@pytest.mark.parametrize(
    ("new", "old", "links"), [(KEPT, "keep", True), (KEPT, "round", False), (GROUPED, "microaggregate", False)]
)
def test_before_treatments_were_on_record_the_control_alone_counts(
    new: DisclosureControl, old: str, links: bool
) -> None:
    treatments = treatments_of([new])
    assert linkable("v", treatments, Earlier(NOTHING, treatments={"v": old})) is links


def test_the_title_of_a_level_makes_no_other_ladder() -> None:
    assert ladder_of([Level(band=5)]) == ladder_of([Level(band=5, title=text("fives"))]) != ladder_of([Level(band=6)])


def test_the_disclosure_report_keeps_what_a_later_release_needs() -> None:
    tier = tier_policy(suppression_limit=0.1)
    controls = plan_controls(person_schema(), person_roles(), policy(tier), [Tier.OPEN])[Tier.OPEN]
    source = persons(400)
    treated = apply_controls(source, controls, tier, None)
    report = assess_disclosure(source, treated, controls, tier, Tier.OPEN)
    stored = DisclosureReport.model_validate_json(report.model_dump_json())
    assert earlier_table(treated.table, stored) == published(treated, tier, sensitive=("诊断",))


def test_the_report_tells_which_number_counts_persons() -> None:
    tier = tier_policy({FieldRole.DIRECT_IDENTIFIER: ControlSpec(control=Control.PSEUDONYM)}, suppression_limit=0.1)
    controls = plan_controls(person_schema(), person_roles(), policy(tier), [Tier.OPEN])[Tier.OPEN]
    source = persons(400)
    report = assess_disclosure(source, apply_controls(source, controls, tier, KEY), controls, tier, Tier.OPEN)
    assert earlier_table(source, report).person == "身份证号"
