"""Working days of mainland China: the State Council's yearly arrangement, through the chinesecalendar package.

Years the package does not cover (the next year's arrangement is announced around November) are counted with
weekends only, and whoever asks is told so.
"""

from collections.abc import Callable
from datetime import date

import chinese_calendar

Calendar = Callable[[date], bool]

FIRST_YEAR = min(chinese_calendar.constants.holidays).year
LAST_YEAR = max(chinese_calendar.constants.holidays).year


def is_working_day(day: date) -> bool:
    """Whether offices work on `day`: holidays off, make-up days (调休) on. Weekends only outside the covered years."""
    return chinese_calendar.is_workday(day) if is_covered(day) else day.weekday() < 5


def is_covered(day: date) -> bool:
    """Whether the official arrangement of the day's year is known to the calendar."""
    return FIRST_YEAR <= day.year <= LAST_YEAR
