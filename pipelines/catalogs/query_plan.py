"""From what a person typed to weighted clauses over the fields of the text index."""

from collections.abc import Sequence
from itertools import pairwise

from pipelines.catalogs.analysis import (
    LATIN,
    STOP_WORDS,
    content_runs,
    fold,
    han_runs,
    pairs,
    pinyin_pairs,
    stem,
    words,
)
from pipelines.catalogs.lexicon import Lexicon
from pipelines.catalogs.pinyin import split_pinyin
from pipelines.catalogs.text_index import Alternative, Clause

CHARACTERS_READ = 500
CLAUSES_ALLOWED = 200
INITIALS_LENGTHS = range(2, 7)


def plan_query(text: str, lexicon: Lexicon) -> list[Clause]:
    """Clauses of a free text query; the more of them a package holds, the higher it stands."""
    folded = fold(text[:CHARACTERS_READ])
    clauses: list[Clause] = []
    for run in han_runs(folded):
        clauses += _chinese_clauses(run, lexicon)
    clauses += _latin_clauses(LATIN.findall(folded), lexicon)
    return clauses[:CLAUSES_ALLOWED]


def plan_terms(text: str, fields: tuple[str, ...]) -> list[Clause]:
    """Clauses of a word in a filter, which all have to match, in the word fields named."""
    return [[Alternative(field, word, 1.0) for field in fields] for word in words(fold(text))]


def _chinese_clauses(run: str, lexicon: Lexicon) -> list[Clause]:
    typed = list(dict.fromkeys(words(run)))
    clauses = [word_clause(word) for word in typed]
    for official in lexicon.official_words(run):
        clauses += _official_clauses(official, 2.4, typed)
    for part in content_runs(run):
        clauses += [pair_clause(pair) for pair in dict.fromkeys(pairs(part))]
        clauses += [[Alternative("py", pair, 1.0)] for pair in dict.fromkeys(pinyin_pairs(part))]
    return clauses


def _latin_clauses(typed: list[str], lexicon: Lexicon) -> list[Clause]:
    kept = [word for word in typed if word not in STOP_WORDS]
    spoken = [split_pinyin(word) if word not in lexicon.english_words else () for word in kept]
    english = [stem(word if syllables else lexicon.correct(word)) for word, syllables in zip(kept, spoken, strict=True)]
    clauses = [word_clause(word) for word in dict.fromkeys(english)]
    for official in lexicon.chinese_words(english):
        clauses += _official_clauses(official, 3.0, [])
    clauses += _pinyin_clauses(spoken)
    for word, syllables in zip(kept, spoken, strict=True):
        if len(syllables) < 2 and word not in lexicon.english_words:
            clauses += _initials_clauses(word)
    return clauses


def _official_clauses(official: Sequence[str], weight: float, typed: Sequence[str]) -> list[Clause]:
    """Clauses of the lexicon's words; the more words it offers, the less each weighs."""
    each = weight / max(1.0, len(official) - 0.5)
    found = dict.fromkeys(word for phrase in official for word in words(phrase) if len(word) > 1 and word not in typed)
    return [[Alternative("tw", w, each), Alternative("gw", w, each), Alternative("nw", w, each / 3)] for w in found]


def _pinyin_clauses(spoken: list[tuple[str, ...]]) -> list[Clause]:
    """Pairs of syllables within words, and across neighbouring ones: `kong qi` is `kongqi`."""
    clauses: list[Clause] = [[Alternative("py", f"{a}_{b}", 2.0)] for word in spoken for a, b in pairwise(word)]
    across = [(a[-1], b[0]) for a, b in pairwise(spoken) if a and b]
    return clauses + [[Alternative("py", f"{a}_{b}", 1.5)] for a, b in across]


def _initials_clauses(word: str) -> list[Clause]:
    if not word.isalpha() or len(word) not in INITIALS_LENGTHS:
        return []
    clauses: list[Clause] = [[Alternative("ini", word, 3.0)]]
    if len(word) == 4:
        clauses += [[Alternative("ini", half, 1.5)] for half in (word[:2], word[2:])]
    return clauses


def word_clause(word: str) -> Clause:
    if len(word) == 1:
        return [Alternative("tw", word, 0.5), Alternative("nw", word, 0.2), Alternative("gw", word, 0.5)]
    return [
        Alternative("tw", word, 3.0),
        Alternative("gw", word, 2.0),
        Alternative("nw", word, 1.0),
        Alternative("ow", word, 0.8),
    ]


def pair_clause(pair: str) -> Clause:
    return [Alternative("tb", pair, 1.2), Alternative("nb", pair, 0.3)]
