"""What a control did to a field: the sentence that says why, and the field as it is afterwards."""

from anonymize.coordinate_pairs import is_located
from anonymize.recode import Recoded
from schemas.disclosure import Control, DisclosureControl, FieldEffect
from schemas.table_schema import SchemaField
from schemas.text import Text

TEXT_AFTER = frozenset({Control.MASK, Control.PSEUDONYM, Control.REDACT})
SAME_MEANING = frozenset({Control.KEEP, Control.ROUND, Control.COARSEN, Control.DATE_SHIFT, Control.TOP_BOTTOM_CODE})
WHAT_WAS_DONE: dict[Control, Text] = {
    Control.KEEP: Text(zh="保留原值", en="kept as it is"),
    Control.DROP: Text(zh="整列删除", en="the column was removed"),
    Control.MASK: Text(zh="部分遮盖", en="partly masked"),
    Control.REDACT: Text(zh="遮盖文中的个人信息", en="personal data inside the text was redacted"),
    Control.PSEUDONYM: Text(zh="以密钥化名替换", en="replaced by keyed pseudonyms"),
    Control.GENERALISE: Text(zh="泛化", en="generalised"),
    Control.ROUND: Text(zh="取整", en="rounded"),
    Control.TOP_BOTTOM_CODE: Text(zh="极端值合并到上下限", en="extremes were set to the limits"),
    Control.DATE_SHIFT: Text(zh="按主体平移日期", en="dates were shifted per subject"),
    Control.COARSEN: Text(zh="坐标归到网格中心", en="coordinates were moved to the centre of their grid cell"),
    Control.MICROAGGREGATE: Text(zh="以相近记录的均值替换", en="replaced by the mean of similar records"),
}

TO_DISTRICT = Text(zh="由坐标得出的区划代码", en="code of the district that the coordinates lie in")


def what_was_done(control: DisclosureControl) -> Text:
    """In a few words."""
    if control.control is Control.COARSEN and is_located(control):
        return TO_DISTRICT
    return WHAT_WAS_DONE[control.control]


def describe_effect(
    control: DisclosureControl, loss: float, *, cells: int = 0, recoded: Recoded | None = None
) -> FieldEffect:
    """The effect with its sentence. recoded: of a quasi-identifier, whose records left out are told with the reason."""
    done = what_was_done(control)
    parts_zh, parts_en = [done.zh], [done.en]
    suppressed = 0 if recoded is None else int((~recoded.kept).sum())
    if recoded is not None:
        published = recoded.published[control.field]
        own = control.control not in (Control.KEEP, Control.GENERALISE)  # rounded, coarsened, …: then as it is
        parts_zh, parts_en = ([done.zh], [done.en]) if own else ([published.zh], [f"published {published.en}"])
        if suppressed:
            parts_zh.append(f"另有 {suppressed} 条记录整条不发布（{recoded.left_out.zh}）")
            parts_en.append(f"{suppressed} whole records were left out ({recoded.left_out.en})")
    elif cells and control.control is Control.REDACT:
        parts_zh.append(f"涉及 {cells} 个单元格")
        parts_en.append(f"{cells} cells changed")
    return FieldEffect(
        field=control.field,
        control=control.control,
        loss=round(loss, 6),
        cells_suppressed=cells if control.control is Control.DROP else suppressed,
        why=Text(
            zh=f"{'；'.join(parts_zh)}。依据：{control.reason.zh}", en=f"{'; '.join(parts_en)}. By {control.reason.en}"
        ),
    )


def field_after(control: DisclosureControl, recoded: Recoded | None) -> SchemaField:
    """The field as it is published. Constraints stay only where the values do: others could tell what was hidden."""
    declared = control.declared or SchemaField(name=control.field, title=control.field, description="")
    level = recoded.levels.get(control.field, 0) if recoded is not None else 0
    if control.control is Control.KEEP or (control.control is Control.GENERALISE and level == 0):
        return declared
    textual = control.control in TEXT_AFTER or level != 0
    done = what_was_done(control)
    return declared.model_copy(
        update={
            "type": "string" if textual else declared.type,
            "meaning": declared.meaning if control.control in SAME_MEANING and level == 0 else None,
            "constraints": {},
            "description": Text(
                zh=f"{declared.description.zh}（{done.zh}）", en=f"{declared.description.en} ({done.en})".strip()
            ),
        }
    )
