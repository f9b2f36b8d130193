"""The kinds of a stack's objects that backups hold and restores bring, as Velero names them."""

from __future__ import annotations

SECRETS = "secrets"
VOLUMES = "persistentvolumes"
PODS = "pods"
"""In backups, because the copies of volumes belong to pods; of a restore, the dump pod alone."""
RUNNING = (
    "deployments.apps",
    "statefulsets.apps",
    "daemonsets.apps",
    "jobs.batch",
    "cronjobs.batch",
    "horizontalpodautoscalers.autoscaling",
    "ingresses.networking.k8s.io",
)
"""What a restore brings last: it runs, or it leads to what runs."""
RESTING = (
    "configmaps",
    "limitranges",
    "persistentvolumeclaims",
    VOLUMES,
    "resourcequotas",
    SECRETS,
    "serviceaccounts",
    "services",
    "certificates.cert-manager.io",
    "endpointslices.discovery.k8s.io",
    "gateways.gateway.networking.k8s.io",
    "httproutes.gateway.networking.k8s.io",
    "clienttrafficpolicies.gateway.envoyproxy.io",
    "backendtrafficpolicies.gateway.envoyproxy.io",
    "podmonitors.monitoring.coreos.com",
    "prometheusrules.monitoring.coreos.com",
    "servicemonitors.monitoring.coreos.com",
    "networkpolicies.networking.k8s.io",
    "poddisruptionbudgets.policy",
    "middlewares.traefik.io",
)
RESTORED = (*RESTING, *RUNNING)
"""All that a restore brings. A writer to the bucket may have added other kinds to a backup. Roles and bindings come
with the next `up`."""


def saved(*, secrets: bool) -> list[str]:
    """What a backup holds."""
    return [PODS, *(kind for kind in RESTORED if secrets or kind != SECRETS)]
