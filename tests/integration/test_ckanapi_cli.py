"""The stock `ckanapi` command line against a live server."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.catalogs.ckan_mapping import desired_package
from pipelines.catalogs.reconcile import reconcile
from tests.catalog_factory import CONFIGURATION, SITE, bus_stops, closed, employment, release_of
from tests.catalog_server import Served, serving

CKANAPI = Path(sys.executable).with_name("ckanapi")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as running:
        for dataset in (bus_stops(), employment()):
            reconcile(running.platform.catalog, desired_package(dataset, release_of(dataset), CONFIGURATION, SITE))
        reconcile(running.platform.catalog, desired_package(closed(), None, CONFIGURATION, SITE))
        yield running


def ckanapi(*arguments: str, stdin: str = "") -> str:
    path = os.pathsep.join([str(CKANAPI.parent), os.environ["PATH"]])  # it starts workers of its own name
    done = subprocess.run(
        [CKANAPI, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PATH": path},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_action(served: Served) -> None:
    found = json.loads(ckanapi("action", "package_search", "-r", served.url, "q=公交"))
    assert [package["name"] for package in found["results"]] == ["bus-stops"]
    assert json.loads(ckanapi("action", "package_list", "-r", served.url, "-j")) == [
        "bus-stops",
        "closed-register",
        "employment-registrations",
    ]
    shown = json.loads(ckanapi("action", "package_show", "-r", served.url, "id=bus-stops", "--get-request"))
    assert shown["resources"][0]["hash"] == "a" * 64


def test_dump_and_load_again(served: Served, tmp_path: Path) -> None:
    dumped = ckanapi("dump", "datasets", "--all", "-r", served.url, "-q")
    packages = [json.loads(line) for line in dumped.splitlines()]
    assert sorted(package["name"] for package in packages) == [
        "bus-stops",
        "closed-register",
        "employment-registrations",
    ]
    with serving(tmp_path) as other:
        for kind in ("organizations", "groups", "datasets"):
            lines = ckanapi("dump", kind, "--all", "-r", served.url, "-q")
            ckanapi("load", kind, "-r", other.url, "-a", other.operator, "-q", stdin=lines)
        copies = ckanapi("dump", "datasets", "--all", "-r", other.url, "-q").splitlines()
    again = {package["name"]: package for package in map(json.loads, copies)}
    for package in packages:
        copy = again[package["name"]]
        for field in (
            "id",
            "title",
            "notes",
            "tags",
            "openness",
            "legal_basis",
            "title_translated",
            "num_resources",
            "owner_org",
        ):
            assert copy.get(field) == package.get(field)
        assert [r["hash"] for r in copy["resources"]] == [r["hash"] for r in package["resources"]]


def test_search_datasets(served: Served) -> None:
    lines = ckanapi("search", "datasets", "-r", served.url, "fq=openness:open").splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["bus-stops"]
