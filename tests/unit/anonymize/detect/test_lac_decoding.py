"""LAC's decoding without its weights: segmentation, the CRF's best path, joined places, the weights' file format."""

import itertools
import struct
from pathlib import Path

import numpy as np
import pytest

from anonymize.names.lac import LacModel, load_lac, names_of, segment
from pipelines.lac_conversion import read_tensor
from schemas.errors import ConfigurationError

TAGS = {0: "PER-B", 1: "PER-I", 2: "n-B", 3: "O"}
WORDS = {word: number for number, word in enumerate(["OOV", "北京", "中", "国", "中国", "a1"])}


class Emissions:
    """Stands for the network: emissions drawn by step and text."""

    def __init__(self, seed: int):
        self.seed = seed

    def run(self, _: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        steps, texts = inputs["ids"].shape
        rng = np.random.default_rng(self.seed)
        self.made = rng.normal(size=(steps, texts, len(TAGS))).astype(np.float32)
        return [self.made]


def model(seed: int = 0) -> LacModel:
    rng = np.random.default_rng(100 + seed)
    begin, end, transition = rng.normal(size=4), rng.normal(size=4), rng.normal(size=(4, 4))
    known = {"北": False, "北京": True, "中": True, "中国": True, "国": True}
    return LacModel(Emissions(seed), begin, end, transition, WORDS, {"Ａ": "A"}, TAGS, known, 5.0)


@pytest.mark.parametrize("seed", range(20))
def test_the_path_is_the_best_of_all(seed: int) -> None:
    lac = model(seed)
    text = "北京中国北京"[: 2 * (1 + seed % 3)]
    words = segment(lac, [text])[0]
    emissions = lac.session.made[:, 0]
    steps = len(emissions)

    def score(path: tuple[int, ...]) -> float:
        total = lac.begin[path[0]] + lac.end[path[-1]] + sum(emissions[i, t] for i, t in enumerate(path))
        return float(total + sum(lac.transition[a, b] for a, b in itertools.pairwise(path)))

    best = max(itertools.product(range(4), repeat=steps), key=score)
    assert [(w[0], w[2]) for w in words] == begun(best, len(text))


def begun(path: tuple[int, ...], length: int) -> list[tuple[int, str]]:
    """(start, kind) of the words a path of tags makes: one begins at a `-B` and where the kind changes."""
    sizes = [length // len(path)] * len(path)  # the texts are of words of one length
    words: list[tuple[int, str]] = []
    for at, label in enumerate(path):
        kind = TAGS[label].removesuffix("-B").removesuffix("-I")
        if TAGS[label].endswith("-B") or not words or words[-1][1] != kind:
            words.append((sum(sizes[:at]), kind))
    return words


def test_texts_of_a_batch_do_not_mix_and_empty_ones_have_no_words() -> None:
    texts = ["北京", "", "中国北京a1中", "x"]
    words = segment(model(), texts)
    assert [w[-1][1] if w else 0 for w in words] == [len(t) for t in texts]


def test_long_texts_are_cut_at_sentences_and_offsets_kept() -> None:
    text = "北京。" * 400
    words = segment(model(), [text])[0]
    assert words[0][0] == 0
    assert words[-1][1] == len(text)
    assert all(a[1] == b[0] for a, b in itertools.pairwise(words))


def test_touching_places_are_joined_and_extended() -> None:
    text = "住杭州市西湖区文三路478号的张三"
    words = [(0, 1, "v"), (1, 4, "LOC"), (4, 7, "LOC"), (7, 10, "n"), (14, 15, "u"), (15, 17, "PER")]
    assert [(text[a:b], e) for a, b, e in names_of(text, words)] == [
        ("杭州市西湖区文三路478号", "ADDRESS"),
        ("张三", "PERSON"),
    ]


def test_an_absent_model_is_said_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load_lac(tmp_path)
    assert raised.value.code == "names-model-absent"
    assert raised.value.remedy is not None
    assert "gongkai models fetch zh" in raised.value.remedy.en


@pytest.mark.parametrize("packed", [False, True])
def test_paddles_tensor_files_are_read(tmp_path: Path, packed: bool) -> None:
    array = np.arange(300, dtype="<f4").reshape(150, 2)
    shape = b"\x12\x03\x96\x01\x02" if packed else b"\x10\x96\x01\x10\x02"
    description = b"\x08\x05" + shape
    content = struct.pack("<IQ", 0, 0) + struct.pack("<Ii", 0, len(description)) + description + array.tobytes()
    (tmp_path / "w").write_bytes(content)
    assert np.array_equal(read_tensor(tmp_path / "w"), array)


def test_a_tensor_of_another_kind_is_refused(tmp_path: Path) -> None:
    content = struct.pack("<IQ", 0, 0) + struct.pack("<Ii", 0, 4) + b"\x08\x03\x10\x01" + b"\0" * 8
    (tmp_path / "w").write_bytes(content)
    with pytest.raises(ValueError, match="not float32"):
        read_tensor(tmp_path / "w")
