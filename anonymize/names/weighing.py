"""Names in texts, weighed: how name-like the characters are, how the dictionary cuts them, and what stands around.

The weights (name_weights.tsv) are those of a logistic regression; `python -m tests.benchmarks.fit_names` fits them.
The dictionary is jieba's.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache, lru_cache
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import polars as pl
import rjieba

from anonymize.names.characters import (
    COMPOUND_SURNAME,
    FOREIGN_CHARACTER,
    LEAST_PROMISE,
    Promising,
    foreign_promise,
    promise_of,
    promising,
    values,
)
from anonymize.names.words import COMPOUND, NOT_NAMES, SINGLE, words

LEAST_WEIGHT = -1.5  # of a name; lower finds more names and more that are none
LEAST_BEFORE_WORDS = 17  # what a name must promise that begins like an ordinary word
LONGEST_WORDS = 3  # words of the dictionary that make one name
NAME_TAGS = ("nr", "nrfg", "nrt")
_PLACE_TAGS = ("ns", "nt", "nz")
_BEFORE_SIGNS, _AFTER_SIGNS = "，、。：（“《", "，、。：（”》"
_PERSON_ENDINGS = ("员", "长", "者", "师", "生")
_TITLES, _VERBS = frozenset(words("name_titles.txt")), frozenset(words("name_verbs.txt"))
_COMPOUND = frozenset(COMPOUND)
_PLACE_ENDINGS = frozenset("省市区县乡镇村路街港庄州岛寺队国河山湖城湾洲籍率费性人")
_WHERE = frozenset(["在", "从", "到", "抵达", "抵", "赴", "前往", "位于", "来到", "至", "去"])
# 梁总, 胡姓, 张某, 刘家: how one speaks of persons without naming them.
_NOT_GIVEN, _NOT_ALONE = frozenset("总姓氏某"), frozenset("家老")

Features = dict[str, float]
Readings = tuple[tuple[int, int, int], ...]  # size, surname and given name in half steps
_place = itemgetter(0)
# What the dictionary cuts by itself: signs and spaces part such runs.
_RUN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f0-9A-Za-z+#&._%-]+")


class Cut(NamedTuple):
    """One run of characters in the dictionary's words. words and tags: with the sign before and after the run, empty
    at the text's ends; starts: where each stands in the text, and one more."""

    words: list[str]
    tags: list[str]
    starts: list[int]


def promising_texts(texts: pl.Series) -> dict[int, Promising]:
    """Position of a text → places in it at which a name may begin; in other texts `weighed_names` finds none."""
    return promising(texts, COMPOUND, lambda ahead: _read(ahead, 0))


def weighed_names(text: str, promise: Promising | None = None) -> list[tuple[float, int, int]]:
    """(weight, start, end) of what may be names and weighs enough, the heaviest first; they may overlap.

    promise: places of the text that `promising_texts` found.
    """
    table = _weights()
    weighed = [
        (sum(table.get(name, 0.0) * value for name, value in features.items()), start, end)
        for start, end, features in candidates(text, promise)
    ]
    return sorted((w for w in weighed if w[0] >= LEAST_WEIGHT), key=lambda w: (-w[0], w[1], w[2]))


def candidates(text: str, promise: Promising | None = None) -> Iterator[tuple[int, int, Features]]:
    """(start, end, features) of what may be names: a surname and one or two characters, or transliterated."""
    if promise is None:
        promise = promising_texts(pl.Series([text], dtype=pl.String)).get(0)
    if promise is None:
        return
    places = [(at, read) for at in promise.chinese if (read := _read(text, at))]
    foreign = promise.foreign
    for run in _RUN.finditer(text) if places or foreign else ():
        start, end = run.span()
        here = places[bisect_left(places, start, key=_place) : bisect_left(places, end, key=_place)]
        transliterated = bisect_left(foreign, start) < bisect_left(foreign, end)
        if here or transliterated:
            cut = _cut(text, start, end)
            word_at = {at: number for number, at in enumerate(cut.starts)}
            for at, read in here:
                if at in word_at:
                    yield from _chinese(text, cut, word_at[at], read)
            if transliterated:
                yield from _foreign(text, cut)


