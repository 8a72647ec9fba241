"""One role per field: what the schema declares and what detection found are merged; a conflict stops.

The declared role stands, unless detection calls for a stricter one. `ANSWERS` says which declared roles answer a role
that detection calls for. Never binding: findings below CONFIDENT, and roles proposed by measured uniqueness alone.
"""

from collections.abc import Iterable

from anonymize.detect import PROPOSALS
from anonymize.recognizers.specification import CONFIDENT
from schemas.errors import Refused
from schemas.findings import Finding, Findings
from schemas.table_schema import FieldRole, Meaning, SchemaField, TableSchema
from schemas.text import Text

_D, _F = FieldRole.DIRECT_IDENTIFIER, FieldRole.FREE_TEXT
_Q, _S, _N = FieldRole.QUASI_IDENTIFIER, FieldRole.SENSITIVE, FieldRole.NON_SENSITIVE

# Role that detection calls for → declared roles that are as strict.
ANSWERS: dict[FieldRole, frozenset[FieldRole]] = {
    _D: frozenset({_D}),
    _F: frozenset({_F, _D}),
    _Q: frozenset({_Q, _D}),
    _S: frozenset({_S, _Q, _F, _D}),
    _N: frozenset(FieldRole),
}
# Which of several called-for roles is named in a refusal: the strictest.
STRICTEST_FIRST = (_D, _F, _Q, _S, _N)

# Declared meanings that explain a finding: the law makes these public, though they look like a person's data.
EXPLAINED: dict[Meaning, frozenset[str]] = {
    Meaning.LEGAL_REPRESENTATIVE: frozenset({"PERSON"}),
    Meaning.ORGANISATION_NAME: frozenset({"PERSON", "ORGANIZATION", "ADDRESS"}),
    Meaning.USCC: frozenset({"CN_USCC", "CN_ORGANISATION_CODE"}),
    Meaning.ORGANISATION_CODE: frozenset({"CN_USCC", "CN_ORGANISATION_CODE"}),
}

# Names of kinds as a steward reads them; others appear under their entity's name.
KINDS: dict[str, Text] = {
    "CN_RESIDENT_ID": Text(zh="公民身份号码", en="resident identity numbers"),
    "CN_MOBILE": Text(zh="手机号码", en="mobile numbers"),
    "CN_LANDLINE": Text(zh="固定电话号码", en="landline numbers"),
    "PHONE_NUMBER": Text(zh="电话号码", en="telephone numbers"),
    "CN_PASSPORT": Text(zh="护照号码", en="passport numbers"),
    "CN_TRAVEL_PERMIT": Text(zh="通行证号码", en="travel permit numbers"),
    "CN_MILITARY_ID": Text(zh="军官证号码", en="military ID numbers"),
    "CN_SOCIAL_SECURITY_NUMBER": Text(zh="社会保障号码", en="social-security numbers"),
    "CN_PROVIDENT_FUND_NUMBER": Text(zh="公积金账号", en="provident fund accounts"),
    "BANK_CARD": Text(zh="银行卡号", en="bank card numbers"),
    "IBAN_CODE": Text(zh="国际银行账号", en="international bank account numbers"),
    "US_SSN": Text(zh="美国社会安全号码", en="US social security numbers"),
    "EMAIL_ADDRESS": Text(zh="电子邮箱", en="e-mail addresses"),
    "CN_PLATE": Text(zh="机动车号牌", en="vehicle plates"),
    "IP_ADDRESS": Text(zh="IP 地址", en="IP addresses"),
    "MAC_ADDRESS": Text(zh="MAC 地址", en="MAC addresses"),
    "WECHAT": Text(zh="微信号", en="WeChat accounts"),
    "QQ": Text(zh="QQ 号", en="QQ numbers"),
    "PERSON": Text(zh="人名", en="names of persons"),
    "ADDRESS": Text(zh="详细地址", en="addresses"),
    "COORDINATES": Text(zh="坐标", en="coordinates"),
    "DATE_OF_BIRTH": Text(zh="出生日期", en="dates of birth"),
    "AGE": Text(zh="年龄", en="ages"),
    "GENDER": Text(zh="性别", en="genders"),
    "POSTCODE": Text(zh="邮政编码", en="post codes"),
    "DIVISION_CODE": Text(zh="行政区划代码", en="division codes"),
    "OCCUPATION": Text(zh="职业", en="occupations"),
}
ROLES: dict[FieldRole, Text] = {
    _D: Text(zh="直接标识符", en="direct identifier"),
    _F: Text(zh="自由文本", en="free text"),
    _Q: Text(zh="准标识符", en="quasi-identifier"),
    _S: Text(zh="敏感字段", en="sensitive"),
    _N: Text(zh="非敏感字段", en="non-sensitive"),
}


