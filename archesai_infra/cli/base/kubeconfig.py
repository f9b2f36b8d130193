"""The one place that opens a kubeconfig."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from kubernetes import config
from kubernetes.config.config_exception import ConfigException

from archesai_infra.cli.base.cluster import Cluster, ClusterError, Object
from archesai_infra.cli.base.project import root
from archesai_infra.cli.base.text import one_line

REACH_SECONDS = 3
"""Time that a cluster has to answer before an operation begins."""
_UNREADABLE = (
    ConfigException,
    OSError,
    TypeError,
    AttributeError,
    KeyError,
    ValueError,
    RecursionError,
    yaml.YAMLError,
)
"""What the client library raises for a file that is no kubeconfig."""


def connect(context: str | None = None, kubeconfig: str | None = None) -> Cluster:
    """A connection for a context of a kubeconfig, else the current one; raises ClusterError."""
    if kubeconfig is not None and _in_project(kubeconfig):
        raise ClusterError(
            f"cluster.kubeconfig: {kubeconfig} is inside the project: a kubeconfig may name a program to run, and a "
            "change of the project's files would start it",
            "move the file out of the project, or name it in $KUBECONFIG",
        )
    path = kubeconfig or os.environ.get("KUBECONFIG") or None
    try:
        contexts: list[Object]
        current: Object
        contexts, current = config.list_kube_config_contexts(config_file=path)  # pyright: ignore[reportAssignmentType]
    except _UNREADABLE as error:
        raise _unusable(path, error) from None
    names = [str(item["name"]) for item in contexts]
    if context is not None and context not in names:
        raise ClusterError(
            f"the kubeconfig has no context {context}; it has {', '.join(sorted(names)) or 'none'}",
            "set cluster.context to one of them, or add the context to the kubeconfig",
        )
    name = context or str(current["name"])
    try:
        with _plugin_errors() as errors:
            client = config.new_client_from_config(config_file=path, context=context)
    except _UNREADABLE as error:
        raise _unusable(path, error) from None
    server = str(client.configuration.host)
    if not server.startswith(("https://", "http://")):
        raise _unusable(path, ValueError(f"context {name}: the server's address is {server!r}, which is not a URL"))
    if errors:
        raise ClusterError(
            f"context {name}: the credential plugin of the kubeconfig failed ({'; '.join(errors)})",
            "install the plugin on PATH (such as aws, gke-gcloud-auth-plugin or kubelogin), or log in again",
        )
    # One attempt with a bound: a person waits.
    client.configuration.retries = False
    client.rest_client = type(client.rest_client)(client.configuration)
    return Cluster(client, name)


def _in_project(path: str) -> bool:
    try:
        expanded = Path(path).expanduser()
    except RuntimeError:
        # The user has no home; what the client library makes of the path says so.
        return False
    return expanded.resolve().is_relative_to(root().resolve())


def _unusable(path: str | None, error: Exception) -> ClusterError:
    return ClusterError(
        f"the kubeconfig {path or '~/.kube/config'} cannot be used ({one_line(error) or type(error).__name__})",
        "create a local cluster (`arches cluster up`), or name a kubeconfig in $KUBECONFIG or cluster.kubeconfig",
    )


@contextmanager
def _plugin_errors() -> Generator[list[str]]:
    """Errors that the client library only logs: it continues without credentials where a plugin fails."""
    errors: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            errors.append(one_line(record.getMessage()))

    collector = Collector(level=logging.ERROR)
    logging.getLogger().addHandler(collector)
    try:
        yield errors
    finally:
        logging.getLogger().removeHandler(collector)


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


def reach(context: str | None = None, kubeconfig: str | None = None) -> Reachability:
    """Ask the cluster for its version, once; plain Pulumi previews an unreachable cluster without a word."""
    name = context or "(current)"
    try:
        with connect(context, kubeconfig) as cluster:
            name = cluster.context
            return _answer(cluster)
    except ClusterError as error:
        return Reachability(name, None, error.problem)


def _answer(cluster: Cluster) -> Reachability:
    """The server's answer in time: name servers and proxies have time limits of their own, of minutes."""
    late = f"{cluster.server} does not answer within {REACH_SECONDS} s"
    answers = [Reachability(cluster.context, None, late)]

    def ask() -> None:
        try:
            answers.append(Reachability(cluster.context, cluster.version()))
        except ClusterError as error:
            answers.append(Reachability(cluster.context, None, error.problem))

    question = threading.Thread(target=ask, daemon=True)
    question.start()
    question.join(REACH_SECONDS)
    return answers[-1]
