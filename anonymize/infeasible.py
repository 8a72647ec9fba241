"""What to tell when thresholds cannot be met: what is reachable, and which column stands in the way most."""

from collections.abc import Sequence

import numpy as np

from anonymize.hierarchies import GeneralisedColumn
from anonymize.kanonymity import Requirement, SensitiveColumn, reachable_k
from schemas.errors import Refused
from schemas.text import Text


def infeasible(
    columns: Sequence[GeneralisedColumn], requirement: Requirement, sensitive: Sequence[SensitiveColumn]
) -> Refused:
    """Refused `infeasible-thresholds`, naming the reachable k and the costliest column."""
    rows = len(columns[0].codes)
    reached = reachable_k(columns, requirement.suppression_limit)
    parts_zh = [
        f"在抑制上限 {requirement.suppression_limit:.0%} 内可达到的 k 为 {reached}（要求 {requirement.k}，"
        f"共 {rows} 行）"
    ]
    parts_en = [
        f"within the suppression limit of {requirement.suppression_limit:.0%} k = {reached} is reachable "
        f"(required: {requirement.k}; {rows} rows)"
    ]
    costliest = _costliest(columns, requirement.suppression_limit)
    if costliest is not None and (costliest[1] > reached or len(columns) == 1) and rows >= requirement.k:
        name, without = costliest
        parts_zh.append(f"代价最大的字段是 {name}，不发布它时 k 可达 {without}")
        parts_en.append(f"field {name} costs most: without it k = {without} is reachable")
    for column in sensitive:
        distinct = len(np.unique(column.codes))
        if column.least is not None and distinct < column.least:
            parts_zh.append(f"表中只有 {distinct} 人，达不到每组 {column.least} 人")
            parts_en.append(f"the table holds {distinct} persons only, {column.least} per class are out of reach")
        elif column.least is None and requirement.l is not None and distinct < requirement.l:
            parts_zh.append(f"敏感字段 {column.name} 只有 {distinct} 个取值，达不到 l={requirement.l}")
            parts_en.append(
                f"sensitive field {column.name} has {distinct} values only, l = {requirement.l} is out of reach"
            )
    return Refused(
        "infeasible-thresholds",
        Text(zh="达不到策略的阈值：" + "；".join(parts_zh), en="the thresholds cannot be met: " + "; ".join(parts_en)),
        Text(
            zh="请选择更小的 k（不低于策略）、删除代价最大的字段、为它选用更粗的泛化层次，或改用抑制上限更高的策略",
            en="choose a smaller k that the policy allows, drop the field that costs most, give it a coarser "
            "hierarchy, or use a policy that may suppress more",
        ),
        field=costliest[0] if costliest else columns[0].name,
    )


def _costliest(columns: Sequence[GeneralisedColumn], limit: float) -> tuple[str, int] | None:
    """The column without which the reachable k is largest; ties go to the one with most values."""
    if len(columns) < 2:
        return (columns[0].name, len(columns[0].codes)) if columns else None
    without = [reachable_k([c for c in columns if c is not column], limit) for column in columns]
    best = int(np.lexsort(([-c.distinct for c in columns], [-k for k in without]))[0])
    return columns[best].name, without[best]
