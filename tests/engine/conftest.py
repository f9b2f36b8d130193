"""The engine, or the reason why there is none, and stacks deployed with it."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from testbed.controlplane.rig import ControlPlane
from testbed.engine.deployment import Deploy, Deployment
from testbed.engine.namespaces import remove_namespaces
from testbed.engine.standin_charts import Templates, only_records
from testbed.stacks import Config

TEST_SECONDS = 1800
"""Bound on one test with what it deploys first; ten killed deployments take many minutes on a busy machine."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tier; it is this directory."""
    for item in items:
        if "tests/engine/" in item.nodeid:
            item.add_marker(pytest.mark.engine)
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))


@pytest.fixture(scope="module")
def deploy(
    program: Path,
    control_plane: ControlPlane,
    engine_environment: Mapping[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[Deploy]:
    """Makes stacks by name and configuration, each in a namespace of its own that goes with the module's tests."""
    made: list[Deployment] = []
    ambient = {**engine_environment, "KUBECONFIG": str(control_plane.admin_kubeconfig)}

    def make(
        name: str,
        config: Config,
        *,
        secrets: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        templates: Templates = only_records,
    ) -> Deployment:
        directory = tmp_path_factory.mktemp("stacks") / name
        variables = ambient | dict(environment or {})
        made.append(
            Deployment(program, directory, {"namespace": name} | config, variables, secrets, templates=templates)
        )
        return made[-1]

    yield make
    for deployment in made:
        deployment.end_processes()
        measured = deployment.config.get("monitoring", {}).get("namespace", deployment.name)
        remove_namespaces(control_plane, deployment, [measured])
