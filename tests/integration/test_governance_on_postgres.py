"""Reviews, applications and the log on PostgreSQL: the same promises as on SQLite, with writers side by side."""

import secrets
import threading
from collections.abc import Iterator
from datetime import date

import pytest
import sqlalchemy as sa

from governance import accounts, sign_in_limits
from governance import transparency_log as log
from governance.access import commands as c
from governance.access import grants
from governance.access import service as access
from governance.access.terms import current_terms
from governance.database.dataset_tables import datasets
from governance.database.engine import metadata, open_database
from governance.release_review import service as review
from schemas.actor import ANONYMOUS, Actor, Duty, system_actor
from schemas.dataset import Tier
from schemas.disclosure import DisclosureReport, Outcome
from schemas.errors import Conflict, NotAuthenticated, TooManyAttempts
from schemas.release import Distribution, Release
from schemas.text import Text
from tests.factories.access import CHEN, DECLARATION, LIU, NOW, WANG

TEST = system_actor("test")


@pytest.fixture
def engine(postgres_url: str, tmp_path) -> Iterator[sa.Engine]:
    name = f"gongkai_{secrets.token_hex(6)}"
    server = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine = open_database(tmp_path, sa.make_url(postgres_url).set(database=name).render_as_string(False))
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(
            datasets.insert().values(name="employment", declaration=DECLARATION, updated_at=NOW, updated_by="x")
        )
        accounts.create_account(
            connection,
            account="wang",
            name=Text(zh="王", en="Wang"),
            password="correct horse battery",
            duties=WANG.duties,
            organisation="university",
            actor=TEST,
            now=NOW,
        )
    yield engine
    engine.dispose()
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    server.dispose()


def release() -> Release:
    report = DisclosureReport(tier=Tier.RESTRICTED, outcome=Outcome.PASS)
    return Release(
        id="r1",
        dataset="employment",
        table_schema="employment@1.0.0",
        policy="standard",
        source_digest="a" * 64,
        distributions=(Distribution(tier=Tier.RESTRICTED, rows=1, fields=(), files=(), report=report),),
        descriptor_digest="d" * 64,
    )


def reviewer(name: str, duty: Duty) -> Actor:
    return Actor(id=name, duties=frozenset({duty}), organisation="human-resources")


def side_by_side(*deeds) -> list[BaseException | None]:
    """Run deeds in threads at once; what each raised."""
    raised: list[BaseException | None] = [None] * len(deeds)
    barrier = threading.Barrier(len(deeds))

    def run(place: int) -> None:
        barrier.wait()
        try:
            deeds[place]()
        except Exception as error:
            raised[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_the_whole_way_works_and_events_stay(engine):
    with engine.begin() as connection:
        review.submit_release(connection, release(), actor=TEST, now=NOW)
        steps = {
            "agency": Duty.AGENCY_REVIEWER,
            "compliance": Duty.COMPLIANCE_REVIEWER,
            "secrecy": Duty.SECRECY_REVIEWER,
        }
        for step, duty in steps.items():
            review.decide_step(
                connection,
                "r1",
                step,
                "approve",
                "",
                "d" * 64,
                actor=reviewer(step, duty),
                now=NOW,
                signing_key=bytes(32),
            )
        review.require_approved(connection, "r1")
        command = c.SubmitApplication(
            dataset="employment",
            tier=Tier.RESTRICTED,
            purpose="p",
            project="p",
            statement="s",
            period_from=date(2026, 3, 2),
            period_until=date(2026, 12, 31),
            terms_version=current_terms().version,
        )
        made = access.submit_application(connection, command, actor=WANG, now=NOW)
        access.act(connection, made.id, c.GiveOpinion(True, "x"), actor=LIU, now=NOW)
        access.act(connection, made.id, c.Approve(""), actor=CHEN, now=NOW)
        token = access.act(connection, made.id, c.ReissueToken(), actor=WANG, now=NOW).token
        grant = grants.require_grant(connection, token, dataset="employment", tier=Tier.RESTRICTED, now=NOW)
        grants.record_use(connection, grant, release_id="r1", digest="d" * 64, what="csv", actor=WANG, now=NOW)
        assert log.verify_log(connection)[0] == 4
    for table in [t for t in metadata.sorted_tables if t.info.get("append_only")]:
        with pytest.raises(sa.exc.DatabaseError, match="never changed"), engine.begin() as connection:
            connection.execute(table.delete())


def test_two_decisions_on_the_same_step_at_once_count_as_one(engine):
    with engine.begin() as connection:
        review.submit_release(connection, release(), actor=TEST, now=NOW)

    def decide(name: str):
        def deed() -> None:
            with engine.begin() as connection:
                review.decide_step(
                    connection,
                    "r1",
                    "agency",
                    "approve",
                    "",
                    "d" * 64,
                    actor=reviewer(name, Duty.AGENCY_REVIEWER),
                    now=NOW,
                    signing_key=bytes(32),
                )

        return deed

    raised = side_by_side(decide("one"), decide("two"))
    assert [type(e) for e in raised if e] == [Conflict]
    with engine.begin() as connection:
        assert review.load_review(connection, "r1").version == 2
        assert log.verify_log(connection)[0] == 1


def test_appending_side_by_side_gives_one_whole_tree(engine):
    def append(number: int):
        def deed() -> None:
            for n in range(5):
                with engine.begin() as connection:
                    entry = {"kind": "publication", "release": f"{number}-{n}"}
                    log.append_entry(connection, entry, actor=TEST, now=NOW)

        return deed

    assert side_by_side(*(append(n) for n in range(4))) == [None] * 4
    with engine.begin() as connection:
        assert log.verify_log(connection)[0] == 20


def test_parallel_guesses_do_not_slip_past_the_limit(engine):
    def guess() -> None:
        accounts.sign_in(engine, account="wang", password="wrong password", actor=ANONYMOUS, now=NOW)

    raised = side_by_side(*[guess] * 12)
    assert all(isinstance(e, NotAuthenticated | TooManyAttempts) for e in raised)
    looked_at = [e for e in raised if e.code == "sign-in-refused"]
    assert len(looked_at) <= sign_in_limits.ATTEMPTS_ALLOWED
