"""Serving rows against Datasette: the same rows, questions and client, one after the other in one run."""

import http.client
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import psutil
import pyarrow as pa

from schemas.dataset import Tier
from schemas.identifiers import resource_id
from tests.benchmarks import Row
from tests.factories.releases import packaged_release, published, small_platform

ROWS = 200_000
CONNECTIONS = 8
SECONDS = 3.0  # per question and server
OURS, PEER = 8791, 8792
WORDS = "海淀朝阳区街道公交站医院学校路东西南北中心人民政府市民服务大厅"
STATUSES = ("办结", "受理", "退回", "在办")
OWN_PROGRAM = """
import sys
from pathlib import Path
import uvicorn
from tests.factories.releases import data_app, small_platform
uvicorn.run(data_app(small_platform(Path(sys.argv[1]))), port=int(sys.argv[2]), log_level="error")
"""
Paths = Callable[[random.Random], str]


def table() -> pa.Table:
    chance = random.Random(7)
    return pa.table(
        {
            "record_no": [f"{n:012d}" for n in range(ROWS)],
            "title": ["".join(chance.choices(WORDS, k=12)) for _ in range(ROWS)],
            "status": [chance.choice(STATUSES) for _ in range(ROWS)],
            "amount": [chance.randrange(10**7) / 100 for _ in range(ROWS)],
            "qty": [chance.randrange(1000) for _ in range(ROWS)],
        }
    )


class Measured(NamedTuple):
    """processor: milliseconds of the server's processor time per request; it hardly depends on other load."""

    per_second: float
    median: float  # milliseconds
    processor: float


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        rows = table()
        platform = small_platform(folder / "home")
        published(platform, packaged_release(platform, "tickets", {Tier.OPEN: rows}))
        own_command = [sys.executable, "-c", OWN_PROGRAM, str(folder / "home"), str(OURS)]
        own = stack.enter_context(serving(own_command, OURS, "/"))
        datasette = install_datasette(folder)
        peer = None
        if datasette is not None:
            database = write_database(folder / "tickets.db", rows)
            command = [str(datasette), "serve", str(database), "--port", str(PEER), *SETTINGS]
            peer = stack.enter_context(serving(command, PEER, "/-/versions.json"))
        found = []
        for what, path in our_questions().items():  # in turns, so that other load falls on both
            ours = measure(OURS, path, own.pid)
            found.append(_row(what, ours, measure(PEER, peer_questions()[what], peer.pid) if peer else None))
        memory = psutil.Process(own.pid).memory_full_info().uss / 2**20
    return [*found, Row("serving: memory of the server after all questions", f"{memory:.0f} MiB of its own")]


def _row(what: str, ours: Measured, peer: Measured | None) -> Row:
    figures = f"{ours.per_second:.0f}/s, p50 {ours.median:.1f} ms, {ours.processor:.2f} ms CPU"
    if peer is None:
        return Row(f"serving: {what}", figures, "less CPU than Datasette (skipped: it could not be installed)", None)
    theirs = f"Datasette {peer.per_second:.0f}/s, p50 {peer.median:.1f} ms, {peer.processor:.2f} ms CPU"
    ratio = peer.processor / ours.processor
    return Row(f"serving: {what}", f"{figures}; {theirs}: {ratio:.1f} times", "less CPU than Datasette", ratio > 1)


SETTINGS = ("--setting", "suggest_facets", "off", "--setting", "sql_time_limit_ms", "20000")


def our_questions() -> dict[str, Paths]:
    resource = resource_id("tickets", Tier.OPEN, "csv")

    def ask(**parameters: Any) -> str:
        return f"/api/3/action/datastore_search?{urlencode({'resource_id': resource, **parameters})}"

    return {
        "page of 100, any offset": lambda c: ask(offset=c.randrange(ROWS)),
        "one record by number": lambda c: ask(filters=json.dumps({"record_no": f"{c.randrange(ROWS):012d}"})),
        "filter, sorted, 100": lambda c: ask(filters=json.dumps({"status": c.choice(STATUSES)}), sort="amount desc"),
        "two Chinese characters": lambda c: ask(q="".join(c.choices(WORDS, k=2))),
    }


def peer_questions() -> dict[str, Paths]:
    def ask(**parameters: Any) -> str:
        return f"/tickets/t.json?{urlencode({'_shape': 'objects', '_size': 100, **parameters})}"

    return {
        # Datasette pages by key, which suits it better than an offset.
        "page of 100, any offset": lambda c: ask(_next=c.randrange(ROWS)),
        "one record by number": lambda c: ask(record_no=f"{c.randrange(ROWS):012d}"),
        "filter, sorted, 100": lambda c: ask(status=c.choice(STATUSES), _sort_desc="amount"),
        "two Chinese characters": lambda c: ask(title__contains="".join(c.choices(WORDS, k=2))),
    }


def install_datasette(folder: Path) -> Path | None:
    """Datasette in an environment of its own; None where it cannot be installed."""
    venv.create(folder / "peer", with_pip=True)
    python = folder / "peer" / "bin" / "python"
    done = subprocess.run(
        [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "datasette"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print("skipped the comparison: datasette cannot be installed", file=sys.stderr)
        return None
    return python.parent / "datasette"


def write_database(path: Path, rows: pa.Table) -> Path:
    """The same rows with the indexes a careful user of Datasette makes."""
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, record_no TEXT, title TEXT, status TEXT, amount REAL, qty INTEGER)"
        )
        numbered = ((n, *row.values()) for n, row in enumerate(rows.to_pylist()))
        database.executemany("INSERT INTO t VALUES (?,?,?,?,?,?)", numbered)
        for columns in ("record_no", "status", "amount", "status, amount"):
            database.execute(f"CREATE INDEX [{columns}] ON t ({columns})")
        database.execute("ANALYZE")
    database.close()
    return path


@contextmanager
def serving(command: list[str], port: int, ready: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server as a child process, once it answers."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                _get(http.client.HTTPConnection("127.0.0.1", port, timeout=5), ready)
                break
            except OSError:
                if child.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the server does not answer") from None
                time.sleep(0.2)
        yield child
    finally:
        child.terminate()
        child.wait(20)


def measure(port: int, path: Paths, server: int) -> Measured:
    """CONNECTIONS clients that ask the server (a process id) without pause."""
    _checked(http.client.HTTPConnection("127.0.0.1", port, timeout=60), path(random.Random(0)))
    times: list[float] = []
    spent = _processor_seconds(server)
    began = time.perf_counter()

    def client(seed: int) -> None:
        chance = random.Random(seed)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while time.perf_counter() - began < SECONDS:
            start = time.perf_counter()
            _checked(connection, path(chance))
            times.append(time.perf_counter() - start)
        connection.close()

    clients = [threading.Thread(target=client, args=(seed,)) for seed in range(CONNECTIONS)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    seconds = time.perf_counter() - began
    spent = _processor_seconds(server) - spent
    return Measured(len(times) / seconds, statistics.median(times) * 1000, spent / len(times) * 1000)


def _processor_seconds(process: int) -> float:
    times = psutil.Process(process).cpu_times()
    return float(times.user + times.system)


def _checked(connection: http.client.HTTPConnection, path: str) -> None:
    status = _get(connection, path)
    if status != 200:
        raise RuntimeError(f"HTTP {status}")


def _get(connection: http.client.HTTPConnection, path: str) -> int:
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer.status
