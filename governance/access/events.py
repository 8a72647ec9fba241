"""What happened to one application. Events are stored as they are and never edited."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from governance.access.transitions import Action
from governance.clocks import Clock, Deadline
from schemas.dataset import Tier


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    actor: str
    at: AwareDatetime


class ApplicationSubmitted(_Event):
    """deadline: the date promised to the applicant, and how it was computed."""

    action: ClassVar = Action.SUBMIT
    kind: Literal["application-submitted"] = "application-submitted"
    dataset: str
    tier: Tier
    organisation: str | None
    purpose: str
    project: str
    statement: str
    period_from: date
    period_until: date
    terms_version: str
    clock: Clock
    deadline: Deadline


class SupplementRequested(_Event):
    """answer_by: the applicant's last day."""

    action: ClassVar = Action.REQUEST_SUPPLEMENT
    kind: Literal["supplement-requested"] = "supplement-requested"
    wanted: str
    answer_by: date
    clock: Clock
    deadline: Deadline


class SupplementAnswered(_Event):
    action: ClassVar = Action.ANSWER_SUPPLEMENT
    kind: Literal["supplement-answered"] = "supplement-answered"
    answer: str
    clock: Clock
    deadline: Deadline


class OpinionGiven(_Event):
    """The security review's opinion (安全审查意见)."""

    action: ClassVar = Action.GIVE_OPINION
    kind: Literal["opinion-given"] = "opinion-given"
    favourable: bool
    opinion: str


class DeadlineExtended(_Event):
    """consented_by: who of the office in charge consented (art. 33)."""

    action: ClassVar = Action.EXTEND
    kind: Literal["deadline-extended"] = "deadline-extended"
    days: int
    reason: str
    consented_by: str
    clock: Clock
    deadline: Deadline


class ApplicationApproved(_Event):
    action: ClassVar = Action.APPROVE
    kind: Literal["application-approved"] = "application-approved"
    conditions: str


class ApplicationRefused(_Event):
    """remedies: where the applicant can turn (复议, 诉讼)."""

    action: ClassVar = Action.REFUSE
    kind: Literal["application-refused"] = "application-refused"
    reason: str
    remedies: str


class ApplicationWithdrawn(_Event):
    action: ClassVar = Action.WITHDRAW
    kind: Literal["application-withdrawn"] = "application-withdrawn"
    reason: str


class ApplicationLapsed(_Event):
    action: ClassVar = Action.LAPSE
    kind: Literal["application-lapsed"] = "application-lapsed"


class GrantIssued(_Event):
    """valid_until: exclusive."""

    action: ClassVar = Action.ISSUE_GRANT
    kind: Literal["grant-issued"] = "grant-issued"
    grant_id: str
    valid_from: AwareDatetime
    valid_until: AwareDatetime


class TokenReissued(_Event):
    """The old token stopped at this moment."""

    action: ClassVar = Action.REISSUE_TOKEN
    kind: Literal["token-reissued"] = "token-reissued"


class GrantExpired(_Event):
    action: ClassVar = Action.EXPIRE
    kind: Literal["grant-expired"] = "grant-expired"


class GrantRevoked(_Event):
    action: ClassVar = Action.REVOKE
    kind: Literal["grant-revoked"] = "grant-revoked"
    reason: str


class UseReported(_Event):
    """What came of it: results, publications, destruction of copies."""

    action: ClassVar = Action.REPORT
    kind: Literal["use-reported"] = "use-reported"
    report: str


Event = Annotated[
    ApplicationSubmitted
    | SupplementRequested
    | SupplementAnswered
    | OpinionGiven
    | DeadlineExtended
    | ApplicationApproved
    | ApplicationRefused
    | ApplicationWithdrawn
    | ApplicationLapsed
    | GrantIssued
    | TokenReissued
    | GrantExpired
    | GrantRevoked
    | UseReported,
    Field(discriminator="kind"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)
