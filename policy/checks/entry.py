"""Ways in from outside the cluster."""

from __future__ import annotations

from collections.abc import Iterator

from .objects import Object


def not_exposed(item: Object) -> Iterator[str]:
    """The way in is the ingress controller: no Service opens a port to the outside."""
    if item.get("kind") != "Service":
        return
    spec = item.get("spec") or {}
    kind = spec.get("type") or "ClusterIP"
    if kind != "ClusterIP":
        yield f"is of type {kind}: use the ingress"
    if spec.get("externalIPs"):
        yield "has externalIPs: use the ingress"


def encrypted_ingress(item: Object) -> Iterator[str]:
    """Every host of an Ingress is served with a certificate."""
    if item.get("kind") != "Ingress":
        return
    spec = item.get("spec") or {}
    served = {host for part in spec.get("tls") or [] for host in part.get("hosts") or []}
    for rule in spec.get("rules") or []:
        if rule.get("host") not in served:
            yield f"serves {rule.get('host') or 'every host'} without TLS: set ingress.tls.enabled"
