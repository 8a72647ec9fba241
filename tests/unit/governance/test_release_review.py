"""Release review: three steps, three people, signed decisions on the digests that were seen."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.database.dataset_tables import datasets, outbox, releases, sources
from governance.database.decision_tables import review_events, reviews
from governance.database.engine import metadata, open_database
from governance.release_review import service
from governance.release_review.events import Decision, Event, ReleaseSubmitted, Step, StepDecided, signed_statement
from governance.release_review.state import fold, project
from governance.release_review.transitions import AWAITED_STEP, TRANSITIONS, Status
from governance.signatures import public_key, sign
from governance.transparency_log import entries, log_size
from schemas.actor import Actor, Duty, system_actor
from schemas.dataset import Tier
from schemas.disclosure import DisclosureReport, Outcome
from schemas.errors import Conflict, GongkaiError, NotFound, NotPermitted, Refused
from schemas.release import Distribution, Release

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = bytes(range(32))
OTHER_KEY = bytes(32)
DIGEST = "d" * 64
STEWARD = Actor(id="zhao", duties=frozenset({Duty.STEWARD}), organisation="transport")
AGENCY = Actor(id="qian", duties=frozenset({Duty.AGENCY_REVIEWER}), organisation="transport")
COMPLIANCE = Actor(id="sun", duties=frozenset({Duty.COMPLIANCE_REVIEWER}), organisation="data-bureau")
SECRECY = Actor(id="li", duties=frozenset({Duty.SECRECY_REVIEWER}), organisation="data-bureau")
REVIEWERS = {Step.AGENCY: AGENCY, Step.COMPLIANCE: COMPLIANCE, Step.SECRECY: SECRECY}
EVERYTHING = Actor(
    id="zhou",
    duties=frozenset({Duty.AGENCY_REVIEWER, Duty.COMPLIANCE_REVIEWER, Duty.SECRECY_REVIEWER}),
    organisation="transport",
)


def make_release(outcome: Outcome = Outcome.PASS, release_id: str = "abc123") -> Release:
    report = DisclosureReport(tier=Tier.OPEN, outcome=outcome)
    return Release(
        id=release_id,
        dataset="bus-stops",
        table_schema="bus-stops@1.0.0",
        policy="standard",
        source_digest="a" * 64,
        distributions=(Distribution(tier=Tier.OPEN, rows=1, fields=(), files=(), report=report),),
        descriptor_digest=DIGEST,
    )


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sa.Connection]:
    engine = open_database(tmp_path)
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(
            datasets.insert().values(
                name="bus-stops", declaration={"publisher": "transport"}, updated_at=NOW, updated_by="zhao"
            )
        )
        yield connection
    engine.dispose()


def decide(connection, step, actor=None, decision="approve", reason="", digest=DIGEST, now=NOW):
    return service.decide_step(
        connection,
        "abc123",
        step,
        decision,
        reason,
        digest,
        actor=actor or REVIEWERS[Step(step)],
        now=now,
        signing_key=KEY,
    )


def test_three_people_approve_and_each_signature_holds(connection):
    service.submit_release(connection, make_release(), actor=STEWARD, now=NOW)
    states = [decide(connection, step).status for step in Step]
    assert states == ["awaiting-compliance", "awaiting-secrecy", "approved"]
    review = service.require_approved(connection, "abc123")
    assert [d.actor for d in review.decisions] == ["qian", "sun", "li"]
    assert service.approved_release_ids(connection, "bus-stops") == ["abc123"]
    assert service.approved_release_ids(connection, "other") == []
    forged = review.decisions[0].model_copy(update={"actor": "somebody-else"})
    assert not service.signatures_hold(review.model_copy(update={"decisions": (forged, *review.decisions[1:])}))


def test_a_forged_decision_in_the_database_is_not_published(connection):
    service.submit_release(connection, make_release(), actor=STEWARD, now=NOW)
    for step in Step:
        decide(connection, step)
    connection.exec_driver_sql("DROP TRIGGER review_events_no_update")
    row = connection.execute(sa.select(review_events.c.event).where(review_events.c.version == 4)).scalar_one()
    connection.execute(review_events.update().where(review_events.c.version == 4).values(event=row | {"actor": "wu"}))
    with pytest.raises(Conflict, match="signature-invalid"):
        service.require_approved(connection, "abc123")


def test_decisions_forged_with_a_key_of_ones_own_are_not_published(connection):
    """Whoever can write to the database can sign with another key: the log and the installation's key tell."""
    service.submit_release(connection, make_release(), actor=STEWARD, now=NOW)
    for version, step in enumerate(Step, start=2):
        statement = signed_statement("abc123", step, Decision.APPROVE, "", DIGEST, REVIEWERS[step].id, NOW)
        event = StepDecided(
            actor=REVIEWERS[step].id,
            at=NOW,
            step=step,
            decision=Decision.APPROVE,
            reason="",
            descriptor_digest=DIGEST,
            signature=sign(statement, OTHER_KEY),
            public_key=public_key(OTHER_KEY),
        )
        connection.execute(
            review_events.insert().values(
                release_id="abc123",
                version=version,
                kind=event.kind,
                event=event.model_dump(mode="json"),
                actor=event.actor,
                at=NOW,
            )
        )
    review = service.load_review(connection, "abc123")
    assert review.status == "approved"
    assert service.signatures_hold(review)
    with pytest.raises(Conflict, match="signature-invalid"):
        service.require_approved(connection, "abc123")


