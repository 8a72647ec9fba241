"""Who does something. Every write names its actor."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from schemas.text import Text


class Duty(StrEnum):
    """What a person is entrusted with (职责). A person may hold several, per organisation where it applies."""

    STEWARD = "steward"  # 数据专员: declares datasets and uploads for one organisation
    AGENCY_REVIEWER = "agency-reviewer"  # 单位审核 of the same organisation
    COMPLIANCE_REVIEWER = "compliance-reviewer"  # 合规审核
    SECRECY_REVIEWER = "secrecy-reviewer"  # 保密审查
    ACCESS_REVIEWER = "access-reviewer"  # 安全审查 of applications
    DECIDER = "decider"  # decides on applications
    RESEARCHER = "researcher"
    OPERATOR = "operator"
    AUDITOR = "auditor"

    @property
    def label(self) -> Text:
        """What pages and messages call it."""
        return _LABELS[self]


_LABELS = {
    Duty.STEWARD: Text(zh="数据专员", en="data steward"),
    Duty.AGENCY_REVIEWER: Text(zh="单位审核", en="agency reviewer"),
    Duty.COMPLIANCE_REVIEWER: Text(zh="合规审核", en="compliance reviewer"),
    Duty.SECRECY_REVIEWER: Text(zh="保密审查", en="secrecy reviewer"),
    Duty.ACCESS_REVIEWER: Text(zh="使用申请安全审查", en="access reviewer"),
    Duty.DECIDER: Text(zh="使用申请决定", en="decider"),
    Duty.RESEARCHER: Text(zh="研究人员", en="researcher"),
    Duty.OPERATOR: Text(zh="平台运维", en="operator"),
    Duty.AUDITOR: Text(zh="审计", en="auditor"),
}


class Actor(BaseModel):
    """A person or a part of the system at the moment of acting.

    id: account name, `system:<part>` or `anonymous`. organisation: of the account, where it has one.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    duties: frozenset[Duty] = frozenset()
    organisation: str | None = None

    @property
    def is_anonymous(self) -> bool:
        return self.id == "anonymous"


ANONYMOUS = Actor(id="anonymous")


def system_actor(part: str) -> Actor:
    """The actor under which a part of the system (`worker`, `demo`, …) writes."""
    return Actor(id=f"system:{part}", duties=frozenset({Duty.OPERATOR}))
