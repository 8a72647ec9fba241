"""What each column of a table seems to hold, with evidence and never a raw value or a part of one.

Every column is looked at by all recognisers; its header, the share of its cells and their shapes decide what is
proposed. Names and addresses are judged on at most MOST_NAMES distinct cells, evenly spread; all else on every cell.
"""

from collections.abc import Iterable, Mapping
from datetime import date

import numpy as np
import pyarrow as pa

from anonymize.columns import Column, named_shapes, read_column
from anonymize.headers import Header, read_header
from anonymize.identifiers import identifier_findings
from anonymize.meanings import meaning_findings
from anonymize.names.columns import name_findings
from anonymize.recognizers.specification import CONFIDENT
from anonymize.spans import NameTagger
from anonymize.uniqueness import unique_sets
from schemas.findings import FieldProfile, Finding, Findings
from schemas.table_schema import FieldRole, Meaning

WHOLE_FIELD = 0.5  # from this share of cells that are nothing but the identifier, the field is the identifier
RARE = 0.01  # from this share of cells whose value occurs once, a field is proposed as quasi-identifier

# Kinds that tell of a person when they fill a column.
PERSONS_KINDS = frozenset(
    {"CN_RESIDENT_ID", "CN_PASSPORT", "CN_TRAVEL_PERMIT", "CN_MILITARY_ID", "CN_SOCIAL_SECURITY_NUMBER"}
    | {"CN_PROVIDENT_FUND_NUMBER", "BANK_CARD", "WECHAT", "QQ", "US_SSN", "DATE_OF_BIRTH", "AGE", "GENDER"}
)
ORGANISATION_KINDS = frozenset({"ORGANIZATION", "CN_USCC", "CN_ORGANISATION_CODE"})
# Kinds that say something of a person only in a table about persons: a school's address is nobody's.
SOFT_KINDS = frozenset(
    {"ADDRESS", "LOCATION", "COORDINATES", "CN_LANDLINE", "PHONE_NUMBER", "POSTCODE", "DIVISION_CODE", "OCCUPATION"}
    | {"CN_PLATE"}
)
PROPOSALS = frozenset({"RARE_VALUES", "SINGLES_OUT"})  # by measured uniqueness: proposed, never binding


def detect(
    table: pa.Table,
    *,
    titles: Mapping[str, Iterable[str]] | None = None,
    names: NameTagger | None = None,
    today: date | None = None,
) -> Findings:
    """Findings of a table of any Arrow types.

    titles: further headers of a field, such as its titles in the schema. names: a model that tags persons, places
    and organisations; without it, surname and dictionary rules. today: day on which nobody later can have been born.
    """
    columns = [read_column(name, table.column(at)) for at, name in enumerate(table.column_names)]
    headers = [read_header(c.field, *(titles or {}).get(c.field, ())) for c in columns]
    found = [f for c, h in zip(columns, headers, strict=True) for f in look(c, h, names, today)]
    persons = about_persons(found)
    found = [propose_role(f, persons) for f in found]
    candidates = uniqueness_candidates(columns, found)
    sets = unique_sets({c.field: c.codes for c in candidates})
    found += uniqueness_findings(candidates, sets)
    return Findings(
        rows=table.num_rows,
        profiles=tuple(profile(c) for c in columns),
        findings=tuple(found),
        unique_sets=tuple(sets),
    )


def look(column: Column, header: Header | None, names: NameTagger | None, today: date | None = None) -> list[Finding]:
    """Everything seen in one column, the strongest first."""
    if not column.cells:
        return []
    found = identifier_findings(column, header)
    taken = max((f.whole_cell_share for f in found if f.score >= CONFIDENT), default=0.0)
    found += meaning_findings(column, header, today)
    if taken < WHOLE_FIELD:
        found += name_findings(column, header, names)
    return sorted(found, key=lambda f: (-f.score * max(f.whole_cell_share, f.share / 2), f.entity))


def about_persons(findings: Iterable[Finding]) -> bool:
    """Whether the rows of the table are persons: it holds their numbers, birth, age or gender; or names of persons
    (legal representatives aside) and no organisation beside them whose contact they might be."""
    filling = [f for f in findings if f.score >= CONFIDENT and f.whole_cell_share >= WHOLE_FIELD]
    kinds = {f.entity for f in filling}
    named = any(f.entity == "PERSON" and f.meaning != Meaning.LEGAL_REPRESENTATIVE for f in filling)
    return bool(kinds & PERSONS_KINDS) or (named and not kinds & ORGANISATION_KINDS)


def propose_role(finding: Finding, persons: bool) -> Finding:
    """The role a finding calls for: its kind's where it fills the field, free text where it stands inside texts."""
    role = finding.proposed_role
    if finding.entity in SOFT_KINDS and not persons:
        role = FieldRole.NON_SENSITIVE
    elif role == FieldRole.DIRECT_IDENTIFIER and finding.whole_cell_share < WHOLE_FIELD and finding.cells:
        role = FieldRole.FREE_TEXT
    return finding.model_copy(update={"proposed_role": role})


def uniqueness_candidates(columns: list[Column], found: list[Finding]) -> list[Column]:
    """Columns that an attacker might know: no direct identifiers, no free texts, no all-null columns."""
    left_out = {
        f.field
        for f in found
        if f.entity == "FREE_TEXT"
        or (f.score >= CONFIDENT and f.proposed_role in (FieldRole.DIRECT_IDENTIFIER, FieldRole.FREE_TEXT))
    }
    return [c for c in columns if c.cells and c.field not in left_out]


def uniqueness_findings(candidates: list[Column], sets: dict[tuple[str, ...], float]) -> list[Finding]:
    """Fields with rare values, and members of sets that single out records, as proposed quasi-identifiers."""
    found = []
    for column in candidates:
        if column.unique_share >= RARE:
            once = np.asarray(column.counts == 1)
            found.append(_proposal(column, "RARE_VALUES", column.count(once), column.unique_share))
        elif together := max((share for fields, share in sets.items() if column.field in fields), default=0.0):
            found.append(_proposal(column, "SINGLES_OUT", round(together * column.cells), together))
    return found


def _proposal(column: Column, entity: str, cells: int, share: float) -> Finding:
    return Finding(
        field=column.field,
        entity=entity,
        meaning=None,
        cells=cells,
        share=share,
        whole_cell_share=share,
        score=round(min(1.0, share), 3),
        proposed_role=FieldRole.QUASI_IDENTIFIER,
    )


def profile(column: Column) -> FieldProfile:
    """Measured facts of one column."""
    return FieldProfile(
        field=column.field,
        cells=column.cells,
        nulls=column.rows - column.cells,
        distinct=column.distinct,
        unique_share=column.unique_share,
        shapes=named_shapes(column),
    )