def test_no_other_installations_signature_counts(connection):
    service.submit_release(connection, make_release(), actor=STEWARD, now=NOW)
    for step in Step:
        decide(connection, step)
    service.require_approved(connection, "abc123", signing_key=KEY)
    with pytest.raises(Conflict, match="signature-invalid"):
        service.require_approved(connection, "abc123", signing_key=OTHER_KEY)


@pytest.mark.parametrize(
    ("step", "actor", "code"),
    [
        ("agency", COMPLIANCE, "duty-missing"),
        ("agency", AGENCY.model_copy(update={"organisation": "health"}), "other-organisation"),
        ("agency", EVERYTHING.model_copy(update={"id": "zhao"}), "own-release"),
        ("agency", system_actor("worker"), "duty-missing"),
    ],
)
def test_who_may_not_sign(connection, step, actor, code):
    service.submit_release(connection, make_release(), actor=STEWARD, now=NOW)
    with pytest.raises(NotPermitted) as refused:
        decide(connection, step, actor)
    assert refused.value.code == code


def test_nobody_signs_two_steps(connection):
    service.submit_release(connection, make_release(), actor=STEWARD, now=NOW)
    decide(connection, "agency", EVERYTHING)
    with pytest.raises(NotPermitted, match="another-step-signed"):
        decide(connection, "compliance", EVERYTHING)


def test_the_uploader_of_the_source_cannot_sign_when_a_worker_submitted(connection):
    connection.execute(
        sources.insert().values(
            id="s1",
            dataset="bus-stops",
            file_name="x.csv",
            digest="a" * 64,
            size=1,
            status="prepared",
            done=1.0,
            uploaded_at=NOW,
            uploaded_by="qian",
        )
    )
    connection.execute(
        releases.insert().values(
            id="abc123", dataset="bus-stops", source="s1", descriptor={}, created_at=NOW, created_by="system:worker"
        )
    )
    review = service.submit_release(connection, make_release(), actor=system_actor("worker"), now=NOW)
    assert review.uploaders == ("qian",)
    with pytest.raises(NotPermitted, match="own-release"):
        decide(connection, "agency", AGENCY)


def test_refusals(connection):
    with pytest.raises(NotFound, match="unknown-review"):
        decide(connection, "agency")
    with pytest.raises(Refused, match="disclosure-failed"):
        service.submit_release(connection, make_release(Outcome.FAIL), actor=STEWARD, now=NOW)
    other = make_release().model_copy(update={"dataset": "unknown"})
    with pytest.raises(NotFound, match="unknown-dataset"):
        service.submit_release(connection, other, actor=STEWARD, now=NOW)
    service.submit_release(connection, make_release(), actor=STEWARD, now=NOW)
    with pytest.raises(Conflict, match="not-in-this-state"):
        service.submit_release(connection, make_release(), actor=STEWARD, now=NOW)
    with pytest.raises(Conflict, match="other-evidence"):
        decide(connection, "agency", digest="e" * 64)
    with pytest.raises(Conflict, match="not-this-step"):
        decide(connection, "secrecy")
    with pytest.raises(Refused, match="reason-missing"):
        decide(connection, "agency", decision="reject", reason="  ")
    with pytest.raises(Refused, match="unknown-step"):
        service.decide_step(
            connection, "abc123", "mayor", "approve", "", DIGEST, actor=AGENCY, now=NOW, signing_key=KEY
        )
    with pytest.raises(Conflict, match="not-approved"):
        service.require_approved(connection, "abc123")
    assert log_size(connection) == 0


