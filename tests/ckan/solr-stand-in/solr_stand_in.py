"""CKAN 2.12 without a Solr, for tests: its packages are kept in memory and searched there.

CKAN reaches Solr through `make_connection` alone. The plugin puts an `Index` in its place that answers what CKAN asks
of pysolr: `add`, `delete`, `commit`, `search`. Field types and copies come from the schema.xml that CKAN ships; queries
are read by luqum, a parser of Lucene's language. Relevance, stemming and Chinese analysis are Solr's and are not here:
every match scores the same. It knows one process and forgets everything when that ends.
"""

import re
import threading
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import ckan
import ckan.plugins as p
import pysolr
from ckan.lib import search
from ckan.lib.search import common, index, query
from luqum import tree
from luqum.exceptions import ParseError
from luqum.parser import parser

Document = dict[str, Any]
Matches = Callable[[Document], bool]

SCHEMA = ET.parse(Path(ckan.__file__).parent / "config/solr/schema.xml").getroot()
FIELD_TYPES = {field.get("name"): field.get("type") for field in SCHEMA.iter("field")}
COPIES = [(copy.get("source", ""), copy.get("dest", "")) for copy in SCHEMA.iter("copyField")]


class SolrStandIn(p.SingletonPlugin):
    p.implements(p.IConfigurer)

    def update_config(self, config: Any) -> None:
        kept = Index()
        for module in (search, common, index, query):
            module.make_connection = lambda decode_dates=True: kept
        search.check_solr_schema_version = lambda schema_file=None: True


class Found:
    """What pysolr.Results offers."""

    def __init__(self, docs: list[Document], hits: int, facets: dict[str, Any]) -> None:
        self.docs, self.hits, self.facets = docs, hits, facets


class Index:
    """What pysolr.Solr offers, as far as CKAN uses it."""

    url = "memory:"

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._lock = threading.Lock()

    def add(self, docs: Iterable[Document], commit: bool | None = None) -> None:
        for document in docs:
            if nested := sorted(field for field, value in document.items() if _is_nested(value)):
                raise pysolr.SolrError(f"a value is not text, number or list: {nested}")
            with self._lock:
                self._documents[document["index_id"]] = dict(document)

    def delete(self, q: str, commit: bool | None = None) -> None:
        matches = read_query(q, "text", "AND")
        with self._lock:
            self._documents = {key: d for key, d in self._documents.items() if not matches(d)}

    def commit(self, **_: Any) -> None:
        pass

    def search(self, q: str = "*:*", **given: Any) -> Found:
        default, operator = given.get("df", "text"), given.get("q.op", "AND")
        filters = given.get("fq") or []
        conditions = [
            read_query(f, default, operator) for f in ([filters] if isinstance(filters, str) else filters) if f.strip()
        ]
        conditions.append(_words(q) if given.get("defType") == "dismax" else read_query(q, default, operator))
        with self._lock:
            found = [d for d in self._documents.values() if all(matches(d) for matches in conditions)]
        start, rows = int(given.get("start") or 0), int(given.get("rows", 10))
        page = _in_order(found, given.get("sort") or "metadata_modified desc")[start : start + rows]
        wanted = set(re.split(r"[\s,]+", given.get("fl", "*")))
        shown = [d if "*" in wanted else {k: v for k, v in d.items() if k in wanted} for d in page]
        return Found(shown, len(found), {"facet_fields": _facets(found, given)})


def read_query(text: str, default: str, operator: str) -> Matches:
    """A condition on documents. Raises pysolr.SolrError, as Solr does for what it cannot read."""
    try:
        return _condition(parser.parse(text), default, operator)
    except ParseError as error:
        raise pysolr.SolrError(f"SyntaxError: {error}") from None


def _condition(node: Any, field: str, operator: str) -> Matches:
    if isinstance(node, tree.SearchField):
        return _condition(node.expr, node.name, operator)
    if isinstance(node, tree.Group | tree.FieldGroup | tree.Plus | tree.Boost):
        return _condition(node.children[0], field, operator)
    if isinstance(node, tree.Prohibit | tree.Not):
        excluded = _condition(node.children[0], field, operator)
        return lambda document: not excluded(document)
    if isinstance(node, tree.OrOperation) or (isinstance(node, tree.UnknownOperation) and operator == "OR"):
        some = [_condition(child, field, operator) for child in node.children]
        return lambda document: any(matches(document) for matches in some)
    if isinstance(node, tree.AndOperation | tree.UnknownOperation):
        every = [_condition(child, field, operator) for child in node.children]
        return lambda document: all(matches(document) for matches in every)
    if isinstance(node, tree.Range):
        low, high = str(node.low).strip(' "'), str(node.high).strip(' "')
        return lambda document: any(_within(value, low, high) for value in _values(document, field))
    if isinstance(node, tree.Phrase | tree.Word):
        return _term(re.sub(r"\\(.)", r"\1", node.value.strip('"')), field, isinstance(node, tree.Word))
    raise pysolr.SolrError(f"not supported: {type(node).__name__}")


def _term(wanted: str, field: str, may_be_pattern: bool) -> Matches:
    if field == "*" and wanted == "*":
        return lambda document: True
    kind = FIELD_TYPES.get(field, "string")
    if may_be_pattern and re.search(r"[*?]", wanted):
        return lambda document: any(fnmatchcase(value, wanted) for value in _values(document, field))
    if kind == "text_ngram":
        return lambda document: any(wanted.lower() in value.lower() for value in _values(document, field))
    if kind in ("text", "text_general"):
        return lambda document: set(_tokens(wanted)) <= {t for v in _values(document, field) for t in _tokens(v)}
    return lambda document: wanted in _values(document, field)


def _words(text: str) -> Matches:
    every = [_term(word, "text", False) for word in _tokens(text)]
    return lambda document: all(matches(document) for matches in every)


def _tokens(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def _values(document: Document, field: str) -> list[str]:
    """What stands in `field` and in the fields that the schema copies into it, as text."""
    sources = {field, *(source for source, destination in COPIES if destination == field)}
    found = [v for k, v in document.items() if k in sources or any(fnmatchcase(k, s) for s in sources if "*" in s)]
    flat = [item for value in found for item in (value if isinstance(value, list) else [value])]
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in flat if value is not None]


def _within(value: str, low: str, high: str) -> bool:
    return (low == "*" or value >= low) and (high == "*" or value <= high)


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict | list) for v in value))


def _in_order(documents: list[Document], sort: str) -> list[Document]:
    ordered = documents
    for part in reversed(sort.split(",")):
        field, _, direction = part.strip().partition(" ")
        if direction.strip() not in ("asc", "desc"):
            raise pysolr.SolrError(f"Can't determine a Sort Order (asc or desc) in sort spec '{sort}'")
        if field != "score":
            ordered = sorted(
                ordered, key=lambda d, f=field: "".join(_values(d, f)[:1]), reverse=direction.strip() == "desc"
            )
    return ordered


def _facets(documents: list[Document], given: dict[str, Any]) -> dict[str, list[Any]]:
    """`{field: [value, count, value, count, …]}`, as Solr gives them."""
    if str(given.get("facet", "")).lower() != "true":
        return {}
    fields, limit = given.get("facet.field") or [], int(given.get("facet.limit") or 50)
    counted = {f: Counter(v for d in documents for v in set(_values(d, f))) for f in fields}
    return {f: [x for pair in c.most_common(limit if limit > 0 else None) for x in pair] for f, c in counted.items()}
