"""Fixtures of tier `cluster`: stacks that run."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator

import pytest

from testbed.cluster.deployed import READY_SECONDS, Deployed, deploy
from testbed.cluster.scenarios import SCENARIOS, Scenario, alone
from testbed.controlplane.api import Object
from testbed.controlplane.rig import ControlPlane
from testbed.stacks import Config

Run = Callable[..., Deployed]


@pytest.fixture(scope="session")
def prepared(control_plane: ControlPlane, custom_resources: list[Object]) -> ControlPlane:
    """The control plane with every kind that a stack can have."""
    assert custom_resources
    return control_plane


@pytest.fixture(scope="session")
def stacks() -> dict[str, Deployed]:
    """The scenarios that were applied, by name."""
    return {}


@pytest.fixture(scope="module")
def applied(prepared: ControlPlane, stacks: dict[str, Deployed]) -> Callable[[str], Deployed]:
    """One of the scenarios by name, applied once in a session; nobody waited for it.

    Its objects outside namespaces, which go after each test file, are applied once in each.
    """
    whole: set[str] = set()

    def get(name: str) -> Deployed:
        if name not in stacks:
            stacks[name] = deploy(prepared, SCENARIOS[name])
        elif name not in whole:
            stacks[name].apply_cluster_wide().check()
        whole.add(name)
        return stacks[name]

    return get


@pytest.fixture(scope="module")
def running(applied: Callable[[str], Deployed]) -> Callable[[str], Deployed]:
    """One of the scenarios by name, applied and ready; tests leave it as they found it."""

    def get(name: str) -> Deployed:
        stack = applied(name)
        stack.outcome.check()
        stack.rig.wait_ready(*stack.items, seconds=READY_SECONDS)
        return stack

    return get


@pytest.fixture
def own_stack(prepared: ControlPlane) -> Generator[Run]:
    """`own_stack(name, config, *others)`: a stack for one test, applied; deleted afterwards without waiting."""
    made: list[Deployed] = []

    def run(name: str, config: Config, *others: Object) -> Deployed:
        # A namespace that is on its way out takes no objects.
        unique = f"{name}-{uuid.uuid4().hex[:6]}"
        made.append(deploy(prepared, Scenario(unique, alone(config, f"own-{unique}"), others)))
        made[-1].outcome.check()
        return made[-1]

    yield run
    for stack in made:
        for item in (*stack.of_kind("Namespace", "PriorityClass"), *stack.scenario.others):
            prepared.api.delete(item)