def test_sent_back_explained_and_submitted_again_needs_all_three_steps_anew(connection):
    service.submit_release(connection, make_release(), actor=STEWARD, now=NOW)
    decide(connection, "agency")
    sent_back = decide(connection, "compliance", decision="send-back", reason="请说明来源")
    assert (sent_back.status, sent_back.due) == ("sent-back", None)
    letter = connection.execute(sa.select(outbox.c.payload)).scalar_one()
    assert letter["to"] == "zhao"
    assert "请说明来源" in letter["body"]
    again = service.submit_release(connection, make_release(), actor=STEWARD, now=NOW + timedelta(days=1))
    assert (again.status, again.version) == ("awaiting-agency", 4)


def test_an_approval_can_be_withdrawn_and_then_nothing_is_published(connection):
    service.submit_release(connection, make_release(), actor=STEWARD, now=NOW)
    for step in Step:
        decide(connection, step)
    with pytest.raises(NotPermitted):
        service.withdraw_review(connection, "abc123", "错误", actor=COMPLIANCE, now=NOW)
    service.withdraw_review(connection, "abc123", "发现错误", actor=STEWARD, now=NOW)
    assert service.approved_release_ids(connection) == []
    with pytest.raises(Conflict, match="not-approved"):
        service.require_approved(connection, "abc123")


LATER = NOW + timedelta(hours=1)


def approved(connection: sa.Connection) -> None:
    service.submit_release(connection, make_release(), actor=STEWARD, now=NOW)
    for step in Step:
        decide(connection, step)


def reinstate(connection: sa.Connection, actor: Actor = STEWARD, reason: str = "误撤，数据无误"):
    return service.reinstate_review(connection, "abc123", reason, actor=actor, now=LATER)


def test_a_withdrawn_release_is_reviewed_anew_by_all_three(connection):
    approved(connection)
    service.withdraw_review(connection, "abc123", "误操作", actor=STEWARD, now=NOW)
    review = reinstate(connection)
    assert (review.status, review.withdrawn, review.round) == ("awaiting-agency", None, ())
    assert review.due is not None
    assert len(review.decisions) == 3
    with pytest.raises(Conflict, match="not-approved"):
        service.require_approved(connection, "abc123")
    for step in Step:
        review = decide(connection, step)
    assert review.status == "approved"
    assert [d.step for d in review.round] == list(Step)
    assert service.require_approved(connection, "abc123", signing_key=KEY).status == "approved"
    kinds = [entry["entry"]["kind"] for entry in entries(connection)]
    assert kinds == [*["review-decision"] * 3, "reinstatement", *["review-decision"] * 3]
    assert "zhao" not in str([entry["leaf"] for entry in entries(connection)])


def test_an_approved_release_that_was_not_withdrawn_is_not_reinstated(connection):
    approved(connection)
    with pytest.raises(Conflict, match="not-withdrawn"):
        reinstate(connection)


@pytest.mark.parametrize("decision", ["send-back", "reject"])
def test_only_what_was_withdrawn_is_reinstated(connection, decision):
    service.submit_release(connection, make_release(), actor=STEWARD, now=NOW)
    with pytest.raises(Conflict, match="not-in-this-state"):
        reinstate(connection)
    decide(connection, "agency", decision=decision, reason="x")
    with pytest.raises(Conflict, match="not-in-this-state"):
        reinstate(connection)


@pytest.mark.parametrize("actor", [COMPLIANCE, AGENCY, Actor(id="fremd", duties=frozenset({Duty.STEWARD}))])
def test_reinstating_is_for_those_who_may_submit(connection, actor):
    approved(connection)
    service.withdraw_review(connection, "abc123", "误操作", actor=STEWARD, now=NOW)
    with pytest.raises(NotPermitted):
        reinstate(connection, actor)


def test_reinstating_wants_a_reason(connection):
    approved(connection)
    service.withdraw_review(connection, "abc123", "误操作", actor=STEWARD, now=NOW)
    with pytest.raises(Refused, match="reason-missing"):
        reinstate(connection, reason=" ")


