"""Fixtures around the control plane, for a conftest that says `pytest_plugins = ["testbed.controlplane.fixtures"]`."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Generator
from pathlib import Path

import pytest

from testbed.controlplane import crds
from testbed.controlplane.api import Object
from testbed.controlplane.clusterwide import STARTED, ClusterWide
from testbed.controlplane.rig import ControlPlane
from testbed.programs import parts
from testbed.programs.building import BuildError, ensure
from testbed.programs.toolchain import ToolchainError


def parts_or_skip(*names: str) -> dict[str, Path]:
    """The executables of these parts, built if `ARCHESAI_BUILD_PARTS=1`; otherwise missing ones skip the test."""
    if absent := parts.missing(*names):
        if not _may_build():
            pytest.skip(f"not built: {', '.join(absent)}; make test-all builds and runs this")
        ensure(*names)
    return parts.executables(*names)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build before the first test: a build takes longer than any one test may."""
    wanted = any("control_plane" in getattr(item, "fixturenames", ()) for item in session.items)
    if wanted and _may_build() and not session.config.option.collectonly:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        try:
            ensure(log=reporter.write_line if reporter else logging.getLogger(__name__).info)
        except (parts.UnknownPartError, BuildError, ToolchainError) as error:
            raise pytest.UsageError(str(error)) from error


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Generator[ControlPlane]:
    """One running control plane for the whole session; tests keep to namespaces of their own.

    Objects outside namespaces that a test file leaves are deleted after it.
    """
    parts_or_skip(*parts.RIG)
    with ControlPlane(tmp_path_factory.mktemp("control-plane")) as rig:
        pytestconfig.stash[STARTED] = ClusterWide(rig.api)
        yield rig


@pytest.fixture
def fresh_namespace(control_plane: ControlPlane) -> Generator[str]:
    """A namespace for one test; deleted afterwards without waiting."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    namespace: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    account: Object = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}}
    control_plane.api.create(namespace)
    # Until a controller has made it, the namespace takes no pods.
    control_plane.wait_ready(account)
    yield name
    control_plane.api.delete(namespace)


@pytest.fixture(scope="session")
def custom_resources(control_plane: ControlPlane) -> list[Object]:
    """The operators' custom resource definitions, installed."""
    definitions = crds.custom_resource_definitions()
    control_plane.install_definitions(definitions)
    return definitions


def _may_build() -> bool:
    return os.environ.get("ARCHESAI_BUILD_PARTS") == "1"
