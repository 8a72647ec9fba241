"""From what a person typed to weighted clauses over the fields of the text index."""

from pipelines.catalogs.analysis import fold, han_runs, latin_words, pairs, pinyin_pairs, words
from pipelines.catalogs.text_index import Alternative, Clause

CLAUSES_ALLOWED = 200


def plan_query(text: str) -> list[Clause]:
    """Clauses of a free text query; the more of them a package holds, the higher it stands."""
    folded = fold(text)
    clauses: list[Clause] = []
    for run in han_runs(folded):
        clauses += [word_clause(word) for word in words(run)]
        clauses += [pair_clause(pair) for pair in dict.fromkeys(pairs(run))]
        clauses += [[Alternative("py", pair, 1.0)] for pair in dict.fromkeys(pinyin_pairs(run))]
    clauses += [word_clause(word) for word in latin_words(folded)]
    return clauses[:CLAUSES_ALLOWED]


def plan_terms(text: str, fields: tuple[str, ...]) -> list[Clause]:
    """Clauses of a word in a filter, which all have to match, in the word fields named."""
    folded = fold(text)
    return [[Alternative(field, word, 1.0) for field in fields] for word in words(folded)]


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
