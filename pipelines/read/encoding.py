"""Which encoding a text file has. Decided over the whole file, not a sample, so that no error comes late."""

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import chardet
import numpy as np
import pyarrow as pa

from schemas.errors import Refused
from schemas.text import Text

BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
SAMPLE = 1 << 18
WESTERN = ("iso8859-1", "iso8859-15", "cp1252", "cp850", "mac-roman")  # Python's names
FEWEST_SIGNS = 6  # that say in which encoding they are
ENCODING_REMEDY = Text(
    zh="请在表格软件中另存为“CSV UTF-8”，或在上传时指明正确的编码（如 gb18030）",
    en="save the file as “CSV UTF-8”, or name its right encoding when uploading (for example gb18030)",
)


@dataclass
class EncodingWatch:
    """Follows the bytes of a file, chunk by chunk, and remembers what they can be.

    utf8_error, gb18030_error: offset of the first byte that does not decode, None while all do.
    sample: the first lines that hold bytes above 127, at most 256 KiB.
    """

    head: bytes = b""
    utf8_error: int | None = None
    gb18030_error: int | None = None
    sample: bytearray = field(default_factory=bytearray)
    size: int = 0

    def __post_init__(self) -> None:
        self._utf8_pending = b""
        self._gb18030 = codecs.getincrementaldecoder("gb18030")("strict")

    def feed(self, chunk: bytes, final: bool = False) -> None:
        if not self.size:
            self.head = chunk[:4]
        pending = self._utf8_pending if self.utf8_error is None else b""  # of a character begun in the chunk before
        if self.utf8_error is None:
            self._follow_utf8(chunk, final)
        if len(self.sample) < SAMPLE and not chunk.isascii():
            for line in chunk.splitlines(keepends=True):
                if not line.isascii():
                    self.sample += line[: SAMPLE - len(self.sample)]
                if len(self.sample) >= SAMPLE:
                    break
        if self.utf8_error is not None and self.gb18030_error is None:
            try:
                self._gb18030.decode(pending + chunk, final)
            except UnicodeDecodeError as error:
                self.gb18030_error = self.size - len(pending) + error.start
        self.size += len(chunk)

    def _follow_utf8(self, chunk: bytes, final: bool) -> None:
        """Look for the first byte that is no UTF-8. Arrow looks first, being ten times faster than decoding."""
        pending = self._utf8_pending
        start = _missing(pending) if pending else 0  # of the chunk: they end the character begun in the one before
        stop = len(chunk) - (0 if final else _unfinished(chunk))
        if start <= stop and is_utf8(pending + chunk[:start]) and is_utf8(memoryview(chunk)[start:stop]):
            self._utf8_pending = chunk[stop:]
            return
        joined = pending + chunk
        try:
            joined[: len(joined) if final else len(joined) - _unfinished(joined)].decode("utf-8")
        except UnicodeDecodeError as error:
            self.utf8_error = self.size - len(pending) + error.start
        self._utf8_pending = joined[len(joined) - _unfinished(joined) :]

    def detect(self, line_of: Callable[[int], int]) -> str:
        """The encoding of everything fed. line_of: the line in which the byte at an offset stands.

        Raises Refused `undecodable-encoding` or `mixed-encodings`.
        """
        for bom, name in BOMS:
            if self.head.startswith(bom):
                return name
        if self.utf8_error is None:
            return "utf-8"
        if has_utf8_run(bytes(self.sample)):
            raise mixed_encodings(line_of(self.utf8_error))
        if looks_like_gb(bytes(self.sample)):
            if self.gb18030_error is not None:
                raise mixed_encodings(line_of(self.gb18030_error))
            return "gb18030"
        detector = chardet.UniversalDetector()
        detector.feed(bytes(self.sample))
        guessed = detector.close()["encoding"]
        if not guessed:
            raise Refused(
                "undecodable-encoding",
                Text(
                    zh=f"无法识别文件的编码：第 {line_of(self.utf8_error)} 行既不是 UTF-8，也不是 GB18030",
                    en=f"the file's encoding cannot be recognised: line {line_of(self.utf8_error)} is neither UTF-8 "
                    "nor GB18030",
                ),
                ENCODING_REMEDY,
                field="encoding",
            )
        return codecs.lookup(guessed).name


def looks_like_gb(sample: bytes) -> bool:
    """Whether high bytes come in pairs, as Chinese in GB 2312 does; in Latin alphabets they mostly stand alone."""
    runs = [len(run) for run in re.findall(rb"[\x81-\xfe]+", sample)]
    even = sum(length for length in runs if length % 2 == 0)
    return bool(runs) and even >= 0.8 * sum(runs)


