"""Redaction edits spans and keeps the rest."""

import pyarrow as pa
import pytest

from anonymize.treatments import redaction
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


def test_organisations_stay_unless_the_policy_hides_them() -> None:
    text = "李国强就职于杭州恒达机械有限公司，代码91350100M000100Y43，反映城东王记小吃店油烟扰民"
    column = pa.chunked_array([pa.array([text])])
    kept = redact(column)[0].to_pylist()[0]
    assert all(name in kept for name in ("恒达机械有限公司", "91350100M000100Y43", "王记小吃店"))
    hidden = redact(column, organisations=True)[0].to_pylist()[0]
    assert not any(name in hidden for name in ("恒达", "91350100M000100Y43", "王记", "李国强"))
    assert hidden.startswith("〔姓名〕就职于〔单位〕，")
    assert hidden.endswith("油烟扰民")


def test_chunks_of_texts_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = ["来电13912345678", None, "张伟先生反映", "无", "来电13912345678", "住文三路12号3幢"]
    whole = redacted(cells)
    monkeypatch.setattr(redaction, "AT_ONCE", 2)
    assert redacted(cells) == whole
