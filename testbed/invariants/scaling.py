"""How many pods there are, and how they come and go."""

from __future__ import annotations

from collections.abc import Iterator

from testbed.invariants.view import CONTROLLERS, Check, Rendered, title


def one_owner_of_the_number_of_pods(rendered: Rendered) -> Iterator[str]:
    """An autoscaler and `replicas` would undo each other's number at every deployment."""
    scaled = {
        (item["spec"]["scaleTargetRef"]["kind"], item["spec"]["scaleTargetRef"]["name"])
        for item in rendered.kinds("HorizontalPodAutoscaler")
    }
    for item in rendered.kinds("Deployment", "StatefulSet"):
        by_autoscaler = (item["kind"], item["metadata"]["name"]) in scaled
        if by_autoscaler == ("replicas" in item["spec"]):
            owner = "an autoscaler and itself" if by_autoscaler else "nobody"
            yield f"{title(item)}: {owner} sets its number of pods"


def autoscalers_can_scale(rendered: Rendered) -> Iterator[str]:
    """A range, and targets that are below what pods request."""
    for item in rendered.kinds("HorizontalPodAutoscaler"):
        spec = item["spec"]
        if not 1 <= spec["minReplicas"] <= spec["maxReplicas"]:
            yield f"{title(item)}: from {spec['minReplicas']} to {spec['maxReplicas']} pods"
        targets = [metric["containerResource"]["target"]["averageUtilization"] for metric in spec["metrics"]]
        if not targets or not all(0 < target <= 100 for target in targets):
            yield f"{title(item)}: aims at {targets} percent"


def rollouts_keep_all_pods(rendered: Rendered) -> Iterator[str]:
    """A new pod is ready before an old one goes."""
    for item in rendered.kinds("Deployment"):
        if item["spec"].get("strategy", {}).get("rollingUpdate") != {"maxSurge": 1, "maxUnavailable": 0}:
            yield f"{title(item)}: has fewer pods while it rolls"


def budgets_let_drains_go_on(rendered: Rendered) -> Iterator[str]:
    """Every server has a budget, each leaves one pod movable, and a broken pod stops no drain."""
    guarded: list[str] = []
    for item in rendered.kinds("PodDisruptionBudget"):
        spec = item["spec"]
        guarded += map(title, rendered.selected(spec["selector"]["matchLabels"], item["metadata"].get("namespace")))
        if spec.get("maxUnavailable", 0) < 1:
            yield f"{title(item)}: blocks every drain"
        if spec.get("unhealthyPodEvictionPolicy") != "AlwaysAllow":
            yield f"{title(item)}: a broken pod blocks a drain"
    for item in rendered.kinds(*CONTROLLERS):
        if title(item) not in guarded:
            yield f"{title(item)}: has no budget"


CHECKS: tuple[Check, ...] = (
    one_owner_of_the_number_of_pods,
    autoscalers_can_scale,
    rollouts_keep_all_pods,
    budgets_let_drains_go_on,
)
