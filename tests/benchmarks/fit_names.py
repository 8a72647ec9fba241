"""Fit the weights of names in texts: `python -m tests.benchmarks.fit_names` writes anonymize/names/name_weights.tsv.

Fitted on People's Daily dev, every other sentence of CLUENER's training set and every fourth résumé; the rest is for
measuring. What comes out are weights of the features that `anonymize.names.weighing` describes, no text.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from anonymize.names import weighing
from tests.shared_data import SHARED_DATA

FITTED_ON = (("peoples_daily_dev", 1), ("cluener_train", 2), ("resume_train", 4))  # corpus, every how many
FEWEST = 15  # candidates that have a feature for it to be weighed
RIDGE = 1.0
HEADER = f"# Feature, weight. {' '.join((__doc__ or '').split())}\n"


def documents(name: str) -> list[dict[str, Any]]:
    """The labelled texts of a shared corpus."""
    path = SHARED_DATA / "deid" / "ner" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def examples(listed: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, float], bool]]:
    """Features of every candidate, and whether it is a labelled person."""
    for document in listed:
        persons = {(s["start"], s["end"]) for s in document["spans"] if s["label"] == "PERSON"}
        for start, end, features in weighing.candidates(document["text"]):
            yield features, (start, end) in persons


def fit(rows: Sequence[tuple[dict[str, float], bool]]) -> dict[str, float]:
    """Weights by Newton's method with a ridge."""
    counts = Counter(name for features, _ in rows for name in features)
    column = {name: at for at, name in enumerate(sorted(n for n, count in counts.items() if count >= FEWEST))}
    matrix = np.zeros((len(rows), len(column)))
    for at, (features, _) in enumerate(rows):
        for name, value in features.items():
            if name in column:
                matrix[at, column[name]] = value
    wanted = np.array([person for _, person in rows], float)
    weights: npt.NDArray[np.float64] = np.zeros(len(column))
    for _ in range(50):
        likely = 1 / (1 + np.exp(-matrix @ weights))
        gradient = matrix.T @ (likely - wanted) + RIDGE * weights
        curvature = (matrix.T * (likely * (1 - likely))) @ matrix + RIDGE * np.eye(len(column))
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < 1e-5:
            break
    return {name: round(float(weights[at]), 2) for name, at in column.items()}


def main() -> None:
    listed = [d for name, every in FITTED_ON for d in documents(name)[::every]]
    weights = fit(list(examples(listed)))
    path = Path(weighing.__file__).parent / "name_weights.tsv"
    path.write_text(HEADER + "".join(f"{n}\t{w:g}\n" for n, w in weights.items() if w), "utf-8")


if __name__ == "__main__":
    main()
