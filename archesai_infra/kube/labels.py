"""Labels and selectors, from one place."""

from __future__ import annotations

APPLICATION = "archesai"
"""Value of `app.kubernetes.io/name` and prefix of every object name."""
NAME = "app.kubernetes.io/name"
COMPONENT = "app.kubernetes.io/component"
INSTANCE = "app.kubernetes.io/instance"
MANAGED_BY = "app.kubernetes.io/managed-by"
"""Keys of the recommended labels."""


def selector(component: str, instance: str) -> dict[str, str]:
    """What selects the pods of one component of one stack; never a version, so an upgrade never changes it."""
    return {
        NAME: APPLICATION,
        COMPONENT: component,
        INSTANCE: instance,
    }


def labels(component: str, instance: str) -> dict[str, str]:
    """The recommended labels that every object carries."""
    return selector(component, instance) | {
        "app.kubernetes.io/part-of": APPLICATION,
        MANAGED_BY: "pulumi",
    }
