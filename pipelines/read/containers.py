"""Unpack .gz and single-member .zip files, with bounds that stop a decompression bomb early."""

import gzip
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from pipelines.progress import Advance
from schemas.errors import Refused, TooLarge
from schemas.text import Text

CHUNK = 1 << 20
MAXIMUM_RATIO = 200  # text compresses 5 to 50 times; a bomb a thousand times and more
RATIO_FREE = 64 << 20  # the ratio is not judged below this many bytes
MAXIMUM_TOTAL = 64 << 30


def unpack(path: Path, container: str, target: Path, advance: Advance = lambda share, size: None) -> str:
    """Write the one member of the archive at `path` to `target`; returns the member's name.

    advance: told the share of the archive that was read, and the bytes written.

    Raises Refused `truncated-archive`, `damaged-archive`, `archive-members`, `encrypted-archive`, and
    TooLarge `decompression-bomb`.
    """
    if container == "gz":
        size = path.stat().st_size
        with path.open("rb") as raw, gzip.open(raw, "rb") as packed, target.open("xb") as out:
            _copy(packed, out, size, lambda written: advance(raw.tell() / size, written))  # type: ignore[arg-type]
        return path.name.removesuffix(".gz").removesuffix(".GZ")
    return _unzip(path, target, advance)


def _unzip(path: Path, target: Path, advance: Advance) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
            if len(members) != 1:
                raise Refused(
                    "archive-members",
                    Text(
                        zh=f"压缩包里有 {len(members)} 个文件，应当正好一个",
                        en=f"the archive holds {len(members)} files; exactly one is expected",
                    ),
                    Text(zh="请每个压缩包只放一个表格文件", en="put one table file into each archive"),
                    field="file",
                )
            member = members[0]
            checked_file_name(PurePosixPath(member.filename.replace("\\", "/")).name, member.filename)
            if member.flag_bits & 1:
                raise Refused(
                    "encrypted-archive",
                    Text(zh="压缩包有密码", en="the archive has a password"),
                    Text(zh="请去掉密码后再上传", en="remove the password and upload it again"),
                    field="file",
                )
            if member.file_size > MAXIMUM_TOTAL or member.file_size > max(
                RATIO_FREE, MAXIMUM_RATIO * member.compress_size
            ):
                raise bomb()
            size = max(member.file_size, 1)
            with archive.open(member) as packed, target.open("xb") as out:
                _copy(packed, out, member.compress_size, lambda n: advance(n / size, n))  # type: ignore[arg-type]
            return PurePosixPath(member.filename).name
    except (zipfile.BadZipFile, NotImplementedError):
        raise damaged() from None


def _copy(packed: BinaryIO, out: BinaryIO, packed_size: int, tell: Callable[[int], None]) -> None:
    written = 0
    for chunk in _chunks(packed):
        written += len(chunk)
        if written > MAXIMUM_TOTAL or written > max(RATIO_FREE, MAXIMUM_RATIO * packed_size):
            raise bomb()
        if shutil.disk_usage(Path(out.name).parent).free < len(chunk) + RATIO_FREE:
            raise TooLarge(
                "no-space",
                Text(zh="解压所需的磁盘空间不足", en="there is not enough disk space to unpack the file"),
                Text(zh="请联系平台管理员", en="please tell the platform's operator"),
                field="file",
            )
        out.write(chunk)
        tell(written)


def _chunks(packed: BinaryIO) -> Iterator[bytes]:
    try:
        while chunk := packed.read(CHUNK):
            yield chunk
    except EOFError:
        raise Refused(
            "truncated-archive",
            Text(zh="压缩文件不完整：数据在结尾处中断", en="the compressed file is cut off before its end"),
            Text(zh="请重新压缩并完整上传", en="compress it again and upload all of it"),
            field="file",
        ) from None
    except (zlib.error, gzip.BadGzipFile, zipfile.BadZipFile):
        raise damaged() from None


def empty_file() -> Refused:
    return Refused(
        "empty-file",
        Text(zh="文件是空的", en="the file is empty"),
        Text(zh="请检查导出步骤，重新上传有数据的文件", en="check the export and upload the file with its data"),
        field="file",
    )


def damaged() -> Refused:
    return Refused(
        "damaged-archive",
        Text(zh="压缩文件已损坏，无法解压", en="the compressed file is damaged and cannot be unpacked"),
        Text(zh="请重新压缩后再上传", en="compress it again and upload it"),
        field="file",
    )


def bomb() -> TooLarge:
    return TooLarge(
        "decompression-bomb",
        Text(
            zh=f"压缩文件解开后大得异常（超过 {MAXIMUM_RATIO} 倍），已停止解压",
            en=f"the file unpacks to an implausible size (over {MAXIMUM_RATIO} times); unpacking was stopped",
        ),
        Text(zh="请上传未压缩的文件", en="upload the file uncompressed"),
        field="file",
    )


def checked_file_name(name: str, given: str | None = None) -> str:
    """`name` if it is one plain file name. Raises Refused `unsafe-file-name` for paths, `..` and control characters."""
    given = name if given is None else given
    parts = given.replace("\\", "/").split("/")
    bad = (
        not name
        or name in (".", "..")
        or ".." in parts
        or given.startswith(("/", "\\"))
        or (given == name and len(parts) > 1)
        or any(ord(c) < 32 or ord(c) == 127 for c in given)
        or (len(given) > 1 and given[1] == ":")
        or len(name.encode()) > 255
    )
    if bad:
        raise Refused(
            "unsafe-file-name",
            Text(
                zh="文件名不合规：不能含路径、“..”或控制字符",
                en="the file name holds a path, “..” or control characters",
            ),
            Text(zh="请只用文件本身的名称，如 data.csv", en="use the plain name of the file, such as data.csv"),
            field="file",
        )
    return name
