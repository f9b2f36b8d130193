"""What backups take in the bucket, by the schedules of a stack."""

from __future__ import annotations

from archesai_infra.cli.backups.cost import in_the_bucket, kept
from archesai_infra.components.backups.settings import BackupsSettings


def test_the_default_schedules_keep_three_days_of_hours_ninety_days_and_a_year_of_weeks() -> None:
    assert kept(BackupsSettings()) == (72 + 90 + 52, 72 + 90 * 24 + 365 * 24)


def test_a_schedule_that_is_off_costs_nothing() -> None:
    off = {"schedules": {"daily": {"enabled": False}, "weekly": {"enabled": False}, "hourly": {"cron": "0 */6 * * *"}}}
    assert kept(BackupsSettings.model_validate(off)) == (12, 72)


def test_the_bound_is_said_by_formula() -> None:
    said = in_the_bucket(BackupsSettings(), 10**9)
    assert "at most 1.0 GB + 10992 x C" in said
    assert "never more than 214 x 1.0 GB" in said
