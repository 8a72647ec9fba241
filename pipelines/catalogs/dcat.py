"""The catalogue as DCAT-AP 3 (https://semiceu.github.io/DCAT-AP/releases/3.0.0/) and as DCAT-US 1.1 (`/data.json`)."""

from collections.abc import Iterable, Iterator
from typing import Any

from pipelines.catalogs.rdf import Iri, Literal, Triple
from schemas.dataset import Openness, UpdateFrequency

Package = dict[str, Any]

EU = "http://publications.europa.eu/resource/authority"
ACCESS_RIGHTS = {
    Openness.OPEN: f"{EU}/access-right/PUBLIC",
    Openness.CONDITIONAL: f"{EU}/access-right/RESTRICTED",
    Openness.CLOSED: f"{EU}/access-right/NON_PUBLIC",
}
ACCESS_LEVELS = {  # DCAT-US
    Openness.OPEN: "public",
    Openness.CONDITIONAL: "restricted public",
    Openness.CLOSED: "non-public",
}
REPEATS = {  # ISO 8601, as DCAT-US writes accrualPeriodicity
    UpdateFrequency.CONTINUOUS: "R/PT1S",
    UpdateFrequency.HOURLY: "R/PT1H",
    UpdateFrequency.DAILY: "R/P1D",
    UpdateFrequency.WEEKLY: "R/P1W",
    UpdateFrequency.MONTHLY: "R/P1M",
    UpdateFrequency.QUARTERLY: "R/P3M",
    UpdateFrequency.ANNUAL: "R/P1Y",
    UpdateFrequency.IRREGULAR: "irregular",
}
EU_FORMATS = {"CSV", "JSON", "NDJSON", "XLSX", "GEOJSON", "XML", "PDF", "ZIP"}
LANGUAGES = (f"{EU}/language/ZHO", f"{EU}/language/ENG")


def catalogue_graph(packages: Iterable[Package], site_url: str, page: int, pages: int) -> Iterator[Triple]:
    """One page of the catalogue, with the addresses of its neighbours (hydra), as ckanext-dcat pages it."""
    site = site_url.rstrip("/")
    catalogue = Iri(f"{site}/catalog")
    yield from _described(
        catalogue,
        "dcat:Catalog",
        {"zh": "公开数据目录", "en": "Gongkai data catalogue"},
        {"zh": "本站公开的全部政府数据", "en": "All government data published on this site"},
    )
    yield Triple(catalogue, "dct:publisher", Iri(f"{site}/#publisher"))
    yield Triple(Iri(f"{site}/#publisher"), "rdf:type", Iri("foaf:Agent"))
    yield Triple(Iri(f"{site}/#publisher"), "foaf:name", Literal(site))
    yield Triple(catalogue, "foaf:homepage", Iri(f"{site}/"))
    yield from (Triple(catalogue, "dct:language", Iri(language)) for language in LANGUAGES)
    yield from _paging(site, page, pages)
    for package in packages:
        yield Triple(catalogue, "dcat:dataset", _dataset_iri(package, site))
        yield from dataset_graph(package, site)


def dataset_graph(package: Package, site_url: str) -> Iterator[Triple]:
    """A package with its publisher, themes and distributions."""
    site = site_url.rstrip("/")
    dataset = _dataset_iri(package, site)
    titles = package.get("title_translated") or {"zh": package["title"]}
    notes = package.get("notes_translated") or {"zh": package["notes"] or package["title"]}
    yield from _described(dataset, "dcat:Dataset", titles, notes)
    yield Triple(dataset, "dct:identifier", Literal(package["id"]))
    yield Triple(dataset, "dct:issued", _time(package["metadata_created"]))
    yield Triple(dataset, "dct:modified", _time(package["metadata_modified"]))
    yield Triple(dataset, "dcat:landingPage", dataset)
    yield from (Triple(dataset, "dcat:keyword", Literal(tag["name"], "zh")) for tag in package["tags"])
    yield from _rights(package, dataset)
    yield from _agents(package, dataset, site)
    for field, predicate in (("schema_url", "dct:conformsTo"), ("version", "dcat:version")):
        if value := package.get(field):
            yield Triple(dataset, predicate, Iri(value) if field == "schema_url" else Literal(value))
    if frequency := package.get("update_frequency"):
        yield Triple(dataset, "dct:accrualPeriodicity", Iri(f"{EU}/frequency/{frequency}"))
    for resource in package["resources"]:
        distribution = Iri(f"{dataset.value}#{resource['id']}")
        yield Triple(dataset, "dcat:distribution", distribution)
        yield from _distribution(package, resource, distribution)


