"""How a person makes way for an object that cannot be taken, so that what it runs goes on meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from archesai_infra.cli.adopt.live import WORKLOADS, Live, Object
from archesai_infra.cli.adopt.plan import AFTER, BEFORE, Fate, Item, Step


def steps(item: Item, live: Live) -> Sequence[Step]:
    """What has to be done for one object of a plan; nothing for data, which is never in the way of itself."""
    if item.fate is not Fate.REFUSED or item.live is None or item.resource is None:
        return ()
    if item.kind in WORKLOADS:
        return _workload(item, item.live, item.resource.inputs["spec"]["selector"]["matchLabels"], live)
    if item.kind == "PersistentVolumeClaim":
        return ()
    why = f"{item.kind} {item.name} is recreated: {'; '.join(item.why)}"
    return (Step(BEFORE, why, (live.kubectl(f"delete {item.kind.lower()}/{item.name}"),)),)


def _workload(item: Item, running: Object, new: Mapping[str, str], live: Live) -> Sequence[Step]:
    """Delete a workload alone and give its pods the labels of ours, which then takes them over and rolls."""
    old: dict[str, str] = running["spec"]["selector"].get("matchLabels", {})
    orphan = live.kubectl(f"delete {item.kind.lower()}/{item.name} --cascade=orphan")
    selected = ",".join(f"{key}={value}" for key, value in sorted(old.items()))
    added = " ".join(f"{key}={value}" for key, value in sorted(new.items()) if old.get(key) != value)
    # A ReplicaSet lets pods go that lose the labels it selects.
    if item.kind != "StatefulSet" and not old.items() <= new.items():
        return (
            Step(BEFORE, f"{item.kind} {item.name}: its pods run on, on their own", (orphan,)),
            Step(AFTER, f"{item.name}: the old pods", (live.kubectl(f"delete replicasets --selector {selected}"),)),
        )
    labelled = "pods" if item.kind == "StatefulSet" else "replicasets,pods"
    commands = [orphan]
    if added:
        commands.append(live.kubectl(f"label {labelled} --selector {selected} {added} --overwrite"))
    commands += [
        live.kubectl(f"patch service/{name} --type merge --patch '{json.dumps(patch)}'")
        for name, patch in _selectors(live, old, new)
    ]
    why = f"{item.kind} {item.name}: its pods run on, and the stack's {item.kind} takes them over"
    return (Step(BEFORE, why, tuple(commands)),)


def _selectors(live: Live, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[tuple[str, Object]]:
    """Services that would lose the pods with their old labels, and the change that keeps them."""
    changed = {key: value for key, value in new.items() if key in old and old[key] != value}
    for (kind, name), item in live.objects.items():
        selector: dict[str, str] = item["spec"].get("selector") or {} if kind == "Service" else {}
        lost = {key: changed[key] for key in sorted(selector.keys() & changed.keys())}
        if lost and selector.items() <= old.items():
            yield name, {"spec": {"selector": lost}}
