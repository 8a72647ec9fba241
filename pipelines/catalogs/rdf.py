"""RDF in three notations, Turtle, RDF/XML and JSON-LD: just enough for the catalogue, which has no blank nodes."""

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

PREFIXES = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "hydra": "http://www.w3.org/ns/hydra/core#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
# What may not stand in an IRI (RFC 3987), percent-encoded before it is written.
NOT_IN_IRI = {ord(c): f"%{ord(c):02X}" for c in '"<>\\^`{|} \n\r\t'}


class Iri(NamedTuple):
    """A full address, or `prefix:name` of PREFIXES."""

    value: str

    @property
    def full(self) -> str:
        prefix, _, name = self.value.partition(":")
        full = PREFIXES[prefix] + name if prefix in PREFIXES else self.value
        return full.translate(NOT_IN_IRI)


class Literal(NamedTuple):
    """A text, with its language or with its datatype (`xsd:…`)."""

    value: str
    language: str | None = None
    datatype: str | None = None


class Triple(NamedTuple):
    """subject and predicate: addresses; predicate always `prefix:name`."""

    subject: Iri
    predicate: str
    object: Iri | Literal


def turtle(triples: Iterable[Triple]) -> str:
    """The graph in Turtle (https://www.w3.org/TR/turtle/)."""
    lines = [f"@prefix {prefix}: <{iri}> ." for prefix, iri in PREFIXES.items()]
    for subject, about in _by_subject(triples):
        parts = [f"{_predicate(t.predicate)} {_turtle_term(t.object)}" for t in about]
        lines.append(f"\n<{subject.full}>\n    " + " ;\n    ".join(parts) + " .")
    return "\n".join(lines) + "\n"


def rdf_xml(triples: Iterable[Triple]) -> str:
    """The graph in RDF/XML (https://www.w3.org/TR/rdf-syntax-grammar/)."""
    namespaces = "".join(f"\n  xmlns:{prefix}={quoteattr(iri)}" for prefix, iri in PREFIXES.items())
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<rdf:RDF{namespaces}>"]
    for subject, about in _by_subject(triples):
        lines.append(f"<rdf:Description rdf:about={quoteattr(subject.full)}>")
        lines += [f"  {_xml_property(t)}" for t in about]
        lines.append("</rdf:Description>")
    return "\n".join([*lines, "</rdf:RDF>"]) + "\n"


def json_ld(triples: Iterable[Triple]) -> dict[str, object]:
    """The graph in JSON-LD 1.1 (https://www.w3.org/TR/json-ld11/), flattened, with PREFIXES as its context."""
    graph = []
    for subject, about in _by_subject(triples):
        node: dict[str, object] = {"@id": subject.full}
        for predicate, same in groupby(sorted(about, key=lambda t: t.predicate), key=lambda t: t.predicate):
            objects = [t.object for t in same]
            if predicate == "rdf:type":
                node["@type"] = [o.value for o in objects]
            else:
                node[predicate] = [_json_term(o) for o in objects]
        graph.append(node)
    return {"@context": PREFIXES, "@graph": graph}


def _by_subject(triples: Iterable[Triple]) -> list[tuple[Iri, list[Triple]]]:
    grouped: dict[Iri, dict[Triple, None]] = {}
    for triple in triples:
        grouped.setdefault(triple.subject, {})[triple] = None
    return [(subject, list(about)) for subject, about in grouped.items()]


def _predicate(predicate: str) -> str:
    return "a" if predicate == "rdf:type" else predicate


def _turtle_term(term: Iri | Literal) -> str:
    if isinstance(term, Iri):
        return f"<{term.full}>"
    escaped = term.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    suffix = f"@{term.language}" if term.language else f"^^{term.datatype}" if term.datatype else ""
    return f'"{escaped}"{suffix}'


def _xml_property(triple: Triple) -> str:
    name, value = triple.predicate, triple.object
    if isinstance(value, Iri):
        return f"<{name} rdf:resource={quoteattr(value.full)}/>"
    attribute = ""
    if value.language:
        attribute = f" xml:lang={quoteattr(value.language)}"
    elif value.datatype:
        attribute = f" rdf:datatype={quoteattr(Iri(value.datatype).full)}"
    return f"<{name}{attribute}>{escape(_xml_text(value.value))}</{name}>"


def _xml_text(text: str) -> str:
    """Without the control characters XML 1.0 cannot hold; carriage returns survive as references."""
    return "".join(c for c in text if c in "\t\n" or c >= " ")


def _json_term(term: Iri | Literal) -> dict[str, str]:
    if isinstance(term, Iri):
        return {"@id": term.full}
    if term.language:
        return {"@value": term.value, "@language": term.language}
    return {"@value": term.value, "@type": term.datatype} if term.datatype else {"@value": term.value}