def _described(subject: Iri, kind: str, titles: dict[str, str], notes: dict[str, str]) -> Iterator[Triple]:
    yield Triple(subject, "rdf:type", Iri(kind))
    yield from (Triple(subject, "dct:title", Literal(text, language)) for language, text in titles.items() if text)
    yield from (Triple(subject, "dct:description", Literal(text, language)) for language, text in notes.items() if text)


def _paging(site: str, page: int, pages: int) -> Iterator[Triple]:
    here = Iri(f"{site}/catalog?page={page}")
    yield Triple(here, "rdf:type", Iri("hydra:PartialCollectionView"))
    neighbours = {"first": 1, "last": pages, "previous": page - 1, "next": page + 1}
    for name, number in neighbours.items():
        if 1 <= number <= pages:
            yield Triple(here, f"hydra:{name}", Iri(f"{site}/catalog?page={number}"))


def _rights(package: Package, dataset: Iri) -> Iterator[Triple]:
    if openness := package.get("openness"):
        yield Triple(dataset, "dct:accessRights", Iri(ACCESS_RIGHTS[Openness(openness)]))
    if basis := package.get("legal_basis"):
        statement = Iri(f"{dataset.value}#legal-basis")
        yield Triple(dataset, "dct:rights", statement)
        yield Triple(statement, "rdf:type", Iri("dct:RightsStatement"))
        yield from (Triple(statement, "rdfs:label", Literal(text, language)) for language, text in basis.items())


def _agents(package: Package, dataset: Iri, site: str) -> Iterator[Triple]:
    if organisation := package["organization"]:
        agent = Iri(f"{site}/organisations/{organisation['name']}")
        names = organisation.get("title_translated") or {"zh": organisation["title"] or organisation["name"]}
        yield Triple(dataset, "dct:publisher", agent)
        yield Triple(agent, "rdf:type", Iri("foaf:Agent"))
        yield from (Triple(agent, "foaf:name", Literal(text, language)) for language, text in names.items())
    for group in package["groups"]:
        theme = Iri(f"{site}/themes/{group['name']}")
        labels = group.get("title_translated") or {"zh": group["title"] or group["name"]}
        yield Triple(dataset, "dcat:theme", theme)
        yield Triple(theme, "rdf:type", Iri("skos:Concept"))
        yield from (Triple(theme, "skos:prefLabel", Literal(text, language)) for language, text in labels.items())
    if email := package.get("maintainer_email"):
        contact = Iri(f"{dataset.value}#contact")
        yield Triple(dataset, "dcat:contactPoint", contact)
        yield Triple(contact, "rdf:type", Iri("vcard:Organization"))
        yield Triple(contact, "vcard:hasEmail", Iri(f"mailto:{email}"))


