"""Every public function of governance that writes takes the actor and the time, and leaves its trace."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FunctionType

import pytest

import governance

# Keeping the queue itself: leases of tasks whose actor was named when they were queued.
QUEUE_KEEPING = {
    f"governance.outbox.{name}"
    for name in ("lease_next", "extend_lease", "finish", "finish_key", "retry_later", "return_task")
}
# Counting attempts to sign in, when nobody is anybody yet; the refusal or the session is recorded.
COUNTING = {
    f"governance.sign_in_limits.{name}"
    for name in (
        "count_attempt",
        "forget_attempt",
        "forget_old_attempts",
        "_count_on_name",
        "_count_on_address",
        "_locked",
        "_write",
    )
}
DATABASE_ITSELF = ("governance.database",)
# Parts of a write whose caller records it.
UNRECORDED = {
    "governance.declaration_changes._close",
    "governance.event_store.append_event",
    "governance.audit.record",
    "governance.access.service._project_grant",  # the read model of a recorded event
    "governance.letters.queue_letter",
    "governance.access.letters.tell_applicant",
    "governance.release_review.service._tell_uploaders",
}


def modules() -> Iterator[str]:
    for found in pkgutil.walk_packages(governance.__path__, "governance."):
        if not found.name.startswith(DATABASE_ITSELF):
            yield found.name


@cache
def functions() -> dict[str, FunctionType]:
    found = {}
    for name in modules():
        module = importlib.import_module(name)
        for function_name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == name:
                found[f"{name}.{function_name}"] = function
    return found


@cache
def called(function: FunctionType) -> set[str]:
    """Names called in a function: `f(…)` as `f`, `x.f(…)` as `.f`."""
    tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(function)))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            names.add(node.func.id)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            names.add("." + node.func.attr)
    return names


def writers() -> dict[str, FunctionType]:
    """Functions that write, directly or through another one of governance."""
    known = functions()
    calls = {name: called(f) for name, f in known.items()}
    writing = {name for name, c in calls.items() if {".insert", ".update", ".delete"} & c and ".execute" in c}
    while True:
        short = {name.rsplit(".", 1)[1] for name in writing}
        more = {name for name, c in calls.items() if c & short} | writing
        if more == writing:
            return {name: known[name] for name in sorted(writing)}
        writing = more


def test_the_walk_finds_the_writers():
    found = set(writers())
    assert {
        "governance.accounts.create_account",
        "governance.accounts.sign_in",
        "governance.release_review.service.decide_step",
        "governance.access.service.act",
        "governance.access.service.run_due",
        "governance.access.grants.record_use",
        "governance.transparency_log.append_entry",
        "governance.letters.queue_letter",
    } <= found
    assert "governance.accounts.load_account" not in found


@pytest.mark.parametrize(
    "name", [n for n in writers() if not n.rsplit(".", 1)[1].startswith("_") and n not in QUEUE_KEEPING | COUNTING]
)
def test_every_public_write_takes_actor_and_now(name):
    parameters = inspect.signature(functions()[name]).parameters
    assert {"actor", "now"} <= set(parameters), name
    assert parameters["actor"].default is inspect.Parameter.empty, "nobody acts by default"


@pytest.mark.parametrize("name", [n for n in writers() if n not in QUEUE_KEEPING | COUNTING and "outbox" not in n])
def test_every_write_is_recorded(name):
    """Directly or through a function of governance that records. Letters are recorded with the event they tell of."""
    if name in UNRECORDED:
        return
    known = functions()
    recording = {"record"}
    while True:
        more = {n.rsplit(".", 1)[1] for n, f in known.items() if called(f) & recording} | recording
        if more == recording:
            break
        recording = more
    assert called(known[name]) & recording, name


def test_nothing_is_excused_that_does_not_exist():
    assert set(functions()) >= UNRECORDED | QUEUE_KEEPING | COUNTING


def test_no_module_is_over_five_hundred_lines():
    folder = Path(governance.__file__).parent
    long = {p.name for p in folder.rglob("*.py") if len(p.read_text("utf-8").splitlines()) > 500}
    assert not long
