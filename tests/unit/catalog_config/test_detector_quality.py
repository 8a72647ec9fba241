"""The file of the detector's quality names its corpora, the day and the figures, and the report tells them."""

import datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

import catalog_config
from catalog_config.configuration import load_configuration
from schemas.findings import DetectorFigure, DetectorQuality
from tests.benchmarks import bench_detection
from tests.factories.disclosure import text


def quality() -> DetectorQuality:
    found = load_configuration(Path(catalog_config.__file__).parent).detector
    assert found is not None
    return found


def test_it_names_corpora_day_and_figures() -> None:
    measured = quality()
    assert measured.measured_on >= datetime.date(2026, 11, 27)
    assert measured.command == "python -m tests.benchmarks detection"
    assert callable(bench_detection.run)
    corpora = {f.corpus.en for f in measured.figures}
    assert any("look alike" in c for c in corpora)
    assert {"People's Daily, test set", "CLUENER, training set, the half not fitted on"} <= corpora
    assert all(f.corpus.zh and f.kind.zh and 0 < f.recall <= 1 and 0 < f.precision <= 1 for f in measured.figures)


def test_the_figures_meet_what_is_promised() -> None:
    numbers = [f for f in quality().figures if f.names_model is None]
    assert min(f.recall for f in numbers) >= 0.99
    assert min(f.precision for f in numbers) >= 0.98
    assert min(f.recall for f in quality().figures if f.names_model) >= 0.80


@pytest.mark.parametrize("with_model", [True, False])
def test_a_report_tells_the_detector_that_ran(with_model: bool) -> None:
    told = quality().of(with_model).figures
    assert {f.names_model for f in told} == {None, with_model}


@pytest.mark.parametrize("figure", [{"recall": 1.2}, {"precision": -0.1}, {"f1": 0.5}])
def test_impossible_or_unknown_figures_are_refused(figure: dict) -> None:
    with pytest.raises(ValidationError):
        DetectorFigure(**{"corpus": text("c"), "kind": text("k"), "recall": 0.5, "precision": 0.5, **figure})
