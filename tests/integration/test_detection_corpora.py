"""Detection measured on labelled corpora, with and without the model of names."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from anonymize.names.lac import LacModel, has_lac, load_lac
from anonymize.names.person import is_bare_name
from anonymize.spans import find_spans
from pipelines.models import names_model_folder
from tests.factories.personal_data import make_cells, person
from tests.shared_data import shared

MODELS = Path(__file__).resolve().parents[2] / "var" / "models"


@pytest.fixture(scope="module")
def model() -> LacModel:
    folder = names_model_folder(MODELS)
    if not has_lac(folder):
        pytest.skip("the model of Chinese names is absent; fetch it with: gongkai models fetch zh")
    pytest.importorskip("onnxruntime")
    return load_lac(folder)


def documents(name: str, every: int = 1) -> list[dict[str, Any]]:
    lines = shared(f"deid/ner/{name}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines[::every]]


def person_recall(docs: Sequence[dict[str, Any]], names: LacModel | None) -> float:
    """Share of the labelled persons whose exact span is found."""
    found = find_spans([d["text"] for d in docs], names=names)
    hit = total = 0
    for at, document in enumerate(docs):
        persons = {(s.start, s.end) for s in found.get(at, []) if s.entity == "PERSON"}
        wanted = [(s["start"], s["end"]) for s in document["spans"] if s["label"] == "PERSON"]
        hit += sum(span in persons for span in wanted)
        total += len(wanted)
    return hit / total


@pytest.mark.slow
def test_persons_in_news_are_recalled_with_the_model(model: LacModel) -> None:
    recall = person_recall(documents("peoples_daily_test"), model)
    assert recall >= 0.80


@pytest.mark.slow
def test_persons_in_cluener_are_recalled_with_the_model(model: LacModel) -> None:
    recall = person_recall(documents("cluener_train"), model)
    assert recall >= 0.80


def test_without_the_model_about_half_are_recalled() -> None:
    recall = person_recall(documents("peoples_daily_test", every=2), None)
    assert recall >= 0.5


def test_bare_name_cells_are_recalled(model: LacModel) -> None:
    rng = random.Random(8)
    cells = [person(rng) for _ in range(1500)]
    tagged = model(cells)
    by_model = [any((a, b, e) == (0, len(c), "PERSON") for a, b, e in t) for c, t in zip(cells, tagged, strict=True)]
    assert sum(by_model) / len(cells) >= 0.97
    assert sum(map(is_bare_name, cells)) / len(cells) >= 0.97


def test_identifiers_among_look_alikes() -> None:
    """Recall at least 0.99 and precision at least 0.98 of every kind, by exact span."""
    cells = make_cells(6000, seed=21)
    found = find_spans([c.text for c in cells], all_kinds=True)
    wanted = {(at, *span) for at, c in enumerate(cells) for span in c.spans}
    kinds = {kind for *_, kind in wanted}
    given = {
        (at, s.start, s.end, s.entity)
        for at, spans in found.items()
        for s in spans
        if s.entity not in ("PERSON", "ADDRESS")
    }
    assert {kind for *_, kind in given} <= kinds
    for kind in kinds:
        right = sum(1 for one in given & wanted if one[3] == kind)
        assert right / sum(1 for one in wanted if one[3] == kind) >= 0.99, kind
        assert right / sum(1 for one in given if one[3] == kind) >= 0.98, kind
