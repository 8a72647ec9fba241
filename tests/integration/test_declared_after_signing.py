"""What a reviewer signed a release under does not change behind the reviewer's back."""

import pytest

from governance.database.engine import reading
from governance.declaration_changes import waiting_change
from pipelines import worker
from pipelines.datasets import apply_dataset, load_dataset
from pipelines.platform import Platform
from pipelines.preparation import prepare_source
from pipelines.reviewing import sign_step
from schemas.actor import Actor, Duty
from schemas.text import Text
from tests.integration.test_bad_input import NAME, NOW, OPERATOR, handed_in, steward
from tests.integration.test_bad_input import platform as bad_input_platform

platform = bad_input_platform
STEPS = ("agency", "compliance", "secrecy")


def retitled(platform: Platform) -> None:
    with platform.engine.begin() as connection:
        dataset = load_dataset(connection, NAME).model_copy(update={"title": Text(zh="另一个标题", en="Another title")})
        assert apply_dataset(connection, dataset, platform.configuration, steward(), NOW)


def title(platform: Platform) -> str:
    with reading(platform.engine) as connection:
        return load_dataset(connection, NAME).title.en


@pytest.mark.parametrize("signed", [0, 1, 3])
def test_a_change_waits_once_somebody_has_signed(platform: Platform, signed: int) -> None:
    release = prepare_source(platform, handed_in(platform), OPERATOR)
    before = title(platform)
    for step in STEPS[:signed]:
        duties = frozenset({Duty(f"{step}-reviewer")})
        reviewer = Actor(id=f"someone-{step}", duties=duties, organisation=steward().organisation)
        sign_step(platform, release.id, step, "approve", "", release.descriptor_digest, reviewer, NOW)
    retitled(platform)
    with reading(platform.engine) as connection:
        assert (waiting_change(connection, NAME) is not None) == (signed > 0)
    worker.run_until_idle(platform)
    assert (title(platform) == before) == (signed > 0)
