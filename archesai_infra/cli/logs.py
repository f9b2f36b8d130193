"""`arches logs`: the logs of a module's pods, all of them at once."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from archesai_infra.cli.base.exits import CommandError, Exit, friendly
from archesai_infra.cli.base.options import DEFAULT_STACK, Stack, read_stack

if TYPE_CHECKING:
    from archesai_infra.cli.base.cluster import Cluster, Object


def _modules(incomplete: str) -> list[str]:
    from archesai_infra.stack.settings import Settings

    names = [field.alias or name for name, field in Settings.model_fields.items()]
    return [name for name in names if name.startswith(incomplete)]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("logs")(logs)


@friendly
def logs(
    module: Annotated[str, typer.Argument(help="Module, such as api.", autocompletion=_modules)],
    *,
    stack: Stack = DEFAULT_STACK,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as new lines come; Ctrl-C ends it.")] = False,
    previous: Annotated[bool, typer.Option("--previous", "-p", help="Of the containers before a restart.")] = False,
    tail: Annotated[int, typer.Option("--tail", min=0, help="Lines of each container.")] = 100,
) -> None:
    """Print the logs of a module's pods, each line with its pod's name."""
    from archesai_infra.cli.base.cluster import connect
    from archesai_infra.stack.config import load

    settings, _ = load(read_stack(stack))
    cluster = connect(settings.cluster.context, settings.cluster.kubeconfig)
    sources = containers(pods(cluster, settings.namespace, stack, module))
    query = {"tailLines": str(tail), "follow": str(follow).lower(), "previous": str(previous).lower()}
    for line in merged(cluster, settings.namespace, sources, query):
        typer.echo(line)


def pods(cluster: Cluster, namespace: str, instance: str, module: str) -> list[Object]:
    """Pods of a module; raises CommandError with the modules that have some."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    found = cluster.list(path, labels=f"app.kubernetes.io/instance={instance}")
    of_module = [item for item in found if _component(item) == module]
    if not of_module:
        there = ", ".join(sorted({_component(item) for item in found})) or "no module"
        raise CommandError(f"{module} has no pod in namespace {namespace}; there are pods of {there}", Exit.FOUND)
    return of_module


def _component(pod: Object) -> str:
    return str(pod["metadata"]["labels"].get("app.kubernetes.io/component", ""))


def containers(found: list[Object]) -> list[tuple[str, str]]:
    """Pod and container of every log there is."""
    return [
        (str(pod["metadata"]["name"]), str(container["name"]))
        for pod in sorted(found, key=lambda item: item["metadata"]["name"])
        for container in pod["spec"]["containers"]
    ]


def merged(cluster: Cluster, namespace: str, sources: list[tuple[str, str]], query: dict[str, str]) -> Iterator[str]:
    """Lines of several logs as they come, each behind its pod's name; a log that ends or fails leaves the others."""
    lines: queue.Queue[str | None] = queue.Queue(maxsize=1000)

    def read(pod: str, container: str) -> None:
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        try:
            for line in cluster.lines(path, query | {"container": container}):
                lines.put(f"{pod} | {line}")
        except CommandError as error:
            lines.put(f"{pod} | ({error})")
        finally:
            lines.put(None)

    for source in sources:
        threading.Thread(target=read, args=source, daemon=True).start()
    running = len(sources)
    while running:
        line = lines.get()
        if line is None:
            running -= 1
        else:
            yield line
