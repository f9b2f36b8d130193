"""Which values of Secrets each container is given, Jobs that have ended and schedules included."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from archesai_infra.components import api
from testbed.cluster.scenarios import SCENARIOS, Scenario
from testbed.invariants.view import RUNNERS, Object, Rendered, template
from testbed.node.stack import COMPONENT
from testbed.secret_readers import PUBLIC_KEYS, Value, readable

pytestmark = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)

OF_OTHERS = frozenset({Value("archesai-backups-cloud", "cloud"), Value("database-certificate", "tls.key")})
"""Values that a stack file names and an operator brings, where it names them."""


def _pods(scenario: Scenario) -> Iterator[tuple[str, Object]]:
    """Component and pod of everything that runs pods."""
    for runner in Rendered.of(scenario.evaluation()).kinds(*RUNNERS):
        made = template(runner)
        yield made["metadata"]["labels"][COMPONENT], made["spec"]


def _containers(pod: Object) -> list[Object]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def _declared(pod: Object, container: Object) -> set[Value]:
    """The values that a container is given by its variables and its volumes."""
    mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
    found = {value for volume in pod.get("volumes", []) if volume["name"] in mounted for value in _in_volume(volume)}
    # The whole of a Secret is more than any container needs.
    assert not [one for one in container.get("envFrom", []) if "secretRef" in one]
    references = (one.get("valueFrom", {}).get("secretKeyRef") for one in container.get("env", []))
    found |= {Value(one["name"], one["key"]) for one in references if one}
    return {value for value in found if value.key not in PUBLIC_KEYS}


def _in_volume(volume: Object) -> Iterator[Value]:
    if "secret" in volume:
        yield from (Value(volume["secret"]["secretName"], item["key"]) for item in volume["secret"]["items"])
    for source in volume.get("projected", {}).get("sources", []):
        if "secret" in source:
            yield from (Value(source["secret"]["name"], item["key"]) for item in source["secret"]["items"])


def _made(scenario: Scenario) -> set[Value]:
    """The values of the Secrets that a stack makes in its namespace."""
    secrets = (one for one in Rendered.of(scenario.evaluation()).kinds("Secret"))
    own = (one for one in secrets if one["metadata"]["namespace"] == scenario.namespace)
    return {Value(one["metadata"]["name"], key) for one in own for key in one["stringData"]}


def test_each_container_is_given_the_secrets_that_it_needs_and_no_others(scenario: Scenario) -> None:
    found = {
        f"{component}/{container['name']}": _declared(pod, container)
        for component, pod in _pods(scenario)
        for container in _containers(pod)
    }
    existing = _made(scenario) | (OF_OTHERS & set[Value]().union(*found.values()))
    assert found == {container: readable(container, frozenset(existing)) for container in found}


def test_only_an_api_that_asks_the_api_server_gets_a_token_for_it(scenario: Scenario) -> None:
    with_token = {component for component, pod in _pods(scenario) if pod["automountServiceAccountToken"]}
    assert with_token == ({api.MODULE} if scenario.evaluation().settings.api.kubernetes_access else set())
