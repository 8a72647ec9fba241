"""How a column is published at a level of its hierarchy, in words: the rest of "the age is published …"."""

import numpy as np

from anonymize.hierarchies import GeneralisedColumn
from schemas.hierarchy import DateUnit, Level
from schemas.text import Text

AS_IT_IS = Text(zh="保持原值", en="unchanged")
AS_ONE = Text(zh="合为一类（*）", en="as one value (*)")
BY_DATE = {
    DateUnit.DAY: Text(zh="只到日", en="by day"),
    DateUnit.MONTH: Text(zh="只到月", en="by month"),
    DateUnit.QUARTER: Text(zh="只到季度", en="by quarter"),
    DateUnit.HALF_YEAR: Text(zh="只到半年", en="by half-year"),
    DateUnit.YEAR: Text(zh="只到年", en="by year"),
    DateUnit.FIVE_YEARS: Text(zh="每五年一段", en="in spans of five years"),
    DateUnit.TEN_YEARS: Text(zh="每十年一段", en="in spans of ten years"),
}


def published_by_group(column: GeneralisedColumn, levels: np.ndarray) -> Text:
    """Words where each record is published at the level of its group: the finest of `levels` and the coarsest."""
    if not len(levels):
        return AS_ONE
    finest, coarsest = (published_as(column, int(level)) for level in (levels.min(), levels.max()))
    if finest == coarsest:
        return finest
    return Text(
        zh=f"按组从“{finest.zh}”到“{coarsest.zh}”",
        en=f"group by group, from “{finest.en}” to “{coarsest.en}”",
    )


def published_as(column: GeneralisedColumn, level: int) -> Text:
    """Words for `level` of `column`."""
    if level == 0:
        return AS_IT_IS
    if level > len(column.steps):
        return AS_ONE
    step = column.steps[level - 1]
    return step.title or _words(step, len(np.unique(column.level_codes[level])))


def _words(step: Level, labels: int) -> Text:
    """labels: different ones at this level in the table, a missing value among them."""
    if step.band is not None:
        width = f"{step.band:g}"
        if step.top is None:
            return Text(zh=f"每 {width} 一段", en=f"in bands of {width}")
        top = f"{step.top:g}"
        return Text(zh=f"每 {width} 一段，{top} 及以上合并", en=f"in bands of {width}, {top} and over as one")
    if step.edges is not None:
        return Text(zh=f"分为 {labels} 段", en=f"in {labels} bands")
    if step.date is not None:
        return BY_DATE[step.date]
    if step.prefix is not None:
        return Text(zh=f"只留前 {step.prefix} 位", en=f"by its first {step.prefix} characters")
    if step.lookup is not None:
        return Text(zh=f"归并为 {labels} 类", en=f"in {labels} groups")
    return Text(zh="只留开头部分", en="by the beginning of the text")
