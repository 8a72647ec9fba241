"""Identifiers in one column: matches of the recognisers, counted in cells and weighed by header and shape."""

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from anonymize.columns import Column, named_shapes
from anonymize.headers import Header
from anonymize.matching import Matches, match_texts
from anonymize.recognizers.registry import BY_ENTITY, SPECIFICATIONS
from anonymize.recognizers.specification import CONFIDENT, Specification
from schemas.findings import Finding

HEADER_SCORE = 0.95
HEADER_ONLY_SCORE = 0.3  # the header tells a kind, the cells do not bear it out
HEADER_SHARE = 0.3  # share of cells that must have the kind's form for its header to count
COINCIDENCE_SCORE = 0.1
# Headers under which digits are telephone numbers of any form.
_TELEPHONES = frozenset({"CN_MOBILE", "CN_LANDLINE", "PHONE_NUMBER"})


def identifier_findings(column: Column, header: Header | None) -> list[Finding]:
    """One finding per kind of identifier seen in the column. Dates, times and truth values hold none."""
    if pa.types.is_temporal(column.kind) or pa.types.is_boolean(column.kind):
        return []
    matches = match_texts(column.texts)
    lengths = column.texts.str.len_chars().to_numpy()
    whole = (matches.start == 0) & (matches.end == lengths[matches.text])
    found = []
    for number in np.unique(matches.specification):
        chosen = matches.specification == number
        found.append(_finding(column, header, matches.select(chosen), whole[chosen], matches, whole))
    if (by_header := _header_finding(column, header, found)) is not None:
        found = [f for f in found if f.entity != by_header.entity] + [by_header]
    return found


def _finding(
    column: Column,
    header: Header | None,
    matches: Matches,
    whole: npt.NDArray[np.bool_],
    others: Matches,
    others_whole: npt.NDArray[np.bool_],
) -> Finding:
    specification = SPECIFICATIONS[int(matches.specification[0])]
    hit, filled = _flags(column, matches.text), _flags(column, matches.text[whole])
    weights = column.counts[matches.text]
    score = float(np.average(matches.score, weights=weights))
    told = header is not None and _same_kind(header.entity, specification.entity)
    if told and column.share(hit) >= HEADER_SHARE:
        score = max(score, HEADER_SCORE)
    elif not told and filled.any() and not (hit & ~filled).any():
        others_filled = _flags(column, others.text[others_whole & (others.score >= CONFIDENT)])
        if _rate_in_shape(column, filled, others_filled | filled) < specification.coincidence:
            score = COINCIDENCE_SCORE
    verified = float(np.average(matches.verified, weights=weights)) if specification.valid_many else None
    return Finding(
        field=column.field,
        entity=specification.entity,
        meaning=specification.meaning,
        cells=column.count(hit),
        share=column.share(hit),
        whole_cell_share=column.share(filled),
        verified_share=verified,
        score=round(score, 3),
        by_header=told,
        patterns=tuple(specification.patterns[i].name for i in np.unique(matches.pattern)),
        shapes=named_shapes(column, hit),
        proposed_role=specification.role,
    )


def _flags(column: Column, places: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    flags = np.zeros(column.distinct, bool)
    flags[places] = True
    return flags


def _same_kind(told: str, entity: str) -> bool:
    return told == entity or (told in _TELEPHONES and entity in _TELEPHONES)


def _rate_in_shape(column: Column, filled: npt.NDArray[np.bool_], matched: npt.NDArray[np.bool_]) -> float:
    """Among the cells that have the shape of a filled one, the share that matches."""
    alike = column.shapes.masks.is_in(column.shapes.masks.filter(pl.Series(filled)).unique().to_list()).to_numpy()
    return column.count(matched & alike) / max(1, column.count(alike))


def _header_finding(column: Column, header: Header | None, found: list[Finding]) -> Finding | None:
    """The kind the header tells, where the cells have its loose form; else, a weak finding of the header alone."""
    specification = BY_ENTITY.get(header.entity) if header else None
    if header is None or specification is None or specification.column_pattern is None:
        return None
    seen = next((f for f in found if _same_kind(header.entity, f.entity) and f.score >= HEADER_SCORE), None)
    kinds = [BY_ENTITY[e] for e in sorted(_TELEPHONES)] if header.entity in _TELEPHONES else [specification]
    loose = column.matching(f"^(?:{'|'.join(k.column_pattern for k in kinds if k.column_pattern)})$")
    if seen and seen.share >= column.share(loose) * 0.9:
        return None
    share = column.share(loose)
    borne_out = share >= HEADER_SHARE
    if header.entity in _TELEPHONES:
        specification = _telephone_kind(column, specification)
    told_meaning = header.meaning if specification.entity == header.entity else specification.meaning
    strict = next((f for f in found if f.entity == specification.entity), None)
    return Finding(
        field=column.field,
        entity=specification.entity,
        meaning=told_meaning,
        cells=column.count(loose),
        share=share,
        whole_cell_share=share,
        verified_share=strict.verified_share if strict else None,
        score=HEADER_SCORE if borne_out else max(HEADER_ONLY_SCORE, strict.score if strict else 0.0),
        by_header=True,
        patterns=(*(strict.patterns if strict else ()), "header"),
        shapes=named_shapes(column, loose),
        proposed_role=specification.role,
    )


def _telephone_kind(column: Column, told: Specification) -> Specification:
    """The kind the header tells, unless the cells are telephone numbers and few have a form of the mainland's.

    A header such as 联系电话 or `telephone` tells mobiles, the strictest kind; numbers abroad are none.
    """

    def fits(entity: str) -> bool:
        return column.share(column.matching(f"^(?:{BY_ENTITY[entity].column_pattern})$")) >= HEADER_SHARE

    abroad = fits("PHONE_NUMBER") and not any(fits(entity) for entity in _TELEPHONES - {"PHONE_NUMBER"})
    return BY_ENTITY["PHONE_NUMBER"] if abroad else told
