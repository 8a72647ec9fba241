from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.catalogs.ckan_client import SearchQueryError
from pipelines.catalogs.filter_index import FilterIndex, bits_of, microseconds, ordinals_of, solr_time
from pipelines.catalogs.filter_query import And, Node, Not, Or, Range, Term, parse_query

Fields = dict[str, tuple[str, ...]]


def no_text(field: str, text: str) -> int:
    raise AssertionError(f"text search of {field} was not asked for")


def package(day: int = 1, title: str = "x", **fields: tuple[str, ...]) -> Fields:
    time = (f"2026-01-{day:02}T00:00:00.000000",)
    return {"title_string": (title,), "name": (title,), "metadata_modified": time, "metadata_created": time, **fields}


def ids(index: FilterIndex, query: str) -> set[str]:
    found = ordinals_of(index.match(parse_query(query), no_text), len(index.ids))
    return {index.ids[ordinal] or "" for ordinal in found}


@pytest.fixture
def index() -> FilterIndex:
    made = FilterIndex()
    made.put("a", package(1, "alpha", tags=("公交", "站点"), openness=("open",)))
    made.put("b", package(2, "beta", tags=("公交",), openness=("conditional",)))
    made.put("c", package(3, "gamma", tags=("就业",), openness=("closed",)))
    return made


def test_terms_and_booleans(index: FilterIndex) -> None:
    assert ids(index, "tags:公交") == {"a", "b"}
    assert ids(index, "tags:公交 -openness:open") == {"b"}
    assert ids(index, "openness:(open OR closed)") == {"a", "c"}
    assert ids(index, "extras_openness:open") == {"a"}
    assert ids(index, "tags:站*") == {"a"}
    assert ids(index, "tags:nothing") == set()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("metadata_modified:[2026-01-02T00:00:00Z TO *]", {"b", "c"}),
        ("metadata_modified:{2026-01-02T00:00:00Z TO *]", {"c"}),
        ("metadata_modified:[* TO 2026-01-02T00:00:00Z}", {"a"}),
        ("metadata_modified:[* TO 2026-01-02]", {"a", "b"}),
        ("metadata_modified:[2026-01-02 TO 2026-01-02]", {"b"}),
        ("metadata_modified:{2026-01-01 TO *]", {"b", "c"}),
        ("metadata_modified:2026-01-03", {"c"}),
        ("metadata_modified:[NOW-1YEAR TO NOW+10YEARS]", {"a", "b", "c"}),
    ],
)
def test_ranges_of_time(index: FilterIndex, query: str, found: set[str]) -> None:
    assert ids(index, query) == found


def test_relative_times_count_from_now() -> None:
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    assert solr_time("NOW-7DAYS", end=False, now=now) == microseconds(datetime(2026, 3, 3, 12))
    assert solr_time("NOW", end=False, now=now) == microseconds(now)


@pytest.mark.parametrize(
    ("text", "start", "last"),
    [
        ("2026", datetime(2026, 1, 1), datetime(2026, 12, 31, 23, 59, 59, 999_999)),
        ("2026-02", datetime(2026, 2, 1), datetime(2026, 2, 28, 23, 59, 59, 999_999)),
        ("2026-12-31", datetime(2026, 12, 31), datetime(2026, 12, 31, 23, 59, 59, 999_999)),
        ("2026-01-01T10:30", datetime(2026, 1, 1, 10, 30), datetime(2026, 1, 1, 10, 30, 59, 999_999)),
        ("2026-01-01T10:30:05Z", datetime(2026, 1, 1, 10, 30, 5), datetime(2026, 1, 1, 10, 30, 5)),
        ("2026-01-01T10:30:05.123Z", *[datetime(2026, 1, 1, 10, 30, 5, 123_000)] * 2),
    ],
)
def test_a_bare_period_has_a_start_and_a_last_moment(text: str, start: datetime, last: datetime) -> None:
    assert solr_time(text, end=False) == microseconds(start)
    assert solr_time(text, end=True) == microseconds(last)


