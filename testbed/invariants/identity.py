"""Who an object is: names, labels, namespaces, versions, selectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from archesai_infra.components.database import NAME, ExternalDatabase
from testbed.invariants.view import (
    CONTROLLERS,
    RUNNERS,
    Check,
    Object,
    Rendered,
    component,
    pod,
    pod_labels,
    secret_uses,
    template,
    title,
)

LABELS = {
    "app.kubernetes.io/name": "archesai",
    "app.kubernetes.io/part-of": "archesai",
    "app.kubernetes.io/managed-by": "pulumi",
}
STABLE = {"app.kubernetes.io/name", "app.kubernetes.io/component", "app.kubernetes.io/instance"}
CLUSTER_WIDE = {
    "ClusterIssuer",
    "ClusterRole",
    "ClusterRoleBinding",
    "IngressClass",
    "Namespace",
    "PriorityClass",
    "StorageClass",
    "VolumeSnapshotClass",
}
SERVED = {
    "v1",
    "apps/v1",
    "autoscaling/v2",
    "batch/v1",
    "discovery.k8s.io/v1",
    "networking.k8s.io/v1",
    "policy/v1",
    "rbac.authorization.k8s.io/v1",
    "snapshot.storage.k8s.io/v1",
    "storage.k8s.io/v1",
}
"""Versions of Kubernetes' own groups that every supported release serves."""
REMOVED = {"PodSecurityPolicy": "gone since Kubernetes 1.25; Pod Security labels of the namespace are its successor"}
PODS_OF_OTHERS = {
    "archesai-acme-solver": "pods that cert-manager makes while it proves that a host is ours",
    "archesai-cilium-acme-solver": "the same",
}
"""Policies that select pods which are not ours, and why."""


