import pytest
import yaml

from pipelines.catalogs import analysis
from pipelines.catalogs.lexicon import SHIPPED, Lexicon, load_lexicon
from pipelines.catalogs.pinyin import split_pinyin
from pipelines.catalogs.query_plan import CLAUSES_ALLOWED, plan_query
from schemas.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "folded"), [("ＡＢＣ１２３", "abc123"), ("資料開放", "资料开放"), ("Air Quality", "air quality"), ("", "")]
)
def test_folding(text: str, folded: str) -> None:
    assert analysis.fold(text) == folded


def test_words_leave_out_what_says_nothing() -> None:
    assert {"住房", "公积金", "贷款"} <= set(analysis.words("住房公积金的贷款"))
    assert "的" not in analysis.words("住房公积金的贷款")
    assert analysis.words("the air quality of 2024") == ["air", "quality", "2024"]


def test_pairs_and_sounds() -> None:
    assert analysis.pairs("公积金 a 水") == ["公积", "积金", "水"]
    assert analysis.pinyin_pairs("公积金") == ["gong_ji", "ji_jin"]
    assert "gjj" in analysis.initials("公积金")
    assert "kqzl" in analysis.initials("空气质量")
    assert analysis.syllables_of("银行") == ["yin", "hang"]
    assert analysis.content_runs("哪里可以充电") == ["充电"]
    assert analysis.content_runs("哪里") == ["哪里"]


@pytest.mark.parametrize(
    ("word", "stemmed"),
    [("houses", "hous"), ("housing", "hous"), ("routes", "rout"), ("route", "rout"), ("buses", "bus"), ("bus", "bus"),
     ("companies", "company"), ("class", "class"), ("air", "air"), ("licensed", "licens"), ("license", "licens")],
)  # fmt: skip
def test_english_endings(word: str, stemmed: str) -> None:
    assert analysis.stem(word) == stemmed


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("gongjijin", ("gong", "ji", "jin")),
        ("kongqizhiliang", ("kong", "qi", "zhi", "liang")),
        ("youeryuan", ("you", "er", "yuan")),
        ("a", ("a",)),
        ("xyz", ()),
        ("housing", ()),
        ("", ()),
    ],
)
def test_pinyin_is_split(word: str, syllables: tuple[str, ...]) -> None:
    assert split_pinyin(word) == syllables


def test_the_lexicon_translates_and_corrects() -> None:
    lexicon = load_lexicon()
    assert lexicon.correct("housng") == "housing"
    assert lexicon.correct("xq") == "xq"
    assert ("住房公积金",) in lexicon.chinese_words(["hous", "fund"])
    assert lexicon.chinese_words(["zzz"]) == []
    assert ("最低生活保障", "低收入") in lexicon.official_words("低保户")


def test_a_longer_synonym_hides_those_inside_it() -> None:
    lexicon = Lexicon(synonyms={"房": ("房屋",), "学区房": ("学区",)})
    assert lexicon.official_words("学区房") == [("学区",)]


def test_the_shipped_lexicon_has_no_duplicates_that_yaml_would_hide() -> None:
    keys = [
        line.strip().split(":")[0]
        for line in SHIPPED.read_text("utf-8").splitlines()
        if line.startswith("  ") and ":" in line
    ]
    loaded = yaml.safe_load(SHIPPED.read_text("utf-8"))
    assert len(keys) == len(loaded["synonyms"]) + len(loaded["english"])


@pytest.mark.parametrize(
    "content", ["synonyms: [", "synonyms: {}", "synonyms: {}\nenglish: {}\nmore: {}", "synonyms: {a: 1}\nenglish: {}"]
)
def test_a_wrong_lexicon_stops_the_start(tmp_path, content: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "search_lexicon.yaml"
    path.write_text(content, "utf-8")
    with pytest.raises(ConfigurationError, match="search_lexicon"):
        load_lexicon(path)


def test_a_query_never_grows_without_bound() -> None:
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 3000)))
    assert len(plan_query(many, load_lexicon())) == CLAUSES_ALLOWED
    assert plan_query("", load_lexicon()) == []
    assert plan_query("!!! ???", load_lexicon()) == []
