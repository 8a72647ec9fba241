"""The demonstration from a warm cache: time from start to end, and the server's memory after it."""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks import Row

ROOT = Path(__file__).resolve().parents[2]


def _demo(home: Path) -> tuple[float, float]:
    """(seconds, MiB of the server)."""
    started = time.perf_counter()
    environment = {**os.environ, "GONGKAI_HOME": str(home), "LANG": "en_US.UTF-8"}
    command = [sys.executable, "-m", "pipelines.cli", "demo", "--lang", "en"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - started
    memory = re.search(r"memory of the server\s*│\s*(\d+) MiB", done.stdout)
    assert memory is not None
    return seconds, float(memory[1])


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        first, memory = _demo(Path(folder) / "home")
        second, _ = _demo(Path(folder) / "home")
    return [
        Row("demo, first run", f"{first:.1f} s", "≤ 30 s", first <= 30),
        Row("demo, again", f"{second:.1f} s", "seconds", second <= 15),
        Row("server's memory after the demo", f"{memory:.0f} MiB", "≤ 400 MiB", memory <= 400),
    ]
