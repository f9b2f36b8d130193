"""A cluster's own rules against what a stack wants."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from testbed.controlplane.api import Object
from testbed.controlplane.rig import ControlPlane

MESSAGE = "not by this tool"
"""What the API server says of what a rule refuses."""


@contextmanager
def updates_refused(rig: ControlPlane, namespace: str, group: str, resource: str, allowed: str) -> Generator[None]:
    """Refuse updates of a kind in a namespace until the end of the context.

    Args:
        rig: The control plane.
        namespace: Has the rule.
        group: API group of the kind; empty for the core.
        resource: Plural of the kind.
        allowed: CEL expression that holds for what may be updated.
    """
    rules = _rules(namespace, group, resource, allowed)
    rig.apply(rules).check()
    try:
        yield
    finally:
        for rule in rules:
            rig.api.delete(rule)


def _rules(namespace: str, group: str, resource: str, allowed: str) -> list[Object]:
    name = f"{namespace}-{resource}"
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    rule = {"apiGroups": [group], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": [resource]}
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": allowed, "message": MESSAGE}],
    }
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    binding = {
        "policyName": name,
        "validationActions": ["Deny"],
        "matchResources": {"namespaceSelector": selector},
    }
    return [
        kind | {"kind": "ValidatingAdmissionPolicy", "spec": policy},
        kind | {"kind": "ValidatingAdmissionPolicyBinding", "spec": binding},
    ]
