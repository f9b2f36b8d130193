"""Shipped stacks that the engine deployed onto real nodes, with stand-ins for the servers of charts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from testbed.node.deployed import DeployedStack
from testbed.node.stack import LiveStack

pytestmark = [pytest.mark.node, pytest.mark.timeout(1800), pytest.mark.parametrize("name", ["dev", "prod"])]

Deploying = Callable[[str], DeployedStack]


@pytest.fixture
def stack(deploying: Deploying, running: Callable[[str], LiveStack], name: str) -> DeployedStack:
    """A stack that the engine has deployed and that is ready."""
    running(name)
    return deploying(name)


def test_a_second_up_changes_nothing(stack: DeployedStack) -> None:
    changes = stack.deployment.up()
    assert not changes, changes


def test_a_look_at_the_cluster_shows_no_drift(stack: DeployedStack) -> None:
    seen = stack.deployment.run("preview", "--refresh", "--expect-no-changes")
    assert seen.status == 0, seen.text
