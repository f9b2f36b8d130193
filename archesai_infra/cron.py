"""Cron schedules as Kubernetes and Velero read them (github.com/robfig/cron, standard parser)."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

RULE: Final = "must be a cron schedule of five fields, such as '0 * * * *', or @hourly, @daily, @weekly, @monthly"
DESCRIPTORS: Final = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *"}
"""Short forms, and the schedules that they mean."""
_DAYS_OF_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FIRST_DAY = date(2024, 1, 1).toordinal()
_ITEM = re.compile(r"(?:(\*|\?)|([0-9a-z]+)(?:-([0-9a-z]+))?)(?:/([0-9]+))?")


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    """Names of the values from `low` on."""

    def number(self, text: str) -> int:
        """A value by its number or name."""
        if text.lower() in self.names:
            return self.names.index(text.lower()) + self.low
        if not text.isdigit() or not self.low <= int(text) <= self.high:
            raise ValueError(f"{RULE}: {self.name} goes from {self.low} to {self.high}, not {text}")
        return int(text)

    def values(self, text: str) -> frozenset[int]:
        """Every value that a field matches."""
        return frozenset(value for item in text.split(",") for value in self._item(item))

    def _item(self, text: str) -> range:
        match = _ITEM.fullmatch(text.lower())
        if match is None:
            raise ValueError(f"{RULE}: {self.name} cannot be {text!r}")
        everything, first, last, step = match.groups()
        low = self.low if everything else self.number(first)
        # With a step, a single value means from it on.
        high = self.number(last) if last else low if first and not step else self.high
        if low > high or (step and int(step) == 0):
            raise ValueError(f"{RULE}: {self.name} cannot be {text!r}")
        return range(low, high + 1, int(step or 1))


_FIELDS: Final = (
    _Field("the minute", 0, 59),
    _Field("the hour", 0, 23),
    _Field("the day of the month", 1, 31),
    _Field("the month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    _Field("the day of the week", 0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)


def check_schedule(text: str) -> str:
    """The schedule itself; raises ValueError for one that is refused by the server, or that never comes."""
    if text in DESCRIPTORS:
        return text
    parts = text.split(" ")
    if len(parts) != len(_FIELDS) or not text.isascii():
        raise ValueError(RULE)
    _, _, days, months, _ = (field.values(part) for field, part in zip(_FIELDS, parts, strict=True))
    if parts[4] in ("*", "?") and min(days) > max(_DAYS_OF_MONTHS[month - 1] for month in months):
        raise ValueError(f"{RULE}: none of these months has a day {min(days)}")
    return text


def longest_pause(text: str) -> timedelta:
    """The longest time between two moments of a valid schedule; of one that comes only on 29 February, four years."""
    parts = DESCRIPTORS.get(text, text).split(" ")
    minutes, hours, days, months, weekdays = (field.values(part) for field, part in zip(_FIELDS, parts, strict=True))
    times = sorted(hour * 60 + minute for hour in hours for minute in minutes)
    within = [later - earlier for earlier, later in pairwise(times)]
    any_day, any_weekday = parts[2] in ("*", "?"), parts[4] in ("*", "?")

    def comes(day: date) -> bool:
        on_day, on_weekday = day.day in days, day.isoweekday() % 7 in weekdays
        either = on_day and on_weekday if any_day or any_weekday else on_day or on_weekday
        return day.month in months and either

    # From a leap year on, five years hold 29 February twice.
    found = [day for day in range(_FIRST_DAY, _FIRST_DAY + 5 * 366) if comes(date.fromordinal(day))]
    apart = max(later - earlier for earlier, later in pairwise(found))
    return timedelta(minutes=max(*within, apart * 24 * 60 - (times[-1] - times[0]), 0))


def stale_after(cron: str) -> int:
    """Age of a schedule's last success from which something is wrong, in seconds.

    That is the longest time between two runs, and one to two hours for the run itself.
    """
    pause = int(longest_pause(cron).total_seconds())
    return pause + min(max(pause, 3600), 7200)
