"""Applications: every step an event, conflicts of interest kept out, grants checked at every use."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from governance import accounts, audit
from governance.access import commands as c
from governance.access import events as e
from governance.access import grants, service
from governance.access.state import changes, fold
from governance.access.terms import current_terms
from governance.access.transitions import TRANSITIONS, Action, Status
from governance.database.dataset_tables import datasets, outbox
from governance.database.decision_tables import application_events, applications
from governance.database.decision_tables import grants as grants_table
from governance.database.engine import metadata, open_database
from governance.transparency_log import entries
from schemas.actor import ANONYMOUS, Actor, Duty, system_actor
from schemas.dataset import Tier
from schemas.errors import Conflict, GongkaiError, NotAuthenticated, NotFound, NotPermitted, Refused
from schemas.text import Text
from tests.factories.access import CHEN, DECLARATION, LIU, NOW, WANG

BOTH = Actor(id="yang", duties=frozenset({Duty.ACCESS_REVIEWER, Duty.DECIDER}), organisation="data-bureau")
COLLEAGUE = BOTH.model_copy(update={"id": "xu", "organisation": "university"})
WORKER = system_actor("worker")


def prepare_database(folder: Path) -> sa.Engine:
    engine = open_database(folder)
    metadata.create_all(engine)
    with engine.begin() as connection:
        open_one = DECLARATION | {"name": "bus-stops", "openness": "open"}
        for declared in (DECLARATION, open_one):
            connection.execute(
                datasets.insert().values(name=declared["name"], declaration=declared, updated_at=NOW, updated_by="zhao")
            )
        accounts.create_account(
            connection,
            account="wang",
            name=Text(zh="王", en="Wang"),
            password=None,
            duties=WANG.duties,
            organisation="university",
            email="wang@example.org",
            actor=WORKER,
            now=NOW,
        )
    return engine


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sa.Connection]:
    engine = prepare_database(tmp_path)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def application_of(**changed) -> c.SubmitApplication:
    values = {
        "dataset": "employment",
        "tier": Tier.RESTRICTED,
        "purpose": "研究就业",
        "project": "青年就业课题",
        "statement": "数据只在校内服务器使用",
        "period_from": date(2026, 3, 10),
        "period_until": date(2026, 12, 31),
        "terms_version": current_terms().version,
    }
    return c.SubmitApplication(**values | changed)


def submit(connection, now=NOW, **changed):
    return service.submit_application(connection, application_of(**changed), actor=WANG, now=now)


def act(connection, application, command, actor, now=NOW, version=None):
    return service.act(connection, application.id, command, actor=actor, now=now, version=version)


def granted(connection, now=NOW):
    application = submit(connection, now)
    act(connection, application, c.GiveOpinion(True, "可以"), LIU, now)
    act(connection, application, c.Approve("仅限汇总成果"), CHEN, now)
    token = act(connection, application, c.ReissueToken(), WANG, now).token
    assert token is not None
    return service.load_application(connection, application.id), token


def test_the_whole_way_from_application_to_report(connection):
    application = submit(connection)
    assert (application.status, application.due) == ("under-review", date(2026, 3, 30))
    assert act(connection, application, c.GiveOpinion(True, "可以"), LIU).application.status == "awaiting-decision"
    approved = act(connection, application, c.Approve("仅限汇总成果"), CHEN)
    assert (approved.application.status, approved.application.due, approved.token) == ("granted", None, None)
    token = act(connection, application, c.ReissueToken(), WANG).token
    during = datetime(2026, 3, 10, tzinfo=UTC)
    grant = grants.require_grant(connection, token, dataset="employment", tier=Tier.RESTRICTED, now=during)
    grants.record_use(connection, grant, release_id="r1", digest="d" * 64, what="csv", actor=WANG, now=during)
    assert [u["what"] for u in grants.list_uses(connection, grant.id)] == ["csv"]
    assert grants.require_grant(connection, WANG, dataset="employment", tier=Tier.RESTRICTED, now=during) == grant
    after = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)  # midnight in Shanghai
    assert service.run_due(connection, actor=WORKER, now=after - timedelta(seconds=1)) == []
    assert service.run_due(connection, actor=WORKER, now=after) == [application.id]
    assert service.run_due(connection, actor=WORKER, now=after) == []
    reported = act(connection, application, c.ReportUse("论文一篇，副本已删除"), WANG, after).application
    assert (reported.status, len(reported.reports)) == ("expired", 1)
    kinds = [row["action"] for row in audit.entries(connection, subject=f"application:{application.id}")]
    assert len(kinds) == reported.version
    letters = connection.execute(sa.select(outbox.c.payload).order_by(outbox.c.id)).scalars().all()
    assert [x["template"] for x in letters] == ["application-received", "grant-issued", "grant-expired"]
    assert {x["to"] for x in letters} == {"wang@example.org"}
    assert "2026-03-30" in letters[0]["body"]
    assert not any(token in str(x) for x in letters)


def test_a_supplement_is_asked_once_pauses_the_clock_and_moves_the_date_by_the_pause_alone(connection):
    application = submit(connection)
    asked = act(connection, application, c.RequestSupplement("请说明样本范围"), LIU, NOW + timedelta(days=2))
    assert (asked.application.status, asked.application.due) == ("awaiting-supplement", None)
    assert asked.application.supplement.answer_by == date(2026, 3, 25)
    answered = act(connection, application, c.AnswerSupplement("2020年以来"), WANG, NOW + timedelta(days=9))
    # 2 days used by 4 March, answered on 11 March: 18 more from 12 March
    assert answered.application.due == date(2026, 4, 7)  # 6 April is the Qingming holiday
    act(connection, application, c.GiveOpinion(True, "可以"), LIU, NOW + timedelta(days=9))
    with pytest.raises(Conflict, match="supplement-asked-already"):
        act(connection, application, c.RequestSupplement("再补"), LIU, NOW + timedelta(days=9))


def test_a_supplement_must_be_asked_within_seven_working_days(connection):
    application = submit(connection)
    with pytest.raises(Conflict, match="supplement-too-late"):
        act(connection, application, c.RequestSupplement("x"), LIU, NOW + timedelta(days=10))
    act(connection, application, c.RequestSupplement("x"), LIU, NOW + timedelta(days=9))


def test_without_a_supplement_in_time_the_application_lapses(connection):
    application = submit(connection)
    act(connection, application, c.RequestSupplement("x"), LIU)
    last = datetime(2026, 3, 23, 15, 59, tzinfo=UTC)
    assert service.run_due(connection, actor=WORKER, now=last) == []
    with pytest.raises(Conflict, match="supplement-late"):
        act(connection, application, c.AnswerSupplement("x"), WANG, last + timedelta(minutes=1))
    assert service.run_due(connection, actor=WORKER, now=last + timedelta(minutes=1)) == [application.id]
    assert service.load_application(connection, application.id).status == "lapsed"


def test_a_deadline_is_extended_once_with_consent_and_notice(connection):
    application = submit(connection)
    with pytest.raises(Refused, match="missing-text"):
        act(connection, application, c.ExtendDeadline(5, "复杂", ""), CHEN)
    with pytest.raises(Refused, match="invalid-extension"):
        act(connection, application, c.ExtendDeadline(21, "复杂", "主任"), CHEN)
    extended = act(connection, application, c.ExtendDeadline(20, "复杂", "主任"), CHEN).application
    assert extended.due == date(2026, 4, 28)
    with pytest.raises(Conflict, match="extended-already"):
        act(connection, application, c.ExtendDeadline(1, "复杂", "主任"), CHEN)
    letters = connection.execute(sa.select(outbox.c.payload).order_by(outbox.c.id)).scalars().all()
    assert letters[-1]["template"] == "deadline-extended"


def test_refusal_gives_a_reason_and_remedies(connection):
    application = submit(connection)
    act(connection, application, c.GiveOpinion(False, "目的不清"), LIU)
    with pytest.raises(Refused, match="missing-text"):
        act(connection, application, c.Refuse(" "), CHEN)
    refused = act(connection, application, c.Refuse("目的与条件不符"), CHEN).application
    assert refused.status == "refused"
    assert "行政复议" in refused.decided.remedies
    letter = connection.execute(sa.select(outbox.c.payload).order_by(outbox.c.id.desc())).scalars().first()
    assert "目的与条件不符" in letter["body"]
    assert "reconsideration" in letter["body"]
    leaf = entries(connection)[0]["leaf"]
    assert "wang" not in leaf
    assert application.id not in leaf
    submit(connection)  # a refused applicant may apply again


@pytest.mark.parametrize(
    ("actor", "command", "code"),
    [
        (COLLEAGUE, c.GiveOpinion(True, "x"), "conflict-of-interest"),
        (COLLEAGUE, c.Approve(""), "conflict-of-interest"),
        (COLLEAGUE, c.Refuse("x"), "conflict-of-interest"),
        (COLLEAGUE, c.RequestSupplement("x"), "conflict-of-interest"),
        (COLLEAGUE, c.ExtendDeadline(1, "x", "x"), "conflict-of-interest"),
        (COLLEAGUE, c.Withdraw(), "not-your-application"),
        (BOTH.model_copy(update={"id": "wang"}), c.Approve(""), "own-application"),
        (LIU, c.Approve(""), "duty-missing"),
        (CHEN, c.GiveOpinion(True, "x"), "duty-missing"),
        (ANONYMOUS, c.Approve(""), "duty-missing"),
        (CHEN, c.Expire(), "platform-only"),
    ],
)
def test_who_may_not(connection, actor, command, code):
    application = submit(connection)
    with pytest.raises(NotPermitted) as refused:
        act(connection, application, command, actor)
    assert refused.value.code == code


def test_whoever_gave_an_opinion_does_not_decide(connection):
    application = submit(connection)
    act(connection, application, c.GiveOpinion(True, "x"), BOTH)
    with pytest.raises(NotPermitted, match="reviewer-decides"):
        act(connection, application, c.Approve(""), BOTH)


@pytest.mark.parametrize(
    ("changed", "error", "field"),
    [
        ({"dataset": "unknown"}, NotFound, "dataset"),
        ({"dataset": "bus-stops"}, Refused, "dataset"),
        ({"tier": Tier.STATISTICAL}, Refused, "tier"),
        ({"period_from": date(2026, 3, 1)}, Refused, "period_from"),
        ({"period_until": date(2026, 3, 9)}, Refused, "period_until"),
        ({"period_until": date(2030, 3, 9)}, Refused, "period_until"),
        ({"terms_version": "2019"}, Refused, "terms_version"),
        ({"purpose": " "}, Refused, "purpose"),
        ({"project": "x" * 5001}, Refused, "project"),
    ],
)
def test_a_bad_application_is_refused_with_its_field(connection, changed, error, field):
    with pytest.raises(error) as refused:
        submit(connection, **changed)
    assert refused.value.field == field
    assert connection.execute(sa.select(application_events)).first() is None


def test_only_researchers_apply_and_only_once_at_a_time(connection):
    with pytest.raises(NotPermitted, match="researcher-only"):
        service.submit_application(connection, application_of(), actor=LIU, now=NOW)
    submit(connection)
    with pytest.raises(Conflict, match="applied-already"):
        submit(connection)


def test_whoever_holds_a_grant_applies_again_once_it_has_expired(connection):
    granted(connection)
    again = {"period_from": date(2027, 1, 4), "period_until": date(2027, 6, 30)}
    before, after = datetime(2026, 12, 31, 15, 59, tzinfo=UTC), datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    with pytest.raises(Conflict, match="applied-already"):
        submit(connection, before, **again)
    submit(connection, after, **again)


def test_a_grant_answers_with_the_reason_why_not(connection):
    _, token = granted(connection)
    restricted = {"dataset": "employment", "tier": Tier.RESTRICTED}
    during = datetime(2026, 3, 10, tzinfo=UTC)

    def code(credential, now=during, **subject):
        with pytest.raises(GongkaiError) as refused:
            grants.require_grant(connection, credential, **restricted | subject, now=now)
        return type(refused.value), refused.value.code

    assert code("gkg_wrong") == (NotAuthenticated, "invalid-grant-token")
    assert code(ANONYMOUS) == (NotAuthenticated, "grant-needed")
    assert code(LIU) == (NotPermitted, "no-grant")
    assert code(token, dataset="other") == (NotPermitted, "grant-of-other-data")
    assert code(token, tier=Tier.STATISTICAL) == (NotPermitted, "grant-of-other-data")
    assert code(token, now=NOW) == (NotPermitted, "grant-not-yet-valid")
    assert code(token, now=datetime(2027, 1, 1, tzinfo=UTC)) == (NotPermitted, "grant-expired")
    accounts.update_account(
        connection, account="wang", duties=WANG.duties, organisation="u", active=False, actor=WORKER, now=during
    )
    assert code(token) == (NotPermitted, "grant-revoked")


def test_a_reissued_token_replaces_the_old_one_and_revocation_ends_it(connection):
    application, first = granted(connection)
    during = datetime(2026, 3, 10, tzinfo=UTC)
    second = act(connection, application, c.ReissueToken(), WANG, during).token
    with pytest.raises(NotAuthenticated):
        grants.grant_of_token(connection, first, during)
    assert grants.grant_of_token(connection, second, during).holder == "wang"
    with pytest.raises(NotPermitted):
        act(connection, application, c.ReissueToken(), CHEN, during)
    act(connection, application, c.Revoke("违反条款"), CHEN, during)
    with pytest.raises(NotPermitted, match="grant-revoked"):
        grants.grant_of_token(connection, second, during)
    with pytest.raises(Conflict, match="not-in-this-state"):
        act(connection, application, c.ReissueToken(), WANG, during)


def test_a_grant_is_never_longer_than_asked_for(connection):
    application = submit(connection)
    act(connection, application, c.GiveOpinion(True, "x"), LIU)
    with pytest.raises(Refused, match="longer-than-asked"):
        act(connection, application, c.Approve("", date(2027, 1, 1)), CHEN)
    with pytest.raises(Refused, match="period-over"):
        act(connection, application, c.Approve(""), CHEN, datetime(2027, 1, 1, tzinfo=UTC))
    shorter = act(connection, application, c.Approve("", date(2026, 3, 31)), CHEN).application
    assert shorter.valid_until == datetime(2026, 3, 31, 16, 0, tzinfo=UTC)


def test_two_people_acting_on_the_same_version_do_not_overwrite_each_other(connection):
    application = submit(connection)
    act(connection, application, c.GiveOpinion(True, "x"), LIU, version=1)
    with pytest.raises(Conflict, match="changed-meanwhile"):
        act(connection, application, c.GiveOpinion(False, "y"), BOTH, version=1)


def test_people_without_business_do_not_learn_that_an_application_exists(connection):
    application = submit(connection)
    for actor in (COLLEAGUE, ANONYMOUS, Actor(id="other", duties=frozenset({Duty.RESEARCHER}))):
        with pytest.raises(NotFound, match="unknown-application"):
            service.show_application(connection, application.id, actor)
    for actor in (WANG, LIU, CHEN, Actor(id="auditor", duties=frozenset({Duty.AUDITOR}))):
        assert service.show_application(connection, application.id, actor).id == application.id


def test_the_queue_is_by_legal_deadline_without_conflicts(connection):
    other = Actor(id="he", duties=frozenset({Duty.RESEARCHER}), organisation="institute")
    later = service.submit_application(connection, application_of(), actor=other, now=NOW + timedelta(days=1))
    sooner = submit(connection)
    assert [a.id for a in service.queue(connection, LIU)] == [sooner.id, later.id]
    assert [a.id for a in service.queue(connection, COLLEAGUE)] == [later.id]
    assert service.queue(connection, CHEN) == []
    act(connection, sooner, c.GiveOpinion(True, "x"), LIU)
    assert [a.id for a in service.queue(connection, CHEN)] == [sooner.id]


def test_every_event_type_has_a_projection_and_an_action():
    kinds = get_args(get_args(e.Event)[0])
    assert {kind.action for kind in kinds} == set(Action)
    for kind in kinds:
        if kind is not e.ApplicationSubmitted:
            assert changes.dispatch(kind) is not changes.dispatch(object), kind


def test_every_command_has_a_decision():
    from governance.access.decide import decide

    for command in get_args(c.Command):
        assert decide.dispatch(command) is not decide.dispatch(object), command


def test_every_state_stands_in_the_table_and_is_reached():
    assert set(TRANSITIONS) == {None, *Status}
    assert {after for row in TRANSITIONS.values() for after in row.values()} == set(Status)


ACTORS = [WANG, LIU, CHEN, BOTH, COLLEAGUE, WORKER]
COMMANDS = [
    c.RequestSupplement("x"),
    c.AnswerSupplement("x"),
    c.GiveOpinion(True, "x"),
    c.ExtendDeadline(5, "x", "x"),
    c.Approve("x"),
    c.Refuse("x"),
    c.Withdraw(),
    c.ReissueToken(),
    c.Revoke("x"),
    c.ReportUse("x"),
    c.Lapse(),
    c.Expire(),
]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(ACTORS), st.sampled_from(COMMANDS), st.integers(min_value=0, max_value=6)),
        max_size=15,
    )
)
def test_any_sequence_of_commands_leaves_events_and_read_models_in_step(tmp_path_factory, steps):
    engine = prepare_database(tmp_path_factory.mktemp("access"))
    now = NOW
    with engine.begin() as connection:
        application = submit(connection)
        for actor, command, days in steps:
            now += timedelta(days=days)
            try:
                act(connection, application, command, actor, now)
            except GongkaiError:
                continue
        events = service.load_events(connection, application.id)
        state = fold(application.id, events)
        row = connection.execute(sa.select(applications)).mappings().one()
        grant = connection.execute(sa.select(grants_table)).mappings().one_or_none()
    engine.dispose()
    assert (row["status"], row["due"], row["version"]) == (state.status, state.due, state.version)
    assert state.version == len(events)
    assert sum(isinstance(x, e.SupplementRequested) for x in events) <= 1
    deciders = {x.actor for x in events if isinstance(x, e.ApplicationApproved | e.ApplicationRefused)}
    assert not deciders & {o.actor for o in state.opinions}
    assert not deciders & {"wang", "xu"}
    assert (grant is not None) == (state.grant_id is not None)
    if grant is not None:
        assert state.opinions
        assert (grant["ended_as"] == "revoked") == (state.status is Status.REVOKED)