def objects_are_unique(rendered: Rendered) -> Iterator[str]:
    """Two resources with one object would take turns in overwriting it."""
    seen = Counter(
        (item["apiVersion"], item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"])
        for item in rendered.objects
    )
    for (_, kind, _, name), count in seen.items():
        if count > 1:
            yield f"{kind} {name}: declared {count} times"


def urns_are_unique(rendered: Rendered) -> Iterator[str]:
    """Two resources with one URN are one resource to the engine."""
    for urn, count in Counter(resource.urn for resource in rendered.resources).items():
        if count > 1:
            yield f"{urn}: registered {count} times"


def standard_labels(rendered: Rendered) -> Iterator[str]:
    """All objects and pods can be found by the recommended labels."""
    known = {resource.name for resource in rendered.resources if resource.type.startswith("archesai:")}
    instances = {resource.urn.split(":")[2] for resource in rendered.resources}
    for item in rendered.objects:
        labels = item["metadata"].get("labels", {})
        wrong = [key for key, value in LABELS.items() if labels.get(key) != value]
        if component(item) not in known:
            wrong.append("app.kubernetes.io/component")
        if labels.get("app.kubernetes.io/instance") not in instances:
            wrong.append("app.kubernetes.io/instance")
        if item["kind"] in RUNNERS and not LABELS.items() <= pod_labels(item).items():
            wrong.append("those of its pods")
        if wrong:
            yield f"{title(item)}: labels lack {', '.join(wrong)}"


def namespaces_are_ours(rendered: Rendered) -> Iterator[str]:
    """Nothing lands in `default` or in a namespace that nobody makes."""
    made = {item["metadata"]["name"] for item in rendered.kinds("Namespace")}
    for item in rendered.objects:
        namespace = item["metadata"].get("namespace")
        if (item["kind"] in CLUSTER_WIDE) != (namespace is None):
            yield f"{title(item)}: wrong scope (namespace {namespace})"
        elif namespace is not None and namespace not in made:
            yield f"{title(item)}: in namespace {namespace}, which nobody makes"


def api_versions_are_served(rendered: Rendered) -> Iterator[str]:
    """The API server knows every object."""
    for item in rendered.objects:
        group = item["apiVersion"].rpartition("/")[0]
        own = "." not in group or group.endswith(".k8s.io")
        if item["kind"] in REMOVED:
            yield f"{title(item)}: {REMOVED[item['kind']]}"
        elif own and item["apiVersion"] not in SERVED:
            yield f"{title(item)}: {item['apiVersion']} is not served"


def namespaces_hold_pods_to_a_standard(rendered: Rendered) -> Iterator[str]:
    """Pod Security at a pinned version; the stack's own namespace is restricted."""
    for item in rendered.kinds("Namespace"):
        labels = item["metadata"]["labels"]
        level = labels.get("pod-security.kubernetes.io/enforce")
        if item["metadata"]["name"] == rendered.settings.namespace and level != "restricted":
            yield f"{title(item)}: enforces Pod Security {level}, not restricted"
        version = labels.get("pod-security.kubernetes.io/enforce-version", "latest")
        if level is None or version == "latest":
            yield f"{title(item)}: Pod Security {level} at version {version} is not pinned"


def selectors_are_stable(rendered: Rendered) -> Iterator[str]:
    """A selector that an upgrade changes is refused by the API server."""
    for item in rendered.kinds(*CONTROLLERS):
        selector = item["spec"]["selector"]["matchLabels"]
        if selector.keys() != STABLE:
            yield f"{title(item)}: selects by {', '.join(sorted(selector))}"
        if not selector.items() <= pod_labels(item).items():
            yield f"{title(item)}: does not select its own pods"


def selectors_match_one_workload(rendered: Rendered) -> Iterator[str]:
    """Services, budgets and policies guard pods that exist, and nobody else's."""
    for item, selector in _selectors(rendered):
        if item["metadata"]["name"] in PODS_OF_OTHERS:
            continue
        database = rendered.settings.database
        if item["metadata"]["name"] == NAME and isinstance(database, ExternalDatabase):
            # The address of a cluster that nobody uses before the data is there.
            continue
        found = rendered.selected(selector, item["metadata"].get("namespace"))
        # The instances and Jobs of one Cluster are its own.
        if len({one["metadata"].get("ownerCluster", title(one)) for one in found}) != 1:
            yield f"{title(item)}: selects {', '.join(map(title, found)) or 'no workload'}"


def _selectors(rendered: Rendered) -> Iterator[tuple[Object, dict[str, str]]]:
    for item in rendered.kinds("Service"):
        if "selector" in item["spec"]:
            yield item, item["spec"]["selector"]
        elif not _has_endpoints(rendered, item):
            yield item, {"app.kubernetes.io/component": "neither pods nor addresses"}
    for item in rendered.kinds("PodDisruptionBudget"):
        yield item, item["spec"]["selector"]["matchLabels"]
    for item in rendered.kinds("NetworkPolicy"):
        selector = item["spec"]["podSelector"].get("matchLabels", {})
        # No label means every pod; and what a chart makes in a namespace of its own is not among our objects.
        if selector and item["metadata"]["namespace"] == rendered.settings.namespace:
            yield item, selector
    for item in rendered.kinds("CiliumNetworkPolicy"):
        if item["metadata"]["namespace"] == rendered.settings.namespace:
            yield item, item["spec"]["endpointSelector"]["matchLabels"]


def _has_endpoints(rendered: Rendered, service: Object) -> bool:
    return any(
        item["metadata"]["labels"].get("kubernetes.io/service-name") == service["metadata"]["name"]
        for item in rendered.kinds("EndpointSlice")
    )


def pods_spread(rendered: Rendered) -> Iterator[str]:
    """Pods of a module stay apart from each other, over zones and over nodes."""
    for item in rendered.kinds(*CONTROLLERS):
        constraints = pod(item).get("topologySpreadConstraints", [])
        keys = {
            constraint["topologyKey"]
            for constraint in constraints
            if constraint["labelSelector"]["matchLabels"].items() <= pod_labels(item).items()
        }
        if not {"kubernetes.io/hostname", "topology.kubernetes.io/zone"} <= keys:
            yield f"{title(item)}: its pods may all run on one node or in one zone"


def pods_roll_with_what_they_read(rendered: Rendered) -> Iterator[str]:
    """Secrets are updated in place: an annotation must roll the pods."""
    ours = {item["metadata"]["name"] for item in rendered.kinds("Secret")}
    for item in rendered.kinds(*CONTROLLERS):
        annotations = template(item)["metadata"].get("annotations", {})
        if {name for name, _ in secret_uses(item)} & ours and "archesai.com/secrets" not in annotations:
            yield f"{title(item)}: a change of its Secrets does not roll its pods"


CHECKS: tuple[Check, ...] = (
    objects_are_unique,
    urns_are_unique,
    standard_labels,
    namespaces_are_ours,
    api_versions_are_served,
    namespaces_hold_pods_to_a_standard,
    selectors_are_stable,
    selectors_match_one_workload,
    pods_spread,
    pods_roll_with_what_they_read,
)
