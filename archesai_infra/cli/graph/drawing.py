"""A stack's modules and the flows between them, as Mermaid or JSON."""

from __future__ import annotations

import re
from typing import Any

import typer

from archesai_infra.cli.base.console import print_json
from archesai_infra.cli.base.stacks import read_stack
from archesai_infra.kube.labels import NAME
from archesai_infra.kube.network import Addresses, Entity, MadePods, NamespacePods, Peer, Pods
from archesai_infra.stack.config import load
from archesai_infra.stack.flows import flows
from archesai_infra.stack.settings import Settings


def print_graph(stack: str, *, json: bool) -> None:
    """Print the graph of a stack file's stack."""
    settings, _ = load(read_stack(stack))
    if json:
        print_json(as_data(settings))
    else:
        typer.echo(mermaid(settings))


def as_data(settings: Settings) -> dict[str, Any]:
    """The graph for scripts: modules that are on, and flows with their ports."""
    return {
        "namespace": settings.namespace,
        "modules": [module for module, on in settings.modules.items() if on],
        "flows": [
            {"source": title(flow.source), "target": title(flow.target), "ports": list(flow.ports)}
            for flow in flows(settings)
        ],
    }


def title(peer: Peer | Entity) -> str:
    """The name of a peer: a module, a namespace with an application, a group of addresses, or an entity."""
    match peer:
        case Pods(component):
            return component
        case MadePods(name):
            return name
        case NamespacePods(namespace, labels):
            name = dict(labels).get(NAME, "")
            return f"{namespace}/{name}" if name else f"namespace {namespace}"
        case Addresses(name) | Entity(name):
            return name


def mermaid(settings: Settings) -> str:
    """A flowchart: the stack's pods inside its namespace, everything else around it; arrows carry the TCP ports."""
    declared = flows(settings)
    peers = list(dict.fromkeys(peer for flow in declared for peer in (flow.source, flow.target)))
    inside = [title(peer) for peer in peers if isinstance(peer, Pods | MadePods)]
    lines = ["flowchart LR", f'  subgraph stack ["namespace {settings.namespace}"]']
    lines += [f'    {identifier(module)}["{module}"]' for module in sorted(inside)]
    lines.append("  end")
    lines += [
        f'  {identifier(title(peer))}(["{title(peer)}"])' for peer in peers if not isinstance(peer, Pods | MadePods)
    ]
    for flow in declared:
        ports = ", ".join(map(str, flow.ports))
        lines.append(f"  {identifier(title(flow.source))} -->|{ports}| {identifier(title(flow.target))}")
    return "\n".join(dict.fromkeys(lines))


def identifier(name: str) -> str:
    """A Mermaid node id; letters and digits only, and never a reserved word of Mermaid such as `end`."""
    return "n_" + re.sub(r"[^A-Za-z0-9]", "_", name)
