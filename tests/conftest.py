"""Shared by all tests: services that the tests want, and a home of their own for every test."""

import gc
import os
import shutil
from pathlib import Path

import pytest


def pytest_collection_finish() -> None:
    """What thousands of collected tests hold lives until the end: the garbage collector need not look at it again."""
    gc.collect()
    gc.freeze()


def require_service(present: bool, what: str, install: str) -> None:
    """Skip with the reason and the install command; in CI a missing service is a failure."""
    if present:
        return
    message = f"{what} is missing; install it with: {install}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("GONGKAI_") and not n.startswith("GONGKAI_TEST_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser that functional tests drive."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or ""
    require_service(bool(path), "Chromium", "apt-get install chromium fonts-noto-cjk")
    return path


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """SQLAlchemy address of a PostgreSQL whose databases the tests may create and drop."""
    url = os.environ.get("GONGKAI_TEST_POSTGRES_URL", "")
    require_service(bool(url), "PostgreSQL", "apt-get install postgresql, then set GONGKAI_TEST_POSTGRES_URL")
    return url


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of this test's own, also for child processes."""
    folder = tmp_path / "home"
    monkeypatch.setenv("GONGKAI_HOME", str(folder))
    return folder
