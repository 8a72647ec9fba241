"""A published dataset's declaration changes when a reviewer of its publisher agrees, and not before."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_config.configuration import Configuration, load_configuration
from catalog_config.settings import Settings
from governance.audit import audit_log
from governance.database.dataset_tables import declaration_changes, outbox, publications
from governance.database.engine import metadata, open_database
from governance.declaration_changes import ChangeStatus, decide_change, load_change, waiting_change, waiting_changes
from governance.transparency_log import entries
from pipelines.datasets import apply_dataset, load_dataset, read_declaration
from schemas.actor import Actor, Duty, system_actor
from schemas.dataset import CHANGED_AT_ONCE, Dataset
from schemas.errors import Conflict, GongkaiError, NotFound, NotPermitted, Refused
from schemas.text import Text

CITY = Path(__file__).resolve().parents[3] / "examples" / "city"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
STOPS = read_declaration(CITY / "datasets" / "bus-stops.yaml").model_copy(update={"source": None})
NAME, AGENCY = STOPS.name, STOPS.publisher
STEWARD = Actor(id="zhao", duties=frozenset({Duty.STEWARD}), organisation=AGENCY)
REVIEWER = Actor(id="qian", duties=frozenset({Duty.AGENCY_REVIEWER}), organisation=AGENCY)
BOTH = Actor(id="zhou", duties=frozenset({Duty.STEWARD, Duty.AGENCY_REVIEWER}), organisation=AGENCY)
RETITLED = STOPS.model_copy(update={"title": Text(zh="新标题", en="another title")})
CONTACT = STOPS.model_copy(update={"contact": "stops@city.example"})


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return load_configuration(Settings().configuration)


@pytest.fixture
def connection(tmp_path: Path, configuration: Configuration) -> Iterator[sa.Connection]:
    """A declared dataset that was published."""
    engine = open_database(tmp_path)
    metadata.create_all(engine)
    with engine.begin() as connection:
        assert apply_dataset(connection, STOPS, configuration, STEWARD, NOW)
        publish(connection)
        yield connection
    engine.dispose()


def publish(connection: sa.Connection) -> None:
    values = {"dataset": NAME, "writes": [], "published_at": NOW, "published_by": "test"}
    connection.execute(publications.insert().values(**values))


def apply(connection: sa.Connection, configuration: Configuration, dataset: Dataset, actor: Actor = STEWARD) -> bool:
    return apply_dataset(connection, dataset, configuration, actor, NOW)


def held(connection: sa.Connection) -> Dataset:
    return load_dataset(connection, NAME)


def test_before_it_is_published_a_declaration_changes_at_once(tmp_path: Path, configuration: Configuration) -> None:
    engine = open_database(tmp_path)
    metadata.create_all(engine)
    with engine.begin() as connection:
        apply(connection, configuration, STOPS)
        assert apply(connection, configuration, RETITLED)
        assert held(connection).title == RETITLED.title
        assert waiting_changes(connection) == []
    engine.dispose()


def test_a_title_waits_for_the_reviewer(connection: sa.Connection, configuration: Configuration) -> None:
    assert apply(connection, configuration, RETITLED)
    assert held(connection) == STOPS
    change = waiting_change(connection, NAME)
    assert change is not None
    assert (change.fields, change.proposed_by, change.status) == (("title",), "zhao", "waiting")
    assert not apply(connection, configuration, RETITLED)  # applying again changes nothing
    assert [c.number for c in waiting_changes(connection)] == [change.number]
    decided = decide_change(connection, change.number, "approve", actor=REVIEWER, now=NOW)
    assert (decided.status, decided.decided_by) == ("approved", "qian")
    assert held(connection) == RETITLED
    assert waiting_change(connection, NAME) is None
    entry = entries(connection)[-1]["entry"]
    assert (entry["kind"], entry["dataset"], entry["decision"]) == ("declaration", NAME, "approve")
    assert "qian" not in str(entry)
    queued = connection.execute(sa.select(outbox.c.kind, outbox.c.payload)).one()
    assert (queued.kind, queued.payload) == ("publish", {"dataset": NAME})
    actions = connection.execute(sa.select(audit_log.c.action).order_by(audit_log.c.sequence)).scalars().all()
    assert [a for a in actions if "change" in a] == ["dataset.change-proposed", "dataset.change-approved"]


@pytest.mark.parametrize(
    "changed",
    [
        {"contact": "stops@city.example"},
        {"notes": Text(zh="说明", en="a description")},
        {"tags": ("公交", "站点")},
    ],
    ids=lambda c: next(iter(c)),
)
def test_what_describes_is_shown_at_once(
    connection: sa.Connection, configuration: Configuration, changed: dict[str, object]
) -> None:
    assert apply(connection, configuration, STOPS.model_copy(update=changed))
    assert held(connection) == STOPS.model_copy(update=changed)
    assert waiting_change(connection, NAME) is None
    assert set(changed) <= CHANGED_AT_ONCE


def test_the_harmless_part_goes_at_once_and_the_rest_waits(
    connection: sa.Connection, configuration: Configuration
) -> None:
    other = next(name for name in configuration.licences if name != STOPS.licence)
    assert apply(connection, configuration, CONTACT.model_copy(update={"licence": other}))
    assert held(connection) == CONTACT
    change = waiting_change(connection, NAME)
    assert change is not None
    assert change.fields == ("licence",)


def test_what_readers_rely_on_never_goes_at_once() -> None:
    fields = {f.alias or name for name, f in Dataset.model_fields.items()}
    assert fields >= CHANGED_AT_ONCE
    relied_on = {"name", "title", "publisher", "openness", "schema", "policy", "tiers", "statistics", "licence"}
    relied_on |= {"legal_basis", "negative_list_item", "access_conditions"}
    assert relied_on <= fields - CHANGED_AT_ONCE


def test_a_later_proposal_takes_the_place_of_an_earlier_one(
    connection: sa.Connection, configuration: Configuration
) -> None:
    apply(connection, configuration, RETITLED)
    first = waiting_change(connection, NAME)
    other = STOPS.model_copy(update={"title": Text(zh="又一个", en="and another")})
    assert apply(connection, configuration, other)
    second = waiting_change(connection, NAME)
    assert first is not None
    assert second is not None
    assert load_change(connection, first.number).status is ChangeStatus.SUPERSEDED
    with pytest.raises(Conflict, match="change-decided"):
        decide_change(connection, first.number, "approve", actor=REVIEWER, now=NOW)
    decide_change(connection, second.number, "approve", actor=REVIEWER, now=NOW)
    assert held(connection) == other


def test_applying_what_holds_takes_the_proposal_back(connection: sa.Connection, configuration: Configuration) -> None:
    apply(connection, configuration, RETITLED)
    assert apply(connection, configuration, STOPS)
    assert waiting_change(connection, NAME) is None
    assert held(connection) == STOPS


def test_a_rejection_has_a_reason_and_changes_nothing(connection: sa.Connection, configuration: Configuration) -> None:
    apply(connection, configuration, RETITLED)
    change = waiting_change(connection, NAME)
    assert change is not None
    with pytest.raises(Refused, match="reason-missing"):
        decide_change(connection, change.number, "reject", " ", actor=REVIEWER, now=NOW)
    with pytest.raises(Refused, match="unknown-decision"):
        decide_change(connection, change.number, "send-back", "x", actor=REVIEWER, now=NOW)
    decide_change(connection, change.number, "reject", "标题有误导", actor=REVIEWER, now=NOW)
    assert held(connection) == STOPS
    assert connection.execute(sa.select(outbox)).first() is None
    assert apply(connection, configuration, RETITLED)  # may be proposed again


@pytest.mark.parametrize(
    ("actor", "code"),
    [
        (STEWARD, "duty-missing"),
        (system_actor("cli"), "duty-missing"),
        (Actor(id="wu", duties=frozenset({Duty.AGENCY_REVIEWER}), organisation="another"), "other-organisation"),
        (Actor(id="sun", duties=frozenset({Duty.SECRECY_REVIEWER}), organisation=AGENCY), "duty-missing"),
    ],
)
def test_who_may_not_decide(connection: sa.Connection, configuration: Configuration, actor: Actor, code: str) -> None:
    apply(connection, configuration, RETITLED)
    change = waiting_change(connection, NAME)
    assert change is not None
    with pytest.raises(NotPermitted, match=code):
        decide_change(connection, change.number, "approve", actor=actor, now=NOW)


def test_nobody_reviews_an_own_change(connection: sa.Connection, configuration: Configuration) -> None:
    apply(connection, configuration, RETITLED, BOTH)
    change = waiting_change(connection, NAME)
    assert change is not None
    with pytest.raises(NotPermitted, match="own-change"):
        decide_change(connection, change.number, "approve", actor=BOTH, now=NOW)


def test_an_unknown_change(connection: sa.Connection) -> None:
    with pytest.raises(NotFound, match="unknown-change"):
        decide_change(connection, 99, "approve", actor=REVIEWER, now=NOW)


VARIANTS = [STOPS, RETITLED, CONTACT, RETITLED.model_copy(update={"contact": "other@city.example"})]
MOVES = st.lists(
    st.tuples(st.sampled_from(["apply", "approve", "reject"]), st.sampled_from(VARIANTS), st.sampled_from([0, 1])),
    max_size=10,
)


@settings(max_examples=20, deadline=None)
@given(MOVES)
def test_the_public_title_is_always_one_that_was_reviewed(
    tmp_path_factory: pytest.TempPathFactory, configuration: Configuration, moves: list[tuple[str, Dataset, int]]
) -> None:
    """Whatever the order: at most one proposal waits, and the title shown is the first or an approved one."""
    engine = open_database(tmp_path_factory.mktemp("changes"))
    metadata.create_all(engine)
    with engine.begin() as connection:
        apply(connection, configuration, STOPS)
        publish(connection)
        reviewed = {STOPS.title.en}
        for move, variant, who in moves:
            waiting = waiting_change(connection, NAME)
            try:
                if move == "apply":
                    apply(connection, configuration, variant, [STEWARD, BOTH][who])
                elif waiting is not None:
                    decide_change(connection, waiting.number, move, "x", actor=[REVIEWER, BOTH][who], now=NOW)
                    if move == "approve":
                        reviewed.add(waiting.declaration["title"]["en"])
            except GongkaiError:
                pass
            assert held(connection).title.en in reviewed
        statuses = connection.execute(sa.select(declaration_changes.c.status)).scalars().all()
        assert statuses.count("waiting") <= 1
    engine.dispose()
