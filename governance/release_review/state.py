"""The state of a review: a fold over its events."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import singledispatch

from pydantic import BaseModel, ConfigDict

from governance.release_review.events import (
    Event,
    ReinstatementRequested,
    ReleaseSubmitted,
    ReviewWithdrawn,
    Step,
    StepDecided,
)
from governance.release_review.transitions import ACTION_OF, AWAITED_STEP, TRANSITIONS, Action, Status


class Review(BaseModel):
    """The review of one release. version: number of events. decisions: all of them, earlier rounds included.

    due: last day for the awaited step, where one is awaited. earlier: how many of the decisions belong to rounds before
    this one. withdrawn: why it is no longer offered; reinstated: why it was put before the reviewers again.
    """

    model_config = ConfigDict(frozen=True)

    release_id: str
    dataset: str
    publisher: str
    status: Status
    descriptor_digest: str
    uploaders: tuple[str, ...]
    submitted_at: datetime
    due: date | None
    version: int
    decisions: tuple[StepDecided, ...] = ()
    earlier: int = 0
    withdrawn: ReviewWithdrawn | None = None
    reinstated: ReinstatementRequested | None = None

    @property
    def step(self) -> Step | None:
        """The step that is awaited."""
        return AWAITED_STEP.get(self.status)

    @property
    def round(self) -> tuple[StepDecided, ...]:
        """The decisions since it was last submitted or reinstated."""
        return self.decisions[self.earlier :]


def fold(release_id: str, events: Iterable[Event]) -> Review | None:
    """The state after `events`; None where there is none. Raises ValueError for a sequence that cannot have been."""
    review: Review | None = None
    for event in events:
        review = project(event, review, release_id)
    return review


@singledispatch
def project(event: object, review: Review | None, release_id: str) -> Review:
    """The state after one more event. Every event type is registered here."""
    raise ValueError(f"no projection for {type(event).__name__}")


@project.register
def _(event: ReleaseSubmitted, review: Review | None, release_id: str) -> Review:
    return Review(
        release_id=release_id,
        dataset=event.dataset,
        publisher=event.publisher,
        status=_after(review, Action.SUBMIT),
        descriptor_digest=event.descriptor_digest,
        uploaders=event.uploaders,
        submitted_at=event.at,
        due=event.due,
        version=1 if review is None else review.version + 1,
        decisions=() if review is None else review.decisions,
        earlier=0 if review is None else len(review.decisions),
        reinstated=None if review is None else review.reinstated,
    )


@project.register
def _(event: StepDecided, review: Review | None, release_id: str) -> Review:
    return _begun(review).model_copy(
        update={
            "status": _after(review, ACTION_OF[event.decision]),
            "due": event.due,
            "version": _begun(review).version + 1,
            "decisions": (*_begun(review).decisions, event),
        }
    )


@project.register
def _(event: ReviewWithdrawn, review: Review | None, release_id: str) -> Review:
    return _begun(review).model_copy(
        update={
            "status": _after(review, Action.WITHDRAW),
            "due": None,
            "version": _begun(review).version + 1,
            "withdrawn": event,
        }
    )


@project.register
def _(event: ReinstatementRequested, review: Review | None, release_id: str) -> Review:
    return _begun(review).model_copy(
        update={
            "status": _after(review, Action.REINSTATE),
            "uploaders": event.uploaders,
            "submitted_at": event.at,
            "due": event.due,
            "version": _begun(review).version + 1,
            "earlier": len(_begun(review).decisions),
            "withdrawn": None,
            "reinstated": event,
        }
    )


def _after(review: Review | None, action: Action) -> Status:
    status = None if review is None else review.status
    if action not in TRANSITIONS[status]:
        raise ValueError(f"{action} cannot follow {status}")
    return TRANSITIONS[status][action]


def _begun(review: Review | None) -> Review:
    if review is None:
        raise ValueError("a review begins with its submission")
    return review
