"""plan_controls: the policy decides, and what it does not decide stops the run."""

import pytest
from pydantic import ValidationError

from anonymize.plan import plan_controls
from schemas.dataset import Tier
from schemas.disclosure import Control, ControlSpec, TierPolicy
from schemas.errors import ConfigurationError, Refused
from schemas.table_schema import FieldRole, Meaning
from tests.factories.disclosure import person_roles, person_schema, policy, tier_policy


def planned(**changes: object) -> dict[str, tuple[Control, dict]]:
    controls = plan_controls(person_schema(), person_roles(), policy(tier_policy(**changes)), [Tier.OPEN])[Tier.OPEN]
    return {c.field: (c.control, c.parameters) for c in controls}


def test_one_control_per_field_in_the_order_of_the_schema() -> None:
    assert list(planned()) == [f.name for f in person_schema().fields]


def test_roles_decide() -> None:
    found = planned()
    assert found["姓名"][0] is Control.DROP
    assert found["年龄"][0] is Control.GENERALISE
    assert found["诊断"][0] is Control.KEEP


def test_a_meaning_goes_before_its_role() -> None:
    found = planned(by_meaning={Meaning.PERSON_NAME: ControlSpec(control=Control.MASK)})
    assert found["姓名"] == (Control.MASK, {"style": "name"})
    assert found["身份证号"][0] is Control.DROP


def test_a_meaning_does_not_free_a_quasi_identifier() -> None:
    found = planned(by_meaning={Meaning.AGE: ControlSpec(control=Control.KEEP)})
    assert found["年龄"][0] is Control.GENERALISE


def test_a_meaning_may_be_stricter_than_a_quasi_identifier() -> None:
    found = planned(by_meaning={Meaning.AGE: ControlSpec(control=Control.DROP)})
    assert found["年龄"][0] is Control.DROP


def test_every_reason_names_the_policy_in_both_languages() -> None:
    controls = plan_controls(person_schema(), person_roles(), policy(tier_policy()), [Tier.OPEN])[Tier.OPEN]
    assert all("tested" in c.reason.zh and "tested" in c.reason.en for c in controls)


def test_a_field_without_role_is_refused() -> None:
    roles = person_roles()
    del roles["年龄"]
    with pytest.raises(Refused) as refused:
        plan_controls(person_schema(), roles, policy(tier_policy()), [Tier.OPEN])
    assert (refused.value.code, refused.value.field) == ("unclassified-field", "年龄")


def test_a_role_without_control_is_refused_by_name() -> None:
    lacking = tier_policy()
    lacking = lacking.model_copy(
        update={"by_role": {r: s for r, s in lacking.by_role.items() if r is not FieldRole.SENSITIVE}}
    )
    with pytest.raises(ConfigurationError) as refused:
        plan_controls(person_schema(), person_roles(), policy(lacking), [Tier.OPEN])
    assert (refused.value.code, refused.value.field) == ("role-without-control", "诊断")


def test_a_tier_without_policy_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError) as refused:
        plan_controls(person_schema(), person_roles(), policy(tier_policy()), [Tier.RESTRICTED])
    assert refused.value.code == "tier-without-policy"
    assert "restricted" in refused.value.message.en


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        (Control.DROP, {"softly": True}),
        (Control.ROUND, {}),
        (Control.DATE_SHIFT, {"days": 3}),
        (Control.GENERALISE, {"level": 2}),
        (Control.MASK, {"style": "shout"}),
    ],
)
def test_a_policy_with_unknown_or_missing_parameters_does_not_load(kind: Control, parameters: dict) -> None:
    with pytest.raises(ValidationError):
        ControlSpec(control=kind, parameters=parameters)


def test_a_policy_that_generalises_states_its_k() -> None:
    with pytest.raises(ValidationError, match="state k"):
        TierPolicy.model_validate(
            {"by_role": {"quasi-identifier": {"control": "generalise"}}, "thresholds": {"source": "nowhere"}}
        )


def test_an_unknown_hierarchy_is_refused() -> None:
    with pytest.raises(ConfigurationError) as refused:
        plan_controls(person_schema(年龄="no-such"), person_roles(), policy(tier_policy()), [Tier.OPEN])
    assert (refused.value.code, refused.value.field) == ("unknown-hierarchy", "年龄")


def test_hierarchies_follow_meaning_then_type() -> None:
    controls = plan_controls(person_schema(), person_roles(), policy(tier_policy()), [Tier.OPEN])[Tier.OPEN]
    chosen = {c.field: c.hierarchy for c in controls if c.hierarchy}
    assert chosen == {"性别": "flat", "年龄": "age", "区划": "division-code", "就诊日期": "date"}
