"""Our three notations against rdflib, which reads them back."""

import json

import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib.compare import to_isomorphic

from pipelines.catalogs.ckan_mapping import desired_package
from pipelines.catalogs.dcat import catalogue_graph, dcat_us_dataset
from pipelines.catalogs.embedded import EmbeddedCatalog
from pipelines.catalogs.rdf import PREFIXES, Iri, Literal, Triple, json_ld, rdf_xml, turtle
from pipelines.catalogs.reconcile import reconcile
from tests.catalog_factory import CONFIGURATION, SITE, bus_stops, closed, employment, release_of

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t"), max_size=20)
objects = st.one_of(
    texts.map(Literal),
    st.tuples(texts, st.sampled_from(["zh", "en"])).map(lambda pair: Literal(*pair)),
    st.integers(0, 999).map(lambda number: Literal(str(number), datatype="xsd:nonNegativeInteger")),
    st.sampled_from([Iri("dct:Agent"), Iri('http://x.cn/a b?q=<1>&"2"'), Iri("http://x.cn/数据#1")]),
)
subjects = st.sampled_from([Iri("http://x.cn/1"), Iri("http://x.cn/2")])
triples = st.lists(
    st.tuples(subjects, st.sampled_from(["dct:title", "dcat:x"]), objects).map(lambda parts: Triple(*parts)), max_size=8
)


def expected(graph: list[Triple]) -> rdflib.Graph:
    made = rdflib.Graph()
    for subject, predicate, value in graph:
        term: rdflib.term.Node
        if isinstance(value, Iri):
            term = rdflib.URIRef(value.full)
        else:
            datatype = rdflib.URIRef(Iri(value.datatype).full) if value.datatype else None
            term = rdflib.Literal(value.value, lang=value.language, datatype=datatype)
        prefix, _, name = predicate.partition(":")
        made.add((rdflib.URIRef(subject.full), rdflib.URIRef(PREFIXES[prefix] + name), term))
    return made


def read(text: str, notation: str) -> rdflib.Graph:
    return rdflib.Graph().parse(data=text, format=notation)


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")  # rdflib's own reader of JSON-LD
@given(triples)
@settings(max_examples=40, deadline=None)
def test_rdflib_reads_back_what_was_written(graph: list[Triple]) -> None:
    wanted = to_isomorphic(expected(graph))
    assert to_isomorphic(read(turtle(graph), "turtle")) == wanted
    assert to_isomorphic(read(rdf_xml(graph), "xml")) == wanted
    assert to_isomorphic(read(json.dumps(json_ld(graph)), "json-ld")) == wanted


@pytest.fixture
def packages(catalog: EmbeddedCatalog) -> list[dict[str, object]]:
    for dataset in (bus_stops(), employment()):
        reconcile(catalog, desired_package(dataset, release_of(dataset), CONFIGURATION, SITE))
    reconcile(catalog, desired_package(closed(), None, CONFIGURATION, SITE))
    return catalog.call_action("package_search", {"sort": "name asc"})["results"]


def test_the_catalogue_is_dcat(packages: list[dict[str, object]]) -> None:
    triples = list(catalogue_graph(packages, SITE, 1, 2))
    graph = read(turtle(triples), "turtle")
    assert to_isomorphic(graph) == to_isomorphic(read(rdf_xml(triples), "xml"))
    dcat, dct = rdflib.Namespace(PREFIXES["dcat"]), rdflib.Namespace(PREFIXES["dct"])
    catalogue = rdflib.URIRef(f"{SITE}/catalog")
    datasets = set(graph.objects(catalogue, dcat.dataset))
    assert datasets == {rdflib.URIRef(f"{SITE}/datasets/{p['name']}") for p in packages}
    for dataset in datasets:  # what DCAT-AP makes mandatory
        assert {title.language for title in graph.objects(dataset, dct.title)} == {"zh", "en"}
        assert graph.value(dataset, dct.description)
        assert graph.value(dataset, dct.publisher)
    rights = {str(d).rsplit("/", 1)[1]: str(graph.value(d, dct.accessRights)).rsplit("/", 1)[1] for d in datasets}
    assert rights == {"bus-stops": "PUBLIC", "employment-registrations": "RESTRICTED", "closed-register": "NON_PUBLIC"}
    for distribution in graph.subjects(rdflib.RDF.type, dcat.Distribution):
        assert graph.value(distribution, dcat.accessURL)
    downloads = {str(url) for url in graph.objects(None, dcat.downloadURL)}
    assert downloads
    assert not any("restricted" in url for url in downloads)


def test_data_json_has_what_dcat_us_requires(packages: list[dict[str, object]]) -> None:
    described = {p["identifier"]: p for p in (dcat_us_dataset(package, SITE) for package in packages)}
    assert len(described) == 3
    for package in described.values():
        required = {
            "title",
            "description",
            "keyword",
            "modified",
            "publisher",
            "contactPoint",
            "identifier",
            "accessLevel",
        }
        assert required <= package.keys()
        for distribution in package.get("distribution", []):
            assert ("downloadURL" in distribution) == (package["accessLevel"] == "public")
            assert "downloadURL" in distribution or "accessURL" in distribution
