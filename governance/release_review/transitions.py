"""The one table of what may happen in which state of a review. The documentation's diagram is drawn from it."""

from enum import StrEnum

from governance.release_review.events import Decision, Step


class Status(StrEnum):
    """Where the review of a release stands."""

    AWAITING_AGENCY = "awaiting-agency"
    AWAITING_COMPLIANCE = "awaiting-compliance"
    AWAITING_SECRECY = "awaiting-secrecy"
    APPROVED = "approved"
    SENT_BACK = "sent-back"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Action(StrEnum):
    """What somebody does to a review."""

    SUBMIT = "submit"
    APPROVE = "approve"
    SEND_BACK = "send-back"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    REINSTATE = "reinstate"


def _step(after_approval: Status) -> dict[Action, Status]:
    return {
        Action.APPROVE: after_approval,
        Action.SEND_BACK: Status.SENT_BACK,
        Action.REJECT: Status.REJECTED,
        Action.WITHDRAW: Status.WITHDRAWN,
    }


TRANSITIONS: dict[Status | None, dict[Action, Status]] = {
    None: {Action.SUBMIT: Status.AWAITING_AGENCY},
    Status.AWAITING_AGENCY: _step(Status.AWAITING_COMPLIANCE),
    Status.AWAITING_COMPLIANCE: _step(Status.AWAITING_SECRECY),
    Status.AWAITING_SECRECY: _step(Status.APPROVED),
    # Approved releases are reinstated where their publication was withdrawn; see `decide_reinstatement`.
    Status.APPROVED: {Action.WITHDRAW: Status.WITHDRAWN, Action.REINSTATE: Status.AWAITING_AGENCY},
    Status.SENT_BACK: {Action.SUBMIT: Status.AWAITING_AGENCY, Action.WITHDRAW: Status.WITHDRAWN},
    Status.REJECTED: {},
    Status.WITHDRAWN: {Action.REINSTATE: Status.AWAITING_AGENCY},
}

AWAITED_STEP: dict[Status, Step] = {
    Status.AWAITING_AGENCY: Step.AGENCY,
    Status.AWAITING_COMPLIANCE: Step.COMPLIANCE,
    Status.AWAITING_SECRECY: Step.SECRECY,
}

ACTION_OF: dict[Decision, Action] = {
    Decision.APPROVE: Action.APPROVE,
    Decision.SEND_BACK: Action.SEND_BACK,
    Decision.REJECT: Action.REJECT,
}