def classify_fields(schema: TableSchema, findings: Findings) -> dict[str, FieldRole]:
    """The role of every field of the schema, in its order.

    Raises Refused `unclassified-field` naming every field without a declared role and what detection proposes for
    it, or `classification-conflict` naming every field whose declared role is weaker than what its cells call for.
    """
    known = {f.name for f in schema.fields}
    unlisted = [p.field for p in findings.profiles if p.field not in known]
    undecided = [f for f in schema.fields if f.role is None]
    if undecided or unlisted:
        raise _unclassified(undecided, unlisted, findings)
    conflicts = [(f, finding) for f in schema.fields if (finding := conflict(f, findings.of(f.name)))]
    if conflicts:
        raise _conflicting(conflicts)
    return {f.name: f.role for f in schema.fields if f.role is not None}


def conflict(field: SchemaField, findings: Iterable[Finding]) -> Finding | None:
    """The finding that calls for the strictest role which the declared one does not answer."""
    return next(
        (
            finding
            for finding in _strictest_first(binding(field, findings))
            if field.role not in ANSWERS[finding.proposed_role]
        ),
        None,
    )


def binding(field: SchemaField, findings: Iterable[Finding]) -> list[Finding]:
    """Findings that a declaration must answer."""
    explained = EXPLAINED.get(field.meaning, frozenset()) if field.meaning else frozenset()
    return [f for f in findings if f.score >= CONFIDENT and f.entity not in PROPOSALS and f.entity not in explained]


def proposed_role(field: str, findings: Findings) -> FieldRole:
    """What detection proposes for a field that declares nothing; `non-sensitive` where nothing was seen."""
    seen = findings.of(field)
    chosen = [f for f in seen if f.entity not in PROPOSALS and (f.score >= CONFIDENT or f.entity == "FREE_TEXT")]
    chosen = chosen or [f for f in seen if f.entity in PROPOSALS]
    return _strictest_first(chosen)[0].proposed_role if chosen else _N


def _strictest_first(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda f: (STRICTEST_FIRST.index(f.proposed_role), -f.score * f.share))


def _unclassified(undecided: list[SchemaField], unlisted: list[str], findings: Findings) -> Refused:
    names = [f.name for f in undecided] + unlisted
    zh = "；".join(f"“{n}”建议为{ROLES[proposed_role(n, findings)].zh}" for n in names)
    en = "; ".join(f"“{n}” seems to be {ROLES[proposed_role(n, findings)].en}" for n in names)
    return Refused(
        "unclassified-field",
        Text(
            zh=f"以下字段没有确定字段角色：{'、'.join(names)}",
            en=f"these fields have no disclosure role: {', '.join(names)}",
        ),
        Text(
            zh=f"请在表结构中为每个字段声明 role。检测结果：{zh}",
            en=f"declare `role` for each field in the table schema. Detection: {en}",
        ),
        field=", ".join(names),
    )


def _conflicting(conflicts: list[tuple[SchemaField, Finding]]) -> Refused:
    zh = "；".join(_conflict_zh(field, finding) for field, finding in conflicts)
    en = "; ".join(_conflict_en(field, finding) for field, finding in conflicts)
    remedy_zh = "；".join(f"“{field.name}”改为 {finding.proposed_role}" for field, finding in conflicts)
    remedy_en = "; ".join(f"set `role: {finding.proposed_role}` for “{field.name}”" for field, finding in conflicts)
    return Refused(
        "classification-conflict",
        Text(zh=f"声明的角色弱于检测结果：{zh}", en=f"declared roles are weaker than what was detected: {en}"),
        Text(
            zh=f"请修改表结构：{remedy_zh}；或从数据中删去这些内容。"
            "依法公开的法定代表人请声明 meaning: legal-representative",
            en=f"change the table schema: {remedy_en}; or remove the content from the data. For legal representatives,"
            " who are public by law, declare `meaning: legal-representative`",
        ),
        field=", ".join(field.name for field, _ in conflicts),
    )


def _conflict_zh(field: SchemaField, finding: Finding) -> str:
    declared, kind = ROLES[_declared(field)].zh, KINDS.get(finding.entity, Text.model_validate(finding.entity)).zh
    return f"“{field.name}”声明为{declared}，但 {finding.share:.1%} 的单元格含有{kind}（{finding.cells} 个）"


def _conflict_en(field: SchemaField, finding: Finding) -> str:
    declared, kind = ROLES[_declared(field)].en, KINDS.get(finding.entity, Text.model_validate(finding.entity)).en
    return f"“{field.name}” is declared {declared}, but {finding.share:.1%} of its cells ({finding.cells}) hold {kind}"


def _declared(field: SchemaField) -> FieldRole:
    return field.role or _N
