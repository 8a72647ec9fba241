"""Chinese personal names by surname and dictionary.

Dictionary: jieba's, which knows ordinary words that begin with a surname (高速, 黄金) and tags what it takes for names.
"""

import re
from pathlib import Path

import rjieba

from anonymize.intervals import Intervals


def _words(file: str) -> list[str]:
    lines = (Path(__file__).parent / file).read_text("utf-8").splitlines()
    return [word for line in lines if not line.startswith("#") for word in line.split()]


_SURNAMES = _words("surnames.txt")
COMPOUND = tuple(s for s in _SURNAMES if len(s) == 2)
SINGLE = "".join(s for s in _SURNAMES if len(s) > 2)
NOT_NAMES = frozenset(_words("not_names.txt"))

HAN = r"[\u4e00-\u9fff]"
_FULL = rf"(?:(?:{'|'.join(COMPOUND)}){HAN}{{1,2}}|[{SINGLE}]{HAN}{{1,2}})"
BARE = re.compile(rf"(?:{_FULL}|[{SINGLE}] {HAN}{{1,2}})")
# Names of other peoples, written with a middle dot; no function words inside.
_PART = "(?:(?![的在是和与及了于对向为至到从由等我他她])[\u4e00-\u9fff])"
DOTTED = re.compile(rf"{_PART}{{1,8}}(?:[·•・]{_PART}{{1,8}}){{1,3}}")
_FUNCTION = frozenset("的在是和与及了不也都就要他她我们这那此")  # no given name holds them
# Tags of jieba: a surname before a word of these, or a name before a single character of these, is one name.
_NAMES = ("nr", "nrfg")
_JOINED_TO_SURNAME = ("n", "v", "a", "b", "t", "ns", "nz", "nr", "nrfg", "vn", "an", "j", "l", "i")
_JOINED_TO_NAME = ("n", "nr", "nz", "g", "ng", "a", "j")
_PLACES = ("省", "市", "区", "县", "乡", "镇", "村", "路", "街", "港", "庄", "性", "率", "费", "人", "籍")
BARE_PREFILTER = r"^(?:\p{Han}{2,4}|\p{Han} \p{Han}{1,2}|\p{Han}+(?:[·•・]\p{Han}+)+)$"
LATIN_FORM = r"^[A-Z][a-z]+(?:[ -](?:[A-Z][a-z]+|[A-Z]\.)){1,3}$"
# A label, then the name: 申请人：张三
_LABELS = "|".join(_words("name_labels.txt"))
_AFTER = "联系|电话|手机|身份|住|因|在|于|到|来|的|反映|投诉|申请|办理|同志|先生|女士|等"
LABELLED = re.compile(rf"(?:{_LABELS})(?:姓名)?[:： 为是]{{0,2}}(?P<name>{_FULL})(?=$|[^\u4e00-\u9fff]|{_AFTER})")
# Public by law, so told apart.
LEGAL_REPRESENTATIVE = re.compile(
    rf"(?:法定代表人|法人代表|法人)(?:姓名)?[:： 为是]{{0,2}}(?P<name>{_FULL})(?=$|[^\u4e00-\u9fff]|{_AFTER})"
)
# A name, then how one is addressed: 张三先生, 李某某女士
TITLED = re.compile(
    rf"(?P<name>(?:{'|'.join(COMPOUND)}){HAN}{{0,2}}|[{SINGLE}](?:某{{1,2}}|{HAN}{{1,2}})?)(?=先生|女士|小姐|同志|同学)"
)
LABELLED_SCORE, TITLED_SCORE, DOTTED_SCORE, TAGGED_SCORE = 0.85, 0.7, 0.7, 0.6


def is_bare_name(cell: str) -> bool:
    """Whether a whole cell looks like a person's name: by surname and no ordinary word, or by a middle dot."""
    if DOTTED.fullmatch(cell):
        return True
    return BARE.fullmatch(cell) is not None and not _is_ordinary(cell.replace(" ", ""))


def legal_representative_spans(text: str) -> list[tuple[int, int, float]]:
    """(start, end, score) of names after the label of a legal representative."""
    found = [m for m in LEGAL_REPRESENTATIVE.finditer(text) if not _is_ordinary(m.group("name"))]
    return [(*m.span("name"), LABELLED_SCORE) for m in found]


def person_spans(text: str) -> list[tuple[int, int, float]]:
    """(start, end, score) of names in a text, not overlapping: after labels, before titles, by dictionary."""
    spans: list[tuple[int, int, float]] = []
    taken = Intervals()

    def add(start: int, end: int, score: float) -> None:
        if taken.take(start, end):
            spans.append((start, end, score))

    for match in LABELLED.finditer(text):
        if not _is_ordinary(match.group("name")):
            add(*match.span("name"), LABELLED_SCORE)
    for match in TITLED.finditer(text):
        if not _is_ordinary(match.group("name")):
            add(*match.span("name"), TITLED_SCORE)
    for match in DOTTED.finditer(text):
        add(*match.span(), DOTTED_SCORE)
    for start, word in _tagged_names(text):
        if BARE.fullmatch(word) and not _is_ordinary(word) and not word.endswith(_PLACES):
            add(start, start + len(word), TAGGED_SCORE)
    return sorted(spans)


def _tagged_names(text: str) -> list[tuple[int, str]]:
    """(start, word) of what the dictionary tags as names; surnames are joined to the given name after them, which the
    dictionary may take for a word (赵 世居, 刘义 传)."""
    names: list[tuple[int, str]] = []
    at, before = 0, ""
    for word, tag in rjieba.tag(text):
        joins = _JOINED_TO_SURNAME if len(before) == 1 else _JOINED_TO_NAME
        room = 3 - len(before) if before else 0
        if before and len(word) <= room and tag in joins and not _is_ordinary(before + word):
            names[-1] = (names[-1][0], before + word)
            before = ""
        elif tag in _NAMES:
            names.append((at, word))
            before = word
        else:
            before = ""
        at += len(word)
    return names


def _is_ordinary(word: str) -> bool:
    """Whether a word with a surname's beginning is none: listed, known with another tag, or with a function word."""
    if word in NOT_NAMES or _FUNCTION.intersection(word[1:]):
        return True
    known = len(word) > 1 and word not in COMPOUND and rjieba.has_word(word)
    return known and rjieba.tag(word)[0][1] != "nr"
