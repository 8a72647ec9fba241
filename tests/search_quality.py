"""Search quality over 19,700 catalogue entries: which of the labelled queries have an answer in the first five."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from governance.database.catalogue_tables import catalogue_groups, catalogue_packages, catalogue_revision
from pipelines.catalogs.analysis import fold
from pipelines.catalogs.embedded import EmbeddedCatalog
from schemas.identifiers import package_id

FIRST = 5
# Entries without a label answer a query when their folded title says so: they are real titles, labelled by nobody.
ANSWERED_BY_TITLE = {
    "air": "空气(品质|质量)",
    "bus": "公车|公交|公共汽车",
    "charge": "充电",
    "elder": "老人福利|养护|长照|长期照顾",
    "hprice": "房价|不动产.*价",
    "kfee": "幼儿园",
    "kinder": "幼儿园|幼稚园",
    "metro": "捷运",
    "park": "停车场",
    "school": "国小|小学",
    "toilet": "厕",
    "unemp": "失业",
    "vaccine": "疫苗|预防接种",
}


@dataclass(frozen=True)
class Labelled:
    """entries: the catalogue. queries: category, query, topics that answer it, city ("" for any)."""

    entries: list[dict[str, Any]]
    queries: list[dict[str, Any]]


def read_labelled(folder: Path) -> Labelled:
    return Labelled(
        json.loads((folder / "catalogue_20k.json").read_text("utf-8")),
        json.loads((folder / "queries_dev.json").read_text("utf-8")),
    )


def fill_catalogue(catalog: EmbeddedCatalog, entries: list[dict[str, Any]]) -> None:
    """Put the entries into the catalogue's tables in one transaction; their names are `e<id>`."""
    now = catalog.clock()
    organisations = {title: package_id(f"org:{title}") for title in sorted({e["org"] or "-" for e in entries})}
    common = {"private": False, "state": "active", "type": "dataset", "created": now, "modified": now, "revision": 1}
    body = {"extras": [], "tags": [], "groups": [], "resources": [], "openness": "open", "license_id": "cc-by-4.0"}
    with catalog.engine.begin() as connection:
        connection.execute(sa.insert(catalogue_revision).values(id=1, revision=1))
        connection.execute(
            sa.insert(catalogue_groups),
            [
                {
                    "id": group_id,
                    "name": f"o{number}",
                    "is_organization": True,
                    "title": title,
                    "state": "active",
                    "body": {},
                    "created": now,
                    "revision": 1,
                }
                for number, (title, group_id) in enumerate(organisations.items())
            ],
        )
        connection.execute(
            sa.insert(catalogue_packages),
            [
                common
                | {
                    "id": package_id(f"e{entry['id']}"),
                    "name": f"e{entry['id']}",
                    "title": entry["title"],
                    "owner_org": organisations[entry["org"] or "-"],
                    "creator": "bench",
                    "body": body | {"notes": entry["notes"], "tags": [entry["topic"] or "untagged"]},
                }
                for entry in entries
            ],
        )


def missed_queries(catalog: EmbeddedCatalog, labelled: Labelled) -> list[str]:
    """The queries that have no answer among the first five."""
    missed = []
    for query in labelled.queries:
        found = catalog.call_action("package_search", {"q": query["query"], "rows": FIRST})["results"]
        entries = [labelled.entries[int(package["name"][1:])] for package in found]
        if not any(_answers(entry, query) for entry in entries):
            missed.append(query["query"])
    return missed


def _answers(entry: dict[str, Any], query: dict[str, Any]) -> bool:
    if entry["topic"]:
        return entry["topic"] in query["topics"] and query["city"] in ("", entry["city"])
    title = fold(entry["title"])
    patterns = [ANSWERED_BY_TITLE[topic] for topic in query["topics"] if topic in ANSWERED_BY_TITLE]
    return not query["city"] and any(re.search(pattern, title) for pattern in patterns)
