"""The embedded catalogue over 19,700 entries: how fast it answers, how well, and what it weighs."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

import psutil

from pipelines.catalogs.embedded import EmbeddedCatalog
from tests.benchmarks import Row
from tests.catalog_factory import open_catalog
from tests.search_quality import fill_catalogue, missed_queries, read_labelled
from tests.shared_data import SHARED_DATA

FACETS = ["organization", "groups", "tags", "res_format", "license_id", "openness", "update_frequency"]
P50_GOAL_MS = 20.0
ANSWERED_GOAL = 38


def run() -> list[Row]:
    """Rows: index build, search (first page with seven facets), show, write and search again, quality, memory."""
    folder = SHARED_DATA / "catalogue"
    if not folder.exists():
        return [Row("catalogue", "shared data not present")]
    labelled = read_labelled(folder)
    with tempfile.TemporaryDirectory() as scratch:
        catalog = open_catalog(Path(scratch))
        fill_catalogue(catalog, labelled.entries)
        before = psutil.Process().memory_info().rss
        built = _milliseconds(lambda: catalog.call_action("package_search", {"rows": 0}))
        weight = psutil.Process().memory_info().rss - before
        queries = [query["query"] for query in labelled.queries]
        searches = [_search(catalog, query) for _ in range(5) for query in queries]
        shows = [_milliseconds(lambda n=n: catalog.call_action("package_show", {"id": f"e{n}"})) for n in range(200)]  # type: ignore[misc]
        rewrites = [_write_and_search(catalog, number) for number in range(20)]
        missed = missed_queries(catalog, labelled)
        catalog.engine.dispose()
    p50, p95 = median(searches), quantiles(searches, n=20)[18]
    answered = len(queries) - len(missed)
    return [
        Row("catalogue: index of 19,700 entries, from the tables", f"{built / 1000:.1f} s"),
        Row("catalogue: memory of that index", f"{weight / 2**20:.0f} MiB"),
        Row(
            "catalogue: package_search with 7 facets, p50",
            f"{p50:.1f} ms",
            f"< {P50_GOAL_MS:.0f} ms",
            p50 < P50_GOAL_MS,
        ),
        Row("catalogue: package_search with 7 facets, p95", f"{p95:.1f} ms"),
        Row("catalogue: package_show, p50", f"{median(shows):.1f} ms"),
        Row("catalogue: package_patch and the next search, p50", f"{median(rewrites):.1f} ms"),
        Row(
            "catalogue: queries answered in the first five",
            f"{answered} of {len(queries)}",
            f">= {ANSWERED_GOAL}",
            answered >= ANSWERED_GOAL,
        ),
    ]


def _search(catalog: EmbeddedCatalog, query: str) -> float:
    return _milliseconds(lambda: catalog.call_action("package_search", {"q": query, "facet.field": FACETS}))


def _write_and_search(catalog: EmbeddedCatalog, number: int) -> float:
    def both() -> None:
        catalog.call_action("package_patch", {"id": f"e{number}", "notes": f"改动{number}"})
        catalog.call_action("package_search", {"q": f"改动{number}", "rows": 1})

    return _milliseconds(both)


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000
