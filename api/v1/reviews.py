"""Release reviews: my queue, one review, a signed decision."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from api.dependencies import Now, SignedIn, ThePlatform
from governance.database.engine import reading
from governance.permission import require
from governance.release_review.events import Decision, Step
from governance.release_review.permissions import may_see
from governance.release_review.service import (
    list_reviews,
    load_review,
    reinstate_review,
    signatures_hold,
    withdraw_review,
)
from governance.release_review.state import Review
from pipelines.reviewing import sign_step

router = APIRouter(prefix="/reviews", tags=["reviews"])


class SignedDecision(BaseModel):
    """descriptor_digest: of the evidence that was opened; a decision on other evidence is refused."""

    model_config = ConfigDict(extra="forbid")

    step: Step
    decision: Decision
    reason: str = ""
    descriptor_digest: str


class Withdrawal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str


class Reinstatement(BaseModel):
    """reason: why it is published again; reviewers read it."""

    model_config = ConfigDict(extra="forbid")

    reason: str


@router.get("")
def waiting(platform: ThePlatform, actor: SignedIn) -> list[Review]:
    """What waits for my decision, by deadline."""
    with reading(platform.engine) as connection:
        return list_reviews(connection, actor=actor)


@router.get("/{release_id}")
def one(release_id: str, platform: ThePlatform, actor: SignedIn) -> dict[str, Any]:
    """A review with its decisions, and whether their signatures hold."""
    with reading(platform.engine) as connection:
        review = load_review(connection, release_id)
    require(may_see(actor, review))
    return {**review.model_dump(mode="json"), "step": review.step, "signatures_hold": signatures_hold(review)}


@router.post("/{release_id}/decisions", status_code=201)
def decide(release_id: str, signed: SignedDecision, platform: ThePlatform, actor: SignedIn, now: Now) -> dict[str, str]:
    """Sign the awaited step."""
    status = sign_step(
        platform, release_id, signed.step, signed.decision, signed.reason, signed.descriptor_digest, actor, now
    )
    return {"release": release_id, "status": status}


@router.post("/{release_id}/withdrawal")
def withdraw(release_id: str, command: Withdrawal, platform: ThePlatform, actor: SignedIn, now: Now) -> Review:
    """Take a release back; it can no longer be published, unless it is reinstated."""
    with platform.engine.begin() as connection:
        return withdraw_review(connection, release_id, command.reason, actor=actor, now=now)


@router.post("/{release_id}/reinstatement", status_code=201)
def reinstate(release_id: str, command: Reinstatement, platform: ThePlatform, actor: SignedIn, now: Now) -> Review:
    """Put a withdrawn release before the three reviewers anew; after three signatures it is published again."""
    with platform.engine.begin() as connection:
        return reinstate_review(connection, release_id, command.reason, actor=actor, now=now)
