"""What people ask for. One class per command; the texts are the person's own."""

from datetime import date

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from schemas.dataset import Tier

STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=STRICT)
class SubmitApplication:
    """terms_version: of the terms of use the applicant agreed to. period: first and last day of use."""

    dataset: str
    tier: Tier
    purpose: str
    project: str
    statement: str
    period_from: date
    period_until: date
    terms_version: str


@dataclass(frozen=True, config=STRICT)
class RequestSupplement:
    wanted: str


@dataclass(frozen=True, config=STRICT)
class AnswerSupplement:
    answer: str


@dataclass(frozen=True, config=STRICT)
class GiveOpinion:
    favourable: bool
    opinion: str


@dataclass(frozen=True, config=STRICT)
class ExtendDeadline:
    days: int
    reason: str
    consented_by: str


@dataclass(frozen=True, config=STRICT)
class Approve:
    """valid_until: last day, when the decider grants a shorter time than was asked for."""

    conditions: str
    valid_until: date | None = None


@dataclass(frozen=True, config=STRICT)
class Refuse:
    reason: str
    remedies: str = ""


@dataclass(frozen=True, config=STRICT)
class Withdraw:
    reason: str = ""


@dataclass(frozen=True, config=STRICT)
class ReissueToken:
    pass


@dataclass(frozen=True, config=STRICT)
class Revoke:
    reason: str


@dataclass(frozen=True, config=STRICT)
class ReportUse:
    report: str


@dataclass(frozen=True, config=STRICT)
class Lapse:
    """By the platform, when the supplement did not come in time."""


@dataclass(frozen=True, config=STRICT)
class Expire:
    """By the platform, when the grant's time is over."""


Command = (
    RequestSupplement
    | AnswerSupplement
    | GiveOpinion
    | ExtendDeadline
    | Approve
    | Refuse
    | Withdraw
    | ReissueToken
    | Revoke
    | ReportUse
    | Lapse
    | Expire
)
