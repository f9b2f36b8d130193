"""What holds data outlives mistakes."""

from __future__ import annotations

from collections.abc import Iterator

from testbed.invariants.view import Check, Rendered, template_claims

CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"
STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
NAMESPACE = "kubernetes:core/v1:Namespace"


def data_is_kept(rendered: Rendered) -> Iterator[str]:
    """Claims and namespaces with volumes stay when the stack goes, unless the configuration gives them up."""
    for resource in rendered.resources:
        own = resource.type == NAMESPACE and resource.inputs["metadata"]["name"] in rendered.settings.kept_namespaces
        if (own or resource.type == CLAIM) and resource.retain_on_delete is not rendered.settings.retain_data:
            yield f"{resource.type.rpartition(':')[2]} {resource.name}: retainData says otherwise"


def production_is_protected(rendered: Rendered) -> Iterator[str]:
    """In production Pulumi deletes no data, and outside of it never asks."""
    for resource in rendered.resources:
        own = resource.type == NAMESPACE and resource.inputs["metadata"]["name"] in rendered.settings.kept_namespaces
        if (own or resource.type in (CLAIM, STATEFUL_SET)) and resource.protect is not rendered.settings.production:
            yield f"{resource.type.rpartition(':')[2]} {resource.name}: is protected, or is not"


def claims_outlive_their_pods(rendered: Rendered) -> Iterator[str]:
    """A claim that a StatefulSet makes could not grow; those here are objects of their own, and stay."""
    for item in rendered.kinds("StatefulSet"):
        name = item["metadata"]["name"]
        for claim in template_claims(item):
            if not rendered.has("PersistentVolumeClaim", claim, item["metadata"].get("namespace")):
                yield f"StatefulSet {name}: makes the claim {claim}"
        policy = item["spec"].get("persistentVolumeClaimRetentionPolicy")
        if policy != {"whenDeleted": "Retain", "whenScaled": "Retain"}:
            yield f"StatefulSet {name}: its claims may go with it"


CHECKS: tuple[Check, ...] = (data_is_kept, production_is_protected, claims_outlive_their_pods)
