"""The column path finds exactly what Presidio finds with recognisers of the same specifications."""

import random
from types import ModuleType

import pytest

from anonymize.recognizers.registry import SPECIFICATIONS
from anonymize.spans import KEPT_IN_TEXT, Span, find_spans
from tests.factories.personal_data import MAKERS, make_cells

NAMED = {"PERSON", "ADDRESS"}


@pytest.fixture(scope="module")
def presidio_adapter() -> ModuleType:
    """Loaded when the first test wants it: Presidio takes seconds, which collecting need not pay."""
    return pytest.importorskip("anonymize.presidio_adapter")


# Kinds and ways of writing that the generated cells lack.
MORE = [
    "护照E12345678，回乡证H12345678，军字第1234567号",
    "社保卡号：A123456789 公积金账号：330012345678 微信：zhang_san88 QQ:123456789",
    "组织机构代码D2143569-X 坐标116.397128,39.916527 2001:db8::1",
    "Call (212) 555-0123 or +44 20 7946 0958, SSN 536-90-4399, IBAN DE89 3704 0044 0532 0130 00",
    "1381234567813912345678",
    "13812345678-13912345678",
    "138 1234 5678 139 1234 5678",
    "622202 13812345678 110105 19491231 002X",
    "6222 0212 3456 7890 128 13812345678",
    "110105 19491231 002X 110105 19491231 002X",
    "130102199001011234130102199001011234",
    "身份证①①⓪①⓪⑤①⑨④⑨①②③①⓪⓪②Ｘ，电话一三八一二三四五六七八或l38I2345678或138一二三四5678",
    "110105\u200b19491231\u200b002X，1\u200b3812345678\u200b",
    "110105.19491231.002X 138.1234.5678 (138)12345678 1 3 8 1 2 3 4 5 6 7 8 1.3812345678E+10 13812345678.0",
    "zhang(at)163.com zhang @ 163.com 京a12345 京 A 12345 车牌号：A12345 WJ京12345 加V：zhang_san88 加Q 123456789",
    "护照 E 12345678 香港身份证A123456(7) 台湾居民身份证A123456789",
    "",
    " ",
    "\n\r\t",
]


def identifiers(spans: list[Span]) -> list[Span]:
    return [s for s in spans if s.entity not in NAMED]


def differing(presidio_adapter: ModuleType, texts: list[str]) -> list[int]:
    """Positions at which the two differ, in span, entity or score."""
    columns = find_spans(texts, all_kinds=True)
    found = []
    for at, text in enumerate(texts):
        ours = identifiers(columns.get(at, []))
        theirs = presidio_adapter.analyze_text(text, "zh")
        if [(s.start, s.end, s.entity) for s in ours] != [(s.start, s.end, s.entity) for s in theirs] or any(
            abs(a.score - b.score) > 1e-9 for a, b in zip(ours, theirs, strict=True)
        ):
            found.append(at)
    return found


def noise(rng: random.Random) -> str:
    """Identifiers run together with digits, letters, signs and Han characters."""
    parts = [rng.choice(list(MAKERS.values()))(rng) for _ in range(rng.randint(1, 3))]
    parts += ["".join(rng.choice("0123456789 -XA.:，号@") for _ in range(rng.randint(0, 6))) for _ in range(3)]
    rng.shuffle(parts)
    return "".join(parts)


@pytest.mark.slow
def test_the_column_path_equals_presidio_over_generated_cells(presidio_adapter: ModuleType) -> None:
    rng = random.Random(7)
    texts = [c.text for c in make_cells(3000, seed=11)] + [noise(rng) for _ in range(1500)] + MORE
    assert differing(presidio_adapter, texts) == []


def test_every_specification_is_a_presidio_recogniser(presidio_adapter: ModuleType) -> None:
    made = presidio_adapter.recognizers_of("zh")
    assert [r.supported_entities for r in made] == [[s.entity] for s in SPECIFICATIONS]


def test_the_offsets_are_those_of_the_raw_text(presidio_adapter: ModuleType) -> None:
    text = "手机：１３８１２３４５６７８"
    (span,) = presidio_adapter.analyze_text(text, "zh")
    assert text[span.start : span.end] == "１３８１２３４５６７８"


def test_english_texts_get_presidios_own_kinds_too(presidio_adapter: ModuleType) -> None:
    text = "see https://example.org, card 4111 1111 1111 1111, call (212) 555-0123, a.b@example.org, 10.20.30.40"
    entities = {s.entity for s in presidio_adapter.analyze_text(text, "en")}
    assert {"URL", "BANK_CARD", "PHONE_NUMBER", "EMAIL_ADDRESS", "IP_ADDRESS"} <= entities


def test_a_model_of_names_plugs_into_presidio(presidio_adapter: ModuleType) -> None:
    text = "王小明住在杭州，电话13812345678"

    def tag(texts: list[str]) -> list[list[tuple[int, int, str]]]:
        return [[(0, 3, "PERSON"), (5, 7, "LOCATION")] for _ in texts]

    analyzer = presidio_adapter.build_analyzer("zh", names=tag)
    spans = presidio_adapter.analyze_text(text, "zh", analyzer=analyzer)
    assert [(text[s.start : s.end], s.entity) for s in spans] == [
        ("王小明", "PERSON"),
        ("杭州", "LOCATION"),
        ("13812345678", "CN_MOBILE"),
    ]
    batch = list(analyzer.nlp_engine.process_batch([text, text], "zh"))
    assert [[e.label_ for e in artifacts.entities] for _, artifacts in batch] == [["PERSON", "LOCATION"]] * 2


def test_organisations_and_their_representatives_are_kept_out_of_redaction_alone() -> None:
    assert {"CN_USCC", "CN_ORGANISATION_CODE", "ORGANIZATION", "LEGAL_REPRESENTATIVE"} == KEPT_IN_TEXT
