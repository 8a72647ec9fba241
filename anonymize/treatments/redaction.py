"""Redaction: personal spans inside free text are replaced by their kind, the rest stays."""

from collections.abc import Sequence

import pyarrow as pa

from anonymize.hierarchies import distinct_values
from anonymize.spans import NameTagger, find_spans

LABELS = {
    "PERSON": "〔姓名〕",
    "ADDRESS": "〔地址〕",
    "LOCATION": "〔地址〕",
    "CN_RESIDENT_ID": "〔证件号〕",
    "CN_PASSPORT": "〔证件号〕",
    "CN_TRAVEL_PERMIT": "〔证件号〕",
    "CN_MILITARY_ID": "〔证件号〕",
    "CN_MOBILE": "〔电话〕",
    "CN_LANDLINE": "〔电话〕",
    "PHONE_NUMBER": "〔电话〕",
    "EMAIL_ADDRESS": "〔邮箱〕",
    "CN_PLATE": "〔车牌〕",
    "BANK_CARD": "〔卡号〕",
    "ORGANIZATION": "〔单位〕",
    "CN_USCC": "〔单位〕",
    "CN_ORGANISATION_CODE": "〔单位〕",
}
OTHER_LABEL = "〔已隐去〕"
AT_ONCE = 100_000  # distinct texts; bounds the memory
LEAST_KNOWN = 2  # characters of an identifier of the same record that is looked for in its texts


def redact(
    column: pa.ChunkedArray,
    known: Sequence[pa.ChunkedArray] = (),
    names: NameTagger | None = None,
    *,
    organisations: bool = False,
) -> tuple[pa.ChunkedArray, int]:
    """`column` as strings without personal spans, and the number of cells that changed.

    known: columns of direct identifiers of the same records; their exact values go wherever the detector stands on
    them, so that a name no rule would recognise does not stay in the remark beside it. organisations: their names and
    codes go too, since a workplace may single somebody out.
    """
    texts: list[str | None] = column.cast(pa.string()).to_pylist()
    before = texts
    for identifiers in known:
        texts = [
            text.replace(value, OTHER_LABEL) if text and value and len(value) >= LEAST_KNOWN and value in text else text
            for text, value in zip(texts, identifiers.cast(pa.string()).to_pylist(), strict=True)
        ]
    codes, values = distinct_values(pa.chunked_array([pa.array(texts, pa.string())]))
    redacted = [
        _without_spans(values.slice(first, AT_ONCE), names, organisations) for first in range(0, len(values), AT_ONCE)
    ]
    result = pa.chunked_array(redacted, pa.string()).take(pa.array(codes))
    changed = sum(was != now for was, now in zip(before, result.to_pylist(), strict=True))
    return result, changed


def _without_spans(texts: pa.StringArray, names: NameTagger | None, organisations: bool) -> pa.StringArray:
    found = find_spans(texts, names=names, organisations=organisations)
    if not found:
        return texts
    redacted: list[str | None] = texts.to_pylist()
    for position, spans in found.items():
        text = redacted[position] or ""
        for span in reversed(spans):  # ordered and apart: from the end, so that offsets stay true
            text = text[: span.start] + LABELS.get(span.entity, OTHER_LABEL) + text[span.end :]
        redacted[position] = text
    return pa.array(redacted, pa.string())
