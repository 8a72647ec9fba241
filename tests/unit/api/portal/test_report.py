"""The disclosure report as a page shows it: the price of other k, the detector's quality, the promise of noise."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import catalog_config
from api.portal.templating import environment
from catalog_config.configuration import load_configuration
from schemas.dataset import Tier
from schemas.disclosure import DisclosureReport, Outcome
from schemas.text import Language
from tests.factories.disclosure import text, thresholds

Browse = Callable[[str], TestClient]
POINTS = [
    {"k": 3, "feasible": True, "loss": 0.2, "records_suppressed": 4, "share_suppressed": 0.01},
    {"k": 5, "feasible": True, "loss": 0.25, "records_suppressed": 7, "share_suppressed": 0.02},
    {"k": 20, "feasible": False, "note": {"zh": "达不到", "en": "out of reach"}},
]
PRIVACY = {
    "epsilon": 1.0,
    "subject": "证",
    "margins": {"count": 6.0, "额_sum": 599.0},
    "bounds": {"额": [0.0, 100.0]},
}


def shown(language: Language, k: int | None = None, **extra: object) -> str:
    report = DisclosureReport(
        tier=Tier.OPEN, outcome=Outcome.PASS, thresholds=thresholds(k=k), extra={"loss": None, **extra}
    )
    page = environment(language).from_string(
        "{% import 'parts.html' as parts with context %}{{ parts.report(r, titles) }}"
    )
    return page.render(r=report, titles={"证": text("证件号")}, lang=language, zone="Asia/Shanghai")


def test_the_chosen_k_is_marked_and_each_k_has_its_bar() -> None:
    page = shown("en", 5, tradeoff=POINTS)
    assert page.count("<svg") == 2
    rows = re.findall(r"<tr.*?</tr>", page, re.DOTALL)
    assert [("chosen" in row) for row in rows] == [False, False, True, False]
    assert "Out of reach" in rows[-1]
    assert "其他 k 值的代价" in shown("zh", 5, tradeoff=POINTS)


def test_a_k_that_was_not_tried_marks_nothing() -> None:
    assert "chosen" not in shown("en", 4, tradeoff=POINTS)


@pytest.mark.parametrize(("language", "corpus"), [("zh", "人民日报语料"), ("en", "People&#39;s Daily")])
def test_the_detector_is_told_with_its_day(language: Language, corpus: str) -> None:
    detector = load_configuration(Path(catalog_config.__file__).parent).detector
    assert detector is not None
    page = shown(language, detector=detector.of(False).model_dump(mode="json"))
    assert corpus in page
    assert str(detector.measured_on) in page


def test_noise_is_told_with_its_margins() -> None:
    page = shown("en", privacy=PRIVACY)
    assert "epsilon 1.0" in page
    assert "证件号" in page
    assert "± 599" in page
    assert "整表 ε=1.0" in shown("zh", privacy=PRIVACY)


def test_nothing_is_shown_that_was_not_measured() -> None:
    assert "<table" not in shown("en")


def test_a_published_report_shows_both(browse: Browse) -> None:
    page = browse("-").get("/en/datasets/employment-registrations").text
    assert "What other values of k would cost" in page
    assert "People&#39;s Daily" in page
    assert page.count(">chosen<") == 1
