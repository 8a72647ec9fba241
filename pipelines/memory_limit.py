"""The memory that a worker may take, and how to tell that it was not enough.

A small file can stand for very much: then the one process that prepares it ends, not the machine. RLIMIT_DATA counts
private writable memory, of threads and allocators alike; files that are mapped for reading, as typed tables are, do
not count (RLIMIT_AS would count them, and what allocators only reserve).
"""

import contextlib
import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path

from schemas.errors import DependencyFailed, Refused
from schemas.text import Text

SHARE = 0.75  # of the machine's memory; the rest is the server's, the database's and the page cache's
FIRST_VICTIM = "500"  # of 1000: where the machine's memory ends, the kernel takes the worker, not the server
NO_LIMIT = 1 << 60  # what cgroups call unlimited is larger
GIB = 1 << 30


def limit_memory(limit: int) -> None:
    """Hold this process to `limit` bytes of private memory; to be called before the heavy libraries load.

    It leaves no core file either, as that would hold raw values outside of the source area.
    """
    _least("RLIMIT_DATA", limit)
    _least("RLIMIT_CORE", 0)
    os.environ.setdefault("MIMALLOC_ARENA_EAGER_COMMIT", "0")  # or Arrow's allocator takes 1 GiB before it needs it
    with contextlib.suppress(OSError):  # Linux alone has it
        Path("/proc/self/oom_score_adj").write_text(FIRST_VICTIM)


def _least(name: str, value: int) -> None:
    """Lower a limit of this process; what was lower already stays."""
    kind = getattr(resource, name)
    soft, hard = resource.getrlimit(kind)
    bounds = [bound for bound in (value, soft, hard) if bound != resource.RLIM_INFINITY]
    resource.setrlimit(kind, (min(bounds), hard))


def memory_for_work(setting: int | None, root: Path = Path("/")) -> int:
    """Bytes that a worker may take: what was set, or three quarters of the machine's memory."""
    return setting or int(machine_memory(root) * SHARE)


def memory_half_full() -> bool:
    """Whether this process takes over half of what it was held to; False where it was not."""
    limit = resource.getrlimit(resource.RLIMIT_DATA)[0]
    if limit != resource.RLIM_INFINITY:
        with contextlib.suppress(OSError):
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("VmData:"):
                    return int(line.split()[1]) * 1024 > limit // 2
    return False


def machine_memory(root: Path = Path("/")) -> int:
    """Bytes of memory here: the machine's, or what its container may take. root: where /proc and /sys are."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *_group_limits(root)])


def _group_limits(root: Path) -> Iterator[int]:
    """Limits of the control groups that this process is in (cgroup v2 and v1); a container sees its own as the top."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        mounted = root / ("sys/fs/cgroup/memory" if controllers else "sys/fs/cgroup")
        name = "memory.limit_in_bytes" if controllers else "memory.max"
        own = mounted / group.lstrip("/")
        for folder in (own, *own.parents):
            if not folder.is_relative_to(mounted):
                break
            with contextlib.suppress(OSError, ValueError):  # not there, or "max"
                limit = int((folder / name).read_text())
                if limit < NO_LIMIT:
                    yield limit


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether memory could not be had; also where a reader took that for a damaged file, and said so instead."""
    return any(
        isinstance(one, MemoryError)  # Arrow's and numpy's are kinds of it
        or (isinstance(one, OSError) and one.errno == errno.ENOMEM)
        or _no_thread(one)  # most often there is no memory for its stack
        for one in _behind(error)
    )


def no_thread_started(error: BaseException) -> bool:
    """Whether a thread could not be started: for want of memory, or as the container may have no more of them."""
    return any(_no_thread(one) for one in _behind(error))


def _no_thread(error: BaseException) -> bool:
    return isinstance(error, RuntimeError) and str(error) == "can't start new thread"


def _behind(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it came from; each once."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, one.__context__]


def too_much_memory(limit: int) -> Refused:
    """The refusal of a file that wants more memory than the `limit` (bytes) of the worker."""
    return Refused(
        "too-much-memory",
        Text(
            zh=f"处理这个文件所需的内存超过允许的 {limit / GIB:.1f} GiB",
            en=f"working on this file takes more memory than the {limit / GIB:.1f} GiB that it may take",
        ),
        Text(
            zh="请拆分文件后分别提交，并检查有无过长的单元格；确需整体处理的，请运维人员调大 GONGKAI_WORKER_MEMORY",
            en="split the file and hand in its parts, and look for overlong cells; where it must stay whole, have the "
            "operator raise GONGKAI_WORKER_MEMORY",
        ),
        field="source",
    )


def out_of_memory() -> DependencyFailed:
    """A command ran out of memory, where nothing but the machine limits it."""
    return DependencyFailed(
        "out-of-memory",
        Text(zh="内存不足，没有完成", en="there was not enough memory to finish"),
        Text(
            zh="请拆分文件，或关闭其他程序、换一台内存更大的机器后重试",
            en="split the file, or end other programs or take a machine with more memory, and try again",
        ),
    )


def oom_kills(root: Path = Path("/")) -> int:
    """How many processes the kernel has killed for want of memory, in any container, since the machine started; 0 where
    it does not tell."""
    with contextlib.suppress(OSError):
        for line in (root / "proc/vmstat").read_text().splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0
