"""What the backups of a stack take in the bucket."""

from __future__ import annotations

from archesai_infra.cli.base.text import size
from archesai_infra.components.backups import schedules
from archesai_infra.components.backups.settings import BackupsSettings
from archesai_infra.cron import longest_pause
from archesai_infra.types import duration_seconds

_HOUR = 3600


def kept(settings: BackupsSettings) -> tuple[int, int]:
    """Backups that are kept at a time, and the hours of changes that they hold: the lifetimes of the schedules."""
    found = [schedule for _, schedule in schedules.names("", settings).values()]
    lifetimes = [duration_seconds(schedule.ttl) for schedule in found]
    pauses = [longest_pause(schedule.cron).total_seconds() for schedule in found]
    number = sum(int(lifetime // pause) for lifetime, pause in zip(lifetimes, pauses, strict=True))
    return number, sum(lifetimes) // _HOUR


def in_the_bucket(settings: BackupsSettings, largest: int) -> str:
    """The most that the dumps take there, by the bytes of the largest backup; each block is kept once."""
    number, hours = kept(settings)
    return (
        f"The bucket holds at most {size(largest)} + {hours} x C, where C is what an hour's backup adds, and "
        f"never more than {number} x {size(largest)}. A month costs that times the price of a GB-month."
    )
