"""How the kubelet asks a container how it is, and how it has it stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pulumi_kubernetes.core.v1 import LifecycleArgsDict, ProbeArgsDict


@dataclass(frozen=True)
class Probes:
    """The three probes of a container: they must not be the same question."""

    startup: ProbeArgsDict
    readiness: ProbeArgsDict
    liveness: ProbeArgsDict


def http_probe(path: str, port: int, *, period: int, failures: int, timeout: int = 3) -> ProbeArgsDict:
    """Ready when GET answers 2xx or 3xx; `period` and `timeout` in seconds."""
    return {
        "http_get": {"path": path, "port": port},
        "period_seconds": period,
        "failure_threshold": failures,
        "timeout_seconds": timeout,
    }


def tcp_probe(port: int, *, period: int, failures: int, timeout: int = 3) -> ProbeArgsDict:
    """Alive while the port accepts a connection; `period` and `timeout` in seconds."""
    return {
        "tcp_socket": {"port": port},
        "period_seconds": period,
        "failure_threshold": failures,
        "timeout_seconds": timeout,
    }


def exec_probe(command: Sequence[str], *, period: int, failures: int, timeout: int = 5) -> ProbeArgsDict:
    """Ready when the command exits 0; `period` and `timeout` in seconds."""
    return {
        "exec_": {"command": list(command)},
        "period_seconds": period,
        "failure_threshold": failures,
        "timeout_seconds": timeout,
    }


def interrupt_command(drain_seconds: int) -> list[str]:
    """Stop a server that wants SIGINT: wait until it is out of the endpoints, interrupt it, wait for its end.

    The wait for the end matters: the kubelet sends SIGTERM as soon as the hook returns. Its price is an event
    `FailedPreStopHook` at each stop, because the end of process 1 also ends the hook.
    """
    script = f"sleep {drain_seconds}; kill -INT 1; while kill -0 1 2>/dev/null; do sleep 0.2; done"
    return ["/bin/sh", "-c", script]


def stop_by_interrupt(drain_seconds: int) -> LifecycleArgsDict:
    """A server that only knows SIGINT leaves the endpoints first, for `drain_seconds`, then ends its requests."""
    return {"pre_stop": {"exec_": {"command": interrupt_command(drain_seconds)}}}


def stop_after_drain(drain_seconds: int) -> LifecycleArgsDict:
    """Let the endpoints forget the pod before SIGTERM reaches it; in seconds."""
    return {"pre_stop": {"exec_": {"command": ["/bin/sh", "-c", f"sleep {drain_seconds}"]}}}
