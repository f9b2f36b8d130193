"""A shipped stack on real nodes, deployed by the engine as its operator does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from archesai_infra.components.backups.keys import CLOUD_KEY
from testbed.cluster.scenarios import merged
from testbed.controlplane.api import Object
from testbed.engine.deployment import Deployment
from testbed.engine.given_secrets import provide
from testbed.node.bucket import Bucket
from testbed.node.charts import with_pods
from testbed.node.cluster import Cluster
from testbed.node.stack import WORKLOADS, LiveStack, shipped
from testbed.stacks import Config

UP_SECONDS = 900.0
"""Bound on a first `up`: production takes a minute and a half on a quiet machine, with real servers to wait for."""


@dataclass(frozen=True)
class DeployedStack(LiveStack):
    """A stack that an engine deployed; what it has is read from the cluster."""

    deployment: Deployment
    bucket: Bucket | None
    """Takes its backups; None where it has none, or where the tests cannot give the cluster one."""

    def workloads(self) -> list[Object]:
        """Those in the cluster, without what its controllers made of others."""
        return [
            item
            for namespace in (self.namespace, *self.chart_namespaces())
            for kind, version in WORKLOADS.items()
            for item in self.cluster.api.list(version, kind, namespace)
            if "ownerReferences" not in item["metadata"]
        ]

    def hand_over(self) -> None:
        """Create the Secrets that the stack names and its operator makes."""
        provide(self.cluster, self.deployment, {CLOUD_KEY: self.bucket.keys} if self.bucket else {})


@dataclass(frozen=True)
class Engine:
    """What deployments of this session share."""

    program: Path
    """A snapshot of the program."""
    directory: Path
    variables: Mapping[str, str]
    cluster: Cluster
    bucket: Bucket | None
    """Takes the backups; None where the tests cannot give the cluster one."""

    def deploy_shipped(self, name: str) -> DeployedStack:
        """Deploy a shipped stack in namespaces of its own, with stand-ins for its charts."""
        return self.deploy(name, shipped(name))

    def deploy(self, name: str, config: Config) -> DeployedStack:
        """Deploy a stack, with stand-ins for its charts."""
        config = merged(config, {"cluster": {"context": _context(self.cluster)}})
        bucket = self.bucket if "backups" in config else None
        if bucket:
            config = merged(config, {"backups": {"endpoint": bucket.url}})
        variables = variables_of(self.cluster, self.variables)
        deployment = Deployment(self.program, self.directory / name, config, variables, templates=with_pods)
        stack = DeployedStack(self.cluster, name, deployment.config, deployment, bucket)
        stack.hand_over()
        deployment.start_arches("up", "--yes", "--no-policy").wait(UP_SECONDS).check()
        return stack


def variables_of(cluster: Cluster, engine: Mapping[str, str]) -> Mapping[str, str]:
    """Variables of an engine that deploys into a cluster."""
    return {**engine, "KUBECONFIG": str(cluster.kubeconfig)}


def _context(cluster: Cluster) -> str:
    return str(yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))["current-context"])
