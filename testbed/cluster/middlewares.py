"""The part of Traefik's custom resource definition of middlewares that the stacks use."""

from __future__ import annotations

from collections.abc import Mapping

from testbed.controlplane.api import Object

_TEXT: Object = {"type": "string"}
_NUMBER: Object = {"type": "integer", "format": "int64"}
_SWITCH: Object = {"type": "boolean"}
_PERIOD: Object = {"x-kubernetes-int-or-string": True}


def _fields(properties: Mapping[str, Object]) -> Object:
    return {"type": "object", "properties": dict(properties)}


_KINDS: dict[str, Object] = {
    "rateLimit": _fields({"average": _NUMBER, "burst": _NUMBER, "period": _PERIOD}),
    "buffering": _fields({"maxRequestBodyBytes": _NUMBER}),
    "compress": _fields({}),
    "headers": _fields(
        {
            "contentTypeNosniff": _SWITCH,
            "frameDeny": _SWITCH,
            "referrerPolicy": _TEXT,
            "stsIncludeSubdomains": _SWITCH,
            "stsSeconds": _NUMBER,
        }
    ),
}

DEFINITION: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "middlewares.traefik.io"},
    "spec": {
        "group": "traefik.io",
        "names": {"kind": "Middleware", "plural": "middlewares", "singular": "middleware"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": _fields({"spec": _fields(_KINDS)})},
            }
        ],
    },
}
