from __future__ import annotations

from datetime import timedelta

import pytest

from archesai_infra.cron import RULE, check_schedule, longest_pause


@pytest.mark.parametrize(
    "schedule",
    ["0 * * * *", "*/15 0-5 * jan-mar mon,FRI", "5/15 * * * *", "0 0 ? * *", "0 0 29 2 *", "0 0 31 2 1", "@daily"],
)
def test_a_schedule_that_the_server_accepts_is_kept(schedule: str) -> None:
    assert check_schedule(schedule) == schedule


@pytest.mark.parametrize(
    ("schedule", "why"),
    [
        ("0 24 * * *", "the hour goes from 0 to 23, not 24"),
        ("61 * * * *", "the minute goes from 0 to 59, not 61"),
        ("0 0 0 * *", "the day of the month goes from 1 to 31, not 0"),
        ("0 0 * 13 *", "the month goes from 1 to 12, not 13"),
        ("0 0 * * 7", "the day of the week goes from 0 to 6, not 7"),
        ("a b c d e", "the minute goes from 0 to 59, not a"),
        ("*/0 * * * *", "the minute cannot be '*/0'"),
        ("5-1 * * * *", "the minute cannot be '5-1'"),
        ("0 0 31 feb *", "none of these months has a day 31"),
        ("0 0 31 4,6,9,11 *", "none of these months has a day 31"),
    ],
)
def test_a_schedule_that_is_refused_later_or_never_comes_is_refused_with_the_field(schedule: str, why: str) -> None:
    with pytest.raises(ValueError, match="cron") as refused:
        check_schedule(schedule)
    assert str(refused.value) == f"{RULE}: {why}"


@pytest.mark.parametrize("schedule", ["", "* * * *", "* * * * * *", "@never", "0  * * * *", "\u0665 * * * *"])
def test_what_is_not_five_fields_is_refused_with_the_rule(schedule: str) -> None:
    with pytest.raises(ValueError, match="cron") as refused:
        check_schedule(schedule)
    assert str(refused.value) == RULE


@pytest.mark.parametrize(
    ("schedule", "longest"),
    [
        ("0 * * * *", timedelta(hours=1)),
        ("@hourly", timedelta(hours=1)),
        ("*/15 9-17 * * *", timedelta(hours=15, minutes=15)),
        ("20 1 * * *", timedelta(days=1)),
        ("40 2 * * 0", timedelta(days=7)),
        ("0 0 * * mon-fri", timedelta(days=3)),
        ("0 0 1 * *", timedelta(days=31)),
        ("0 0 1 1 *", timedelta(days=366)),
        ("0 0 29 2 *", timedelta(days=1461)),
        ("0 0 1 * 1", timedelta(days=7)),
        ("0 0,1 * * *", timedelta(hours=23)),
    ],
)
def test_the_longest_pause_of_a_schedule_is_known(schedule: str, longest: timedelta) -> None:
    assert longest_pause(schedule) == longest
