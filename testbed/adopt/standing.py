"""The old deployment as an API server would show it, without one."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Collection
from copy import deepcopy

from archesai_infra.cli.adopt.adoption import plan
from archesai_infra.cli.adopt.data import take_over
from archesai_infra.cli.adopt.live import Live
from archesai_infra.cli.adopt.plan import Item, Plan, Takeover
from archesai_infra.cli.adopt.run import with_settings
from archesai_infra.stack.config import load
from archesai_infra.stack.evaluate import evaluate
from testbed.adopt.kustomized import old_deployment
from testbed.controlplane.api import Object
from testbed.stacks import DEVELOPMENT, Config, raw

ON: Config = {"enabled": True}
ALL: Config = DEVELOPMENT | {"redis": ON, "storage": ON, "ingress": ON}
"""Every module that the old deployment had."""
STACK = "moved"


def standing(change: Callable[[dict[tuple[str, str], Object]], object] | None = None, *, grows: bool = True) -> Live:
    """What runs, after a change of it."""
    objects = {(item["kind"], item["metadata"]["name"]): _served(item) for item in old_deployment("archesai")}
    for claim in _claims(objects):
        objects["PersistentVolumeClaim", claim["metadata"]["name"]] = claim
    if change is not None:
        change(objects)
    claims = [item for (kind, _), item in objects.items() if kind == "PersistentVolumeClaim"]
    volumes = {
        claim["spec"]["volumeName"]: {"spec": {"persistentVolumeReclaimPolicy": "Delete"}}
        for claim in claims
        if "volumeName" in claim["spec"]
    }
    return Live("here", "archesai", objects, volumes, {"standard": {"allowVolumeExpansion": grows}})


def _served(item: Object) -> Object:
    found = deepcopy(item)
    found["metadata"] |= {"uid": f"uid-of-{item['metadata']['name']}", "resourceVersion": "1"}
    values = found.pop("stringData", {})
    if values:
        found["data"] = {key: b64encode(value.encode()).decode() for key, value in values.items()}
    if item["kind"] == "PersistentVolumeClaim":
        found["spec"] |= {"storageClassName": "standard", "volumeName": f"volume-of-{item['metadata']['name']}"}
    return found


def _claims(objects: dict[tuple[str, str], Object]) -> list[Object]:
    """What the StatefulSets' controller makes of their templates."""
    made: list[Object] = []
    for item in [item for (kind, _), item in objects.items() if kind == "StatefulSet"]:
        for template in item["spec"].get("volumeClaimTemplates", []):
            name = f"{template['metadata']['name']}-{item['metadata']['name']}-0"
            metadata = template["metadata"] | {"name": name, "namespace": item["metadata"]["namespace"]}
            claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **template, "metadata": metadata}
            made.append(_served(claim))
    return made


def takeover(
    config: Config = ALL, live: Live | None = None, given: Collection[str] = (), *, stateless: bool = True
) -> Takeover:
    """What a stack with this configuration needs."""
    return take_over(load(raw(config, STACK))[0], live or standing(), given, STACK, stateless=stateless)


def planned(config: Config = ALL, live: Live | None = None, known: Collection[str] = ()) -> Plan:
    """The whole plan."""
    live = live or standing()
    needs = takeover(config, live, [key for key in config if isinstance(config[key], str)])
    declared = evaluate(with_settings(raw(config, STACK), needs.settings))
    return plan(declared, STACK, live, known, needs)


def item(found: Plan, kind: str, name: str) -> Item:
    """One object of a plan."""
    return next(one for one in found.items if (one.kind, one.name) == (kind, name))
