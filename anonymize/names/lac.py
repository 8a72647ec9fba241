"""Chinese persons, places and organisations by LAC's model, run by onnxruntime.

Source: Jiao, Sun, Sun: Chinese Lexical Analysis with Deep Bi-GRU-CRF Network (2018), Baidu LAC 2.1.2, Apache-2.0.
`gongkai models fetch zh` converts its weights into a folder; nothing of them is in this repository.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from anonymize.names.address import extend_place
from schemas.errors import ConfigurationError, DependencyFailed
from schemas.text import Text

FILES = ("lac.onnx", "crf.npy", "word.dic", "q2b.dic", "tag.dic", "small_seg.dic")
ENTITIES = {
    "PER": "PERSON", "LOC": "LOCATION", "ORG": "ORGANIZATION", "nr": "PERSON", "ns": "LOCATION", "nt": "ORGANIZATION",
}  # fmt: skip
BATCH = 64
LONGEST = 512  # characters of one piece; longer texts are cut at sentence ends
_ALPHANUMERIC = re.compile("[a-zA-Z0-9]")
_SENTENCE = re.compile(r"[^。！？；\n]*[。！？；\n]?")

Word = tuple[int, int, str]  # start, end, tag


@dataclass(frozen=True)
class LacModel:
    """session: onnxruntime's. begin, end, transition: the CRF's weights. words: word → id; widths: full → half width;
    tags: id → tag. known: words of the segmentation dictionary and, as False, their beginnings."""

    session: Any
    begin: npt.NDArray[np.float32]
    end: npt.NDArray[np.float32]
    transition: npt.NDArray[np.float32]
    words: dict[str, int]
    widths: dict[str, str]
    tags: dict[int, str]
    known: dict[str, bool]
    log_total: float

    def __call__(self, texts: Sequence[str]) -> list[list[tuple[int, int, str]]]:
        """Persons, places and organisations of every text, as (start, end, entity); see `names_of`."""
        return [names_of(text, words) for text, words in zip(texts, segment(self, texts), strict=True)]


def has_lac(folder: Path) -> bool:
    """Whether a converted model stands in the folder."""
    return all((folder / name).is_file() for name in FILES)


def load_lac(folder: Path, threads: int = 1) -> LacModel:
    """The model of a folder that `gongkai models fetch zh` filled.

    Raises ConfigurationError where the model is absent, DependencyFailed where onnxruntime is not installed.
    """
    if not has_lac(folder):
        raise ConfigurationError(
            "names-model-absent",
            Text(zh="中文人名识别模型尚未下载", en="the model of Chinese names is not there"),
            Text(zh="请运行 gongkai models fetch zh", en="run `gongkai models fetch zh`"),
        )
    try:
        import onnxruntime
    except ImportError:
        raise DependencyFailed(
            "onnxruntime-absent",
            Text(
                zh="未安装 onnxruntime，无法使用人名识别模型",
                en="onnxruntime is not installed; the names model needs it",
            ),
            Text(zh="请安装 gongkai[names]", en="install gongkai[names]"),
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(folder / "lac.onnx"), options, providers=["CPUExecutionProvider"])
    crf = np.load(folder / "crf.npy")
    counted = [line.split(" ") for line in (folder / "small_seg.dic").read_text("utf-8").splitlines() if line]
    known: dict[str, bool] = {}
    for word, *_ in counted:
        for length in range(1, len(word)):
            known.setdefault(word[:length], False)
        known[word] = True
    return LacModel(
        session=session,
        begin=crf[0],
        end=crf[1],
        transition=crf[2:],
        words={word: int(number) for number, word in _pairs(folder / "word.dic")},
        widths=dict(_pairs(folder / "q2b.dic")),
        tags={int(number): tag for number, tag in _pairs(folder / "tag.dic")},
        known=known,
        log_total=log(sum(int(line[-1]) for line in counted)),
    )


def names_of(text: str, words: Sequence[Word]) -> list[tuple[int, int, str]]:
    """The entities among tagged words: places that touch are joined, and extended over road, number, building, unit;
    an extended place is an ADDRESS."""
    spans: list[tuple[int, int, str]] = []
    for start, end, tag in words:
        entity = ENTITIES.get(tag)
        if entity is None or (spans and start < spans[-1][1]):
            continue
        if entity == "LOCATION" and spans and spans[-1][1] == start and spans[-1][2] == entity:
            start = spans.pop()[0]
        spans.append((start, end, entity))
    found: list[tuple[int, int, str]] = []
    for start, end, entity in spans:
        if found and start < found[-1][1]:
            continue
        longer = extend_place(text, start, end)[1] if entity == "LOCATION" else end
        found.append((start, longer, "ADDRESS" if longer > end else entity))
    return found


def segment(model: LacModel, texts: Sequence[str]) -> list[list[Word]]:
    """The words of every text with their tags, as (start, end, tag)."""
    pieces = [(at, offset, piece) for at, text in enumerate(texts) for offset, piece in _cut_long(text)]
    encoded = [_encode(model, piece) for _, _, piece in pieces]
    result: list[list[Word]] = [[] for _ in texts]
    order = sorted((i for i in range(len(pieces)) if encoded[i][0]), key=lambda i: len(encoded[i][0]))
    words: dict[int, list[Word]] = {}
    for first in range(0, len(order), BATCH):
        batch = order[first : first + BATCH]
        for i, labels in zip(batch, _label(model, [encoded[i][0] for i in batch]), strict=True):
            words[i] = _words(model, labels, encoded[i][1])
    for i, (at, offset, _) in enumerate(pieces):
        result[at] += [(start + offset, end + offset, tag) for start, end, tag in words.get(i, [])]
    return result


def _cut_long(text: str) -> list[tuple[int, str]]:
    """(offset, piece): the text itself, or its sentences where it is long, none longer than LONGEST."""
    if len(text) <= LONGEST:
        return [(0, text)]
    pieces = []
    for match in _SENTENCE.finditer(text):
        for start in range(match.start(), match.end(), LONGEST):
            pieces.append((start, text[start : min(match.end(), start + LONGEST)]))
    return pieces


def _encode(model: LacModel, text: str) -> tuple[list[int], list[int]]:
    """(ids, characters of each): known words whole, others character by character."""
    unknown = model.words["OOV"]
    ids: list[int] = []
    lengths: list[int] = []
    for word in _cut(model, text):
        parts = [word] if word in model.words else list(word)
        ids += [model.words.get(model.widths.get(part, part), unknown) for part in parts]
        lengths += [len(part) for part in parts]
    return ids, lengths


def _cut(model: LacModel, text: str) -> list[str]:
    """The most probable segmentation by the dictionary; letters and digits in a row stay together."""
    size, known, total = len(text), model.known, model.log_total
    best, following = [0.0] * (size + 1), [0] * size
    for i in range(size - 1, -1, -1):
        best[i], following[i] = best[i + 1] - total, i + 1
        for j in range(i + 1, size + 1):
            whole = known.get(text[i:j])
            if whole is None:
                break
            if whole and (score := log(j - i) - total + best[j]) >= best[i]:
                best[i], following[i] = score, j
    words: list[str] = []
    i, joinable = 0, False
    while i < size:
        word = text[i : following[i]]
        single = len(word) == 1 and _ALPHANUMERIC.match(word) is not None
        if single and joinable:
            words[-1] += word
        else:
            words.append(word)
        i, joinable = following[i], single
    return words


def _label(model: LacModel, encoded: list[list[int]]) -> list[list[int]]:
    """Tag ids of every encoded text: the network's emissions, then Viterbi over the CRF."""
    lengths = np.array([len(e) for e in encoded], np.int32)
    ids = np.zeros((int(lengths.max()), len(encoded)), np.int64)
    for column, numbers in enumerate(encoded):
        ids[: len(numbers), column] = numbers
    emissions = model.session.run(None, {"ids": ids, "lens": lengths})[0]
    score = model.begin + emissions[0]
    back = np.zeros(emissions.shape, np.int16)
    for step in range(1, len(emissions)):
        paths = score[:, :, None] + model.transition[None]
        back[step] = paths.argmax(axis=1)
        score = np.where((step < lengths)[:, None], paths.max(axis=1) + emissions[step], score)
    last = (score + model.end).argmax(axis=1)
    labels = []
    for column, length in enumerate(lengths.tolist()):
        path = [int(last[column])]
        for step in range(length - 1, 0, -1):
            path.append(int(back[step, column, path[-1]]))
        labels.append(path[::-1])
    return labels


def _words(model: LacModel, labels: list[int], lengths: list[int]) -> list[Word]:
    words: list[Word] = []
    at = 0
    for label, length in zip(labels, lengths, strict=True):
        tag = model.tags[label]
        kind, begins = (tag[:-2], tag.endswith("-B")) if tag != "O" else (tag, False)
        if begins or not words or words[-1][2] != kind:
            words.append((at, at + length, kind))
        else:
            words[-1] = (words[-1][0], at + length, kind)
        at += length
    return words


def _pairs(path: Path) -> list[tuple[str, str]]:
    rows = (line.split("\t") for line in path.read_text("utf-8").split("\n"))
    return [(row[0], row[1]) for row in rows if len(row) == 2]
