"""Stacks on real nodes: what starts, as whom, and what it may.

The pods of charts are not among them.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from testbed.node import posture
from testbed.node.stack import LiveStack, unready

pytestmark = [pytest.mark.node, pytest.mark.parametrize("name", ["dev", "prod", "everything"])]

Running = Callable[[str], LiveStack]


def test_every_pod_is_ready_every_job_complete_and_nothing_restarted(running: Running, name: str) -> None:
    stack = running(name)
    assert unready(stack) == []
    assert stack.restarts() == {}


def test_no_warning_of_a_start_is_left_unexplained(
    running: Running, start_warnings: dict[str, list[str]], name: str
) -> None:
    running(name)
    assert start_warnings[name] == []


def test_every_container_runs_as_a_number_without_a_name_on_a_root_that_it_cannot_write(
    running: Running, name: str
) -> None:
    assert list(posture.writable_or_named(running(name))) == []


def test_volumes_belong_to_the_group_that_the_servers_run_as(running: Running, name: str) -> None:
    assert list(posture.foreign_volumes(running(name))) == []


def test_at_rest_no_pod_uses_more_than_it_asked_for(running: Running, name: str) -> None:
    stack = running(name)
    # What has just started has more to do than at rest.
    stack.cluster.wait_for("every container uses less than it asked for", lambda: list(posture.hungry(stack)))