def _cut(text: str, start: int, end: int) -> Cut:
    words, tags, starts = [text[max(0, start - 1) : start]], ["x"], [start - 1]
    at = start
    for word, tag in rjieba.tag(text[start:end]):
        words.append(word)
        tags.append(tag)
        starts.append(at)
        at += len(word)
    return Cut([*words, text[end : end + 1]], [*tags, "x"], [*starts, end, end + 1])


def _chinese(text: str, cut: Cut, first: int, read: Readings) -> Iterator[tuple[int, int, Features]]:
    start = cut.starts[first]
    for size, surname, given in read:
        end = start + size
        if end > cut.starts[-2]:
            return
        last = first
        while cut.starts[last + 1] < end:
            last += 1
        if last - first >= LONGEST_WORDS:
            return
        describe = _whole if cut.starts[last + 1] == end else _cut_through
        if (features := describe(cut, first, last, text[start:end], (surname, given))) is not None:
            yield start, end, features


def promises(text: str, start: int) -> bool:
    """Whether the characters from `start` promise a name."""
    return bool(_read(text, start))


def _read(text: str, start: int) -> Readings:
    compound = text[start : start + 2] in _COMPOUND
    return _readings(text[start : start + (4 if compound else 3)], compound)


@lru_cache(maxsize=100_000)
def _readings(ahead: str, compound: bool) -> Readings:
    """The names that may begin the characters and promise enough; more is asked where an ordinary word begins them."""
    table = values()
    least = LEAST_BEFORE_WORDS if _is_ordinary(ahead[:2]) else LEAST_PROMISE
    found = []
    for size in range(2 + compound, len(ahead) + 1):
        name = ahead[:size]
        if not all("\u4e00" <= c <= "\u9fff" for c in name) or name in NOT_NAMES or _calls(name):
            continue
        surname = COMPOUND_SURNAME if compound else table["surname"][name[0]]
        given = _given(name[1 + compound :])
        if promise_of(surname, given) >= least:
            found.append((size, surname, given))
    if compound and ahead[0] in SINGLE:
        found = [*_readings(ahead[:3], False), *found]
    return tuple(sorted(found))


def _calls(name: str) -> bool:
    """Whether a surname and a title or the like: 王老师, 梁总."""
    return name[1:] in _TITLES or name[1] in _NOT_GIVEN or (len(name) == 2 and name[1] in _NOT_ALONE)


def _is_ordinary(word: str) -> bool:
    return rjieba.has_word(word) and rjieba.tag(word)[0][1] not in NAME_TAGS


def _given(name: str) -> int:
    table = values()
    if len(name) == 1:
        return table["single"].get(name, 0)
    return table["middle"].get(name[0], 0) + table["last"].get(name[1], 0)


def _whole(cut: Cut, first: int, last: int, name: str, read: tuple[int, int]) -> Features:
    """Features of a name that begins and ends where words do."""
    words, tags = cut.words[first : last + 1], cut.tags[first : last + 1]
    compound = len(name) > 2 and name[:2] in _COMPOUND
    size = len(name) - compound
    features: Features = {"any": 1.0, f"size {size}": 1.0, f"surname {size}": read[0] / 2, f"given {size}": read[1] / 2}
    if compound:
        features["compound"] = 1.0
    shape = [("N" if tag in NAME_TAGS else "o") + str(len(word)) for word, tag in zip(words, tags, strict=True)]
    features["cut " + "+".join(shape)] = 1.0
    if len(words) == 1:
        features["known" if rjieba.has_word(name) else "guessed"] = 1.0
        features["tag " + tags[0]] = 1.0
    elif any(len(word) > 1 and tag not in NAME_TAGS for word, tag in zip(words, tags, strict=True)):
        features["a word inside"] = 1.0
    if name[-1] in _PLACE_ENDINGS:
        features["place"] = 1.0
    return features | _around(cut, first, last, "")


