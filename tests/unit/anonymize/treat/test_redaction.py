"""Redaction edits spans and keeps the rest."""

import pyarrow as pa

from anonymize.treatments.redaction import redact


def redacted(cells: list, *known: list) -> tuple[list, int]:
    column, changed = redact(
        pa.chunked_array([pa.array(cells, pa.string())]), [pa.chunked_array([pa.array(k, pa.string())]) for k in known]
    )
    return column.to_pylist(), changed


def test_spans_go_and_the_rest_stays() -> None:
    (text, untouched, missing), changed = redacted(["来电13912345678反映噪声扰民", "反映噪声扰民", None])
    assert "13912345678" not in text
    assert text.startswith("来电")
    assert text.endswith("反映噪声扰民")
    assert untouched == "反映噪声扰民"
    assert missing is None
    assert changed == 1


def test_identifiers_of_the_same_record_go_even_where_no_rule_sees_them() -> None:
    texts, changed = redacted(["经办Q-77-zz已到场", "经办Q-77-zz已到场", "x"], ["Q-77-zz", "other", "x"])
    assert "Q-77-zz" not in texts[0]
    assert texts[1] == "经办Q-77-zz已到场"  # another record's identifier
    assert texts[2] == "x"  # one character is no identifier
    assert changed == 1


def test_several_spans_in_one_cell() -> None:
    (text,), _ = redacted(["13912345678或13812345678，邮箱a.b@example.com"])
    assert not any(raw in text for raw in ("13912345678", "13812345678", "a.b@example.com"))
