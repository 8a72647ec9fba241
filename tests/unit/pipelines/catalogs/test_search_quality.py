from pathlib import Path

import pytest

from tests.catalog_factory import open_catalog
from tests.search_quality import fill_catalogue, missed_queries, read_labelled
from tests.shared_data import shared

ANSWERED_AT_LEAST = 38  # of 40


@pytest.mark.slow
def test_people_find_what_they_ask_for(tmp_path: Path) -> None:
    labelled = read_labelled(shared("catalogue"))
    catalog = open_catalog(tmp_path)
    fill_catalogue(catalog, labelled.entries)
    missed = missed_queries(catalog, labelled)
    assert len(labelled.queries) - len(missed) >= ANSWERED_AT_LEAST, missed
