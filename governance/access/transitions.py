"""The one table of what may happen in which state of an application. The documentation's diagram is drawn from it."""

from enum import StrEnum


class Status(StrEnum):
    """Where an application stands."""

    UNDER_REVIEW = "under-review"  # 安全审查
    AWAITING_SUPPLEMENT = "awaiting-supplement"  # 待补正; the clock pauses
    AWAITING_DECISION = "awaiting-decision"
    APPROVED = "approved"  # for the moment between the decision and its grant
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"  # the supplement did not come in time (art. 30)
    EXPIRED = "expired"
    REVOKED = "revoked"


class Action(StrEnum):
    """What happens to an application; each is the effect of one event type."""

    SUBMIT = "submit"
    REQUEST_SUPPLEMENT = "request-supplement"
    ANSWER_SUPPLEMENT = "answer-supplement"
    GIVE_OPINION = "give-opinion"
    EXTEND = "extend"
    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"
    ISSUE_GRANT = "issue-grant"
    REISSUE_TOKEN = "reissue-token"
    EXPIRE = "expire"
    REVOKE = "revoke"
    REPORT = "report"


TRANSITIONS: dict[Status | None, dict[Action, Status]] = {
    None: {Action.SUBMIT: Status.UNDER_REVIEW},
    Status.UNDER_REVIEW: {
        Action.REQUEST_SUPPLEMENT: Status.AWAITING_SUPPLEMENT,
        Action.GIVE_OPINION: Status.AWAITING_DECISION,
        Action.EXTEND: Status.UNDER_REVIEW,
        Action.WITHDRAW: Status.WITHDRAWN,
    },
    Status.AWAITING_SUPPLEMENT: {
        Action.ANSWER_SUPPLEMENT: Status.UNDER_REVIEW,
        Action.LAPSE: Status.LAPSED,
        Action.WITHDRAW: Status.WITHDRAWN,
    },
    Status.AWAITING_DECISION: {
        Action.REQUEST_SUPPLEMENT: Status.AWAITING_SUPPLEMENT,
        Action.GIVE_OPINION: Status.AWAITING_DECISION,
        Action.EXTEND: Status.AWAITING_DECISION,
        Action.APPROVE: Status.APPROVED,
        Action.REFUSE: Status.REFUSED,
        Action.WITHDRAW: Status.WITHDRAWN,
    },
    Status.APPROVED: {Action.ISSUE_GRANT: Status.GRANTED},
    Status.GRANTED: {
        Action.REISSUE_TOKEN: Status.GRANTED,
        Action.REPORT: Status.GRANTED,
        Action.EXPIRE: Status.EXPIRED,
        Action.REVOKE: Status.REVOKED,
    },
    Status.REFUSED: {},
    Status.WITHDRAWN: {},
    Status.LAPSED: {},
    Status.EXPIRED: {Action.REPORT: Status.EXPIRED},
    Status.REVOKED: {Action.REPORT: Status.REVOKED},
}

OPEN_STATUSES = (Status.UNDER_REVIEW, Status.AWAITING_SUPPLEMENT, Status.AWAITING_DECISION, Status.GRANTED)