def has_utf8_run(sample: bytes) -> bool:
    """Whether a good part of the lines with high bytes is UTF-8 with three-byte characters, such as Chinese."""
    lines = [line for line in sample.splitlines() if not line.isascii()]
    good = sum(1 for line in lines if is_utf8(line) and re.search(rb"[\xe3-\xe9][\x80-\xbf]{2}", line))
    return bool(lines) and good >= 0.2 * len(lines)


def is_utf8(data: bytes | memoryview) -> bool:
    """Whether `data` is whole characters of UTF-8."""
    offsets = np.array([0, len(data)], np.int32)
    text = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)])
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _unfinished(data: bytes) -> int:
    """How many bytes at the end belong to a character that is not complete yet."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte < 0x80:
            return 0
        if byte >= 0xC0:
            return back if back < _length(byte) else 0
    return 0


def _missing(begun: bytes) -> int:
    """How many bytes the character lacks of which these are the first ones."""
    return _length(begun[0]) - len(begun)


def _length(lead: int) -> int:
    """Bytes of a character of UTF-8, by its first byte, which is above BF."""
    return 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4


def mixed_encodings(line: int) -> Refused:
    """line: one that is not in the encoding of the others."""
    return Refused(
        "mixed-encodings",
        Text(
            zh=f"文件中混有两种编码：例如第 {line} 行与其他行的编码不同",
            en=f"the file mixes two encodings: line {line}, for one, is in another than other lines",
        ),
        Text(
            zh="请把来自不同来源的部分分别另存为 UTF-8 后再合并",
            en="save the parts from different sources as UTF-8 each, then join them",
        ),
        field="encoding",
    )


def checked_encoding(declared: str) -> str:
    """Python's name of the encoding `declared`. Raises Refused `unknown-encoding`."""
    try:
        name = codecs.lookup(declared).name
        "a".encode(name)  # fails for codecs that are no encodings of text
    except (LookupError, ValueError):
        raise Refused(
            "unknown-encoding",
            Text(zh="不认识所指明的编码名称", en="the named encoding is not known"),
            Text(
                zh="常用的名称有 utf-8、gb18030、utf-16、big5",
                en="common names are utf-8, gb18030, utf-16, big5",
            ),
            field="encoding",
        ) from None
    return name


def wrong_encoding(declared: str, line: int) -> Refused:
    """line: the first that does not decode."""
    return Refused(
        "wrong-encoding",
        Text(
            zh=f"文件不是所指明的 {declared} 编码：第 {line} 行无法解码",
            en=f"the file is not in the declared encoding {declared}: line {line} does not decode",
        ),
        ENCODING_REMEDY,
        field="encoding",
    )


def encoding_after_all(watch: EncodingWatch, declared: str) -> str | None:
    """`UTF-8` or `GB18030` where the whole file is in that encoding and holds Chinese, though declared to be another.

    Half of such UTF-8 files decode as GB18030, and every file as Latin 1, to other characters. The reverse does not
    happen: texts in these encodings are not UTF-8, and Western letters with accents are no pairs of bytes.
    """
    sample = bytes(watch.sample)
    if watch.utf8_error is None:
        return "UTF-8" if not declared.startswith("utf") and has_utf8_run(sample) else None
    return "GB18030" if declared in WESTERN and watch.gb18030_error is None and is_chinese_in_gb(sample) else None


def is_chinese_in_gb(sample: bytes) -> bool:
    """Whether nearly all that is not ASCII is, as GB18030, a character in common use: GB 2312, level 1."""
    text = [sign for sign in sample.decode("gb18030", "ignore") if not sign.isascii()]
    common = sum(1 for sign in text if b"\xb0\xa1" <= sign.encode("gb18030") <= b"\xd7\xf9")
    return len(text) >= FEWEST_SIGNS and looks_like_gb(sample) and common >= 0.8 * len(text)


def other_encoding(declared: str, found: str) -> Refused:
    """All of the file is in the encoding `found` though `declared` is another."""
    return Refused(
        "wrong-encoding",
        Text(
            zh=f"文件不是所指明的 {declared} 编码，整个文件都是 {found}",
            en=f"the file is not in the declared encoding {declared}: all of it is {found}",
        ),
        Text(zh=f"请指明 {found.lower()}，或不指明编码", en=f"name {found.lower()} as its encoding, or none"),
        field="encoding",
    )
