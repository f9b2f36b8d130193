"""Whether the stack's cluster answers: plain Pulumi previews an unreachable cluster without a word."""

from __future__ import annotations

import os
from dataclasses import dataclass

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError

from archesai_infra.stack.settings import Cluster

TIMEOUT_SECONDS = 5


@dataclass(frozen=True)
class Reachability:
    """What is known of the cluster before anything happens to it."""

    context: str
    """Name of the context that is used."""
    version: str | None
    """The server's version; None where it does not answer."""
    problem: str = ""

    @property
    def line(self) -> str:
        """One line for the top of an output."""
        if self.version is not None:
            return f"Cluster: context {self.context}, Kubernetes {self.version}"
        return f"Cluster: context {self.context} cannot be reached: {self.problem}"


def ask(cluster: Cluster) -> Reachability:
    """Ask the cluster for its version, once and with a bound of 5 s."""
    path = cluster.kubeconfig or os.environ.get("KUBECONFIG") or None
    name = cluster.context or "(current)"
    try:
        _, current = config.list_kube_config_contexts(config_file=path)
        name = cluster.context or str(current["name"])
        api = config.new_client_from_config(config_file=path, context=cluster.context)
        api.configuration.retries = 0
        version = client.VersionApi(api).get_code(_request_timeout=TIMEOUT_SECONDS)
    except (ConfigException, ApiException, HTTPError, OSError, TypeError) as error:
        return Reachability(name, None, _short(error))
    return Reachability(name, str(version.git_version))


def _short(error: Exception) -> str:
    status = getattr(error, "status", None)
    if status is not None:
        return f"the server answers {status} {getattr(error, 'reason', '')}".strip()
    reason = getattr(error, "reason", None) or error
    return " ".join(str(reason).split()) or type(error).__name__
