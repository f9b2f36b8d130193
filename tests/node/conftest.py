"""Fixtures of tier `node`: real nodes, and the shipped stacks on them."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Generator, Mapping
from functools import cache
from pathlib import Path

import pytest

from testbed.cluster.scenarios import EVERYTHING, SCENARIOS, alone, merged
from testbed.controlplane.certificates import CertificateAuthority
from testbed.node import images, lacks, posture, server_certificate
from testbed.node.bucket import Bucket, bucket
from testbed.node.cluster import Cluster, standing
from testbed.node.deployed import DeployedStack, Engine
from testbed.node.rig import Nodes
from testbed.node.small_volumes import SmallVolumes
from testbed.node.stack import LiveStack, NodeStack, shipped
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
def own_bucket(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Generator[Bucket | None]:
    """A bucket for backups outside of the cluster; none where the cluster was started by others."""
    if not isinstance(cluster, Nodes):
        yield None
        return
    with bucket(cluster, tmp_path_factory.mktemp("bucket")) as served:
        yield served


@pytest.fixture(scope="session")
def deployer(
    cluster: Cluster,
    program: Path,
    engine_environment: Mapping[str, str],
    own_bucket: Bucket | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Engine:
    """Deploys stacks by the engine."""
    return Engine(program, tmp_path_factory.mktemp("deployed"), engine_environment, cluster, own_bucket)


@pytest.fixture(scope="session")
def deploying(deployer: Engine) -> Callable[[str], DeployedStack]:
    """A shipped stack by name, deployed once by the engine; tests leave it as they found it."""
    return cache(deployer.deploy_shipped)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """Signs the certificates of databases."""
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def everything(cluster: Cluster, authority: CertificateAuthority) -> NodeStack:
    """All that a stack can have, applied as manifests; its database takes connections by TLS alone."""
    cluster.apply(SCENARIOS["everything"].others).check()
    config = merged(alone(EVERYTHING, "node-everything"), server_certificate.SETTINGS)
    stack = NodeStack(cluster, "everything", config)
    certificate = server_certificate.secret(authority, stack.namespace, "first")
    cluster.apply([*stack.of_kind("Namespace"), certificate]).check()
    return stack.apply()


@pytest.fixture(scope="session")
def start_warnings() -> dict[str, list[str]]:
    """By stack, the unexplained warnings of its start; what tests do to it later brings warnings of their own."""
    return {}


@pytest.fixture(scope="session")
def running(
    request: pytest.FixtureRequest,
    deploying: Callable[[str], DeployedStack],
    start_warnings: dict[str, list[str]],
) -> Callable[[str], LiveStack]:
    """A stack that is ready: a shipped one by its name, or `everything`; tests leave it as they found it."""

    def get(name: str) -> LiveStack:
        stack: LiveStack = request.getfixturevalue(name) if name == "everything" else deploying(name)
        stack.wait_ready()
        if name not in start_warnings:
            start_warnings[name] = stack.warnings(posture.EXPLAINED)
        return stack

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
