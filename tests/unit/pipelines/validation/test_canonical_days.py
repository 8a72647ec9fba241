"""Cells as wide as a day or a moment are cast at once only where frictionless reads them, too."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.validation import frictionless_adapter as adapter
from pipelines.validation.columns import Column

LETTERS = "0123456789-:T Z+.,/\u3000\u0663"
FIELDS = {
    "date": ("2024-02-29", {"name": "f", "type": "date"}),
    "default moment": ("2024-02-29T23:59:59", {"name": "f", "type": "datetime"}),
    "moment with a space": ("2024-02-29 23:59:59", {"name": "f", "type": "datetime", "format": "%Y-%m-%d %H:%M:%S"}),
}


def mutated(plain: str) -> st.SearchStrategy[str]:
    """The plain cell with up to four of its characters changed; as wide as before, in characters."""
    change = st.tuples(st.integers(0, len(plain) - 1), st.sampled_from(LETTERS))

    def applied(changes: list[tuple[int, str]]) -> str:
        cell = list(plain)
        for place, letter in changes:
            cell[place] = letter
        return "".join(cell)

    return st.lists(change, max_size=4).map(applied)


@pytest.mark.parametrize("kind", FIELDS)
def test_no_other_verdict_than_the_reader(kind: str) -> None:
    plain, descriptor = FIELDS[kind]
    resource = adapter.resource_of({"fields": [descriptor]}, records=lambda: iter([["f"], [plain]]))
    table = adapter.open_table(resource, validate_metadata=False)
    (reading,) = table.readings
    table.close()

    @settings(max_examples=300, deadline=None)
    @given(st.lists(mutated(plain), min_size=1, max_size=4))
    def holds(cells: list[str]) -> None:
        checked = Column(reading).check_text(pa.array(cells, pa.string()))
        assert checked.bad.tolist() == [bool(reading.read(cell)[1]) for cell in cells]
        if checked.canonical:
            assert all(cell.isascii() and len(cell) == len(plain) for cell in cells)

    holds()
