from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.catalogs.ckan_client import SearchQueryError
from pipelines.catalogs.filter_query import (
    And,
    Everything,
    Node,
    Not,
    Or,
    Range,
    Term,
    parse_query,
    wildcard_pattern,
)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", Everything()),
        ("*:*", Everything()),
        ("tags:公交", Term("tags", "公交")),
        ('tags:"公共 交通"', Term("tags", "公共 交通")),
        ('organization:"a\\"b"', Term("organization", 'a"b')),
        ("+tags:a +tags:b", And((Term("tags", "a"), Term("tags", "b")))),
        ("tags:a -tags:b", And((Term("tags", "a"), Not(Term("tags", "b"))))),
        ("tags:a AND NOT tags:b", And((Term("tags", "a"), Not(Term("tags", "b"))))),
        ("tags:a OR tags:b AND tags:c", Or((Term("tags", "a"), And((Term("tags", "b"), Term("tags", "c")))))),
        ("tags:(a OR b)", Or((Term("tags", "a"), Term("tags", "b")))),
        (
            "res_format:CSV && (tags:a || tags:b)",
            And((Term("res_format", "CSV"), Or((Term("tags", "a"), Term("tags", "b"))))),
        ),
        ("name:bus*", Term("name", "bus*", wildcard=True)),
        ("name:bus\\*", Term("name", "bus*")),
        (
            "metadata_modified:[2026-01-01T00:00:00Z TO *]",
            Range("metadata_modified", "2026-01-01T00:00:00Z", None, True, True),
        ),
        ("metadata_modified:{2026 TO 2027]", Range("metadata_modified", "2026", "2027", False, True)),
        ("-openness:closed", Not(Term("openness", "closed"))),
        ("bus stop", And((Term(None, "bus"), Term(None, "stop")))),
        ("tags: a", Term("tags", "a")),
    ],
)
def test_reads_what_ckan_clients_send(text: str, tree: Node) -> None:
    assert parse_query(text) == tree


REFUSED = """
(tags:a
tags:a)
tags:
tags:"a
AND tags:a
tags:a AND
{!term f=x}y
tags:a^2
tags:a~1
[a TO b]
tags:(name:a)
NOT
""".strip().splitlines()


@pytest.mark.parametrize("text", [*REFUSED, "(" * 40 + "a" + ")" * 40, "a" * 9000])
def test_refuses_the_rest(text: str) -> None:
    with pytest.raises(SearchQueryError):
        parse_query(text)


def test_wildcards_match_whole_values() -> None:
    assert wildcard_pattern("bus*").fullmatch("bus-stops")
    assert not wildcard_pattern("bus?").fullmatch("bus-stops")
    assert wildcard_pattern("a\\*b").fullmatch("a*b")
    assert not wildcard_pattern("a\\*b").fullmatch("aXb")


values = st.text(alphabet='abc公交 -"\\():*', min_size=1, max_size=6)
terms = st.builds(Term, st.sampled_from(["tags", "name"]), values)
trees = st.recursive(
    terms,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(lambda parts: And(tuple(parts)), st.lists(inner, min_size=2, max_size=3)),
        st.builds(lambda parts: Or(tuple(parts)), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=6,
)


def written(node: Node) -> str:
    match node:
        case Term(field, value):
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'{field}:"{escaped}"'
        case Not(part):
            return f"NOT ({written(part)})"
        case And(parts):
            return "(" + " AND ".join(map(written, parts)) + ")"
        case Or(parts):
            return "(" + " OR ".join(map(written, parts)) + ")"
        case _:
            raise AssertionError(node)


@given(trees)
@settings(max_examples=100)
def test_what_is_written_is_read_back(tree: Node) -> None:
    assert parse_query(written(tree)) == tree


@given(st.text(max_size=40))
@settings(max_examples=200)
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(SearchQueryError):
        parse_query(text)
