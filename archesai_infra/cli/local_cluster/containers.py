"""A local cluster in containers, made with k3d or kind."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from archesai_infra.cli.base.confirm import confirm
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.project import root

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
    """A program that creates clusters in containers."""

    name: str
    website: str
    config: str
    """Path of its configuration in the project."""
    context: str
    create: tuple[str, ...]
    """Arguments; the configuration's path follows."""
    delete: tuple[str, ...]
    listing: tuple[str, ...]
    """Arguments that print a line for each cluster, its name first."""


TOOLS = {
    "k3d": Tool(
        name="k3d",
        website="https://k3d.io",
        config="local/k3d.yaml",
        context=f"k3d-{NAME}",
        create=("cluster", "create", "--config"),
        delete=("cluster", "delete", NAME),
        listing=("cluster", "list", "--no-headers"),
    ),
    "kind": Tool(
        name="kind",
        website="https://kind.sigs.k8s.io",
        config="local/kind.yaml",
        context=f"kind-{NAME}",
        create=("create", "cluster", "--wait", "180s", "--config"),
        delete=("delete", "cluster", "--name", NAME),
        listing=("get", "clusters"),
    ),
}


def create(name: str | None) -> None:
    """Create the cluster unless it exists, and print what to do next; `name` is the tool's, None for any."""
    tool = usable(name)
    if exists(tool):
        typer.echo(f"Cluster {NAME} exists already; its context is {tool.context}.")
    else:
        typer.echo(f"Creating cluster {NAME} with {tool.name} …")
        _run(tool, [*tool.create, str(root() / tool.config)])
    for line in next_steps(tool):
        typer.echo(line)


def remove(name: str | None, *, yes: bool) -> None:
    """Remove the cluster with its data after a yes."""
    tool = usable(name)
    if not exists(tool):
        typer.echo(f"There is no cluster {NAME}.")
        return
    if not yes:
        typer.echo(
            f"Cluster {NAME} and all data in it will be gone, and no stack can be destroyed any more: its state would "
            "go on listing what is gone. Run `arches destroy --stack <stack>` first.",
            err=True,
        )
        confirm(f"Remove cluster {NAME}?")
    _run(tool, list(tool.delete))
    typer.echo(f"Cluster {NAME} is removed.")


def usable(name: str | None) -> Tool:
    """The tool of this name, else the first one installed; raises CommandError with what to install."""
    if not container_engine():
        raise CommandError(NO_ENGINE, Exit.ENGINE)
    wanted = [TOOLS[name]] if name else list(TOOLS.values())
    for tool in wanted:
        if shutil.which(tool.name):
            return tool
    tools = " or ".join(f"{tool.name} ({tool.website})" for tool in wanted)
    names = " and no ".join(tool.name for tool in wanted)
    raise CommandError(f"there is no {names} on PATH; install {tools}", Exit.ENGINE)


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
    """Whether the cluster exists."""
    done = subprocess.run(
        [tool.name, *tool.listing], capture_output=True, text=True, check=False, timeout=ENGINE_SECONDS
    )
    return any(line.split()[:1] == [NAME] for line in done.stdout.splitlines())


def _run(tool: Tool, arguments: Sequence[str | Path]) -> None:
    try:
        done = subprocess.run([tool.name, *arguments], check=False, timeout=CLUSTER_SECONDS)
    except subprocess.TimeoutExpired:
        raise CommandError(
            f"{tool.name} took longer than {CLUSTER_SECONDS} s; remove the rest with `arches cluster down`",
            Exit.TIMEOUT,
        ) from None
    if done.returncode != 0:
        raise CommandError(f"{tool.name} ended with status {done.returncode}; its output is above", Exit.FOUND)


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