@pytest.mark.parametrize(
    "text", ["", "2026-13", "20260101", "2026-01-01T10", "x", "NOW+10000YEARS", "2026-01-01T10:00:00+08:00"]
)
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(SearchQueryError):
        solr_time(text, end=False)
    with pytest.raises(SearchQueryError):
        solr_time("9999-12", end=True)


@pytest.mark.parametrize("query", ["nothing:x", "metadata_modified:[yesterday TO *]", "title:[a TO b]"])
def test_refuses_what_it_does_not_know(index: FilterIndex, query: str) -> None:
    with pytest.raises(SearchQueryError):
        index.match(parse_query(query), no_text)


def test_facets_count_what_matched(index: FilterIndex) -> None:
    matched = index.match(parse_query("tags:公交"), no_text)
    assert index.facet("tags", matched) == {"公交": 2, "站点": 1}
    assert index.facet("tags", index.everything) == {"公交": 2, "就业": 1, "站点": 1}
    with pytest.raises(SearchQueryError):
        index.facet("name", matched)


def test_replacing_and_removing_leaves_no_old_value(index: FilterIndex) -> None:
    index.put("a", package(9, "alpha", tags=("新",)))
    assert ids(index, "tags:站点") == set()
    assert "站点" not in index.facet("tags", index.everything)
    assert ids(index, "metadata_modified:[2026-01-09 TO *]") == {"a"}
    index.remove("a")
    assert ids(index, "*:*") == {"b", "c"}
    assert index.remove("a") is None
    assert index.remove("never") is None


def test_orders(index: FilterIndex) -> None:
    def names(order: list[tuple[str, bool]], scores: np.ndarray | None = None) -> list[str | None]:
        return [index.ids[ordinal] for ordinal in index.ordered(index.everything, order, scores)]

    assert names([("metadata_modified", True)]) == ["c", "b", "a"]
    assert names([("title_string", False)]) == ["a", "b", "c"]
    scores = np.array([1.0, 2.0, 1.0])
    assert names([("score", True), ("metadata_modified", True)], scores) == ["b", "c", "a"]


@given(st.sets(st.integers(0, 200)))
def test_bits_and_ordinals_are_one_set(numbers: set[int]) -> None:
    ordinals = np.array(sorted(numbers), dtype=np.int64)
    assert ordinals_of(bits_of(ordinals, 201), 201).tolist() == sorted(numbers)


tag_sets = st.lists(st.sets(st.sampled_from("abcd"), max_size=3), min_size=1, max_size=12)
queries = st.recursive(
    st.builds(Term, st.just("tags"), st.sampled_from("abcd")),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(lambda x, y: And((x, y)), inner, inner),
        st.builds(lambda x, y: Or((x, y)), inner, inner),
    ),
    max_leaves=5,
)


def fits(node: Node, tags: set[str]) -> bool:
    match node:
        case Term(_, value):
            return value in tags
        case Not(part):
            return not fits(part, tags)
        case And(parts):
            return all(fits(part, tags) for part in parts)
        case Or(parts):
            return any(fits(part, tags) for part in parts)
        case Range():
            raise AssertionError
    return True


@given(tag_sets, queries, st.sets(st.integers(0, 11)))
@settings(max_examples=100)
def test_agrees_with_looking_at_every_package(all_tags: list[set[str]], query: Node, gone: set[int]) -> None:
    index = FilterIndex()
    for number, tags in enumerate(all_tags):
        index.put(str(number), package(tags=tuple(tags)))
    for number in gone:
        index.remove(str(number))
    standing = {n: tags for n, tags in enumerate(all_tags) if n not in gone}
    matched = index.match(query, no_text)
    assert set(ordinals_of(matched, len(index.ids)).tolist()) == {
        n for n, tags in standing.items() if fits(query, tags)
    }
    counted = {tag: sum(tag in tags and fits(query, tags) for tags in standing.values()) for tag in "abcd"}
    assert index.facet("tags", matched) == {tag: n for tag, n in counted.items() if n}
