"""The policy pack: the checks as mandatory policies over every Kubernetes object of a preview or an `up`."""

from __future__ import annotations

from typing import Any

from checks import CHECKS, PRODUCTION_CHECKS, Check
from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

PREFIX = "kubernetes:"


RELEASE = f"{PREFIX}helm.sh/v3:Release"


def _object(resource_type: str, properties: Any) -> dict[str, Any]:  # noqa: ANN401 - properties of any resource
    """Plain values: the engine's own mappings raise on what a preview does not know yet.

    A Helm release has no kind; it is given one, so that its values are judged.
    """
    return _plain(properties) | ({"kind": "Release"} if resource_type == RELEASE else {})


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    if hasattr(value, "items"):
        return {key: _plain(value[key]) for key in value}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _policy(name: str, check: Check) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type.startswith(PREFIX):
            for finding in check(_object(args.resource_type, args.props)):
                report(f"{args.name} {finding}")

    return ResourceValidationPolicy(name=name, description=_first_line(check), validate=validate)


def _production_policy(name: str, check: Check) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        # Production protects its namespace; nothing else of a stack says what it is for.
        production = any(
            item.resource_type == "kubernetes:core/v1:Namespace" and item.opts.protect for item in args.resources
        )
        for item in args.resources if production else []:
            if item.resource_type.startswith(PREFIX):
                for finding in check(_object(item.resource_type, item.props)):
                    report(f"{item.name} {finding}", item.urn)

    return StackValidationPolicy(name=name, description=_first_line(check), validate=validate)


def _first_line(check: Check) -> str:
    return (check.__doc__ or "").strip().splitlines()[0]


PolicyPack(
    name="archesai",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[
        *(_policy(name, check) for name, check in CHECKS.items()),
        *(_production_policy(name, check) for name, check in PRODUCTION_CHECKS.items()),
    ],
)
