"""The part of Solr's query language that CKAN clients use, for `fq` and for a `q` that names fields.

`field:value`, `field:"a phrase"`, `field:(a OR b)`, `field:[from TO to]`, wildcards `*` and `?`, `+`/`-`/`!`/NOT,
AND/OR (`&&`, `||`) and parentheses. Clauses side by side are joined by AND, as CKAN sets it; AND binds closer than OR.
What is not of this language is refused with SearchQueryError, never read as something else.
"""

import re
from dataclasses import dataclass
from typing import NoReturn

from pipelines.catalogs.ckan_client import SearchQueryError

LONGEST_QUERY = 8000
DEEPEST_NESTING = 30

TOKEN = re.compile(
    r"""\s*(?:
      (?P<local>\{!)
    | (?P<range>[\[{]\s*(?P<low>"[^"]*"|[^\s\]}]+)\s+TO\s+(?P<high>"[^"]*"|[^\s\]}]+)\s*[\]}])
    | (?P<phrase>"(?:\\.|[^"\\])*")
    | (?P<both>&&|\bAND\b) | (?P<either>\|\||\bOR\b) | (?P<no>\bNOT\b|!)
    | (?P<open>\() | (?P<close>\))
    | (?P<sign>[+-])(?=\S)
    | (?P<field>(?:\\.|[\w.*-])+):(?=\s*\S)
    | (?P<word>(?:\\.|[^\s()"\[\]{}:])+)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Term:
    """`value` in `field` (None: the default field). `*` and `?` are wildcards when `wildcard`."""

    field: str | None
    value: str
    wildcard: bool = False


@dataclass(frozen=True)
class Range:
    """Values of `field` from `low` to `high`; None: without end."""

    field: str
    low: str | None
    high: str | None
    includes_low: bool
    includes_high: bool


@dataclass(frozen=True)
class Everything:
    """`*:*`."""


@dataclass(frozen=True)
class Not:
    part: "Node"


@dataclass(frozen=True)
class And:
    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Or:
    parts: tuple["Node", ...]


Node = Term | Range | Everything | Not | And | Or
Token = tuple[str, str, re.Match[str]]


def parse_query(text: str) -> Node:
    """The tree of a query; blank text is Everything. Raises SearchQueryError saying what was not understood."""
    if len(text) > LONGEST_QUERY:
        raise SearchQueryError(f"The query is longer than {LONGEST_QUERY} characters")
    if not text.strip():
        return Everything()
    parser = _Parser(text, _tokens(text))
    node = parser.alternatives(None, 0)
    if parser.kind() is not None:
        parser.refuse("unexpected `)`")
    return node


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = TOKEN.match(text, position)
        if match is None:
            raise SearchQueryError(f"Cannot parse the query at character {position + 1}: {text[position:][:20]!r}")
        kind = next(k for k, v in match.groupdict().items() if v is not None and k not in ("low", "high"))
        if kind == "local":
            raise SearchQueryError("Local parameters are not supported")
        tokens.append((kind, match.group(kind), match))
        position = match.end()
    return tokens


class _Parser:
    def __init__(self, text: str, tokens: list[Token]):
        self.text = text
        self.tokens = tokens
        self.position = 0

    def kind(self) -> str | None:
        return self.tokens[self.position][0] if self.position < len(self.tokens) else None

    def take(self) -> Token:
        token = self.tokens[self.position]
        self.position += 1
        return token

    def refuse(self, why: str) -> NoReturn:
        raise SearchQueryError(f"Cannot parse {self.text[:100]!r}: {why}")

    def alternatives(self, field: str | None, depth: int) -> Node:
        if depth > DEEPEST_NESTING:
            self.refuse(f"nested deeper than {DEEPEST_NESTING}")
        parts = [self.together(field, depth)]
        while self.kind() == "either":
            self.take()
            parts.append(self.together(field, depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def together(self, field: str | None, depth: int) -> Node:
        parts = [self.signed(field, depth)]
        while self.kind() not in (None, "close", "either"):
            if self.kind() == "both":
                self.take()
            parts.append(self.signed(field, depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def signed(self, field: str | None, depth: int) -> Node:
        negative = False
        while self.kind() in ("sign", "no"):
            negative ^= self.take()[1] != "+"
        node = self.clause(field, depth)
        return Not(node) if negative else node

    def clause(self, field: str | None, depth: int) -> Node:
        kind = self.kind()
        if kind is None:
            self.refuse("it ends too early")
        _, value, match = self.take()
        if kind == "open":
            node = self.alternatives(field, depth + 1)
            if self.kind() != "close":
                self.refuse("a `)` is missing")
            self.take()
            return node
        if kind == "field":
            if field is not None:
                self.refuse("a field inside a field")
            return self.clause(_unescape(value), depth)
        if kind == "phrase":
            return Term(field, _unescape(value[1:-1]))
        if kind == "range":
            if field is None:
                self.refuse("a range without a field")
            return _range(field, match)
        if kind == "word":
            if value == "*" and field in (None, "*"):
                return Everything()
            if re.search(r"[\^~]", re.sub(r"\\.", "", value)):
                self.refuse("boosts and fuzzy terms are not supported")
            bare = re.sub(r"\\.", "", value)
            wildcard = "*" in bare or "?" in bare
            return Term(field, value if wildcard else _unescape(value), wildcard)
        self.refuse(f"unexpected {value!r}")


def _range(field: str, match: re.Match[str]) -> Range:
    low, high = (None if end == "*" else end.strip('"') for end in match.group("low", "high"))
    text = match.group("range")
    return Range(field, low, high, text.startswith("["), text.endswith("]"))


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def wildcard_pattern(value: str) -> re.Pattern[str]:
    """Regular expression of a value with wildcards; `\\*` stands for itself."""
    parts = re.findall(r"\\.|.", value, re.DOTALL)
    joined = "".join({"*": ".*", "?": "."}.get(part) or re.escape(part[-1]) for part in parts)
    return re.compile(joined, re.DOTALL)
