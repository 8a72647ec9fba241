"""Names of persons and organisations, addresses and free text in one column."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from anonymize.columns import Column, finding_of_cells
from anonymize.headers import Header
from anonymize.names import address, organisation, person
from anonymize.names.rules import name_spans
from anonymize.spans import NameTagger
from schemas.findings import Finding
from schemas.table_schema import FieldRole, Meaning

MOST_NAMES = 20_000  # distinct cells judged
MOST_TEXTS = 2_000  # distinct texts looked through

TOLD_SHARE = 0.3  # cells that must look the part where the header says so
UNTOLD_SHARE = 0.8  # and where it says nothing
TOLD_SCORE, UNTOLD_SCORE = 0.95, 0.7
FEWEST_DISTINCT = 5  # names in a column without a telling header
TEXT_LENGTH = 15  # mean characters of a free text
TEXT_DISTINCT = 0.1  # distinct cells of all cells in a column of free texts
LABELLED_SCORE = 0.7  # of names inside texts: those after a label or before a title
_INSIDE = {
    "PERSON": Meaning.PERSON_NAME,
    "ADDRESS": Meaning.ADDRESS,
    "LEGAL_REPRESENTATIVE": Meaning.LEGAL_REPRESENTATIVE,
}
_ROLE_INSIDE = {"LEGAL_REPRESENTATIVE": FieldRole.NON_SENSITIVE}


def name_findings(column: Column, header: Header | None, names: NameTagger | None) -> list[Finding]:
    """Findings of PERSON, ORGANIZATION, ADDRESS and FREE_TEXT in one column of strings."""
    han = column.matching(r"\p{Han}")
    if column.share(han) < 0.01 and not (header and header.entity in ("PERSON", "FREE_TEXT")):
        return []
    found = [
        f for f in (_organisations(column, header), _persons(column, header, names), _addresses(column, header)) if f
    ]
    filled = max((f.whole_cell_share for f in found), default=0.0)
    texts = _free_text(column, header)
    if texts and filled < UNTOLD_SHARE:
        found += [texts, *_inside_texts(column, names)]
    return found


def _persons(column: Column, header: Header | None, names: NameTagger | None) -> Finding | None:
    told = header is not None and header.entity == "PERSON"
    if not told and header is not None:
        return None
    chosen = _judge(column, person.is_bare_name, person.BARE_PREFILTER)
    if told and names is not None:
        chosen |= _tagged(column, names, ~chosen & column.matching(r"^\p{Han}{2,12}$"))
    share = column.share(chosen)
    if told and share < TOLD_SHARE:
        latin = column.matching(person.LATIN_FORM)
        chosen, share = (latin, column.share(latin)) if column.share(latin) > share else (chosen, share)
    meaning = header.meaning if told and header else Meaning.PERSON_NAME
    role = header.role if told and header else FieldRole.DIRECT_IDENTIFIER
    if told:
        score = TOLD_SCORE if share >= TOLD_SHARE else 0.3
    elif share >= UNTOLD_SHARE and column.distinct >= FEWEST_DISTINCT:
        score = UNTOLD_SCORE
    else:
        return None
    return finding_of_cells(
        column, "PERSON", meaning, role, chosen, score, told, ("surname" if not told else "header",)
    )


def _addresses(column: Column, header: Header | None) -> Finding | None:
    told = header is not None and header.entity == "ADDRESS"
    if header is not None and not told and header.entity not in ("FREE_TEXT",):
        return None
    chosen = _judge(column, address.is_address, address.DETAILED_PREFILTER)
    share = column.share(chosen)
    if told:
        streets = _judge(column, address.is_street, address.PREFILTER) | chosen
        if share < TOLD_SHARE and column.share(streets) >= TOLD_SHARE:
            chosen, share = streets, column.share(streets)
    if share < (TOLD_SHARE if told else 0.5):
        return None
    score = TOLD_SCORE if told else UNTOLD_SCORE
    role = FieldRole.DIRECT_IDENTIFIER
    return finding_of_cells(column, "ADDRESS", Meaning.ADDRESS, role, chosen, score, told, ("address",))


def _organisations(column: Column, header: Header | None) -> Finding | None:
    told = header is not None and header.entity == "ORGANIZATION"
    chosen = _judge(column, organisation.is_organisation, organisation.PREFILTER)
    if header is not None and not told and header.entity != "PERSON":
        return None
    if column.share(chosen) < (TOLD_SHARE if told else 0.5):
        return None
    role, meaning = FieldRole.NON_SENSITIVE, Meaning.ORGANISATION_NAME
    score = TOLD_SCORE if told else UNTOLD_SCORE
    return finding_of_cells(column, "ORGANIZATION", meaning, role, chosen, score, told, ("organisation",))


def _free_text(column: Column, header: Header | None) -> Finding | None:
    lengths = column.texts.str.len_chars().to_numpy()
    told = header is not None and header.entity == "FREE_TEXT"
    mean = float(np.average(lengths, weights=column.counts)) if column.cells else 0.0
    if mean < TEXT_LENGTH or column.distinct < TEXT_DISTINCT * column.cells:
        return None
    chosen = lengths >= TEXT_LENGTH
    role = FieldRole.FREE_TEXT
    return finding_of_cells(
        column, "FREE_TEXT", Meaning.FREE_TEXT, role, chosen, 0.4 if not told else 0.45, told, ("long-text",)
    )


def _inside_texts(column: Column, names: NameTagger | None) -> list[Finding]:
    """Persons and addresses inside texts, from a sample of the distinct cells."""
    places = column.sample(MOST_TEXTS)
    texts = column.texts.gather(places).to_list()
    seen: dict[str, set[int]] = {}
    for at, spans in name_spans(texts).items():
        for _, _, entity, score in spans:
            if score >= LABELLED_SCORE:
                seen.setdefault(entity, set()).add(at)
    for at, tagged in enumerate(names(texts) if names else []):
        for _, _, entity in tagged:
            if entity == "PERSON":
                seen.setdefault(entity, set()).add(at)
    found = []
    for entity, hits in sorted(seen.items()):
        share = len(hits) / len(texts)
        found.append(
            Finding(
                field=column.field,
                entity=entity,
                meaning=_INSIDE[entity],
                cells=round(share * column.cells),
                share=share,
                whole_cell_share=0.0,
                score=LABELLED_SCORE,
                patterns=("inside-text",),
                proposed_role=_ROLE_INSIDE.get(entity, FieldRole.DIRECT_IDENTIFIER),
            )
        )
    return found


def _judge(column: Column, is_one: Callable[[str], bool], prefilter: str) -> npt.NDArray[np.bool_]:
    """Distinct cells that are one; of more than MOST_NAMES candidates, a sample is judged and stands for the rest."""
    candidates = np.flatnonzero(column.matching(prefilter))
    flags = np.zeros(column.distinct, bool)
    step = max(1, -(-len(candidates) // MOST_NAMES))
    judged = candidates[::step]
    texts = column.texts.gather(judged).to_list()
    verdicts = np.fromiter(map(is_one, texts), bool, len(texts))
    flags[candidates] = np.repeat(verdicts, step)[: len(candidates)]
    return flags


def _tagged(column: Column, names: NameTagger, candidates: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Distinct cells that a model tags as one person; at most MOST_TEXTS of the candidates are shown to it."""
    places = np.flatnonzero(candidates)[:MOST_TEXTS]
    texts = column.texts.gather(places).to_list()
    flags = np.zeros(column.distinct, bool)
    for place, text, tagged in zip(places, texts, names(texts), strict=True):
        flags[place] = (0, len(text), "PERSON") in tagged
    return flags