def _cut_through(cut: Cut, first: int, last: int, name: str, read: tuple[int, int]) -> Features | None:
    """Features of a name that ends inside a word."""
    within, word, size = cut.starts[first] + len(name) - cut.starts[last], cut.words[last], len(name)
    if size > 3:
        return None
    features: Features = {"C": 1.0, f"C size {size}": 1.0, f"C surname {size}": read[0] / 2}
    features[f"C given {size}"] = read[1] / 2
    features[f"C cut {last - first} {len(word)} {within}"] = 1.0
    features["C in a name" if cut.tags[last] in NAME_TAGS else "C in a word"] = 1.0
    features["C known" if rjieba.has_word(word) else "C guessed"] = 1.0
    rest = word[within:]
    after = next((w for w in (rest, rest + cut.words[last + 1]) if w in _TITLES or w in _VERBS), rest)
    return features | {
        "C" + _before_class(cut.words[first - 1], cut.tags[first - 1]): 1.0,
        "C" + _after_class(after, "x"): 1.0,
    }


def _foreign(text: str, cut: Cut) -> Iterator[tuple[int, int, Features]]:
    """Words in a row of nothing but characters that transliterate."""
    known = values()["foreign"]
    first, end = 1, len(cut.words) - 1
    while first < end:
        last = first
        while last < end and all(known.get(c, 0) >= FOREIGN_CHARACTER for c in cut.words[last]):
            last += 1
        if last > first:
            name = text[cut.starts[first] : cut.starts[last]]
            if foreign_promise(name) and not (len(name) == 3 and name[0] in SINGLE):
                yield cut.starts[first], cut.starts[last], _foreign_features(cut, first, last - 1, name)
        first = max(last, first + 1)


def _foreign_features(cut: Cut, first: int, last: int, name: str) -> Features:
    steps = [values()["foreign"][c] / 2 for c in name]
    features: Features = {"F": 1.0, "F sum": sum(steps), "F mean": sum(steps) / len(steps), "F least": min(steps)}
    features[f"F size {min(len(name), 6)}"] = 1.0
    if first == last:
        features["F known" if rjieba.has_word(name) else "F guessed"] = 1.0
        features["F tag " + cut.tags[first]] = 1.0
    else:
        features["F words"] = 1.0
    if any(tag in _PLACE_TAGS for tag in cut.tags[first : last + 1]):
        features["F place"] = 1.0
    return features | _around(cut, first, last, "F")


def _around(cut: Cut, first: int, last: int, kind: str) -> Features:
    before = _before_class(cut.words[first - 1], cut.tags[first - 1])
    after = _after_class(cut.words[last + 1], cut.tags[last + 1])
    return {kind + before: 1.0, kind + after: 1.0}


@lru_cache(maxsize=100_000)
def _before_class(word: str, tag: str) -> str:
    if _is_sign(word):
        return "< " + ((word if word in _BEFORE_SIGNS else "sign") or "start")
    if word in _TITLES or (len(word) > 1 and word.endswith(_PERSON_ENDINGS)):
        return "< title"
    if word in _WHERE:
        return "< where"
    return "< name" if tag in NAME_TAGS else "< " + tag[:1]


@lru_cache(maxsize=100_000)
def _after_class(word: str, tag: str) -> str:
    if _is_sign(word):
        return "> " + ((word if word in _AFTER_SIGNS else "sign") or "end")
    if word in _TITLES or word in _VERBS:
        return "> title" if word in _TITLES else "> verb"
    if word[0] in _PLACE_ENDINGS:
        return "> place"
    return "> name" if tag in NAME_TAGS else "> " + tag[:1]


def _is_sign(word: str) -> bool:
    return len(word) < 2 and not word.isalnum()


@cache
def _weights() -> dict[str, float]:
    lines = (Path(__file__).parent / "name_weights.tsv").read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {name: float(weight) for name, weight in rows}
