"""Deadlines against a naive day-by-day count, and on both sides of what the law sets."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_config.calendars import LAST_YEAR, is_covered, is_working_day
from governance.clocks import (
    ANSWER_DAYS,
    Clock,
    Pause,
    add_working_days,
    compute_deadline,
    count_working_days,
    local_day,
)

DAYS = st.dates(min_value=date(2022, 1, 1), max_value=date(2026, 6, 30))


def naive_due(clock: Clock) -> date:
    """Look at one day after the other; count it when offices work and no pause covers it."""
    counted, day = 0, clock.received
    while counted < clock.working_days + clock.extension:
        day += timedelta(days=1)
        paused = any(p.answered and p.asked < day <= p.answered for p in clock.pauses)
        counted += is_working_day(day) and not paused
    return day


@settings(max_examples=200, deadline=None)
@given(
    received=DAYS,
    days=st.integers(min_value=1, max_value=40),
    extension=st.integers(min_value=0, max_value=20),
    gaps=st.lists(st.integers(min_value=0, max_value=20), max_size=4),
)
def test_deadlines_equal_the_naive_count(received, days, extension, gaps):
    pauses, day = [], received
    for asked, answered in zip(gaps[::2], gaps[1::2], strict=False):
        begins = day + timedelta(days=asked)
        day = begins + timedelta(days=answered)
        pauses.append(Pause(asked=begins, answered=day))
    clock = Clock(received=received, working_days=days, extension=extension, pauses=tuple(pauses))
    deadline = compute_deadline(clock)
    assert deadline.due == naive_due(clock)
    assert deadline.due > received
    assert deadline.certain == (deadline.due.year <= LAST_YEAR)


@settings(max_examples=100, deadline=None)
@given(received=DAYS, asked=st.integers(min_value=0, max_value=15))
def test_an_unanswered_supplement_leaves_no_date_but_the_days_that_remain(received, asked):
    pause = Pause(asked=received + timedelta(days=asked))
    deadline = compute_deadline(Clock(received=received, working_days=ANSWER_DAYS, pauses=(pause,)))
    assert deadline.due is None
    assert deadline.remaining == ANSWER_DAYS - count_working_days(received, pause.asked)


@settings(max_examples=100, deadline=None)
@given(received=DAYS, asked=st.integers(min_value=0, max_value=9), waited=st.integers(min_value=0, max_value=20))
def test_a_pause_costs_the_applicant_nothing_but_its_own_days(received, asked, waited):
    plain = Clock(received=received, working_days=ANSWER_DAYS)
    pause = Pause(asked=received + timedelta(days=asked), answered=received + timedelta(days=asked + waited))
    due = compute_deadline(plain.model_copy(update={"pauses": (pause,)})).due
    lost = count_working_days(pause.asked, pause.answered)
    assert due == add_working_days(compute_deadline(plain).due, lost)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        (date(2026, 3, 2), date(2026, 3, 30)),  # no holiday between
        (date(2026, 9, 18), date(2026, 10, 22)),  # National Day; make-up days 20 September and 10 October
        (date(2026, 2, 13), date(2026, 3, 19)),  # Spring Festival
        (date(2026, 3, 7), date(2026, 4, 3)),  # received on a Saturday
    ],
)
def test_known_periods_of_twenty_working_days(received, due):
    assert compute_deadline(Clock(received=received, working_days=20)).due == due


def test_holidays_and_make_up_days_are_listed():
    steps = compute_deadline(Clock(received=date(2026, 9, 18), working_days=20)).steps
    english = "\n".join(s.en for s in steps)
    assert "public holidays left out: 2026-09-25, 2026-10-01" in english
    assert "make-up working days counted: 2026-09-20, 2026-10-10" in english
    assert all(s.zh for s in steps)


def test_years_without_an_announced_arrangement_are_said_so():
    received = date(LAST_YEAR, 12, 21)
    deadline = compute_deadline(Clock(received=received, working_days=20))
    assert not deadline.certain
    assert "weekends only" in deadline.steps[-1].en
    assert "仅" in deadline.steps[-1].zh or "只按周末" in deadline.steps[-1].zh
    assert compute_deadline(Clock(received=date(LAST_YEAR, 3, 2), working_days=20)).certain


def test_outside_the_covered_years_weekends_alone_count():
    monday = date(LAST_YEAR + 2, 1, 1)
    while monday.weekday():
        monday += timedelta(days=1)
    assert not is_covered(monday)
    assert [is_working_day(monday + timedelta(days=n)) for n in range(7)] == [True] * 5 + [False] * 2


def test_a_day_ends_at_midnight_in_shanghai():
    assert local_day(datetime(2026, 3, 1, 15, 59, 59, tzinfo=UTC)) == date(2026, 3, 1)
    assert local_day(datetime(2026, 3, 1, 16, 0, tzinfo=UTC)) == date(2026, 3, 2)
    with pytest.raises(ValueError, match="zone"):
        local_day(datetime(2026, 3, 1))


def test_a_pause_ends_after_it_begins():
    with pytest.raises(ValueError, match="pause"):
        Pause(asked=date(2026, 3, 2), answered=date(2026, 3, 1))
