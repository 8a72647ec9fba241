"""Names, addresses and organisations by rule."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize.intervals import Intervals
from anonymize.names import address, organisation, person, weighing
from anonymize.names.rules import name_spans
from anonymize.spans import find_spans


@pytest.mark.parametrize(
    "name", ["王伟", "李小明", "欧阳修", "司马相如", "张 三", "艾力·买买提", "阿不都热合曼·吐尔逊", "诸葛亮", "刘德华"]
)
def test_a_cell_is_a_name(name: str) -> None:
    assert person.is_bare_name(name)


ORDINARY = "高速 黄金 方案 周期 安全 马上 金额 江西 于是 张 公安局 申请人 杭州市 张** 张三李四王五 A"


@pytest.mark.parametrize("word", [*ORDINARY.split(), ""])
def test_a_cell_is_no_name(word: str) -> None:
    assert not person.is_bare_name(word)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("申请人：王小明，电话", ["王小明"]),
        ("经办人李华于三日内回复", ["李华"]),
        ("请张先生尽快联系欧阳女士", ["张", "欧阳"]),
        ("李某某先生反映", ["李某某"]),
        ("艾力·买买提来访", ["艾力·买买提"]),
        ("请向陈先生核实", ["陈"]),
        ("外交部长谢尔盖·拉夫罗夫说", ["谢尔盖·拉夫罗夫"]),
        ("居民于昨日来电", []),
        ("学生宿舍已检查", []),
        ("申请材料齐全，已受理", []),
        ("", []),
    ],
)
def test_names_in_texts(text: str, names: list[str]) -> None:
    assert [text[a:b] for a, b, score in person.person_spans(text) if score >= 0.7] == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("李国强反映夜间施工噪声", ["李国强"]),
        ("已电话联系王丽娟本人", ["王丽娟"]),
        ("诸葛明华表示满意", ["诸葛明华"]),
        ("总统克林顿表示", ["克林顿"]),
        ("材料齐全，予以受理", []),
        ("高新区文化广场路灯不亮", []),
        ("梁总和王老师已到场", []),
        ("张", []),
    ],
)
def test_names_by_weight(text: str, names: list[str]) -> None:
    assert [text[a:b] for a, b, _ in person.person_spans(text)] == names


# Pieces of names, addresses and labels, run together with anything.
ANY_TEXT = st.lists(
    st.one_of(
        st.text(max_size=6),
        st.text("张王欧阳诸葛伟国强丽斯克尔·先生申请人：法定代表人市区路3号-室A某的，", max_size=12),
        st.sampled_from(
            ["张国强", "法定代表人李明", "欧阳修远", "谢尔盖", "西湖区文三路12号3幢", "𠮷野家", "\x00", "王女士"]
        ),
    ),
    max_size=8,
).map("".join)


@settings(max_examples=200, deadline=None)
@given(st.lists(ANY_TEXT, max_size=5))
def test_texts_together_give_what_each_gives_alone(texts: list[str]) -> None:
    """Neither the prefilters nor the neighbours change what is found."""
    together = name_spans(texts)
    for at, text in enumerate(texts):
        spans, taken = [], Intervals()
        for entity, found in (
            ("LEGAL_REPRESENTATIVE", person.legal_representative_spans(text)),
            ("ADDRESS", address.address_spans(text)),
            ("PERSON", person.person_spans(text)),
        ):
            spans += [(a, b, entity, score) for a, b, score in found if taken.take(a, b)]
        assert together.get(at, []) == sorted(spans)


def test_weights_are_those_of_features_that_exist() -> None:
    """A renamed feature would silently weigh nothing."""
    text = "李国强、王伟说，向欧阳修远表示，克林顿（主席）在张家港；据刘某称：王小二反映"
    known = weighing._weights()
    features = {name for _, _, f in weighing.candidates(text) for name in f}
    assert len(features & set(known)) > 25


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("住北京市海淀区上地十街10号", ["北京市海淀区上地十街10号"]),
        ("地址：广东省深圳市南山区科技园社区3栋2单元501", ["广东省深圳市南山区科技园社区3栋2单元501"]),
        ("河南省周口市郸城县李楼村3组", ["河南省周口市郸城县李楼村3组"]),
        ("住在阳光花园3-2-501", ["阳光花园3-2-501"]),
        ("西湖区文三路 478 号 2 幢 401 室", ["西湖区文三路 478 号 2 幢 401 室"]),
        ("东四十条甲22号", ["东四十条甲22号"]),
        ("来电反映幸福小区3期停电", ["幸福小区3期"]),
        ("杭州市西湖区文三路 2023-05-01", []),
        ("杭州市西湖区", []),
        ("共3号文件", []),
        ("办理完毕", []),
    ],
)
def test_addresses_in_texts(text: str, found: list[str]) -> None:
    assert [text[a:b] for a, b, _ in address.address_spans(text)] == found


def test_whole_cells_are_addresses_streets_or_neither() -> None:
    assert address.is_address("杭州市西湖区文三路478号")
    assert not address.is_address("杭州市西湖区文三路")
    assert address.is_street("杭州市西湖区文三路")
    assert not address.is_street("杭州市西湖区")


def test_a_place_is_extended_over_road_number_building_unit() -> None:
    text = "他住杭州市文三路478号2幢3单元401室旁"
    assert address.extend_place(text, 2, 5) == (2, text.index("旁"))
    assert address.extend_place("他在杭州上班", 2, 4) == (2, 4)


@pytest.mark.parametrize(
    "name", ["杭州市第一中学", "北京百度网讯科技有限公司", "西湖区市场监督管理局", "某某合作社（有限合伙）"]
)
def test_a_cell_is_an_organisation(name: str) -> None:
    assert organisation.is_organisation(name)


@pytest.mark.parametrize("word", ["张三", "局", "办理完毕", "杭州"])
def test_a_cell_is_no_organisation(word: str) -> None:
    assert not organisation.is_organisation(word)


def test_a_models_names_go_beside_the_rules_and_identifiers_go_first() -> None:
    text = "申请人王小明，邮箱wang@a.cn，住在杭州"

    def tag(texts: list[str]) -> list[list[tuple[int, int, str]]]:
        at = texts[0].index("wang")
        return [[(at, at + 4, "PERSON"), (len(text) - 2, len(text), "LOCATION")]]

    spans = find_spans([text], names=tag)[0]
    assert [(text[s.start : s.end], s.entity) for s in spans] == [
        ("王小明", "PERSON"),
        ("wang@a.cn", "EMAIL_ADDRESS"),
        ("杭州", "LOCATION"),
    ]


def test_legal_representatives_are_kept_in_texts_with_and_without_a_model() -> None:
    text = "该公司法定代表人王小明，经办人李华。"

    def tag(texts: list[str]) -> list[list[tuple[int, int, str]]]:
        return [[(text.index("王"), text.index("王") + 3, "PERSON")] for _ in texts]

    for names in (None, tag):
        assert [text[s.start : s.end] for s in find_spans([text], names=names)[0]] == ["李华"]
        kinds = {text[s.start : s.end]: s.entity for s in find_spans([text], names=names, all_kinds=True)[0]}
        assert kinds == {"王小明": "LEGAL_REPRESENTATIVE", "李华": "PERSON"}


HOSTILE = (
    "新区路",
    "街道",
    "省市区",
    "村组",
    "杭州市西湖区文三路",
    "1-",
    "a.",
    "0:",
    "138 ",
    "申请人张",
    "张建国，",
    "汉·",
    "+1 ",
    "DE12 ",
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_texts_are_read_in_linear_time(piece: str) -> None:
    """An expression that backtracks would run into the time limit of the tests."""
    text = piece * (60_000 // len(piece))
    spans = find_spans([text]).get(0, [])
    assert all(0 <= s.start < s.end <= len(text) for s in spans)
