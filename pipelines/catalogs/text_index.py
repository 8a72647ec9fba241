"""The text part of the search index: tantivy in memory, eight analysed fields per package."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tantivy

from pipelines.catalogs.analysis import fold, initials, pairs, pinyin_pairs, words

# title words, title pairs, notes words, notes pairs, organisation words, tag words, title pinyin pairs, title initials
FIELDS = ("tw", "tb", "nw", "nb", "ow", "gw", "py", "ini")
WRITER_MEMORY = 30_000_000  # bytes


class Documents(NamedTuple):
    """Texts of one package."""

    title: str
    notes: str
    organisation: str
    tags: str


class Alternative(NamedTuple):
    """A term in a field with its weight."""

    field: str
    term: str
    weight: float


Clause = Sequence[Alternative]  # the best of its alternatives counts


class TextIndex:
    """Terms of packages by ordinal. Not safe for threads: the caller locks."""

    def __init__(self) -> None:
        builder = tantivy.SchemaBuilder()
        builder.add_integer_field("ordinal", indexed=True, fast=True)
        for field in FIELDS:
            builder.add_text_field(field, tokenizer_name="terms", index_option="freq")
        self._index = tantivy.Index(builder.build())
        blank = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        self._index.register_tokenizer("terms", blank)
        self._writer = self._index.writer(heap_size=WRITER_MEMORY, num_threads=1)
        self._searcher = self._index.searcher()

    def put(self, ordinal: int, documents: Documents) -> None:
        """Add or replace a package; seen after `commit`."""
        self.remove(ordinal)
        document = tantivy.Document()
        document.add_integer("ordinal", ordinal)
        for field, terms in analysed(documents).items():
            document.add_text(field, " ".join(terms))
        self._writer.add_document(document)

    def remove(self, ordinal: int) -> None:
        """Take a package out; gone after `commit`."""
        self._writer.delete_documents_by_term("ordinal", ordinal)

    def commit(self) -> None:
        self._writer.commit()
        self._index.reload()
        self._searcher = self._index.searcher()

    def search(self, clauses: Sequence[Clause], limit: int) -> tuple[np.ndarray, np.ndarray]:
        """Ordinals (int64) and scores (float64) of the packages that hold any clause, best first."""
        if not clauses or limit < 1:
            return np.empty(0, dtype=np.int64), np.empty(0)
        return self._run(self._any_of([self._clause(clause) for clause in clauses]), limit)

    def all_of(self, clauses: Sequence[Clause], limit: int) -> np.ndarray:
        """Ordinals of the packages that hold every clause."""
        if not clauses or limit < 1:
            return np.empty(0, dtype=np.int64)
        query = tantivy.Query.boolean_query([(tantivy.Occur.Must, self._clause(clause)) for clause in clauses])
        return self._run(query, limit)[0]

    def _run(self, query: Any, limit: int) -> tuple[np.ndarray, np.ndarray]:
        hits = self._searcher.search(query, limit, count=False).hits
        ordinals = self._searcher.fast_field_values("ordinal", [address for _, address in hits])
        return np.array(ordinals, dtype=np.int64), np.array([score for score, _ in hits], dtype=np.float64)

    def _clause(self, clause: Clause) -> Any:
        terms = [self._term(alternative) for alternative in clause]
        return terms[0] if len(terms) == 1 else tantivy.Query.disjunction_max_query(terms)

    def _term(self, alternative: Alternative) -> Any:
        term = tantivy.Query.term_query(self._index.schema, alternative.field, alternative.term, "freq")
        return tantivy.Query.boost_query(term, alternative.weight)

    def _any_of(self, queries: list[Any]) -> Any:
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in queries])


def analysed(documents: Documents) -> dict[str, list[str]]:
    """Terms of each field of one package."""
    title, notes = fold(documents.title), fold(documents.notes)
    return {
        "tw": words(title),
        "tb": pairs(title),
        "nw": words(notes),
        "nb": pairs(notes),
        "ow": words(fold(documents.organisation)),
        "gw": words(fold(documents.tags)),
        "py": pinyin_pairs(title),
        "ini": initials(title),
    }
