"""The logs of a module's pods, merged line by line."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

import typer

from archesai_infra.cli.base.cluster import Cluster, ClusterError, Object
from archesai_infra.cli.base.completion import module_names
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.kinds import path
from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.base.stacks import read_stack
from archesai_infra.cli.base.text import printable
from archesai_infra.components import database
from archesai_infra.components.database.cluster.network import CLUSTER_LABEL
from archesai_infra.kube.labels import COMPONENT, INSTANCE
from archesai_infra.stack.config import load
from archesai_infra.stack.parts import module_of
from archesai_infra.stack.settings import Settings


@dataclass(frozen=True)
class Choice:
    """Which part of the logs to read."""

    follow: bool
    previous: bool
    """Logs of the container that ran before the current one."""
    tail: int
    """Lines of each container."""
    since: int | None
    """Age of the oldest line, in seconds."""

    @property
    def query(self) -> dict[str, str]:
        """Parameters of the API server's log endpoint."""
        query = {
            "tailLines": str(self.tail),
            "follow": str(self.follow).lower(),
            "previous": str(self.previous).lower(),
        }
        return query | ({"sinceSeconds": str(self.since)} if self.since else {})


def print_logs(stack: str, module: str, choice: Choice) -> None:
    """Print the logs of a module; raises CommandError where it has no pods."""
    settings, _ = load(read_stack(stack))
    _check(settings, module)
    with connect(settings.cluster.context, settings.cluster.kubeconfig) as cluster:
        sources = containers(pods(cluster, settings, stack, module))
        for line in merged(cluster, settings.namespace, sources, choice.query):
            typer.echo(printable(line))


def _check(settings: Settings, module: str) -> None:
    """Refuse a name that is no module, and one that is off, before the cluster is asked."""
    modules = module_names("")
    if module not in modules and module in settings.modules:
        raise CommandError(f"{module} has no pods in the stack's namespace", Exit.INPUT)
    if module not in modules:
        near = get_close_matches(module, modules, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"modules are {', '.join(modules)}"
        raise CommandError(f"{module}: unknown module; {hint}", Exit.INPUT)
    if not settings.modules[module]:
        raise CommandError(f"{module} is off in this stack; arches config set {module}.enabled true", Exit.INPUT)


def pods(cluster: Cluster, settings: Settings, instance: str, module: str) -> list[Object]:
    """Pods of a module, those that an operator makes of it too; raises CommandError with the modules that have some."""
    collection = path("Pod", settings.namespace)
    running = cluster.list(collection, labels=f"{INSTANCE}={instance}")
    of_module = [pod for pod in running if module_of(_component(pod)) == module]
    if module == database.MODULE and settings.database_cluster is not None:
        of_module += cluster.list(collection, labels=f"{CLUSTER_LABEL}={settings.database_cluster.name}")
    if not of_module:
        others = ", ".join(sorted({module_of(_component(pod)) for pod in running})) or "no module"
        where = f"in namespace {settings.namespace}"
        raise CommandError(f"{module} has no pod {where}; there are pods of {others}", Exit.FOUND)
    return of_module


def _component(pod: Object) -> str:
    return str(pod["metadata"]["labels"].get(COMPONENT, ""))


def containers(pods: list[Object]) -> list[tuple[str, str]]:
    """Pod and container of every log."""
    return [
        (str(pod["metadata"]["name"]), str(container["name"]))
        for pod in sorted(pods, key=lambda pod: pod["metadata"]["name"])
        for container in pod["spec"]["containers"]
    ]


def merged(cluster: Cluster, namespace: str, sources: list[tuple[str, str]], query: dict[str, str]) -> Iterator[str]:
    """Lines of several logs as they come, each after its pod's name; one that fails does not stop the others."""
    lines: queue.Queue[str | None] = queue.Queue(maxsize=1000)

    def read(pod: str, container: str) -> None:
        try:
            log = f"{path('Pod', namespace, pod)}/log"
            for line in cluster.lines(log, query | {"container": container}):
                lines.put(f"{pod} | {line}")
        except ClusterError as error:
            lines.put(f"{pod} | ({error})")
        finally:
            lines.put(None)

    for source in sources:
        threading.Thread(target=read, args=source, daemon=True).start()
    open_logs = len(sources)
    while open_logs:
        line = lines.get()
        if line is None:
            open_logs -= 1
        else:
            yield line
