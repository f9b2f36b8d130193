"""Cilium's own Ingress and Gateway, which no address stands for."""

from __future__ import annotations

from typing import Any

import pytest

from archesai_infra.stack.config import ConfigError
from archesai_infra.stack.evaluate import Evaluation
from testbed.matrix import ON, TLS
from testbed.stacks import find, render, shipped

CILIUM = {"cilium": True}
FORMS: dict[str, dict[str, Any]] = {
    "Ingress": {"className": "cilium"},
    "Gateway API": {"api": "gateway", "gateway": {"className": "cilium", "implementation": "other"}},
}
every_form = pytest.mark.parametrize("form", FORMS)


def stack(form: str, **settings: Any) -> Evaluation:  # noqa: ANN401 - settings as in a stack file
    ingress = ON | {"hosts": {"grafana": "grafana"}, "controller": CILIUM} | FORMS[form] | settings
    return render({"domain": "example.com", "monitoring": ON, "ingress": ingress})


def let_in(evaluation: Evaluation) -> dict[str, tuple[str, Any]]:
    """What Cilium's policies let in: the namespace and the port, by the name of the policy."""
    return {
        item["metadata"]["name"]: (item["metadata"]["namespace"], rule["toPorts"][0]["ports"][0]["port"])
        for item in evaluation.objects
        if item["kind"] == "CiliumNetworkPolicy"
        for rule in item["spec"]["ingress"]
        if rule["fromEntities"] == ["ingress"]
    }


@every_form
def test_cilium_s_own_is_let_in_to_each_host_by_what_it_is(form: str) -> None:
    made = stack(form)
    assert let_in(made) == {
        "archesai-cilium-api": ("archesai", "3001"),
        "archesai-cilium-platform": ("archesai", "3000"),
        "archesai-cilium-chart-grafana": ("monitoring", "3000"),
    }
    own = find(made, "NetworkPolicy", "archesai-platform")["spec"]
    # A rule without peers would let everybody in.
    assert "ingress" not in own
    policy = find(made, "CiliumNetworkPolicy", "archesai-cilium-platform")["spec"]
    assert policy["endpointSelector"]["matchLabels"] == own["podSelector"]["matchLabels"]


@every_form
def test_it_also_asks_the_pods_that_prove_a_host_to_let_s_encrypt(form: str) -> None:
    proving = {name: where for name, where in let_in(stack(form, tls=TLS)).items() if name.endswith("acme-solver")}
    assert proving == {
        "archesai-cilium-acme-solver": ("archesai", "8089"),
        "archesai-cilium-chart-acme-solver": ("monitoring", "8089"),
    }


def test_addresses_are_let_in_beside_it() -> None:
    made = stack("Ingress", controller=CILIUM | {"cidrs": ["192.0.2.0/24"]})
    (rule,) = find(made, "NetworkPolicy", "archesai-platform")["spec"]["ingress"]
    assert rule["from"] == [{"ipBlock": {"cidr": "192.0.2.0/24"}}]
    assert "archesai-cilium-platform" in let_in(made)


def test_it_is_not_our_controller() -> None:
    with pytest.raises(ConfigError, match=r"cilium is for Cilium's own Ingress or Gateway, and install runs Traefik"):
        stack("Ingress", controller=CILIUM | {"install": True})


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_shipped_stacks_have_no_policy_of_cilium(name: str) -> None:
    assert let_in(shipped(name)) == {}
