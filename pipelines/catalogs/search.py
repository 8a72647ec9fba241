"""The search index of the embedded catalogue: derived from its tables, brought up to date before every search.

Every process has its own index in memory and the number of the last write it has seen. When the tables are ahead, it
reads the rows written since. So writes of other processes are seen too, and nothing has to be told.
"""

import re
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import sqlalchemy as sa

from pipelines.catalogs.filter_index import FilterIndex, bits_of, is_known_field
from pipelines.catalogs.filter_query import Node, parse_query
from pipelines.catalogs.forms import show_time
from pipelines.catalogs.lexicon import Lexicon
from pipelines.catalogs.query_plan import plan_query, plan_terms
from pipelines.catalogs.rows import Row, current_revision, groups_for, packages_since
from pipelines.catalogs.text_index import Documents, TextIndex

# A package whose score is below this share of the best one's is not counted as found.
LEAST_SCORE = 0.3
NAMES_A_FIELD = re.compile(r"(?<![\w\\])([\w.*-]+):(?=\S)")
WORD_FIELDS = {"text": ("tw", "nw", "ow", "gw"), "title": ("tw",), "notes": ("nw",)}


@dataclass(frozen=True)
class Found:
    """ids: of the page asked for, in order. facets: field → value → count, most frequent first."""

    count: int
    ids: tuple[str, ...]
    facets: dict[str, dict[str, int]]


class CatalogueIndex:
    """Filters and text index with the revision they show. Safe for threads."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._lock = Lock()
        self._clear()

    def _clear(self) -> None:
        self._revision = 0
        self._filters = FilterIndex()
        self._text = TextIndex()

    def up_to_date(self, connection: sa.Connection) -> "CatalogueIndex":
        """Read what was written since the last look. Returns itself."""
        if current_revision(connection) != self._revision:
            with self._lock:
                self._read_changes(connection)
        return self

    def _read_changes(self, connection: sa.Connection) -> None:
        revision = current_revision(connection)
        if revision < self._revision:  # the database was replaced by an older one
            self._clear()
        if revision == self._revision:
            return
        for rows in packages_since(connection, self._revision):
            groups = groups_for(connection, rows)
            for row in rows:
                self._read_row(row, groups)
        self._text.commit()
        self._revision = revision

    def _read_row(self, row: Row, groups: dict[str, Row]) -> None:
        if row["state"] != "active" or row["private"]:
            ordinal = self._filters.remove(row["id"])
            if ordinal is not None:
                self._text.remove(ordinal)
            return
        ordinal = self._filters.put(row["id"], filter_fields(row, groups))
        self._text.put(ordinal, text_documents(row, groups))

    def find(
        self,
        q: str,
        filters: list[str],
        order: list[tuple[str, bool]],
        start: int,
        rows: int,
        facets: list[str],
        facet_limit: int,
    ) -> Found:
        """One page of what matches. Raises SearchQueryError.

        order: (field, descending); facet_limit: values per facet, negative: all.
        """
        nodes = [parse_query(text) for text in filters]
        fielded = parse_query(q) if names_a_field(q) else None
        with self._lock:
            matched, scores = self._match(q, fielded, nodes)
            ordinals = self._filters.ordered(matched, order, scores)[start : start + rows]
            counted = {field: self._filters.facet(field, matched) for field in facets}
            ids = tuple(self._filters.ids[ordinal] or "" for ordinal in ordinals.tolist())
        if facet_limit >= 0:
            counted = {field: dict(list(values.items())[:facet_limit]) for field, values in counted.items()}
        return Found(matched.bit_count(), ids, counted)

    def counts(self, field: str) -> dict[str, int]:
        """Number of packages of every value of a facet field."""
        with self._lock:
            return self._filters.facet(field, self._filters.everything)

    def _match(self, q: str, fielded: Node | None, nodes: list[Node]) -> tuple[int, np.ndarray | None]:
        matched, scores = self._filters.everything, None
        if fielded is not None:
            matched = self._filters.match(fielded, self._text_match)
        elif q.strip() not in ("", "*", "*:*", '""', "''"):
            matched, scores = self._scored(q)
        for node in nodes:
            matched &= self._filters.match(node, self._text_match)
        return matched, scores

    def _scored(self, q: str) -> tuple[int, np.ndarray]:
        count = len(self._filters.ids)
        ordinals, found = self._text.search(plan_query(q, self._lexicon), count)
        scores = np.zeros(count)
        if not len(ordinals):
            return 0, scores
        kept = found >= LEAST_SCORE * found[0]
        scores[ordinals[kept]] = found[kept]
        return bits_of(ordinals[kept], count) & self._filters.everything, scores

    def _text_match(self, field: str, text: str) -> int:
        count = len(self._filters.ids)
        return bits_of(self._text.all_of(plan_terms(text, WORD_FIELDS[field]), count), count)


def names_a_field(q: str) -> bool:
    """Whether a `q` is a query over fields. A colon after anything but a known field is punctuation (`时间：12:30`)."""
    return any(is_known_field(field) for field in NAMES_A_FIELD.findall(q))


def filter_fields(row: Row, groups: dict[str, Row]) -> dict[str, tuple[str, ...]]:
    """Values of the filter fields of a package."""
    body = row["body"]
    owner = groups.get(row["owner_org"] or "")
    single: dict[str, Any] = {
        "id": row["id"],
        "name": row["name"],
        "title_string": row["title"],
        "state": row["state"],
        "type": row["type"],
        "capacity": "private" if row["private"] else "public",
        "owner_org": row["owner_org"],
        "organization": owner["name"] if owner else None,
        "metadata_modified": show_time(row["modified"]),
        "metadata_created": show_time(row["created"]),
        "license_id": body.get("license_id"),
        **{
            field: body.get(field)
            for field in (
                "openness",
                "update_frequency",
                "policy",
                "schema_reference",
                "negative_list_item",
                "spatial",
            )
        },
    }
    return {field: (value,) for field, value in single.items() if value} | {
        "groups": tuple(name for name in body["groups"] if name in groups),
        "tags": tuple(body["tags"]),
        "res_format": tuple({r["format"] for r in body["resources"] if r.get("format")}),
        "res_id": tuple(r["id"] for r in body["resources"]),
    }


def text_documents(row: Row, groups: dict[str, Row]) -> Documents:
    """Texts of a package that are searched, in both languages."""
    body = row["body"]
    owner = groups.get(row["owner_org"] or "")
    themes = [
        _both(groups[name]["title"], groups[name]["body"].get("title_translated"))
        for name in body["groups"]
        if name in groups
    ]
    return Documents(
        title=f"{_both(row['title'], body.get('title_translated'))} {row['name'].replace('-', ' ').replace('_', ' ')}",
        notes=_both(body.get("notes") or "", body.get("notes_translated")),
        organisation=_both(owner["title"], owner["body"].get("title_translated")) if owner else "",
        tags=" ".join([*body["tags"], *themes]),
    )


def _both(text: str, translated: dict[str, str] | None) -> str:
    return "\n".join(dict.fromkeys([text, *(translated or {}).values()]))
