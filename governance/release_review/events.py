"""What happened in the review of one release. Events are stored as they are and never edited."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter


class Step(StrEnum):
    """The three reviews (三审), in order."""

    AGENCY = "agency"  # 单位审核
    COMPLIANCE = "compliance"  # 合规审核
    SECRECY = "secrecy"  # 保密审查


class Decision(StrEnum):
    """What a reviewer decides."""

    APPROVE = "approve"
    SEND_BACK = "send-back"
    REJECT = "reject"


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    actor: str
    at: AwareDatetime


class ReleaseSubmitted(_Event):
    """uploaders: accounts that had a hand in the release and may not review it. due: of the first step."""

    kind: Literal["release-submitted"] = "release-submitted"
    dataset: str
    publisher: str
    descriptor_digest: str
    uploaders: tuple[str, ...]
    due: date


class StepDecided(_Event):
    """One signed decision. signature: Ed25519 over `signed_statement` by `public_key`. due: of the next step."""

    kind: Literal["step-decided"] = "step-decided"
    step: Step
    decision: Decision
    reason: str
    descriptor_digest: str
    signature: str
    public_key: str
    due: date | None = None


class ReviewWithdrawn(_Event):
    kind: Literal["review-withdrawn"] = "review-withdrawn"
    reason: str


class ReinstatementRequested(_Event):
    """A withdrawn release is put before the three reviewers anew. uploaders: as of submission, with whoever asks."""

    kind: Literal["reinstatement-requested"] = "reinstatement-requested"
    reason: str
    uploaders: tuple[str, ...]
    due: date


Event = Annotated[
    ReleaseSubmitted | StepDecided | ReviewWithdrawn | ReinstatementRequested, Field(discriminator="kind")
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def signed_statement(
    release_id: str, step: Step, decision: Decision, reason: str, descriptor_digest: str, actor: str, at: datetime
) -> dict[str, str]:
    """What a reviewer's signature covers."""
    return {
        "release": release_id,
        "step": step,
        "decision": decision,
        "reason": reason,
        "descriptor": descriptor_digest,
        "actor": actor,
        "at": at.isoformat(),
    }
