"""A flow for every address that a pod is configured with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from testbed.invariants.made import made_services
from testbed.invariants.network import Target, allows, one_sided, selected_pods
from testbed.invariants.view import (
    RUNNERS,
    Check,
    Object,
    Rendered,
    config_map_uses,
    containers,
    secret_uses,
    strings,
    title,
)

_ADDRESS = re.compile(r"\b(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?):(?P<port>\d{2,5})\b(?![^\s/]*@)")


def endpoints_have_flows(rendered: Rendered) -> Iterator[str]:
    """Every `host:port` that a pod is configured with can be reached from it, both sides' policies considered."""
    for item in rendered.kinds(*RUNNERS):
        for host, port in sorted(_endpoints(rendered, item)):
            yield from _unreachable(rendered, item, host, port)


def _endpoints(rendered: Rendered, runner: Object) -> set[tuple[str, int]]:
    values: list[object] = [
        [variable.get("value", "") for variable in container.get("env", [])]
        + [word for key in ("command", "args") for word in container.get(key, [])]
        for container in containers(runner)
    ]
    namespace = runner["metadata"]["namespace"]
    found: set[tuple[str, int]] = set()
    for name, _ in config_map_uses(runner):
        if rendered.has("ConfigMap", name, namespace):
            data = rendered.one("ConfigMap", name)["data"]
            values.append(list(data.values()))
            found |= _host_and_port(yaml.safe_load(data["config.yaml"])) if "config.yaml" in data else set()
    for name, key in secret_uses(runner):
        if key is not None and rendered.has("Secret", name, namespace):
            values.append(rendered.one("Secret", name)["stringData"].get(key, ""))
    found |= {
        (match["host"], int(match["port"]))
        for text in strings(values)
        for match in _ADDRESS.finditer(text)
        if not match["host"].replace(".", "").isdigit()
    }
    return {(host, port) for host, port in found if host != "localhost" and port != _listening_port(runner)}


def _listening_port(runner: Object) -> int | None:
    """The first port of a workload: an address of its own is no flow."""
    ports = [port["containerPort"] for container in containers(runner) for port in container.get("ports", [])]
    return ports[0] if ports else None


def _host_and_port(config: Any) -> set[tuple[str, int]]:  # noqa: ANN401 - YAML
    if not isinstance(config, dict):
        return set()
    own = {(config["host"], config["port"])} if {"host", "port"} <= config.keys() else set()
    inner = [_host_and_port(value) for value in config.values()]
    return {(host, port) for host, port in own.union(*inner) if host != "0.0.0.0"}  # noqa: S104 - the pod itself


def _unreachable(rendered: Rendered, runner: Object, host: str, port: int) -> Iterator[str]:
    where = f"{title(runner)}: connects to {host}:{port}"
    namespace = runner["metadata"]["namespace"]
    if "." in host:
        if not allows(rendered, runner, Target(None, None, port)):
            yield f"{where}, and no policy lets it out to port {port}"
        return
    services = (*rendered.kinds("Service"), *made_services(rendered.objects))
    called = [one for one in services if one["metadata"] | {"name": host, "namespace": namespace} == one["metadata"]]
    if not called:
        yield f"{where}, and there is no such Service"
        return
    spec = called[0]["spec"]
    targets = [item["targetPort"] for item in spec["ports"] if item["port"] == port]
    if not targets:
        yield f"{where}, and the Service has no such port"
    elif "selector" in spec:
        for target in selected_pods(rendered, spec["selector"]):
            yield from one_sided(rendered, runner, target, targets[0])
    else:
        yield from _to_the_host(rendered, runner, host)


def _to_the_host(rendered: Rendered, runner: Object, service: str) -> Iterator[str]:
    for item in rendered.kinds("EndpointSlice"):
        if item["metadata"]["labels"]["kubernetes.io/service-name"] == service:
            address, port = item["endpoints"][0]["addresses"][0], item["ports"][0]["port"]
            if not allows(rendered, runner, Target(None, address, port)):
                yield f"{title(runner)}: may not reach {address}:{port}, which is behind {service}"


CHECKS: tuple[Check, ...] = (endpoints_have_flows,)
