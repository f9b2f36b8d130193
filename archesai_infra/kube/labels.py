"""Labels and selectors, from one place."""

from __future__ import annotations

APPLICATION = "archesai"
"""Value of `app.kubernetes.io/name` and prefix of every object name."""

COMPONENT_LABEL = "app.kubernetes.io/component"
INSTANCE = "app.kubernetes.io/instance"
"""Label that names the stack of an object."""


def selector(component: str, instance: str) -> dict[str, str]:
    """What selects the pods of one component of one stack; never a version, so an upgrade never changes it."""
    return {
        "app.kubernetes.io/name": APPLICATION,
        COMPONENT_LABEL: component,
        INSTANCE: instance,
    }


def labels(component: str, instance: str) -> dict[str, str]:
    """The recommended labels that every object carries."""
    return selector(component, instance) | {
        "app.kubernetes.io/part-of": APPLICATION,
        "app.kubernetes.io/managed-by": "pulumi",
    }
