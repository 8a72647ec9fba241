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
from schemas.disclosure import DisclosureReport, Outcome, RiskFigures, TradeoffPoint
from schemas.text import Language, Text
from tests.factories.disclosure import text, thresholds

Browse = Callable[[str], TestClient]
POINTS = [
    TradeoffPoint(
        k=k,
        feasible=True,
        loss=loss,
        records_suppressed=left_out,
        share_suppressed=left_out / 400,
        highest_risk=1 / k,
        losses={"龄": loss},
        levels={"龄": level},
        published={"龄": Text(zh=f"每 {5 * level} 一段", en=f"in bands of {5 * level}")},
        risk=RiskFigures(
            records=400,
            equivalence_classes=20,
            k=k,
            prosecutor_risk=1 / k,
            journalist_risk=1 / k,
            marketer_risk=0.05,
            share_above={"0.2": 0.0, "0.09": 0.3, "0.05": 0.6},
        ),
        sentence=Text(zh=f"k={k} 时的一句话", en=f"One sentence on k = {k}"),
    ).model_dump(mode="json")
    for k, loss, left_out, level in ((3, 0.2, 4, 1), (5, 0.25, 7, 1), (10, 0.4, 8, 2))
] + [{"k": 20, "feasible": False, "note": {"zh": "达不到", "en": "out of reach"}}]
PRIVACY = {
    "epsilon": 1.0,
    "subject": "证",
    "records_per_subject": 1,
    "epsilon_of_each": 0.5,
    "margins": {"count": 6.0, "额_sum": 599.0},
    "bounds": {"额": [0.0, 100.0]},
}


def chooser(*, later: bool) -> str:
    report = DisclosureReport(
        tier=Tier.OPEN, outcome=Outcome.PASS, thresholds=thresholds(k=5), extra={"tradeoff": POINTS, "least_k": 5}
    )
    page = environment("en").from_string(
        "{% import 'tradeoff.html' as t with context %}{{ t.choices(r, {}, '/en/steward/sources/1/k', later) }}"
    )
    return page.render(r=report, later=later, lang="en", zone="Asia/Shanghai")


def shown(language: Language, k: int | None = None, **extra: object) -> str:
    report = DisclosureReport(
        tier=Tier.OPEN, outcome=Outcome.PASS, thresholds=thresholds(k=k), extra={"loss": None, **extra}
    )
    page = environment(language).from_string(
        "{% import 'parts.html' as parts with context %}{{ parts.report(r, titles) }}"
    )
    return page.render(r=report, titles={"证": text("证件号")}, lang=language, zone="Asia/Shanghai")


def test_each_k_has_its_row_its_bar_and_its_consequences() -> None:
    page = shown("en", 5, tradeoff=POINTS, least_k=5)
    costs = page[page.index("What each k would cost") :]
    rows = re.findall(r'<tr data-k="(\d+)".*?</tr>', costs, re.DOTALL)
    assert rows == ["3", "5", "10", "20"]
    found = re.findall(r"<tr data-k.*?</tr>", costs, re.DOTALL)
    assert [("chosen" in row) for row in found] == [False, True, False, False]
    assert [("below the policy" in row) for row in found] == [True, False, False, False]
    assert "Out of reach" in found[-1]
    assert all("<svg" in row for row in found[:-1])
    panels = re.findall(r'<details data-k="(\d+)"( open)?>', page)
    assert panels == [("3", ""), ("5", " open"), ("10", "")]
    for said in (
        "One sentence on k = 10",
        "in bands of 10",
        "highest risk (prosecutor)",
        "records with a risk above 0.09",
    ):
        assert said in page
    assert "不同 k 值的代价" in shown("zh", 5, tradeoff=POINTS, least_k=5)
    assert "k=10 时的一句话" in shown("zh", 5, tradeoff=POINTS, least_k=5)


def test_the_slider_has_a_label_and_stands_at_the_chosen_k() -> None:
    page = shown("en", 10, tradeoff=POINTS, least_k=5)
    slider = re.search(r'<input type="range" id="([\w-]+)" min="0" max="3" step="1" value="(\d)">', page)
    assert slider is not None
    assert slider.group(2) == "2"
    assert f'<label for="{slider.group(1)}">' in page
    assert "k = 10 was chosen by the steward; the policy asks for at least 5." in page


def test_a_curve_shows_the_ks_that_can_be_reached() -> None:
    page = shown("en", 5, tradeoff=POINTS, least_k=5)
    curve = page[page.index('<svg class="curve"') :].partition("</svg>")[0]
    assert re.findall(r'<g data-k="(\d+)"( class="now")?>', curve) == [("3", ""), ("5", ' class="now"'), ("10", "")]
    assert 'aria-label="Highest risk of a record over usefulness, one mark for each k"' in curve
    assert '<svg class="curve"' not in shown("en", 5, tradeoff=[POINTS[1], POINTS[3]], least_k=5)


def test_looking_at_choices_offers_no_form() -> None:
    page = shown("en", 5, tradeoff=POINTS, least_k=5)
    assert "<form" not in page
    assert "radio" not in page


def test_choosing_offers_what_the_policy_allows_and_can_be_reached() -> None:
    page = chooser(later=False)
    radios = re.findall(r'<input type="radio" name="k" value="(\d+)"( checked)?( disabled)?>', page)
    assert radios == [("3", "", " disabled"), ("5", " checked", ""), ("10", "", ""), ("20", "", " disabled")]
    assert '<input type="hidden" name="tier" value="open">' in page
    assert "Choose this k and prepare again" in page
    assert "Keep this k for later files" in chooser(later=True)


@pytest.mark.parametrize(
    ("recoding", "word"), [("full-domain", "one level"), ("local", "Mondrian"), ("suppress", "left out")]
)
def test_how_k_was_reached_is_explained(recoding: str, word: str) -> None:
    page = environment("en").from_string("{% import 'parts.html' as parts with context %}{{ parts.recoding(kind) }}")
    assert word in page.render(kind=recoding, lang="en", zone="Asia/Shanghai")


def test_a_report_from_before_these_figures_is_still_shown() -> None:
    old = [{"k": k, "feasible": True, "loss": 0.2, "records_suppressed": 4, "share_suppressed": 0.01} for k in (3, 5)]
    page = shown("en", 5, tradeoff=old)
    assert "What each k would cost" in page
    assert "<details" not in page


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


def test_means_and_quantiles_are_told_with_theirs() -> None:
    noisy = {
        **PRIVACY,
        "epsilon_of_each": 0.25,
        "records_per_subject": 3,
        "bounds": {"pay": [0, 30000]},
        "split": {"count": 0.25, "pay_mean": 0.25, "pay_p50": 0.25},
        "intervals": {"pay_mean": ["pay_mean_low", "pay_mean_high"]},
        "rank_margins": {"pay_p50": 44},
        "steps": {"pay_p50": 50},
    }
    page = shown("en", privacy=noisy)
    assert "± 44 places in rank, rounded to 50" in page
    assert "lower and upper limit" in page
    assert "up to 3 records per person" in page
    assert page.count("0–30,000") == 2
    assert "位次相差 ± 44，取整到 50" in shown("zh", privacy=noisy)


def test_nothing_is_shown_that_was_not_measured() -> None:
    assert "<table" not in shown("en")


def test_a_published_report_shows_both(browse: Browse) -> None:
    page = browse("-").get("/en/datasets/employment-registrations").text
    assert "What each k would cost" in page
    assert "Records by their risk of being recognised" in page
    assert "People&#39;s Daily" in page
    assert page.count(">chosen<") == 1
