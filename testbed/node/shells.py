"""What a shell in each container of a stack on real nodes can read: variables of processes, and mounted files.

Only the stack's own servers are asked: the stand-ins of charts' servers have none of the charts' Secrets, and the
containers of Jobs and schedules end by themselves. Data on claims is the servers' own and is not read.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from testbed.controlplane.api import Object
from testbed.node.stack import COMPONENT, LiveStack
from testbed.secret_readers import PUBLIC_KEYS, Value

_READ = """
export LC_ALL=C
{
  cat /proc/[0-9]*/environ
  while read -r _ place _; do
    case " / $* " in *" $place "*) continue ;; esac
    case $place in /proc*|/sys*) ;; *) find "$place" -type f -size -129 -exec cat {} + ;; esac
  done </proc/mounts
} 2>/dev/null | tr '\\0' '\\n' | tr -cd '\\n -~'
"""
"""The variables of all processes, and every mounted file of at most 64 KiB, as those of Secrets and ConfigMaps are.

What it may not read, and what ends meanwhile, is left out, and so are the mounts that its arguments name.
"""
_TOKEN = re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}")
"""A signed JSON web token, as the kubelet mounts for service accounts."""
_SHORTEST = 16
"""Characters that no other text has by chance."""

Values = Mapping[tuple[str, Value], str]
"""Values of Secrets by namespace and name."""


def read_all(stack: LiveStack) -> dict[str, str]:
    """What a shell reads, by `component/container`, in the newest pod of each server."""
    with ThreadPoolExecutor() as pool:
        reading = {
            f"{component}/{container['name']}": pool.submit(_read, stack, pod, container)
            for component, pod, container in _containers(stack)
        }
    return {name: one.result() for name, one in reading.items()}


def values(stack: LiveStack) -> Values:
    """The values of a stack's Secrets and of its charts' but those that open nothing; of charts the long ones alone."""
    found: dict[tuple[str, Value], str] = {}
    for namespace in (stack.namespace, *stack.chart_namespaces()):
        for secret in stack.cluster.api.list("v1", "Secret", namespace):
            for key, encoded in secret.get("data", {}).items():
                text = base64.b64decode(encoded).decode("utf-8", errors="replace")
                if key not in PUBLIC_KEYS and (namespace == stack.namespace or len(text) >= _SHORTEST):
                    found[namespace, Value(secret["metadata"]["name"], key)] = text
    return found


def has_token(text: str) -> bool:
    """Whether a token of a service account is in what a shell has read."""
    return _TOKEN.search(text) is not None


def _containers(stack: LiveStack) -> Iterator[tuple[str, Object, Object]]:
    """Component, pod, and each of its containers."""
    pods = {
        pod["metadata"]["labels"][COMPONENT]: pod
        for pod in sorted(stack.pods(), key=lambda pod: pod["metadata"]["creationTimestamp"])
        if pod["status"]["phase"] == "Running" and pod["spec"]["restartPolicy"] == "Always"
    }
    for component, pod in pods.items():
        yield from ((component, pod, container) for container in pod["spec"]["containers"])


def _read(stack: LiveStack, pod: Object, container: Object) -> str:
    claims = {one["name"] for one in pod["spec"].get("volumes", []) if "persistentVolumeClaim" in one}
    data = [one["mountPath"] for one in container.get("volumeMounts", []) if one["name"] in claims]
    name = pod["metadata"]["name"]
    done = stack.cluster.exec(stack.namespace, name, "sh", "-c", _READ, "sh", *data, container=container["name"])
    assert done.returncode == 0, f"{name}/{container['name']}: {done.stderr}"
    return done.stdout
