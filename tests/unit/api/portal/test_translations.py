"""Every text of the templates has a Chinese translation, every code that pages show has a word."""

import re
from enum import StrEnum
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

import api.portal
from api.portal import words
from api.portal.templating import linked
from governance.access.events import EVENT
from governance.access.transitions import Status as ApplicationStatus
from governance.release_review.events import Decision, Step
from governance.release_review.transitions import Status as ReviewStatus
from pipelines.progress import STAGES
from pipelines.validation.messages import known_types, templates
from schemas.actor import Duty
from schemas.dataset import Openness, Tier, UpdateFrequency
from schemas.disclosure import Control, Outcome
from schemas.table_schema import FieldRole, Meaning

PORTAL = Path(api.portal.__file__).parent
PLACEHOLDER = re.compile(r"%\(\w+\)s")
Message = str | tuple[str, str]


def _extracted() -> set[Message]:
    with (PORTAL / "babel.cfg").open() as mapping:
        methods, options = parse_mapping_cfg(mapping)
    found: set[Message] = set()
    for _, _, message, _, _ in extract_from_dir(PORTAL, methods, options):
        found.add(message if isinstance(message, str) else (message[0], message[1]))
    return found


def _translated() -> dict[Message, str]:
    with (PORTAL / "translations" / "zh.po").open("rb") as source:
        catalogue = read_po(source, locale="zh")
    assert not [m.id for m in catalogue if m.id and m.fuzzy]
    return {
        (m.id if isinstance(m.id, str) else tuple(m.id)): (m.string if isinstance(m.string, str) else m.string[0])
        for m in catalogue
        if m.id
    }


def test_every_text_is_translated_and_no_translation_is_left_over() -> None:
    extracted, translated = _extracted(), _translated()
    assert len(extracted) > 150
    assert {m for m in extracted if not translated.get(m)} == set()
    assert set(translated) - extracted == set()


def test_translations_keep_the_placeholders() -> None:
    for message, chinese in _translated().items():
        wanted = message if isinstance(message, str) else message[1]
        assert sorted(PLACEHOLDER.findall(chinese)) == sorted(PLACEHOLDER.findall(wanted)), message
        assert "%" not in PLACEHOLDER.sub("", chinese), message
        assert re.search(r"[\u4e00-\u9fff、]", chinese), message


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ("openness", Openness),
        ("tier", Tier),
        ("role", FieldRole),
        ("control", Control),
        ("outcome", Outcome),
        ("frequency", UpdateFrequency),
        ("duty", Duty),
        ("step", Step),
        ("decision", Decision),
        ("review-status", ReviewStatus),
        ("application-status", ApplicationStatus),
    ],
)
def test_every_code_has_a_word(kind: str, codes: type[StrEnum]) -> None:
    assert {str(code) for code in codes} <= set(words.WORDS[kind])


def test_events_stages_and_meanings_have_words() -> None:
    choices = EVENT.core_schema["choices"]  # type: ignore[typeddict-item]
    assert set(choices) <= set(words.WORDS["event"])
    assert set(STAGES) <= set(words.WORDS["stage"])
    assert {str(m) for m in Meaning} <= set(templates()["meanings"])


def test_common_error_types_have_short_words() -> None:
    unknown = set(words.WORDS["error-type"]) - set(known_types())
    assert unknown == set()


@pytest.mark.parametrize(
    ("name", "limit", "zh", "en"),
    [
        ("required", True, "必填", "required"),
        ("required", False, "", ""),
        ("enum", ["a", "b"], "取值：a、b", "one of: a, b"),
        ("maximum", 5, "不大于 5", "at most 5"),
        ("somethingNew", 1, "somethingNew: 1", "somethingNew: 1"),
    ],
)
def test_constraint_in_words(name: str, limit: object, zh: str, en: str) -> None:
    assert words.constraint(name, limit, "zh") == zh
    assert words.constraint(name, limit, "en") == en


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("申请：http://a.example/apply/b。", '申请：<a href="http://a.example/apply/b">http://a.example/apply/b</a>。'),
        ("<b>", "&lt;b&gt;"),
        ("javascript:alert(1)", "javascript:alert(1)"),
    ],
)
def test_addresses_become_links_and_nothing_else_does(text: str, shown: str) -> None:
    assert str(linked(text)) == shown
