"""The shape of the code base, held by tests."""

import ast
import functools
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("schemas", "catalog_config", "anonymize", "governance", "pipelines", "api")
MODULES = sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))
MOST_LINES = 500

# A third-party API enters through one adapter.
ADAPTERS = {
    "frictionless": "pipelines/validation/frictionless_adapter.py",
    "presidio_analyzer": "anonymize/presidio_adapter.py",
    "ckanapi": "pipelines/catalogs/ckan_client.py",
}


@functools.cache
def imports(module: Path) -> set[str]:
    """Top-level names that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_imports_go_one_way() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_third_party_api_enters_through_one_adapter(name: str) -> None:
    users = [str(m.relative_to(ROOT)) for m in MODULES if name in imports(m)]
    assert users == [ADAPTERS[name]]


def test_anonymize_is_pure() -> None:
    """No network, no database, no settings."""
    forbidden = {"sqlalchemy", "httpx", "requests", "socket", "urllib", "fastapi", "catalog_config", "governance"}
    users = {str(m.relative_to(ROOT)): imports(m) & forbidden for m in MODULES if m.is_relative_to(ROOT / "anonymize")}
    assert {name: used for name, used in users.items() if used} == {}


def test_anonymize_is_told_the_day() -> None:
    """A table is judged the same whenever that is done."""
    clocks = {"today", "now", "utcnow", "time", "time_ns"}
    for module in MODULES:
        if module.is_relative_to(ROOT / "anonymize"):
            tree = ast.parse(module.read_text("utf-8"))
            called = {n.func.attr for n in ast.walk(tree) if isinstance(n, ast.Call) and hasattr(n.func, "attr")}
            assert not clocks & called, module


def test_settings_are_read_in_one_place() -> None:
    readers = [
        str(m.relative_to(ROOT))
        for m in MODULES
        if re.search(r"os\.environ(\.get|\[)\S*GONGKAI_|os\.getenv", m.read_text("utf-8"))
    ]
    assert readers == []


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(ROOT)))
def test_a_module_is_short_and_says_what_it_is_for(module: Path) -> None:
    text = module.read_text("utf-8")
    assert text.count("\n") <= MOST_LINES
    tree = ast.parse(text)
    assert not tree.body or ast.get_docstring(tree) or module.name in {"__init__.py", "__main__.py"}
    assert module.stem not in {"utils", "helpers", "misc", "common"}


def test_no_dangling_work() -> None:
    left = [
        f"{m.relative_to(ROOT)}:{number}"
        for m in MODULES
        for number, line in enumerate(m.read_text("utf-8").splitlines(), 1)
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError", line)
    ]
    assert left == []


def test_constraints_name_versions_and_no_addresses() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+", line) for line in pins)
    names = [re.sub(r"[-_.]+", "-", line.split("==")[0]).lower() for line in pins]
    assert len(names) == len(set(names))
    assert not {"zh-core-web-sm", "en-core-web-trf"} & set(names)  # name squats of spaCy models


def test_every_data_file_of_a_package_is_installed_with_it() -> None:
    """Not the CKAN plugin's project files and the translators' settings, which nobody reads from an installation."""
    globs = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]["*"]
    installed = {glob.rsplit(".", 1)[1] for glob in globs}
    listed = subprocess.run(["git", "ls-files", "-z", *PACKAGES], cwd=ROOT, capture_output=True, check=True).stdout
    files = [Path(name) for name in listed.decode().split("\0") if name and not name.endswith(".py")]
    used = {f.suffix.lstrip(".") for f in files}
    assert used - installed == {"cfg", "example", "toml"}
    assert installed - used == set()
