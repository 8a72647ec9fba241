"""Pages of the portal from a real server process: how long a visitor waits, and the memory the server holds after."""

import statistics
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from tests.benchmarks import Row
from tests.portal_city import build_city, serving

REQUESTS = 200
GOAL_MS, GOAL_MIB = 100, 400
PAGES = {
    "home": "/zh/",
    "search with facets": "/zh/datasets?q=公交",
    "dataset page, open": "/zh/datasets/bus-stops",
    "dataset page, restricted, with its report": "/en/datasets/employment-registrations",
    "transparency log": "/zh/log",
}


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        build_city(home)
        with serving(home) as served:
            rows = [_page(served.url, served.pid, name, path) for name, path in PAGES.items()]
            memory = psutil.Process(served.pid).memory_info().rss / 2**20
    return [
        *rows,
        Row("memory of the server after all pages", f"{memory:.0f} MiB", f"≤ {GOAL_MIB} MiB", memory <= GOAL_MIB),
    ]


def _page(url: str, pid: int, name: str, path: str) -> Row:
    """Wall time of each request over one connection of this machine, and the server's processor time."""
    with httpx.Client(base_url=url, headers={"Accept": "text/html"}, timeout=60) as client:
        client.get(path).raise_for_status()
        waits, before = [], _processor(pid)
        for _ in range(REQUESTS):
            started = time.perf_counter()
            client.get(path).raise_for_status()
            waits.append((time.perf_counter() - started) * 1000)
        spent = (_processor(pid) - before) * 1000 / REQUESTS
    median, slow = statistics.median(waits), statistics.quantiles(waits, n=20)[-1]
    measured = f"p50 {median:.1f} ms, p95 {slow:.1f} ms, {spent:.1f} ms of processor"
    return Row(name, measured, f"p50 ≤ {GOAL_MS} ms", median <= GOAL_MS)


def _processor(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system