def _distribution(package: Package, resource: dict[str, Any], distribution: Iri) -> Iterator[Triple]:
    yield Triple(distribution, "rdf:type", Iri("dcat:Distribution"))
    names = resource.get("name_translated") or ({"zh": resource["name"]} if resource.get("name") else {})
    yield from (Triple(distribution, "dct:title", Literal(text, language)) for language, text in names.items())
    public = resource.get("access", "public") == "public"
    yield Triple(distribution, "dcat:accessURL", Iri(resource["url"] if public else resource["apply_url"]))
    if public:
        yield Triple(distribution, "dcat:downloadURL", Iri(resource["url"]))
    if resource.get("format", "").upper() in EU_FORMATS:
        yield Triple(distribution, "dct:format", Iri(f"{EU}/file-type/{resource['format'].upper()}"))
    if mimetype := resource.get("mimetype"):
        yield Triple(distribution, "dcat:mediaType", Iri(f"https://www.iana.org/assignments/media-types/{mimetype}"))
    if resource.get("size") is not None:
        yield Triple(distribution, "dcat:byteSize", Literal(str(resource["size"]), datatype="xsd:nonNegativeInteger"))
    if package.get("license_url"):
        yield Triple(distribution, "dct:license", Iri(package["license_url"]))
    if resource.get("schema"):
        yield Triple(distribution, "dct:conformsTo", Iri(resource["schema"]))
    if resource.get("hash"):
        checksum = Iri(f"{distribution.value}-checksum")
        yield Triple(distribution, "spdx:checksum", checksum)
        yield Triple(checksum, "rdf:type", Iri("spdx:Checksum"))
        yield Triple(checksum, "spdx:algorithm", Iri("spdx:checksumAlgorithm_sha256"))
        yield Triple(checksum, "spdx:checksumValue", Literal(resource["hash"], datatype="xsd:hexBinary"))


def dcat_us_dataset(package: Package, site_url: str) -> dict[str, Any]:
    """A package as DCAT-US 1.1 has it (https://resources.data.gov/resources/dcat-us/). Absent values are left out."""
    publisher = (package["organization"] or {}).get("title") or site_url
    email = package.get("maintainer_email")
    openness = Openness(package["openness"]) if package.get("openness") else Openness.OPEN
    frequency = package.get("update_frequency")
    described = {
        "@type": "dcat:Dataset",
        "identifier": package["id"],
        "title": package["title"],
        "description": package["notes"] or package["title"],
        "keyword": [tag["name"] for tag in package["tags"]] or [package["name"]],
        "issued": package["metadata_created"] + "Z",
        "modified": package["metadata_modified"] + "Z",
        "publisher": {"@type": "org:Organization", "name": publisher},
        "contactPoint": {
            "@type": "vcard:Contact",
            "fn": publisher,
            **({"hasEmail": f"mailto:{email}"} if email else {}),
        },
        "accessLevel": ACCESS_LEVELS[openness],
        "rights": (package.get("access_conditions") or package.get("legal_basis") or {}).get("zh"),
        "license": package.get("license_url"),
        "accrualPeriodicity": REPEATS.get(UpdateFrequency(frequency)) if frequency else None,
        "theme": [group["title"] or group["name"] for group in package["groups"]],
        "describedBy": package.get("schema_url"),
        "spatial": package.get("spatial"),
        "landingPage": _dataset_iri(package, site_url.rstrip("/")).value,
        "language": ["zh", "en"],
        "distribution": [_dcat_us_distribution(resource) for resource in package["resources"]],
    }
    return {key: value for key, value in described.items() if value not in (None, [])}


def _dcat_us_distribution(resource: dict[str, Any]) -> dict[str, Any]:
    public = resource.get("access", "public") == "public"
    described = {
        "@type": "dcat:Distribution",
        "title": resource.get("name"),
        "format": resource.get("format"),
        "mediaType": resource.get("mimetype") if public else None,
        "downloadURL": resource["url"] if public else None,
        "accessURL": None if public else resource["apply_url"],
        "describedBy": resource.get("schema"),
    }
    return {key: value for key, value in described.items() if value}


def _dataset_iri(package: Package, site: str) -> Iri:
    return Iri(f"{site}/datasets/{package['name']}")


def _time(text: str) -> Literal:
    return Literal(f"{text}Z", datatype="xsd:dateTime")
