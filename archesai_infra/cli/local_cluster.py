"""`arches cluster`: a local cluster in containers, with k3d or kind."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from archesai_infra.cli.base.exits import CommandError, Exit, friendly

NAME = "archesai"
ENGINE_SECONDS = 20
CLUSTER_SECONDS = 600

NO_ENGINE = (
    "there is no container engine: a local cluster runs in containers; install Docker (https://docs.docker.com/engine) "
    "or Podman and start it. Without one, `arches preview` and `arches render` still work, "
    "and cluster.context can name any other cluster"
)


@dataclass(frozen=True)
class Tool:
    """A program that makes clusters out of containers."""

    name: str
    home: str
    config: str
    """Its configuration, in the project."""
    context: str
    create: tuple[str, ...]
    """Arguments; the configuration's path follows."""
    delete: tuple[str, ...]
    listing: tuple[str, ...]
    """Arguments that print a line for each cluster, its name first."""


TOOLS = {
    "k3d": Tool(
        name="k3d",
        home="https://k3d.io",
        config="local/k3d.yaml",
        context=f"k3d-{NAME}",
        create=("cluster", "create", "--config"),
        delete=("cluster", "delete", NAME),
        listing=("cluster", "list", "--no-headers"),
    ),
    "kind": Tool(
        name="kind",
        home="https://kind.sigs.k8s.io",
        config="local/kind.yaml",
        context=f"kind-{NAME}",
        create=("create", "cluster", "--wait", "180s", "--config"),
        delete=("delete", "cluster", "--name", NAME),
        listing=("get", "clusters"),
    ),
}

ToolOption = Annotated[
    Literal["k3d", "kind"] | None, typer.Option("--tool", help="Which program makes the cluster; the first one found.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    group = typer.Typer(no_args_is_help=True, help="Make or remove a local cluster in containers (k3d, or kind).")
    group.command("up")(up)
    group.command("down")(down)
    app.add_typer(group, name="cluster")


@friendly
def up(*, tool: ToolOption = None) -> None:
    """Make the local cluster: one server, three agents, port 8080 leads in. One that is there is left as it is."""
    from archesai_infra.cli.base.project import root

    chosen = usable(tool)
    if exists(chosen):
        typer.echo(f"Cluster {NAME} is there already; context {chosen.context}.")
    else:
        typer.echo(f"Making cluster {NAME} with {chosen.name} …")
        _run(chosen, [*chosen.create, str(root() / chosen.config)])
    for line in next_steps(chosen):
        typer.echo(line)


@friendly
def down(*, tool: ToolOption = None) -> None:
    """Remove the local cluster and all that is in it, data too."""
    chosen = usable(tool)
    if not exists(chosen):
        typer.echo(f"There is no cluster {NAME}.")
        return
    _run(chosen, list(chosen.delete))
    typer.echo(f"Cluster {NAME} is gone; the state still lists its objects: arches destroy before, or pulumi stack rm.")


def usable(name: str | None) -> Tool:
    """The tool asked for, else the first one there is; raises CommandError with what to install."""
    if not container_engine():
        raise CommandError(NO_ENGINE, Exit.ENGINE)
    wanted = [TOOLS[name]] if name else list(TOOLS.values())
    for tool in wanted:
        if shutil.which(tool.name):
            return tool
    told = " or ".join(f"{tool.name} ({tool.home})" for tool in wanted)
    raise CommandError(
        f"there is no {' and no '.join(tool.name for tool in wanted)} on PATH; install {told}", Exit.ENGINE
    )


def container_engine() -> bool:
    """Whether a container engine runs: the program alone is not enough."""
    for program in ("docker", "podman"):
        command = shutil.which(program)
        if command is None:
            continue
        try:
            done = subprocess.run([command, "info"], capture_output=True, check=False, timeout=ENGINE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        if done.returncode == 0:
            return True
    return False


def exists(tool: Tool) -> bool:
    """Whether the cluster is there."""
    done = subprocess.run(
        [tool.name, *tool.listing], capture_output=True, text=True, check=False, timeout=ENGINE_SECONDS
    )
    return any(line.split()[:1] == [NAME] for line in done.stdout.splitlines())


def _run(tool: Tool, arguments: Sequence[str | Path]) -> None:
    try:
        done = subprocess.run([tool.name, *arguments], check=False, timeout=CLUSTER_SECONDS)
    except subprocess.TimeoutExpired:
        raise CommandError(
            f"{tool.name} took longer than {CLUSTER_SECONDS} s; arches cluster down", Exit.TIMEOUT
        ) from None
    if done.returncode != 0:
        raise CommandError(f"{tool.name} ended with status {done.returncode}; its words are above", Exit.FOUND)


def next_steps(tool: Tool) -> list[str]:
    """What to do with the new cluster."""
    balanced = tool.name == "k3d"
    service = "LoadBalancer" if balanced else "ClusterIP"
    forward = ["  kubectl --namespace ingress port-forward service/traefik 8080:80 &   # kind has no load balancer"]
    return [
        "Next:",
        f"  arches config set cluster.context {tool.context}",
        "  arches config set ingress.enabled true",
        "  arches config set ingress.controller.install true",
        f"  arches config set ingress.controller.serviceType {service}",
        "  make up",
        *([] if balanced else forward),
        "  curl http://api.localhost:8080/health   # port 8080 -> the controller -> the api",
    ]
