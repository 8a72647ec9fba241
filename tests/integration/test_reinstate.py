"""A release withdrawn by mistake comes back after three new signatures, and not otherwise."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from governance.database.dataset_tables import datasets
from governance.database.engine import reading
from governance.release_review.service import reinstate_review
from governance.transparency_log import entries, verify_log
from pipelines import worker
from pipelines.current_release import current_release
from pipelines.platform import Platform
from pipelines.preparation import prepare_source
from pipelines.publish import publish, withdraw
from pipelines.reinstate import last_withdrawn, reinstate
from pipelines.reviewing import sign_step
from schemas.actor import Actor, Duty
from schemas.errors import Conflict, NotPermitted, Refused
from schemas.release import Release
from tests.integration.test_bad_input import NAME, NOW, OPERATOR, approve, client_of, handed_in, steward
from tests.integration.test_bad_input import platform as bad_input_platform

platform = bad_input_platform
LATER = NOW + timedelta(hours=1)
STEPS = ("agency", "compliance", "secrecy")


@pytest.fixture
def withdrawn(platform: Platform) -> tuple[Platform, Release]:
    """A release that was published, and taken back."""
    release = prepare_source(platform, handed_in(platform), OPERATOR)
    approve(platform, release)
    worker.run_until_idle(platform)
    assert published(platform) == release.id
    withdraw(platform, NAME, "误操作", steward(), NOW)
    return platform, release


def published(platform: Platform) -> str | None:
    with reading(platform.engine) as connection:
        release = current_release(connection, NAME)
    return release.id if release else None


def waiting(platform: Platform) -> str | None:
    with reading(platform.engine) as connection:
        return last_withdrawn(connection, NAME)


def reviewer(step: str) -> Actor:
    return Actor(id=f"again-{step}", duties=frozenset({Duty(f"{step}-reviewer")}), organisation=steward().organisation)


def sign(platform: Platform, release: Release, step: str, minutes: int = 1) -> None:
    at = LATER + timedelta(minutes=minutes)
    sign_step(platform, release.id, step, "approve", "", release.descriptor_digest, reviewer(step), at)


def test_it_comes_back_with_the_third_signature(withdrawn: tuple[Platform, Release]) -> None:
    platform, release = withdrawn
    assert waiting(platform) == release.id
    assert reinstate(platform, NAME, "误撤，数据无误", steward(), LATER) == release.id
    assert waiting(platform) is None
    for step in STEPS:
        with pytest.raises(Conflict, match="nothing-approved"):
            publish(platform, NAME, steward(), LATER)
        sign(platform, release, step)
    assert waiting(platform) is None
    worker.run_until_idle(platform)
    assert published(platform) == release.id
    assert not publish(platform, NAME, steward(), LATER).new
    with reading(platform.engine) as connection:
        kinds = [e["entry"]["kind"] for e in entries(connection)]
        verify_log(connection)
    assert kinds[-6:] == ["withdrawal", "reinstatement", *["review-decision"] * 3, "publication"]


def test_withdrawn_again_it_stays_away(withdrawn: tuple[Platform, Release]) -> None:
    platform, release = withdrawn
    reinstate(platform, NAME, "误撤", steward(), LATER)
    for step in STEPS:
        sign(platform, release, step)
    worker.run_until_idle(platform)
    withdraw(platform, NAME, "仍有误", steward(), LATER + timedelta(hours=1))
    with pytest.raises(Conflict, match="nothing-approved"):
        publish(platform, NAME, steward(), LATER + timedelta(hours=2))
    assert waiting(platform) == release.id


@pytest.mark.parametrize(("field", "value"), [("policy", "public-notice"), ("publisher", "ecology-bureau")])
def test_another_declaration_needs_another_release(withdrawn: tuple[Platform, Release], field: str, value: str) -> None:
    platform, release = withdrawn
    with platform.engine.begin() as connection:
        row = connection.execute(sa.select(datasets.c.declaration).where(datasets.c.name == NAME)).scalar_one()
        changed = {**row, field: value}
        connection.execute(datasets.update().where(datasets.c.name == NAME).values(declaration=changed))
    with pytest.raises(Conflict, match="declaration-changed") as caught, platform.engine.begin() as connection:
        reinstate_review(connection, release.id, "误撤", actor=steward(), now=LATER)
    assert field in caught.value.message.en


def test_nothing_is_reinstated_that_was_not_withdrawn(platform: Platform) -> None:
    with pytest.raises(Conflict, match="nothing-withdrawn"):
        reinstate(platform, NAME, "x", steward(), LATER)
    release = prepare_source(platform, handed_in(platform), OPERATOR)
    with pytest.raises(Conflict, match="not-in-this-state"):
        reinstate(platform, NAME, "x", steward(), LATER, release.id)
    with pytest.raises(Conflict, match="nothing-withdrawn"):
        reinstate(platform, NAME, "x", steward(), LATER, "no-such-release")
    with pytest.raises(NotPermitted):
        reinstate(platform, NAME, "x", reviewer("agency"), LATER)


def test_through_the_api(withdrawn: tuple[Platform, Release]) -> None:
    platform, release = withdrawn
    client = client_of(platform, Duty.STEWARD)
    answer = client.post(f"/api/v1/reviews/{release.id}/reinstatement", json={"reason": "误撤"})
    assert (answer.status_code, answer.json()["status"]) == (201, "awaiting-agency")
    again = client.post(f"/api/v1/reviews/{release.id}/reinstatement", json={"reason": "误撤"})
    assert (again.status_code, again.json()["code"]) == (409, "not-in-this-state")


def test_through_the_stewards_page(withdrawn: tuple[Platform, Release]) -> None:
    platform, release = withdrawn
    client = client_of(platform, Duty.STEWARD)
    assert "Ask for a new review" in client.get(f"/en/steward/{NAME}").text
    address = f"/en/steward/{NAME}/reinstate"
    assert client.post(address, data={"release": release.id, "reason": ""}).status_code == 422
    assert client.post(address, data={"release": release.id, "reason": "误撤"}).status_code == 303
    assert "Ask for a new review" not in client.get(f"/en/steward/{NAME}").text
    assert "all three review anew" in client.get(f"/en/reviews/{release.id}").text


@pytest.mark.parametrize(("reason", "code"), [(" ", "reason-missing"), ("因" * 501, "reason-too-long")])
def test_withdrawing_wants_a_reason_that_can_be_kept(platform: Platform, reason: str, code: str) -> None:
    with pytest.raises(Refused, match=code):
        withdraw(platform, NAME, reason, steward(), NOW)
