"""How text becomes terms for the catalogue's search.

Traditional characters fold to simplified ones (OpenCC), full-width to half-width; Chinese runs are segmented (jieba)
and cut into overlapping pairs, so that a word the dictionary does not know, or with one wrong character, is still
found; pairs of pinyin syllables find homophones and input without tones; Latin words lose their English endings.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

import rjieba
from opencc import OpenCC

HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
LATIN = re.compile(r"[a-z0-9]+")
# Asking words and particles: they stand in questions and say nothing about data.
STOP_WORDS = frozenset(
    """
    的 了 吗 呢 吧 啊 在 和 与 及 或 是 有 我 你 他 她 它 我们 你们 要 想 请 请问 怎么 怎样 如何 什么 哪 哪里 哪儿
    哪些 哪个 多少 几 能 可以 可 会 到 去 给 把 被 让 就 都 也 还 不 没 没有 这 那 这个 那个 每个 个 一个 附近 查询
    查 看 看看 找 the a an of in on for to and or is are how where what which when do does can i my near much many
    """.split()  # noqa: SIM905 - read more easily as a text
)

_to_simplified = OpenCC("t2s")


def fold(text: str) -> str:
    """Lower case, half width, simplified characters."""
    return _to_simplified.convert(unicodedata.normalize("NFKC", text).lower())


def han_runs(folded: str) -> list[str]:
    return HAN.findall(folded)


def words(folded: str) -> list[str]:
    """Chinese words (long ones with the words inside them) and stemmed Latin ones, stop words left out."""
    found: list[str] = []
    for run in HAN.findall(folded):
        found += [word for word in rjieba.cut_for_search(run) if word not in STOP_WORDS]
    return found + latin_words(folded)


def content_runs(run: str) -> list[str]:
    """A Chinese run cut at its stop words; the run itself when nothing else is in it."""
    parts: list[str] = [""]
    for word in rjieba.cut(run):
        if word in STOP_WORDS:
            parts.append("")
        else:
            parts[-1] += word
    return [part for part in parts if part] or [run]


def latin_words(folded: str) -> list[str]:
    return [stem(word) for word in LATIN.findall(folded) if word not in STOP_WORDS]


def pairs(folded: str) -> list[str]:
    """Overlapping pairs of Chinese characters; a lone character stands for itself."""
    found: list[str] = []
    for run in HAN.findall(folded):
        found += [run[i : i + 2] for i in range(len(run) - 1)] or [run]
    return found


def pinyin_pairs(folded: str) -> list[str]:
    """Overlapping pairs of toneless syllables: `公积金` → `gong_ji`, `ji_jin`."""
    found: list[str] = []
    for run in HAN.findall(folded):
        syllables = syllables_of(run)
        found += [f"{a}_{b}" for a, b in pairwise(syllables)]
    return found


def initials(folded: str) -> list[str]:
    """First letters of the pinyin of each word and of each two neighbouring words: `公积金` → `gjj`."""
    found: list[str] = []
    for run in HAN.findall(folded):
        letters = ["".join(s[0] for s in _syllables_of_word(word)) for word in rjieba.cut(run)]
        found += [x for x in letters if len(x) > 1]
        found += [a + b for a, b in pairwise(letters) if 2 <= len(a + b) <= 6]
    return found


def syllables_of(run: str) -> list[str]:
    """Toneless pinyin of a Chinese run, one syllable per character, read word by word (`银行` is yin hang)."""
    return [syllable for word in rjieba.cut(run) for syllable in _syllables_of_word(word)]


@lru_cache(maxsize=50_000)
def _syllables_of_word(word: str) -> tuple[str, ...]:
    from pypinyin import Style, lazy_pinyin  # its tables take most of a second: only when something is searched

    return tuple(lazy_pinyin(word, style=Style.NORMAL, v_to_u=False))


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """An English word without its commonest endings (after Porter's step 1): `houses`, `housing` → `hous`."""
    for ending, kept in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", ""), ("s", "")):
        if word.endswith(ending) and not word.endswith("ss") and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + kept
            break
    return word[:-1] if len(word) > 4 and word.endswith("e") else word
