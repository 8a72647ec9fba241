"""Words for the codes that pages show: what a duty, a tier, a status, a treatment is called in both languages."""

from functools import cache
from typing import Any

from pipelines.progress_words import STAGE_WORDS
from pipelines.validation.messages import templates
from schemas.actor import Duty
from schemas.text import Language, Text


def _t(zh: str, en: str) -> Text:
    return Text(zh=zh, en=en)


OPENNESS = {
    "open": _t("无条件开放", "Open"),
    "conditional": _t("有条件开放", "Conditional"),
    "closed": _t("不予开放", "Closed"),
}
TIER = {
    "open": _t("开放数据", "Open data"),
    "restricted": _t("受限数据", "Restricted data"),
    "statistical": _t("统计数据", "Statistical tables"),
}
ROLE = {
    "direct-identifier": _t("直接标识", "direct identifier"),
    "quasi-identifier": _t("准标识", "quasi-identifier"),
    "sensitive": _t("敏感", "sensitive"),
    "non-sensitive": _t("非敏感", "non-sensitive"),
    "free-text": _t("自由文本", "free text"),
}
CONTROL = {
    "keep": _t("保留", "kept"),
    "drop": _t("删除", "dropped"),
    "mask": _t("遮盖", "masked"),
    "redact": _t("遮盖文中的个人信息", "personal data redacted"),
    "pseudonym": _t("密钥化名", "pseudonym"),
    "generalise": _t("泛化", "generalised"),
    "round": _t("取整", "rounded"),
    "top-bottom-code": _t("首尾截断", "top and bottom coded"),
    "date-shift": _t("日期偏移", "dates shifted"),
    "coarsen": _t("降低精度", "coarsened"),
    "microaggregate": _t("微聚集", "microaggregated"),
}
OUTCOME = {"pass": _t("通过", "pass"), "review": _t("需人工确认", "needs a look"), "fail": _t("不通过", "fail")}
FREQUENCY = {
    "CONT": _t("实时更新", "updated continuously"),
    "HOURLY": _t("每小时更新", "updated hourly"),
    "DAILY": _t("每日更新", "updated daily"),
    "WEEKLY": _t("每周更新", "updated weekly"),
    "MONTHLY": _t("每月更新", "updated monthly"),
    "QUARTERLY": _t("每季度更新", "updated quarterly"),
    "ANNUAL": _t("每年更新", "updated yearly"),
    "IRREG": _t("不定期更新", "updated irregularly"),
    "NEVER": _t("不再更新", "no longer updated"),
}
TYPE = {
    "any": _t("任意", "any"),
    "string": _t("文本", "text"),
    "integer": _t("整数", "integer"),
    "number": _t("数值", "number"),
    "boolean": _t("是否", "yes or no"),
    "date": _t("日期", "date"),
    "datetime": _t("日期时间", "date and time"),
    "time": _t("时间", "time"),
    "year": _t("年份", "year"),
    "yearmonth": _t("年月", "year and month"),
    "duration": _t("时长", "duration"),
    "array": _t("数组", "array"),
    "list": _t("列表", "list"),
    "object": _t("对象", "object"),
    "geopoint": _t("坐标点", "point"),
    "geojson": _t("地理数据", "GeoJSON"),
}
DUTY = {str(duty): duty.label for duty in Duty}
SOURCE_STATUS = {
    "received": _t("已接收", "received"),
    "preparing": _t("处理中", "being prepared"),
    "refused": _t("未通过", "refused"),
    "prepared": _t("校验通过", "accepted"),
    "failed": _t("处理失败", "failed"),
}
STEP = {
    "agency": _t("单位审核", "Agency review"),
    "compliance": _t("合规审核", "Compliance review"),
    "secrecy": _t("保密审查", "Secrecy review"),
}
DECISION = {
    "approve": _t("通过", "approved"),
    "send-back": _t("退回", "sent back"),
    "reject": _t("否决", "rejected"),
}
REVIEW_STATUS = {
    "awaiting-agency": _t("待单位审核", "awaits the agency review"),
    "awaiting-compliance": _t("待合规审核", "awaits the compliance review"),
    "awaiting-secrecy": _t("待保密审查", "awaits the secrecy review"),
    "approved": _t("三审通过", "approved"),
    "sent-back": _t("已退回", "sent back"),
    "rejected": _t("已否决", "rejected"),
    "withdrawn": _t("已撤回", "withdrawn"),
}
CHANGE_STATUS = {
    "waiting": _t("待单位审核", "awaits a reviewer"),
    "approved": _t("已同意", "agreed"),
    "rejected": _t("未同意", "rejected"),
    "superseded": _t("已被取代或收回", "superseded or taken back"),
}
APPLICATION_STATUS = {
    "under-review": _t("安全审查中", "security review"),
    "awaiting-supplement": _t("待补正，期限暂停计算", "awaits a supplement; the clock pauses"),
    "awaiting-decision": _t("待决定", "awaits the decision"),
    "approved": _t("已批准", "approved"),
    "granted": _t("已授权", "granted"),
    "refused": _t("不予批准", "refused"),
    "withdrawn": _t("申请人已撤回", "withdrawn"),
    "lapsed": _t("逾期未补正，视为放弃", "lapsed"),
    "expired": _t("授权已到期", "expired"),
    "revoked": _t("授权已终止", "revoked"),
}
EVENT = {
    "application-submitted": _t("提交申请", "submitted"),
    "supplement-requested": _t("要求补正", "supplement asked for"),
    "supplement-answered": _t("提交补正材料", "supplement given"),
    "opinion-given": _t("出具安全审查意见", "security review given"),
    "deadline-extended": _t("延长期限", "date extended"),
    "application-approved": _t("批准申请", "approved"),
    "application-refused": _t("不予批准", "refused"),
    "application-withdrawn": _t("撤回申请", "withdrawn"),
    "application-lapsed": _t("逾期未补正", "lapsed"),
    "grant-issued": _t("签发授权", "grant issued"),
    "token-reissued": _t("签发令牌", "token issued"),
    "grant-expired": _t("授权到期", "grant expired"),
    "grant-revoked": _t("终止授权", "grant ended"),
    "use-reported": _t("报告使用情况", "use reported"),
}
LOG_KIND = {
    "publication": _t("发布", "publication"),
    "withdrawal": _t("撤回发布", "withdrawal"),
    "reinstatement": _t("申请恢复发布", "reinstatement"),
    "declaration": _t("声明变更", "change of a declaration"),
    "review-decision": _t("发布审核", "release review"),
    "access-decision": _t("使用申请", "application"),
}
ERROR_TYPE = {
    "type-error": _t("类型不符", "wrong type"),
    "constraint-error": _t("不符合约束", "constraint not met"),
    "unique-error": _t("重复值", "not unique"),
    "primary-key": _t("主键重复或为空", "primary key"),
    "foreign-key": _t("引用的值不存在", "reference not found"),
    "meaning-error": _t("不符合字段含义", "not what the field means"),
    "rule-error": _t("不符合规则", "rule not met"),
    "missing-label": _t("缺少列", "column missing"),
    "extra-label": _t("多余的列", "column not in the schema"),
    "incorrect-label": _t("列名不符", "wrong column name"),
    "duplicate-label": _t("列名重复", "column name twice"),
    "blank-label": _t("列名为空", "column without name"),
    "blank-row": _t("空行", "empty row"),
    "extra-cell": _t("单元格过多", "too many cells"),
    "missing-cell": _t("单元格过少", "too few cells"),
}
CONSTRAINT = {
    "required": _t("必填", "required"),
    "unique": _t("不重复", "unique"),
    "minLength": _t("最短 {limit} 字", "at least {limit} characters"),
    "maxLength": _t("最长 {limit} 字", "at most {limit} characters"),
    "minimum": _t("不小于 {limit}", "at least {limit}"),
    "maximum": _t("不大于 {limit}", "at most {limit}"),
    "exclusiveMinimum": _t("大于 {limit}", "more than {limit}"),
    "exclusiveMaximum": _t("小于 {limit}", "less than {limit}"),
    "pattern": _t("格式 {limit}", "pattern {limit}"),
    "enum": _t("取值：{limit}", "one of: {limit}"),
}
DECLARATION = {  # by the names of a dataset's declaration
    "name": _t("标识", "Name"),
    "title": _t("名称", "Title"),
    "notes": _t("内容说明", "Description"),
    "publisher": _t("发布单位", "Publisher"),
    "openness": _t("开放属性", "Openness"),
    "schema": _t("表结构", "Table schema"),
    "policy": _t("脱敏策略", "Disclosure policy"),
    "tiers": _t("发布的层级", "Published tiers"),
    "statistics": _t("统计表的定义", "Definition of the statistical table"),
    "source": _t("源文件", "Source file"),
    "licence": _t("许可协议", "Licence"),
    "themes": _t("主题分类", "Themes"),
    "tags": _t("标签", "Tags"),
    "update_frequency": _t("更新频率", "Update frequency"),
    "legal_basis": _t("法律依据", "Legal basis"),
    "negative_list_item": _t("负面清单事项", "Item of the negative list"),
    "access_conditions": _t("申请条件", "Conditions of access"),
    "contact": _t("联系方式", "Contact"),
    "spatial": _t("空间范围", "Area covered"),
}
WORDS: dict[str, dict[str, Text]] = {
    "openness": OPENNESS,
    "tier": TIER,
    "role": ROLE,
    "control": CONTROL,
    "outcome": OUTCOME,
    "frequency": FREQUENCY,
    "type": TYPE,
    "duty": DUTY,
    "source-status": SOURCE_STATUS,
    "stage": STAGE_WORDS,
    "step": STEP,
    "decision": DECISION | EVENT,
    "review-status": REVIEW_STATUS,
    "change-status": CHANGE_STATUS,
    "declaration": DECLARATION,
    "application-status": APPLICATION_STATUS,
    "event": EVENT,
    "log-kind": LOG_KIND,
    "error-type": ERROR_TYPE,
}
TONES = {
    **dict.fromkeys(("open", "pass", "approved", "granted", "prepared"), "good"),
    **dict.fromkeys(("fail", "refused", "failed", "rejected", "revoked", "lapsed"), "bad"),
    **dict.fromkeys(("closed", "withdrawn", "expired", "superseded"), "quiet"),
}


def word(code: Any, kind: str, language: Language) -> str:
    """The word for a code of one kind; a code without a word stands for itself, none at all is a dash."""
    if code is None:
        return "—"
    found = WORDS[kind].get(str(code))
    return found.to(language) if found else str(code)


def meaning(code: Any, language: Language) -> str:
    """What a field's values are, as the validation report calls it."""
    return "—" if code is None else _meanings(language).get(str(code), str(code))


@cache
def _meanings(language: Language) -> dict[str, str]:
    return {code: texts[language] for code, texts in templates()["meanings"].items()}


def constraint(name: str, limit: Any, language: Language) -> str:
    """One constraint of a field, in words; empty for one that asks nothing (`required: false`)."""
    if limit is False:
        return ""
    listed = limit if isinstance(limit, (list, tuple)) else [limit]
    shown = ("、" if language == "zh" else ", ").join(map(str, listed))
    known = CONSTRAINT.get(name)
    return known.to(language).format(limit=shown) if known else f"{name}: {shown}"


def tone(code: Any) -> str:
    """Colour of a status: good, bad, quiet, or warn for what still waits."""
    return TONES.get(str(code), "warn")
