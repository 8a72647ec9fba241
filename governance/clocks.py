"""Deadlines in working days, computed step by step so that everybody can check them.

《中华人民共和国政府信息公开条例》(2019) art. 33: an answer within 20 working days of receipt; extended once by at most
20, with consent and notice. Art. 30: what is unclear is supplemented, asked for once, within 7 working days of receipt;
that time does not count. 《民法典》art. 201: the day something starts is not counted. Art. 30 would even let the period
begin anew after a supplement; here only the pause is left out, which is earlier for the applicant.

Days are those of Asia/Shanghai. A date that was promised is stored by whoever promised it and not computed anew.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from catalog_config.calendars import LAST_YEAR, Calendar, is_covered, is_working_day
from schemas.text import Text

SHANGHAI = ZoneInfo("Asia/Shanghai")
ANSWER_DAYS = 20  # art. 33
LONGEST_EXTENSION_DAYS = 20  # art. 33
SUPPLEMENT_NOTICE_DAYS = 7  # art. 30
SUPPLEMENT_TERM_DAYS = 15  # art. 30 asks for a reasonable term
ONE_DAY = timedelta(days=1)


class Pause(BaseModel):
    """Time for the applicant's supplement: days after `asked` up to and including `answered` do not count."""

    model_config = ConfigDict(frozen=True)

    asked: date
    answered: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.answered is not None and self.answered < self.asked:
            raise ValueError("a pause ends after it begins")
        return self


class Clock(BaseModel):
    """What a deadline is computed from. Pauses are in order and do not overlap."""

    model_config = ConfigDict(frozen=True)

    received: date
    working_days: int = Field(ge=1)
    pauses: tuple[Pause, ...] = ()
    extension: int = Field(default=0, ge=0)


class Deadline(BaseModel):
    """due: last day of the period, None while paused. remaining: working days left when paused.

    steps: how it was computed. certain: False when a year's official arrangement is not known yet.
    """

    model_config = ConfigDict(frozen=True)

    due: date | None
    remaining: int | None = None
    steps: tuple[Text, ...]
    certain: bool = True


def local_day(at: datetime, zone: ZoneInfo = SHANGHAI) -> date:
    """The calendar day of an aware time. Raises ValueError for a naive one."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone has no day")
    return at.astimezone(zone).date()


def add_working_days(start: date, days: int, calendar: Calendar = is_working_day) -> date:
    """The day on which `days` working days after `start` are full; `start` itself for 0."""
    day = start
    while days > 0:
        day += ONE_DAY
        days -= calendar(day)
    return day


def count_working_days(after: date, until: date, calendar: Calendar = is_working_day) -> int:
    """Working days after `after` up to and including `until`."""
    return sum(calendar(after + ONE_DAY * n) for n in range(1, (until - after).days + 1))


def compute_deadline(
    clock: Clock, calendar: Calendar = is_working_day, covered: Callable[[date], bool] = is_covered
) -> Deadline:
    """When the period of `clock` ends, and how that comes about."""
    total = clock.working_days + clock.extension
    steps = [_received(clock)]
    if clock.extension:
        steps.append(
            Text(
                zh=f"经同意并告知，延长{clock.extension}个工作日（第三十三条），共{total}个工作日",
                en=f"extended with consent and notice by {clock.extension} working days (art. 33): {total} in all",
            )
        )
    start, used = clock.received, 0
    for pause in clock.pauses:
        counted = count_working_days(start, pause.asked, calendar)
        if used + counted >= total:
            break
        steps.append(_counted(used, counted, start, pause.asked))
        used += counted
        steps.append(_paused(pause, total - used))
        if pause.answered is None:
            return Deadline(due=None, remaining=total - used, steps=tuple(steps))
        start = pause.answered
    due = add_working_days(start, total - used, calendar)
    steps.append(_counted(used, total - used, start, due))
    steps += _off_weekdays(clock, due, calendar)
    certain = all(covered(date(year, 1, 1)) for year in range(clock.received.year, due.year + 1))
    if not certain:
        steps.append(
            Text(
                zh=f"{LAST_YEAR}年之后的节假日安排尚未公布，只按周末推算；已承诺的日期不会因此推迟",
                en=f"the holidays after {LAST_YEAR} are not announced yet: counted with weekends only; "
                "a date once promised is not moved back for it",
            )
        )
    return Deadline(due=due, steps=tuple(steps), certain=certain)


def _received(clock: Clock) -> Text:
    return Text(
        zh=f"{clock.received}收到，自次日起算，期限{clock.working_days}个工作日",
        en=f"received on {clock.received}; counted from the next day; {clock.working_days} working days",
    )


def _counted(used: int, counted: int, after: date, until: date) -> Text:
    if counted == 0:
        return Text(zh=f"{after}至{until}没有工作日计入", en=f"no working day counts from {after} to {until}")
    first = after + ONE_DAY
    return Text(
        zh=f"{first}至{until}：第{used + 1}至{used + counted}个工作日",
        en=f"{first} to {until}: working days {used + 1} to {used + counted}",
    )


def _paused(pause: Pause, remaining: int) -> Text:
    if pause.answered is None:
        return Text(
            zh=f"{pause.asked}告知补正，等待补正的时间不计入（第三十条），剩余{remaining}个工作日",
            en=f"supplement asked for on {pause.asked}; waiting for it does not count (art. 30); {remaining} days left",
        )
    return Text(
        zh=f"{pause.asked}告知补正，{pause.answered}收到补正，其间不计入（第三十条），剩余{remaining}个工作日",
        en=f"supplement asked for on {pause.asked}, received on {pause.answered}; the time between does not count "
        f"(art. 30); {remaining} days left",
    )


def _off_weekdays(clock: Clock, due: date, calendar: Calendar) -> list[Text]:
    days = [clock.received + ONE_DAY * n for n in range(1, (due - clock.received).days + 1)]
    off = [d for d in days if d.weekday() < 5 and not calendar(d)]
    on = [d for d in days if d.weekday() >= 5 and calendar(d)]
    steps = []
    if off:
        listed = ", ".join(map(str, off))
        steps.append(Text(zh=f"法定节假日不计入：{listed}", en=f"public holidays left out: {listed}"))
    if on:
        listed = ", ".join(map(str, on))
        steps.append(Text(zh=f"调休上班日计入：{listed}", en=f"make-up working days counted: {listed}"))
    return steps
