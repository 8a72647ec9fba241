"""The documentation's diagrams are those of the transition tables."""

from pathlib import Path

import pytest

from governance.diagrams import DOCUMENTS, mermaid, with_diagram

EXPLANATION = Path(__file__).parents[3] / "docs" / "explanation"


@pytest.mark.parametrize("name", list(DOCUMENTS))
def test_the_page_shows_the_table_as_it_is(name):
    text = (EXPLANATION / name).read_text("utf-8")
    assert with_diagram(text, DOCUMENTS[name]) == text, "run: python -m governance.diagrams"


def test_a_diagram_names_every_state_and_marks_the_ends():
    drawn = mermaid({None: {"submit": "under-way"}, "under-way": {"finish": "done"}, "done": {}})
    assert drawn.splitlines() == [
        "stateDiagram-v2",
        "    [*] --> under_way: submit",
        "    under_way --> done: finish",
        "    done --> [*]",
    ]


def test_a_page_without_markers_is_refused():
    with pytest.raises(ValueError, match="no place"):
        with_diagram("# A page", {})
