"""Objects outside namespaces: those that the tests of one file leave are gone before the tests of the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testbed.controlplane.api import Api, NoSuchKindError, Object, label

KINDS = (
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    ("cert-manager.io/v1", "ClusterIssuer"),
    ("external-secrets.io/v1", "ClusterSecretStore"),
    ("gateway.networking.k8s.io/v1", "GatewayClass"),
    ("networking.k8s.io/v1", "IngressClass"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("scheduling.k8s.io/v1", "PriorityClass"),
    ("storage.k8s.io/v1", "StorageClass"),
)
"""API version and kind of what stacks and tests make outside namespaces.

Not among them: namespaces, whose names differ from test to test; volumes, which go with their claims; definitions,
which every test may install.
"""
_OF_ONE_LIFE = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid")


class ClusterWide:
    """The objects outside namespaces with which a control plane started, to return to."""

    def __init__(self, api: Api) -> None:
        """Take what is there now as the start."""
        self._api = api
        self._start = {label(item): item for item in self._found()}

    def reset(self) -> None:
        """Delete what has come since the start, and create again what is missing of it."""
        first = {item["metadata"]["uid"] for item in self._start.values()}
        for item in self._found():
            if item["metadata"]["uid"] not in first:
                self._api.delete(item)
        there = {label(item) for item in self._found()}
        for name, item in self._start.items():
            if name not in there:
                metadata = {key: value for key, value in item["metadata"].items() if key not in _OF_ONE_LIFE}
                self._api.create(item | {"metadata": metadata})

    def _found(self) -> Iterator[Object]:
        for api_version, kind in KINDS:
            try:
                yield from self._api.list(api_version, kind)
            except NoSuchKindError:
                continue  # Its definition is not installed.


STARTED = pytest.StashKey[ClusterWide]()
"""The objects outside namespaces of the session's control plane, where one was started."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Reset them after the last test of a file, once its fixtures are torn down."""
    yield
    ended = nextitem is not None and nextitem.path != item.path
    if ended and (started := item.config.stash.get(STARTED, None)):
        started.reset()