def test_whoever_asks_does_not_review(connection):
    both = Actor(id="wu", duties=frozenset({Duty.STEWARD, Duty.AGENCY_REVIEWER}), organisation="transport")
    approved(connection)
    service.withdraw_review(connection, "abc123", "误操作", actor=STEWARD, now=NOW)
    assert reinstate(connection, both).uploaders == ("wu", "zhao")
    with pytest.raises(NotPermitted, match="own-release"):
        decide(connection, "agency", both)


def test_the_queue_shows_what_waits_for_this_person_by_deadline(connection):
    service.submit_release(connection, make_release(release_id="late"), actor=STEWARD, now=NOW + timedelta(days=3))
    service.submit_release(connection, make_release(release_id="soon"), actor=STEWARD, now=NOW)
    assert [r.release_id for r in service.list_reviews(connection, actor=AGENCY)] == ["soon", "late"]
    assert service.list_reviews(connection, actor=SECRECY) == []
    assert service.list_reviews(connection, actor=STEWARD) == []
    assert [r.due for r in service.list_reviews(connection)] == [date(2026, 3, 9), date(2026, 3, 12)]


def test_decisions_stand_in_the_transparency_log_without_a_person(connection):
    service.submit_release(connection, make_release(), actor=STEWARD, now=NOW)
    decide(connection, "agency", reason="经办人钱某已核对")
    leaf = entries(connection)[0]["leaf"]
    assert '"descriptor":"' + DIGEST in leaf
    assert "qian" not in leaf
    assert "钱某" not in leaf


def test_every_event_type_has_a_projection():
    for kind in get_args(get_args(Event)[0]):
        assert project.dispatch(kind) is not project.dispatch(object), kind


def test_every_state_stands_in_the_table_and_every_awaited_step_can_be_sent_back():
    assert set(TRANSITIONS) == {None, *Status}
    assert all({"approve", "send-back", "reject", "withdraw"} == set(TRANSITIONS[s]) for s in AWAITED_STEP)


def test_an_impossible_history_is_refused():
    submitted = ReleaseSubmitted(
        actor="zhao",
        at=NOW,
        dataset="x",
        publisher="y",
        descriptor_digest=DIGEST,
        uploaders=(),
        due=date(2026, 3, 9),
    )
    with pytest.raises(ValueError, match="cannot follow"):
        fold("abc123", [submitted, submitted])


ACTORS = [STEWARD, AGENCY, COMPLIANCE, SECRECY, EVERYTHING]
COMMANDS = st.tuples(
    st.sampled_from(ACTORS),
    st.sampled_from(["submit", "withdraw", "reinstate", *Step]),
    st.sampled_from(["approve", "approve", "approve", "send-back", "reject"]),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(COMMANDS, max_size=12))
def test_no_sequence_of_commands_approves_without_three_different_people(tmp_path_factory, commands):
    engine = open_database(tmp_path_factory.mktemp("review"))
    metadata.create_all(engine)
    with engine.begin() as connection:
        values = {"name": "bus-stops", "declaration": {"publisher": "transport"}, "updated_at": NOW, "updated_by": "x"}
        connection.execute(datasets.insert().values(**values))
        service.submit_release(connection, make_release(), actor=STEWARD, now=NOW)
        for actor, what, decision in commands:
            try:
                if what == "submit":
                    service.submit_release(connection, make_release(), actor=actor, now=NOW)
                elif what == "withdraw":
                    service.withdraw_review(connection, "abc123", "x", actor=actor, now=NOW)
                elif what == "reinstate":
                    service.reinstate_review(connection, "abc123", "x", actor=actor, now=NOW)
                else:
                    decide(connection, what, actor, decision, "x")
            except GongkaiError:
                pass
        review = service.load_review(connection, "abc123")
        stored = connection.execute(sa.select(reviews)).mappings().one()
    engine.dispose()
    assert (stored["status"], stored["version"], stored["due"]) == (review.status, review.version, review.due)
    assert (review.due is not None) == (review.step is not None)
    if review.status is Status.APPROVED:
        last = review.round
        assert [(d.step, d.decision) for d in last] == [(s, "approve") for s in Step]
        assert len({d.actor for d in last} | {"zhao"}) == 4
