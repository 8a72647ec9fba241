"""A small city for tests of the portal: four datasets of the sample city, published, and its people.

Made once per test run through the real pipeline, then copied for whoever wants to write in it.
"""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import yaml

from catalog_config.settings import Settings
from governance.accounts import create_account
from pipelines.datasets import apply_dataset, read_declaration
from pipelines.platform import Platform, open_platform
from pipelines.preparation import prepare_source
from pipelines.publish import publish
from pipelines.reviewing import sign_step
from pipelines.sources import accept_source
from schemas.actor import Actor, Duty, system_actor
from schemas.text import Text

CITY = Path(__file__).resolve().parent.parent / "examples" / "city"
SOURCES = CITY / "sources"
PASSWORD = "a password for tests"
PUBLISHED = ("bus-stops", "employment-registrations", "resident-population-flow")
CLOSED = "children-rehabilitation-list"
UNPUBLISHED = "administrative-penalties"  # declared only: journeys hand it in
STEPS = (
    ("agency", Duty.AGENCY_REVIEWER),
    ("compliance", Duty.COMPLIANCE_REVIEWER),
    ("secrecy", Duty.SECRECY_REVIEWER),
)


def city_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the city's home folder. The first worker that asks builds it, the others wait."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    built = shared / "portal-city"
    with (shared / "portal-city.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (built / "ready").exists():
            shutil.rmtree(built, ignore_errors=True)
            build_city(built)
            (built / "ready").touch()
    copy = tmp_path_factory.mktemp("city") / "home"
    shutil.copytree(built, copy)
    return copy


def build_city(folder: Path) -> None:
    """Declare, prepare, review and publish into a new home folder."""
    platform = open_platform(Settings(home=folder))
    people = _create_people(platform)
    for name in (*PUBLISHED, CLOSED, UNPUBLISHED):
        dataset = read_declaration(CITY / "datasets" / f"{name}.yaml")
        with platform.engine.begin() as connection:
            apply_dataset(connection, dataset, platform.configuration, system_actor("test"), datetime.now(UTC))
        if name == UNPUBLISHED:
            continue
        steward = _of(people, Duty.STEWARD, dataset.publisher)
        if dataset.source:
            _release(platform, name, Path(dataset.source), dataset.publisher, people)
        publish(platform, name, steward, datetime.now(UTC))
    platform.engine.dispose()


def _create_people(platform: Platform) -> list[Actor]:
    people = yaml.safe_load((CITY / "people.yaml").read_text("utf-8"))
    for person in people:
        with platform.engine.begin() as connection:
            create_account(
                connection,
                account=person["account"],
                name=Text.model_validate(person["name"]),
                password=PASSWORD,
                duties=frozenset(Duty(d) for d in person["duties"]),
                organisation=person.get("organisation"),
                actor=system_actor("test"),
                now=datetime.now(UTC),
            )
    return [
        Actor(id=p["account"], duties=frozenset(Duty(d) for d in p["duties"]), organisation=p.get("organisation"))
        for p in people
    ]


def _of(people: list[Actor], duty: Duty, organisation: str | None = None) -> Actor:
    return next(p for p in people if duty in p.duties and organisation in (None, p.organisation))


def _release(platform: Platform, name: str, source: Path, publisher: str, people: list[Actor]) -> None:
    steward = _of(people, Duty.STEWARD, publisher)
    with source.open("rb") as content:
        accepted = accept_source(platform, name, content, source.name, steward, datetime.now(UTC))
    release = prepare_source(platform, accepted, steward)
    for step, duty in STEPS:
        reviewer = _of(people, duty, publisher if step == "agency" else None)
        now = datetime.now(UTC)
        sign_step(platform, release.id, step, "approve", "", release.descriptor_digest, reviewer, now)


class Served(NamedTuple):
    """url: of the portal. pid: of the server's process."""

    url: str
    pid: int


@contextmanager
def serving(home: Path) -> Iterator[Served]:
    """`gongkai serve` over a home folder, as its operator starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "pipelines.cli", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env={**os.environ, "GONGKAI_HOME": str(home)})
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 60
        while not _answers(url):
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < end, "the server did not start"
            time.sleep(0.1)
        yield Served(url, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/3/action/status_show", timeout=5).is_success
    except httpx.HTTPError:
        return False
