"""What people read of progress: plain lines at most every few seconds, figures as far as they are known."""

import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from pipelines.cli.progress_bar import plain_lines
from pipelines.progress import STAGES, Pace, Progress
from pipelines.progress_words import STAGE_WORDS, duration, told
from schemas.text import Text

SCHEMA = '{"fields": [{"name": "id", "type": "integer"}]}'


def test_plain_lines_come_at_once_and_then_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "en")
    lines: list[str] = []
    seconds = [0.0]
    report = plain_lines("a.csv", lines.append, clock=lambda: seconds[0])
    for tenth in range(121):
        seconds[0] = tenth / 10
        report(Progress("validate", tenth / 200, tenth * 1_000_000, tenth * 1000))
    assert lines == [
        "a.csv: validate 0%",
        "a.csv: validate 25% · 50,000 rows · 10.0 MB/s · 15 s left",
        "a.csv: validate 50% · 100,000 rows · 10.0 MB/s · 10 s left",
    ]


def test_a_new_step_waits_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "zh")
    lines: list[str] = []
    seconds = [0.0]
    report = plain_lines("a.csv", lines.append, clock=lambda: seconds[0])
    for second, stage in enumerate(STAGES):
        seconds[0] = second * 2.0
        report(Progress(stage))
    assert lines == ["a.csv: 读取", "a.csv: 脱敏处理"]


def test_figures_are_told_as_far_as_they_are_known() -> None:
    now = Progress("validate", 0.5, 0, 1234)
    assert told(now, Pace(None, 5678.4, 61), "en") == "1,234 rows · 5,678 rows/s · 1 min 1 s left"
    assert told(now, Pace(2.5e6, 5678.4, None), "zh") == "1,234 行 · 2.5 MB/s"
    assert told(Progress("detect"), Pace(), "en") == ""


def test_durations() -> None:
    assert [duration(s).en for s in (0.2, 59.4, 3599, 7260)] == ["1 s", "59 s", "59 min 59 s", "2 h 1 min"]
    assert duration(7260) == Text(zh="2 小时 1 分", en="2 h 1 min")


def test_every_step_has_a_name() -> None:
    assert set(STAGES) <= set(STAGE_WORDS)


def test_a_terminal_sees_a_bar_and_a_pipe_sees_lines(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text(SCHEMA)
    (tmp_path / "data.csv").write_text("id\n" + "\n".join(map(str, range(100_000))) + "\n")
    command = [sys.executable, "-m", "pipelines.cli", "validate", "data.csv", "--schema", "schema.json"]
    terminal, child_side = pty.openpty()
    environment = {**os.environ, "LANGUAGE": "en", "COLUMNS": "80", "TERM": "xterm"}
    root = Path(__file__).resolve().parents[3]
    environment["PYTHONPATH"] = str(root)
    child = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=child_side, text=True
    )
    os.close(child_side)
    seen = _all_of(terminal)
    assert child.communicate()[0].startswith("valid; 100,000 rows in ")
    assert "━" in seen
    assert "data.csv read" in seen
    plain = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert plain.stderr == "data.csv: read 100%\n"


def _all_of(terminal: int) -> str:
    """What is written to a terminal until its other side is closed."""
    parts = []
    with os.fdopen(terminal, "rb", buffering=0) as reader, suppress(OSError):  # EIO tells that it is closed
        while part := reader.read(4096):
            parts.append(part)
    return b"".join(parts).decode()
