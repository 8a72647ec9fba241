"""A steward chooses k: recorded, reviewed, kept for later files, never below the policy or for what is published."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from catalog_config.settings import Settings
from governance.audit import entries
from governance.database.dataset_tables import k_choices, outbox
from governance.database.engine import reading
from governance.release_review.service import load_review
from governance.release_review.transitions import Status
from pipelines.datasets import apply_dataset, load_dataset, read_declaration
from pipelines.demo import CITY
from pipelines.k_choice import Chosen, choose_k, current_choice, record_choice
from pipelines.platform import Platform, open_platform
from pipelines.preparation import prepare_source
from pipelines.publish import publish
from pipelines.reviewing import sign_step
from pipelines.sources import accept_source, load_release, load_source
from pipelines.worker import run_until_idle
from schemas.actor import Actor, Duty, system_actor
from schemas.dataset import Tier
from schemas.disclosure import TradeoffPoint
from schemas.errors import Conflict, NotPermitted, Refused
from schemas.release import Release

NAME = "employment-registrations"
ROWS = 300
STEWARD = Actor(id="chen", duties=frozenset({Duty.STEWARD}), organisation="human-resources-bureau")
COLLEAGUE = STEWARD.model_copy(update={"id": "fang"})
OPERATOR = system_actor("test")


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    opened = open_platform(Settings(home=tmp_path / "home"))
    dataset = read_declaration(CITY / "datasets" / f"{NAME}.yaml")
    with opened.engine.begin() as connection:
        apply_dataset(connection, dataset, opened.configuration, OPERATOR, datetime.now(UTC))
    assert dataset.publisher == STEWARD.organisation
    yield opened
    opened.engine.dispose()


def hand_in(platform: Platform, folder: Path, rows: int = ROWS) -> str:
    lines = (CITY / "sources" / f"{NAME}.csv").read_text("utf-8").splitlines(keepends=True)
    path = folder / "registrations.csv"
    path.write_text("".join(lines[: rows + 1]), "utf-8")
    with path.open("rb") as content:
        return accept_source(platform, NAME, content, path.name, STEWARD, datetime.now(UTC))


def choose(platform: Platform, source: str, k: int, actor: Actor = STEWARD) -> Chosen:
    return choose_k(platform, source, {Tier.RESTRICTED: k}, actor, datetime.now(UTC))


def release_of(platform: Platform, source: str) -> Release:
    outcome = load_source(platform, source).outcome
    assert outcome is not None
    with reading(platform.engine) as connection:
        return load_release(connection, outcome["release"])


def status_of(platform: Platform, release: Release) -> Status:
    with reading(platform.engine) as connection:
        return load_review(connection, release.id).status


def sign_all(platform: Platform, release: Release) -> None:
    for step in ("agency", "compliance", "secrecy"):
        reviewer = Actor(id=step, duties=frozenset({Duty(f"{step}-reviewer")}), organisation=STEWARD.organisation)
        digest = release.descriptor_digest
        sign_step(platform, release.id, step, "approve", "", digest, reviewer, datetime.now(UTC))


def test_a_choice_is_prepared_recorded_reviewed_and_kept(platform: Platform, tmp_path: Path) -> None:
    source = hand_in(platform, tmp_path)
    first = prepare_source(platform, source, STEWARD)
    assert first.choice is None
    report = first.distribution(Tier.RESTRICTED).report
    promised = {p["k"]: TradeoffPoint.model_validate(p) for p in report.extra["tradeoff"]}
    assert sorted(promised) == [3, 5, 10, 20]

    assert choose(platform, source, 10, COLLEAGUE) is Chosen.PREPARED_AGAIN
    assert status_of(platform, first) is Status.WITHDRAWN
    assert load_source(platform, source).status == "received"
    assert run_until_idle(platform) == 1

    second = release_of(platform, source)
    assert second.id != first.id
    assert second.choice is not None
    assert second.choice.k == {Tier.RESTRICTED: 10}
    assert status_of(platform, second) is Status.AWAITING_AGENCY
    told = second.distribution(Tier.RESTRICTED).report
    assert told.thresholds is not None
    assert told.after is not None
    assert told.thresholds.k == 10
    assert (told.after.k or 0) >= 10
    assert told.extra["least_k"] == 3
    assert told.extra["loss"] == pytest.approx(promised[10].loss)
    assert told.records_suppressed == promised[10].records_suppressed
    descriptor = json.loads(platform.store.path(second.descriptor_digest).read_bytes())
    assert descriptor["choice"] == {"number": second.choice.number, "k": {"restricted": 10}}
    assert COLLEAGUE.id not in json.dumps(descriptor)

    with reading(platform.engine) as connection:
        audited = [e for e in entries(connection, subject=f"dataset:{NAME}") if e["action"] == "dataset.choose-k"]
        uploaders = load_review(connection, second.id).uploaders
    assert [(e["actor"], e["data"]["k"]) for e in audited] == [(COLLEAGUE.id, {"restricted": 10})]
    assert set(uploaders) == {STEWARD.id, COLLEAGUE.id}  # neither may review it

    later = hand_in(platform, tmp_path, ROWS - 20)
    assert prepare_source(platform, later, STEWARD).choice == second.choice


def test_the_same_choice_again_changes_nothing_and_another_makes_another_release(
    platform: Platform, tmp_path: Path
) -> None:
    source = hand_in(platform, tmp_path)
    first = prepare_source(platform, source, STEWARD)
    assert choose(platform, source, 3) is Chosen.UNCHANGED  # the policy's own
    choose(platform, source, 5)
    second = prepare_source(platform, source, STEWARD)
    assert choose(platform, source, 5) is Chosen.UNCHANGED
    assert prepare_source(platform, source, STEWARD).id == second.id
    assert run_until_idle(platform) == 0  # prepared by hand: the queued work is done
    assert choose(platform, source, 3) is Chosen.PREPARED_AGAIN  # back to the policy's, under review again
    third = prepare_source(platform, source, STEWARD)
    assert len({first.id, second.id, third.id}) == 3
    assert status_of(platform, third) is Status.AWAITING_AGENCY
    with reading(platform.engine) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(k_choices)).scalar() == 2


def test_below_the_policy_and_by_others_is_refused_and_nothing_is_written(platform: Platform, tmp_path: Path) -> None:
    source = hand_in(platform, tmp_path)
    first = prepare_source(platform, source, STEWARD)
    with pytest.raises(Refused) as refused:
        choose(platform, source, 2)
    assert refused.value.code == "k-below-policy"
    stranger = Actor(id="wu", duties=frozenset({Duty.STEWARD}), organisation="transport-bureau")
    with pytest.raises(NotPermitted):
        choose(platform, source, 10, stranger)
    with reading(platform.engine) as connection:
        assert current_choice(connection, NAME) is None
    assert status_of(platform, first) is Status.AWAITING_AGENCY
    assert release_of(platform, source).model_dump(mode="json") == first.model_dump(mode="json")  # as it is stored


def test_what_is_being_prepared_waits(platform: Platform, tmp_path: Path) -> None:
    source = hand_in(platform, tmp_path)
    with pytest.raises(Conflict):
        choose(platform, source, 10)
    with reading(platform.engine) as connection:
        assert current_choice(connection, NAME) is None


def test_what_is_published_stays_and_the_choice_is_for_later_files(platform: Platform, tmp_path: Path) -> None:
    source = hand_in(platform, tmp_path)
    first = prepare_source(platform, source, STEWARD)
    sign_all(platform, first)
    publish(platform, NAME, STEWARD, datetime.now(UTC))
    assert choose(platform, source, 10) is Chosen.KEPT
    assert status_of(platform, first) is Status.APPROVED
    assert release_of(platform, source).model_dump(mode="json") == first.model_dump(mode="json")
    with reading(platform.engine) as connection:
        held = current_choice(connection, NAME)
        waiting = connection.execute(sa.select(outbox.c.key).where(outbox.c.done_at.is_(None))).scalars().all()
    assert held is not None
    assert held.choice.k == {Tier.RESTRICTED: 10}
    assert not [key for key in waiting if key.startswith("prepare:")]


def test_a_choice_made_meanwhile_is_the_one_that_is_recorded(platform: Platform, tmp_path: Path) -> None:
    source = hand_in(platform, tmp_path)
    chosen = False

    def choosing(progress: object) -> None:
        nonlocal chosen
        if not chosen and getattr(progress, "stage", "") == "package":
            chosen = True
            with platform.engine.begin() as connection:
                dataset = load_dataset(connection, NAME)
                policy = platform.configuration.policies[dataset.policy]
                later = datetime.now(UTC) + timedelta(seconds=1)
                record_choice(connection, dataset, policy, {Tier.RESTRICTED: 5}, COLLEAGUE, later)

    release = prepare_source(platform, source, STEWARD, choosing)
    assert release.choice is not None
    assert release.choice.k == {Tier.RESTRICTED: 5}


def test_a_k_out_of_reach_is_refused_and_can_be_taken_back(platform: Platform, tmp_path: Path) -> None:
    source = hand_in(platform, tmp_path)
    prepare_source(platform, source, STEWARD)
    choose(platform, source, 5_000)
    with pytest.raises(Refused) as refused:
        prepare_source(platform, source, STEWARD)
    assert refused.value.code == "infeasible-thresholds"
    assert f"{ROWS} rows" in refused.value.message.en
    assert load_source(platform, source).status == "refused"
    assert choose(platform, source, 3) is Chosen.PREPARED_AGAIN
    run_until_idle(platform)
    assert release_of(platform, source).distribution(Tier.RESTRICTED).report.thresholds.k == 3  # type: ignore[union-attr]
