"""Specs of ValidatingAdmissionPolicies: rules that the API server itself holds every request to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kinds:
    """Kinds of one API group, by their plural names."""

    group: str
    version: str
    plurals: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """An expression in the Common Expression Language that has to be true, and what to say where it is not."""

    expression: str
    message: str


def policy_spec(kinds: Sequence[Kinds], rules: Sequence[Rule], variables: Mapping[str, str]) -> dict[str, Any]:
    """A policy over the creation and every update of these kinds; a request that cannot be judged is refused."""
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": [kind.group],
                    "apiVersions": [kind.version],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": list(kind.plurals),
                    "scope": "Namespaced",
                }
                for kind in kinds
            ]
        },
        "variables": [{"name": name, "expression": expression} for name, expression in variables.items()],
        "validations": [{"expression": rule.expression, "message": rule.message} for rule in rules],
    }


def binding_spec(policy: str, actions: Sequence[str], namespaces: Sequence[str], *, outside: bool) -> dict[str, Any]:
    """A policy in force in these namespaces or, `outside`, in all others.

    The server itself labels each namespace by its name, so nobody can label another one in or out.
    """
    operator = "NotIn" if outside else "In"
    named = {"key": "kubernetes.io/metadata.name", "operator": operator, "values": sorted(namespaces)}
    return {
        "policyName": policy,
        "validationActions": list(actions),
        "matchResources": {"namespaceSelector": {"matchExpressions": [named]}},
    }
