"""Every refusal says what to do about it, in both languages."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas import errors
from schemas.errors import GongkaiError

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("schemas", "catalog_config", "anonymize", "governance", "pipelines", "api")
KINDS = {n for n, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, GongkaiError)}


def raised(tree: ast.Module) -> Iterator[ast.Call]:
    """Calls that make an error of ours, also through a subclass's `super().__init__`."""
    imported = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "schemas.errors"
        for alias in node.names
        if alias.name in KINDS
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in imported:
            yield node
        if isinstance(node, ast.ClassDef) and any(isinstance(b, ast.Name) and b.id in imported for b in node.bases):
            yield from (
                call
                for call in ast.walk(node)
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "__init__"
            )


def without_remedy(source: str) -> list[int]:
    """Lines of errors that give no remedy."""
    lines = []
    for call in raised(ast.parse(source)):
        remedy = (
            call.args[2] if len(call.args) > 2 else next((k.value for k in call.keywords if k.arg == "remedy"), None)
        )
        silent = remedy is None or (isinstance(remedy, ast.Constant) and remedy.value is None)
        if silent or (isinstance(remedy, ast.Call) and not all(_words(remedy, language) for language in ("zh", "en"))):
            lines.append(call.lineno)
    return lines


def _words(text: ast.Call, language: str) -> bool:
    """Whether a `Text(zh=…, en=…)` says anything in a language; other ways to make a text are taken on trust."""
    if not (isinstance(text.func, ast.Name) and text.func.id == "Text"):
        return True
    value = next((k.value for k in text.keywords if k.arg == language), None)
    return value is not None and not (isinstance(value, ast.Constant) and not str(value.value).strip())


@pytest.mark.parametrize("package", PACKAGES)
def test_every_refusal_has_a_remedy(package: str) -> None:
    modules = sorted((ROOT / package).rglob("*.py"))
    assert modules
    found = [f"{m.relative_to(ROOT)}:{line}" for m in modules for line in without_remedy(m.read_text("utf-8"))]
    assert found == []


def test_the_walk_sees_all_codes() -> None:
    """As many errors as the generated reference lists codes, at least."""
    calls = [c for p in PACKAGES for m in (ROOT / p).rglob("*.py") for c in raised(ast.parse(m.read_text("utf-8")))]
    codes = {c.args[0].value for c in calls if c.args and isinstance(c.args[0], ast.Constant)}
    listed = {
        line.split("`")[1]
        for line in (ROOT / "docs/reference/errors.md").read_text("utf-8").splitlines()
        if line.startswith("| `")
    }
    assert listed <= codes
    assert len(listed) > 100


HEAD = "from schemas.errors import Refused, NotFound\n"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('Refused("x", Text(zh="a", en="b"))', 1),
        ('Refused("x", Text(zh="a", en="b"), None)', 1),
        ('Refused("x", Text(zh="a", en="b"), Text(zh="a", en=""))', 1),
        ('Refused("x", Text(zh="a", en="b"), remedy=Text(zh="a", en="b"))', 0),
        ('Refused("x", Text(zh="a", en="b"), advice())', 0),
        ('class Odd(Refused):\n    def __init__(self):\n        super().__init__("x", text)', 1),
    ],
)
def test_the_walk_can_fail(source: str, found: int) -> None:
    assert len(without_remedy(HEAD + source)) == found
    assert without_remedy(source) == []  # an error of another library of that name
