"""The command line as people type it: exit codes, languages, JSON, and no raw value where none belongs."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "examples" / "city" / "sources"
FLAWED = SOURCES / "administrative-penalties-with-errors.csv"


def gongkai(
    home: Path, *arguments: object, language: str = "en_US.UTF-8", stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *map(str, arguments)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "LANG": language, "GONGKAI_HOME": str(home), **environment},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def test_a_valid_and_an_invalid_file(home: Path) -> None:
    good = gongkai(home, "validate", SOURCES / "administrative-penalties.csv", "--schema", "administrative-penalties")
    assert good.returncode == 0, good.stderr
    bad = gongkai(home, "validate", FLAWED, "--schema", "administrative-penalties", "--json")
    assert bad.returncode == 1
    report = json.loads(bad.stdout)
    assert report["valid"] is False
    assert report["tasks"][0]["errors"]
    assert not home.exists()  # checking a file needs no installation


def test_both_languages(home: Path) -> None:
    command = ("validate", FLAWED, "--schema", "administrative-penalties")
    assert "不符合表结构" in gongkai(home, *command, language="zh_CN.UTF-8").stdout
    assert "invalid" in gongkai(home, *command, "--lang", "en", language="zh_CN.UTF-8").stdout


@pytest.mark.parametrize(
    ("arguments", "environment", "status", "said"),
    [
        (("validate", SOURCES / "bus-stops.csv", "--schema", "no-such"), {}, 1, "unknown-schema"),
        (("validate", SOURCES / "no-such.csv", "--schema", "bus-stops"), {}, 2, "does not exist"),
        (("dataset", "list"), {"GONGKAI_COLOUR": "red"}, 2, "unknown-setting"),
        (("dataset", "list"), {"GONGKAI_CKAN_URL": "http://127.0.0.1:9"}, 2, "missing-ckan-token"),
        (("publish", "no-such"), {}, 1, "unknown-dataset"),
        (("restore", FLAWED), {}, 1, "unreadable-backup"),
        (
            ("catalog", "diff"),
            {"GONGKAI_DATABASE_URL": "postgresql+psycopg://127.0.0.1:9/x"},
            3,
            "database-unreachable",
        ),
        (("no-such-command",), {}, 2, "No such command"),
    ],
)
def test_exit_codes(
    home: Path, arguments: tuple[object, ...], environment: dict[str, str], status: int, said: str
) -> None:
    done = gongkai(home, *arguments, **environment)
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_is_written_where_the_output_would_not_meet_the_policy(home: Path, tmp_path: Path) -> None:
    source = SOURCES / "employment-registrations.csv"
    target = tmp_path / "out.csv"
    options = ("--schema", "employment-registrations", "--tier", "restricted", "-o", target)
    done = gongkai(home, "anonymize", source, *options)
    assert done.returncode == 0, done.stderr
    assert target.is_file()
    refused = gongkai(home, "anonymize", source, "--schema", "bus-stops", "--tier", "open", "-o", tmp_path / "no.csv")
    assert refused.returncode == 1
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["out.csv"]


def test_what_detect_says_holds_no_value(home: Path) -> None:
    done = gongkai(home, "detect", SOURCES / "employment-registrations.csv", "--json")
    assert done.returncode == 0, done.stderr
    cells = {
        c
        for line in (SOURCES / "employment-registrations.csv").read_text("utf-8-sig").splitlines()[1:50]
        for c in line.split(",")
        if len(c) >= 8
    }
    assert cells
    assert not [c for c in cells if c in done.stdout]
    entities = {f["entity"] for f in json.loads(done.stdout)["findings"]}
    assert {"CN_RESIDENT_ID", "CN_MOBILE", "PERSON"} <= entities


@pytest.mark.slow
def test_serve_refuses_a_second_start_prepares_uploads_and_is_backed_up_meanwhile(home: Path, tmp_path: Path) -> None:
    """One server: an upload by form is prepared by the embedded worker; backup and restore while it serves."""
    assert gongkai(home, "dataset", "apply", ROOT / "examples/city/datasets/bus-stops.yaml").returncode == 0
    created = gongkai(
        home,
        *("account", "create", "liu", "--duty", "steward", "--name-zh", "刘", "--organisation", "transport-bureau"),
        stdin="a long password\n",
    )
    assert created.returncode == 0, created.stderr
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = {"PATH": os.environ["PATH"], "LANG": "en_US.UTF-8", "GONGKAI_HOME": str(home)}
    command = [sys.executable, "-m", "pipelines.cli", "serve", "--port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        _wait_until(lambda: httpx.get(f"{url}/api/3/action/status_show").is_success, 60)
        second = gongkai(home, "serve", "--port", port + 1 if port < 65535 else port - 1)
        assert (second.returncode, "already-serving" in second.stderr) == (1, True), second.stderr
        with httpx.Client(base_url=url, headers={"Origin": url}, timeout=30) as steward:
            signed = steward.post("/en/sign-in", data={"account": "liu", "password": "a long password"})
            assert signed.status_code == 303, signed.text
            upload = {"file": ("stops.csv", (SOURCES / "bus-stops.csv").read_bytes(), "text/csv")}
            page = steward.post("/en/steward/bus-stops/upload", files=upload).headers["location"]
            _wait_until(lambda: "/reviews/" in steward.get(page).text, 120)
        assert gongkai(home, "backup", tmp_path / "b.tar.gz").returncode == 0
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=60) in {0, -signal.SIGTERM}  # uvicorn passes the signal on when it has closed
    restored = gongkai(tmp_path / "other", "restore", tmp_path / "b.tar.gz")
    assert restored.returncode == 0, restored.stderr
    reviews = json.loads(gongkai(tmp_path / "other", "review", "list", "--json").stdout)
    assert [r["status"] for r in reviews] == ["awaiting-agency"]


def _wait_until(true: object, seconds: float) -> None:
    assert callable(true)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if true():
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.3)
    raise AssertionError("did not happen in time")
