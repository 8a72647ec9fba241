"""Letters: every template renders with what its event gives; a template cannot reach out of its sandbox."""

from datetime import UTC, datetime
from importlib.resources import files

import pytest
import sqlalchemy as sa

from governance import letters
from governance.access.letters import LETTER_OF
from governance.database.dataset_tables import outbox
from governance.database.engine import metadata, open_database
from schemas.actor import system_actor
from schemas.errors import ConfigurationError
from schemas.text import Text

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_every_template_belongs_to_an_event_and_every_event_letter_has_a_template():
    assert set(letters.letter_templates()) == {*LETTER_OF.values(), "review-not-approved"}
    names = {p.name for p in (files("catalog_config") / "reply_templates").iterdir() if p.name.endswith(".yaml")}
    assert names == {f"{name}.yaml" for name in letters.letter_templates()}


def test_a_letter_holds_both_languages_and_each_text_in_its_own():
    values = {
        "dataset": "employment",
        "application": "a1",
        "due": "2026-03-30",
        "steps": Text(zh="第一步", en="step one"),
    }
    subject, body = letters.render_letter("application-received", values)
    assert "\n" not in subject
    chinese, english = body.split("————")
    assert "第一步" in chinese
    assert "step one" in english


def test_what_people_wrote_is_text_and_never_a_template():
    values = {"dataset": "d", "application": "a", "reason": "{{ 7 * 7 }}\n\nBcc: x@y", "remedies": "r"}
    subject, body = letters.render_letter("application-refused", values)
    assert "{{ 7 * 7 }}" in body
    assert "Bcc" not in subject


def test_a_missing_value_or_template_is_an_error_and_not_an_empty_letter():
    with pytest.raises(ConfigurationError, match="invalid-letter-template"):
        letters.render_letter("application-refused", {"dataset": "d"})
    with pytest.raises(ConfigurationError, match="unknown-letter"):
        letters.render_letter("nothing", {})


def test_templates_are_sandboxed(monkeypatch):
    escape = Text(zh="{{ ''.__class__.__mro__ }}", en="x")
    template = letters.LetterTemplate(subject=Text(zh="x", en="x"), body=escape)
    monkeypatch.setattr(letters, "letter_templates", lambda: {"escape": template})
    with pytest.raises(ConfigurationError, match="unsafe"):
        letters.render_letter("escape", {})


def test_the_same_letter_is_queued_once(tmp_path):
    engine = open_database(tmp_path)
    metadata.create_all(engine)
    with engine.begin() as connection:
        for _ in range(2):
            letters.queue_letter(
                connection,
                "grant-expired",
                key="application:a1:9",
                to="wang",
                values={"dataset": "d", "application": "a1"},
                actor=system_actor("worker"),
                now=NOW,
            )
        rows = connection.execute(sa.select(outbox)).mappings().all()
    engine.dispose()
    assert [(r["kind"], r["payload"]["to"]) for r in rows] == [("letter", "wang")]
