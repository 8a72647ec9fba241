"""What reviewers and stewards are told of a comparison with earlier releases. Names fields and levels, never values."""

from collections.abc import Mapping, Sequence

from schemas.errors import Refused
from schemas.text import Text

Across = Mapping[str, tuple[Text, Text]]  # field → how it is published now, how it was before


def withheld(records: int, across: Across, *, siblings: bool = False) -> Text:
    """Records that stand out by comparison. siblings: also with another tier's table of this release."""
    beside_zh, beside_en = ("或本版本的无条件开放表", ", or with the open table of this one,") if siblings else ("", "")
    levels_zh = f"（两次发布层级交错：{_listed_zh(across)}）" if across else ""
    levels_en = f" (their levels lie across each other: {_listed_en(across)})" if across else ""
    return Text(
        zh=f"与此前公布的版本{beside_zh}比对，另有 {records} 条记录会因两表并列而暴露，不予发布{levels_zh}",
        en=f"{'1 more record' if records == 1 else f'{records} more records'} would stand out by comparison with "
        f"earlier releases{beside_en} and {'was' if records == 1 else 'were'} withheld{levels_en}",
    )


def kept_coarse(levels: Mapping[str, Text], *, siblings: bool = False) -> Text:
    """The table was made again at coarser levels. siblings: also because of another tier's table of this release."""
    than_zh, than_en = ("此前版本", "此前发布"), ("no earlier release", "before")
    if siblings:
        than_zh = ("此前版本或本版本的无条件开放表", "这些表")
        than_en = ("neither an earlier release nor the open table of this one", "theirs")
    return Text(
        zh=f"为避免与{than_zh[0]}交叉定位，层级不细于{than_zh[1]}："
        + "；".join(f"{name} {how.zh}" for name, how in levels.items()),
        en=f"so that {than_en[0]} can be intersected with it, levels are no finer than {than_en[1]}: "
        + "; ".join(f"{name} {how.en}" for name, how in levels.items()),
    )


def unknown_words(fields: Sequence[str]) -> Text | None:
    """Fields that cannot be set beside their earlier words."""
    if not fields:
        return None
    return Text(
        zh=f"字段 {'、'.join(fields)} 在此前版本中的处理方式或泛化层次不同（或未记录），无法逐值比对："
        "请审核人并列查看两个版本，确认不会定位到个人",
        en=f"{', '.join(fields)} {'was' if len(fields) == 1 else 'were'} treated or "
        "generalised differently in an earlier release (or that is not on "
        "record): values cannot be compared; reviewers set both releases side by side and make sure that nobody "
        "can be found",
    )


def unknown_words_between_tiers(fields: Sequence[str]) -> Text | None:
    """Fields that two tiers of one release treat in ways that cannot be set beside each other."""
    if not fields:
        return None
    return Text(
        zh=f"字段 {'、'.join(fields)} 在本版本的无条件开放表中的处理方式不同，两表未按其取值比对："
        "请审核人并列查看两表，确认不会定位到个人",
        en=f"{', '.join(fields)} {'is' if len(fields) == 1 else 'are'} treated "
        "differently in the open table of this release: the two were not compared "
        "by their values; reviewers set both tables side by side and make sure that nobody can be found",
    )


def no_k(fields: Sequence[str]) -> Text:
    """Neither release has a k to hold."""
    return Text(
        zh=f"策略和此前版本均未规定 k，含准标识（{'、'.join(fields)}）的两个版本未能自动比对：请审核人并列查看",
        en=f"neither the policy nor the earlier release states a k: releases that hold {', '.join(fields)} were not "
        "compared; reviewers set both side by side",
    )


def earlier_without_k() -> Text:
    """An earlier release is itself below what is asked now."""
    return Text(
        zh="此前有版本未按 k 发布：两个版本都有的记录，暴露程度与该版本相同，请审核人确认",
        en="an earlier release had no k to hold: records in both are as exposed as they are there; reviewers confirm",
    )


def not_comparable(across: Across) -> Refused:
    """Two releases cannot be set side by side, or not without withholding record after record."""
    levels_zh = f"：{_listed_zh(across)}" if across else ""
    levels_en = f": {_listed_en(across)}" if across else ""
    return Refused(
        "releases-not-comparable",
        Text(
            zh=f"新版本与此前版本交叉后的分组过多，无法确认不会定位到个人{levels_zh}",
            en=f"together with an earlier release, this one makes too many groups to be sure that nobody is singled "
            f"out{levels_en}",
        ),
        Text(
            zh="请使各准标识的层级都不细于此前版本（策略中 generalise 的 lowest），或改用 full-domain 重编码后重新提交",
            en="publish no quasi-identifier finer than before (`lowest` of generalise in the policy), or use "
            "`recoding: full-domain`, and hand the file in again",
        ),
        field=next(iter(across), "policy"),
    )


def _listed_zh(across: Across) -> str:
    return "；".join(f"{name} 现在{now.zh}，此前{before.zh}" for name, (now, before) in across.items())


def _listed_en(across: Across) -> str:
    return "; ".join(f"{name} now {now.en}, before {before.en}" for name, (now, before) in across.items())
