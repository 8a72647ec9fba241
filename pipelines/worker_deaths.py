"""Workers that end without a word: what ended them, how often their task is tried again, and what its owner is told."""

import os
import secrets
import signal
import socket
from dataclasses import dataclass
from functools import cache

from schemas.errors import Refused
from schemas.text import Text

ATTEMPTS = 8  # a worker may be killed for reasons of its own: a new version, an operator, the end of the machine
NAME = "NAME_OF_GONGKAI_WORKER"  # in the environment of a child; no setting
CRASHES = (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)


@dataclass(frozen=True)
class Death:
    """code: of the error in the outbox. refusal: what the owner of the task reads where two workers in a row ended so,
    as the task most likely killed them; None: it has no part in it."""

    code: str
    refusal: Refused | None = None

    def last_word(self, attempts: int, error_before: str | None) -> Refused | None:
        """What the owner reads where the task is given up now; None: it is tried again. error_before: code of how the
        attempt before this one failed."""
        if self.refusal is not None and error_before == self.code:
            return self.refusal
        return preparation_failed() if attempts >= ATTEMPTS else None


def new_worker_name() -> str:
    """A name for a worker process, in the leases of its tasks. Containers may share their host name, and have the
    same few process ids: chance tells them apart."""
    return f"{socket.gethostname()[:100]}:{secrets.token_hex(8)}"


@cache
def worker_name() -> str:
    """Name of this worker process: of its own, or as whoever started it calls it."""
    return os.environ.get(NAME) or new_worker_name()


def cause_of_death(returncode: int, kernel_killed: bool) -> Death:
    """What ended a worker. returncode: as of `subprocess.Popen`, negative for a signal. kernel_killed: while it worked,
    the kernel killed some process for want of memory."""
    if -returncode == signal.SIGKILL and kernel_killed:
        refusal = out_of_machine_memory()
        return Death(refusal.code, refusal)
    if -returncode in CRASHES:
        refusal = preparation_crashed(signal.Signals(-returncode).name)
        return Death(refusal.code, refusal)
    return Death("worker-ended")


def preparation_crashed(signal_name: str) -> Refused:
    """A library ended the process: most do so when an allocation fails, some over a damaged file."""
    return Refused(
        "preparation-crashed",
        Text(
            zh=f"处理这个文件的进程两次异常中止（{signal_name}），多半是内存不足，也可能是文件损坏",
            en=f"the process that worked on this file was aborted twice ({signal_name}), most likely for want of "
            "memory, or over a damaged file",
        ),
        Text(
            zh="请拆分文件，或另存为 CSV（UTF-8）后重新提交；仍失败请联系运维人员（可调大 GONGKAI_WORKER_MEMORY）",
            en="split the file, or save it as CSV (UTF-8), and hand it in again; if it still fails, tell the operator, "
            "who may raise GONGKAI_WORKER_MEMORY",
        ),
        field="source",
    )


def out_of_machine_memory() -> Refused:
    """The refusal of a file over which the kernel ended the worker, for want of memory of the whole machine."""
    return Refused(
        "out-of-machine-memory",
        Text(
            zh="处理这个文件时，服务器的内存用尽，进程两次被系统终止",
            en="the server ran out of memory over this file, and the system ended the process twice",
        ),
        Text(
            zh="请拆分文件后分别提交，或请运维人员增加服务器内存、调小 GONGKAI_WORKER_MEMORY 使其先于系统拒绝",
            en="split the file and hand in its parts, or have the operator give the server more memory, or lower "
            "GONGKAI_WORKER_MEMORY so that it refuses before the system does",
        ),
        field="source",
    )


def preparation_failed() -> Refused:
    """It failed again and again, and nothing says why."""
    return Refused(
        "preparation-failed",
        Text(zh="多次处理均失败，已停止处理这个文件", en="preparing failed several times and was given up"),
        Text(
            zh="请另存为 CSV（UTF-8）后重新上传；仍失败请联系运维人员",
            en="save the file as CSV (UTF-8) and hand it in again; if it still fails, tell the operator",
        ),
        field="source",
    )


def file_failed() -> Refused:
    """A file to take away could not be made, again and again."""
    return Refused(
        "file-failed",
        Text(zh="多次生成这个文件均失败", en="making this file failed several times"),
        Text(zh="请联系运维人员；网页上的列表仍可使用", en="tell the operator; the list on the page can still be used"),
    )
