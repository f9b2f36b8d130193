"""Gateway API's own conformance tests against the real Traefik, with the arguments and rights that a stack gives it."""

from __future__ import annotations

import os

import pytest

from testbed.controlplane.fixtures import parts_or_skip
from testbed.node import conformance
from testbed.node.rig import Nodes
from testbed.programs import parts

pytestmark = pytest.mark.node

CHOSEN = "ARCHESAI_CONFORMANCE"
"""Environment variable that has these tests run."""

RELIED_ON = {
    "GatewayModifyListeners",
    "GatewaySecretMissingReferenceGrant",
    "GatewayWithAttachedRoutes",
    "HTTPRouteBackendProtocolWebSocket",
    "HTTPRouteCrossNamespace",
    "HTTPRouteHTTPSListener",
    "HTTPRouteHostnameIntersection",
    "HTTPRouteInvalidCrossNamespaceParentRef",
    "HTTPRouteListenerHostnameMatching",
    "HTTPRoutePathMatchOrder",
    "HTTPRouteRedirectScheme",
    "HTTPRouteSimpleSameNamespace",
}
"""What the objects of a stack build on: listeners by host with certificates, routes of other namespaces, the longest
path first, the redirect."""


def test_the_controller_that_a_stack_installs_does_what_gateway_api_says(nodes: Nodes) -> None:
    if os.environ.get(CHOSEN) != "1":
        pytest.skip(f"builds for a minute and runs for minutes: {CHOSEN}=1 make test-node runs it")
    parts_or_skip(parts.DEFINITIONS, "traefik", parts.GATEWAY_CONFORMANCE)
    with conformance.controller(nodes):
        done = conformance.run(nodes)
    results = conformance.results(done.stdout)
    failed = [name for name, result in results.items() if result == "FAIL"]
    assert (failed, done.returncode) == ([], 0), done.stdout[-4000:] + done.stderr[-2000:]
    passed = {name for name, result in results.items() if result == "PASS"}
    assert passed >= RELIED_ON
