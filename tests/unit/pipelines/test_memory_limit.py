import errno
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from catalog_config.settings import LEAST_MEMORY, read_settings
from pipelines.memory_limit import (
    SHARE,
    machine_memory,
    memory_for_work,
    no_thread_started,
    oom_kills,
    out_of_memory,
    ran_out_of_memory,
    too_much_memory,
)
from schemas.errors import ConfigurationError, Refused
from schemas.text import Text

GIB = 1 << 30


def in_a_process(tmp_path: Path, body: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "script.py"
    script.write_text(f"import mmap, resource, sys\nfrom pipelines.memory_limit import *\n{body}\n", "utf-8")
    root = Path(__file__).resolve().parents[3]
    environment = {"PYTHONPATH": str(root), "PATH": ""}
    return subprocess.run([sys.executable, script], capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize(("megabytes", "enough"), [(100, True), (400, False)])
def test_a_process_is_held_to_its_memory(tmp_path: Path, megabytes: int, enough: bool) -> None:
    ran = in_a_process(tmp_path, f"limit_memory(300 << 20)\nblock = bytearray({megabytes} << 20)\nprint('had it')")
    assert ("had it" in ran.stdout, "MemoryError" in ran.stderr) == (enough, not enough), ran.stderr


def test_files_that_are_mapped_for_reading_do_not_count(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as writer:
        writer.truncate(GIB)  # sparse
    body = f"limit_memory(300 << 20)\nfile = open({str(large)!r}, 'rb')\n"
    ran = in_a_process(tmp_path, body + "print(len(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))")
    assert ran.stdout.strip() == str(GIB), ran.stderr


def test_a_worker_is_the_first_victim_leaves_no_core_file_and_raises_no_limit(tmp_path: Path) -> None:
    body = """
resource.setrlimit(resource.RLIMIT_DATA, (200 << 20, 1 << 30))
limit_memory(300 << 20)
print(resource.getrlimit(resource.RLIMIT_DATA), resource.getrlimit(resource.RLIMIT_CORE)[0])
print(open("/proc/self/oom_score_adj").read())
"""
    ran = in_a_process(tmp_path, body)
    assert ran.stdout.split("\n")[:2] == [f"({200 << 20}, {1 << 30}) 0", "500"], ran.stderr


def test_a_process_knows_when_its_memory_is_half_full(tmp_path: Path) -> None:
    body = """
print(memory_half_full())
limit_memory(400 << 20)
print(memory_half_full())
block = bytearray(250 << 20)
print(memory_half_full())
"""
    ours = resource.getrlimit(resource.RLIMIT_DATA)
    assert in_a_process(tmp_path, body).stdout.split() == ["False", "False", "True"]
    assert resource.getrlimit(resource.RLIMIT_DATA) == ours


def machine(root: Path, group: str, limits: dict[str, str]) -> Path:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(group)
    for place, limit in limits.items():
        (root / "sys/fs/cgroup" / place).parent.mkdir(parents=True, exist_ok=True)
        (root / "sys/fs/cgroup" / place).write_text(limit)
    return root


@pytest.mark.parametrize(
    ("group", "limits", "expected"),
    [
        ("0::/\n", {"memory.max": "1073741824\n"}, GIB),  # in a container
        ("0::/a/b\n", {"a/b/memory.max": "max\n", "a/memory.max": "1073741824\n"}, GIB),  # of a slice above
        ("0::/a\n", {"a/memory.max": "max\n"}, None),
        ("4:memory:/x\n0::/\n", {"memory/x/memory.limit_in_bytes": "1073741824\n"}, GIB),  # version 1
        ("4:memory:/x\n", {"memory/x/memory.limit_in_bytes": "9223372036854771712\n"}, None),
        ("3:cpu:/x\n", {"memory/x/memory.limit_in_bytes": "1073741824\n"}, None),
    ],
)
def test_a_container_has_the_memory_of_its_group(
    tmp_path: Path, group: str, limits: dict[str, str], expected: int | None
) -> None:
    whole = machine_memory(tmp_path / "elsewhere")
    assert machine_memory(machine(tmp_path, group, limits)) == (expected or whole)
    assert memory_for_work(None, tmp_path) == int((expected or whole) * SHARE)
    assert memory_for_work(5 * GIB, tmp_path) == 5 * GIB


@pytest.mark.parametrize(("text", "count"), [("oom 3\noom_kill 7\n", 7), ("pgfault 1\n", 0), (None, 0)])
def test_what_the_kernel_killed_is_counted(tmp_path: Path, text: str | None, count: int) -> None:
    (tmp_path / "proc").mkdir()
    if text is not None:
        (tmp_path / "proc/vmstat").write_text(text)
    assert oom_kills(tmp_path) == count


def taken_for_damage() -> Refused:
    try:
        try:
            raise pa.ArrowMemoryError("realloc of size 536870912 failed")
        except pa.ArrowException:
            raise Refused("damaged-file", Text(zh="损坏", en="damaged")) from None
    except Refused as error:
        return error


def no_room_for(count: int) -> MemoryError:
    with pytest.raises(MemoryError) as caught:
        np.zeros(count)
    return caught.value


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (pa.ArrowMemoryError(), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (RuntimeError("can't start new thread"), True),
        (taken_for_damage(), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (RuntimeError("dictionary changed size during iteration"), False),
        (Refused("damaged-file", Text(zh="损坏", en="damaged")), False),
    ],
)
def test_want_of_memory_is_told_from_damage(error: Exception, expected: bool) -> None:
    assert ran_out_of_memory(error) is expected


def test_a_thread_that_did_not_start_is_told_also_behind_another_error() -> None:
    damaged = Refused("damaged-file", Text(zh="损坏", en="damaged"))
    damaged.__cause__ = RuntimeError("can't start new thread")
    assert no_thread_started(damaged)
    assert not no_thread_started(MemoryError())
    assert not no_thread_started(RuntimeError("dictionary changed size during iteration"))


def test_numpy_says_it_as_well() -> None:
    assert ran_out_of_memory(no_room_for(1 << 58))


def test_errors_that_name_each_other_are_looked_at_once() -> None:
    one, other = ValueError("a"), ValueError("b")
    one.__cause__, other.__cause__ = other, one
    assert not ran_out_of_memory(one)


def test_refusals_name_the_limit_and_the_way_out() -> None:
    error = too_much_memory(3 * GIB)
    assert ("3.0 GiB" in error.message.zh, "3.0 GiB" in error.message.en) == (True, True)
    assert error.remedy is not None
    assert "GONGKAI_WORKER_MEMORY" in error.remedy.zh
    assert out_of_memory().remedy is not None


@pytest.mark.parametrize(("given", "expected"), [("", None), (str(LEAST_MEMORY), LEAST_MEMORY)])
def test_the_memory_of_a_worker_is_a_setting(given: str, expected: int | None) -> None:
    assert read_settings({"GONGKAI_WORKER_MEMORY": given}).worker_memory == expected


def test_less_than_the_libraries_need_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="GONGKAI_WORKER_MEMORY"):
        read_settings({"GONGKAI_WORKER_MEMORY": str(LEAST_MEMORY - 1)})
