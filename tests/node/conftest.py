"""Fixtures of tier `node`: real nodes, and the shipped stacks on them."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from testbed.cluster.scenarios import EVERYTHING, SCENARIOS, alone, merged
from testbed.node import images, lacks
from testbed.node.cluster import Cluster, standing
from testbed.node.rig import Nodes
from testbed.node.small_volumes import SmallVolumes
from testbed.node.stack import NodeStack, shipped
from testbed.stacks import Config

FRAGILE: Config = {
    "namespace": "node-fragile",
    "api": {"replicas": 2, "image": {"tag": "v1.0.0"}},
    "redis": {"enabled": True},
    "storage": {"enabled": True},
}
WRITTEN: Config = {
    "environment": "development",
    "api": {"image": {"tag": "v1.0.0"}},
    "platform": {"enabled": False},
    "redis": {"enabled": True},
    # Little enough to be exceeded at once.
    "storage": {"enabled": True, "resources": {"limits": {"memory": "512Mi"}}},
}
VOLUME_MEBIBYTES = 500
NODES = 3
"""One for each zone."""


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Generator[Cluster]:
    """Real nodes for the whole session; tests keep to namespaces of their own."""
    directory = tmp_path_factory.mktemp("nodes")
    if chosen := os.environ.get(lacks.KUBECONFIG_VARIABLE):
        yield standing(Path(chosen), directory)
        return
    with Nodes(directory, nodes=NODES, images=[images.ensure(print, *lacks.IMAGES)]) as nodes:
        yield nodes


@pytest.fixture(scope="session")
def nodes(cluster: Cluster) -> Nodes:
    """The same, for tests that reach into the nodes themselves."""
    if not isinstance(cluster, Nodes):
        pytest.skip(f"reaches into nodes, and those of {lacks.KUBECONFIG_VARIABLE} are others'")
    return cluster


@pytest.fixture(scope="session")
def running(cluster: Cluster) -> Callable[[str], NodeStack]:
    """A shipped stack or `everything` by name, applied once and ready; tests leave it as they found it."""
    seen: dict[str, NodeStack] = {}

    def get(name: str) -> NodeStack:
        if name not in seen:
            cluster.apply(SCENARIOS["everything"].others).check()
            config = alone(EVERYTHING, "node-everything") if name == "everything" else shipped(name)
            seen[name] = NodeStack(cluster, name, config).apply()
        return seen[name].wait_ready()

    return get


@pytest.fixture(scope="session")
def fragile(cluster: Cluster) -> Generator[NodeStack]:
    """A stack whose servers tests may kill and change, as long as it is ready again afterwards."""
    stack = NodeStack(cluster, "fragile", merged(shipped("dev"), FRAGILE)).apply().wait_ready()
    yield stack
    stack.delete()


@pytest.fixture(scope="session")
def written(nodes: Nodes) -> Generator[NodeStack]:
    """The api and all three servers, one pod each, on volumes of an enforced size, for tests that count writes."""
    stack = NodeStack(nodes, "dev", alone(WRITTEN, "node-written"))
    volumes = SmallVolumes(nodes, stack.namespace)
    volumes.make(stack.of_kind("PersistentVolumeClaim"), VOLUME_MEBIBYTES)
    yield stack.apply().wait_ready()
    stack.delete()


@pytest.fixture
def volumes(written: NodeStack, nodes: Nodes) -> SmallVolumes:
    """The volumes of that stack."""
    return SmallVolumes(nodes, written.namespace)


@pytest.fixture
def own(cluster: Cluster) -> Generator[NodeStack]:
    """A development stack for one test; nothing of it is applied."""
    namespace = f"node-own-{uuid.uuid4().hex[:6]}"
    stack = NodeStack(cluster, "own", merged(shipped("dev"), {"namespace": namespace}))
    yield stack
    stack.delete()
