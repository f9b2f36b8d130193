"""`arches graph`: a stack's modules and what flows between them, as Mermaid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import typer

from archesai_infra.cli.base.console import print_json
from archesai_infra.cli.base.exits import friendly
from archesai_infra.cli.base.options import DEFAULT_STACK, Json, Stack, read_stack
from archesai_infra.kube.network import Addresses, NamespacePods, Pods

if TYPE_CHECKING:
    from archesai_infra.kube.network import Peer
    from archesai_infra.stack.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("graph")(graph)


@friendly
def graph(*, stack: Stack = DEFAULT_STACK, json: Json = False) -> None:
    """Draw the stack's modules and flows as a Mermaid flowchart; the network policies are made from the same list."""
    from archesai_infra.stack.config import load

    settings, _ = load(read_stack(stack))
    if json:
        print_json(as_data(settings))
    else:
        typer.echo(mermaid(settings))


def as_data(settings: Settings) -> dict[str, Any]:
    """The graph for scripts: modules that are on, and flows with their ports."""
    from archesai_infra.stack.flows import flows

    return {
        "namespace": settings.namespace,
        "modules": [module for module, on in settings.modules.items() if on],
        "flows": [
            {"source": title(flow.source), "target": title(flow.target), "ports": list(flow.ports)}
            for flow in flows(settings)
        ],
    }


def title(peer: Peer) -> str:
    """A peer in the words of the stack."""
    match peer:
        case Pods(component):
            return component
        case NamespacePods(namespace, labels):
            name = dict(labels).get("app.kubernetes.io/name", "")
            return f"{namespace}/{name}" if name else f"namespace {namespace}"
        case Addresses(name):
            return name


def mermaid(settings: Settings) -> str:
    """A flowchart: pods of the stack inside its namespace, all else around it; arrows carry the TCP ports."""
    from archesai_infra.stack.flows import flows

    found = flows(settings)
    peers = list(dict.fromkeys(peer for flow in found for peer in (flow.source, flow.target)))
    inside = [peer.component for peer in peers if isinstance(peer, Pods)]
    lines = ["flowchart LR", f'  subgraph stack ["namespace {settings.namespace}"]']
    lines += [f'    {identifier(module)}["{module}"]' for module in sorted(inside)]
    lines.append("  end")
    lines += [f'  {identifier(title(peer))}(["{title(peer)}"])' for peer in peers if not isinstance(peer, Pods)]
    for flow in found:
        ports = ", ".join(map(str, flow.ports))
        lines.append(f"  {identifier(title(flow.source))} -->|{ports}| {identifier(title(flow.target))}")
    return "\n".join(dict.fromkeys(lines))


def identifier(name: str) -> str:
    """A Mermaid node id; letters and digits only, and never a word of Mermaid's own such as `end`."""
    return "n_" + re.sub(r"[^A-Za-z0-9]", "_", name)
