"""Chinese personal names by surname and dictionary.

Dictionary: jieba's, which knows ordinary words that begin with a surname (高速, 黄金) and tags what it takes for names.
"""

import re
from collections.abc import Iterator

import rjieba

from anonymize.intervals import Intervals
from anonymize.names.characters import Promising, transliterates
from anonymize.names.weighing import NAME_TAGS, promises, weighed_names
from anonymize.names.words import COMPOUND, NOT_NAMES, words
from anonymize.names.words import SINGLE as SINGLE_SURNAMES

SINGLE = "".join(sorted(SINGLE_SURNAMES))

HAN = r"[\u4e00-\u9fff]"
_FULL = rf"(?:(?:{'|'.join(COMPOUND)}){HAN}{{1,2}}|[{SINGLE}]{HAN}{{1,2}})"
BARE = re.compile(rf"(?:{_FULL}|[{SINGLE}] {HAN}{{1,2}})")
# Names of other peoples, written with a middle dot; no function words inside.
_PART = "(?:(?![的在是和与及了于对向为至到从由等我他她])[\u4e00-\u9fff])"
DOTTED = re.compile(rf"{_PART}{{1,8}}(?:[·•・]{_PART}{{1,8}}){{1,3}}")
_DOT = re.compile("[·•・]")
_PREPOSITIONS = frozenset("向由从和于")
_FUNCTION = frozenset("的在是和与及了不也都就要他她我们这那此")  # no given name holds them
BARE_PREFILTER = r"^(?:\p{Han}{2,4}|\p{Han} \p{Han}{1,2}|\p{Han}+(?:[·•・]\p{Han}+)+)$"
LATIN_FORM = r"^[A-Z][a-z]+(?:[ -](?:[A-Z][a-z]+|[A-Z]\.)){1,3}$"
# A label, then the name: 申请人：张三
_LABELS = "|".join(words("name_labels.txt"))
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
# (Rust) One of them is in every text with such names.
LEGAL_PREFILTER = "法定代表人|法人代表|法人"
PREFILTERS = (
    rf"(?:{_LABELS})(?:姓名)?[:： 为是]{{0,2}}(?:[{SINGLE}]|{'|'.join(COMPOUND)}){HAN}".replace(
        r"\u4e00-\u9fff", "一-\u9fff"
    ),
    "先生|女士|小姐|同志|同学",
    "[·•・]",
)
LABELLED_SCORE, TITLED_SCORE, DOTTED_SCORE, WEIGHED_SCORE = 0.85, 0.7, 0.7, 0.6


def is_bare_name(cell: str) -> bool:
    """Whether a whole cell looks like a person's name: by surname and no ordinary word, or by a middle dot."""
    if DOTTED.fullmatch(cell):
        return True
    return BARE.fullmatch(cell) is not None and not _is_ordinary(cell.replace(" ", ""))


def legal_representative_spans(text: str) -> list[tuple[int, int, float]]:
    """(start, end, score) of names after the label of a legal representative."""
    found = [m for m in LEGAL_REPRESENTATIVE.finditer(text) if not _is_ordinary(m.group("name"))]
    return [(*m.span("name"), LABELLED_SCORE) for m in found]


def person_spans(text: str, promise: Promising | None = None, *, told: bool = True) -> list[tuple[int, int, float]]:
    """(start, end, score) of names in a text, not overlapping: after labels, before titles, by weight.

    promise: places of the text that `weighing.promising_texts` found; looked for where not given. told: whether one of
    PREFILTERS is in the text.
    """
    spans: list[tuple[int, int, float]] = []
    taken = Intervals()

    def add(start: int, end: int, score: float) -> None:
        if taken.take(start, end):
            spans.append((start, end, score))

    for start, end, score in _told(text) if told else ():
        add(start, end, score)
    for _, start, end in weighed_names(text, promise):
        add(start, end, WEIGHED_SCORE)
    return sorted(spans)


def _told(text: str) -> Iterator[tuple[int, int, float]]:
    """Names after labels, before titles, with middle dots; they may overlap."""
    for match in LABELLED.finditer(text):
        sign = match.start("name") > match.start() and text[match.start("name") - 1] in ":："
        if not _is_ordinary(match.group("name")) and (sign or promises(text, match.start("name"))):
            yield (*match.span("name"), LABELLED_SCORE)
    for match in TITLED.finditer(text):
        if not _is_ordinary(match.group("name")):
            yield match.start("name") + _leads(match.group("name")), match.end("name"), TITLED_SCORE
    for match in DOTTED.finditer(text):
        yield (*_without_words(text, *match.span()), DOTTED_SCORE)


def _leads(name: str) -> int:
    """1 where a preposition stands before a surname: 向陈先生."""
    return int(len(name) > 1 and name[0] in _PREPOSITIONS and name[1] in SINGLE)


def _without_words(text: str, start: int, end: int) -> tuple[int, int]:
    """A name with middle dots, without the words that ran into it: 主教练菲尔·布朗说."""
    name = text[start:end]
    dots = [m.start() for m in _DOT.finditer(name)]
    before, after = dots[0], dots[-1] + 1
    head, tail = rjieba.tag(name[:before]), rjieba.tag(name[after:])
    kept = 0
    for place, (word, tag) in enumerate(reversed(head)):
        if place and _runs_in(word, tag):
            break
        kept += len(word)
    follows = 0
    for place, (word, tag) in enumerate(tail):
        if place and _runs_in(word, tag):
            break
        follows += len(word)
    return start + before - kept, start + after + follows


def _runs_in(word: str, tag: str) -> bool:
    """Whether an ordinary word, not a piece of a transliterated name."""
    return tag not in NAME_TAGS and rjieba.has_word(word) and not transliterates(word)


def _is_ordinary(word: str) -> bool:
    """Whether a word with a surname's beginning is none: listed, known with another tag, or with a function word."""
    if word in NOT_NAMES or _FUNCTION.intersection(word[1:]):
        return True
    known = len(word) > 1 and word not in COMPOUND and rjieba.has_word(word)
    return known and rjieba.tag(word)[0][1] != "nr"
