"""Where pods run: the settings of the whole stack reach each of them, those of Helm charts included."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest

from archesai_infra import versions
from archesai_infra.components.base.charts import POD_VALUES
from testbed.invariants.view import RUNNERS, Rendered, pod
from testbed.matrix import CLUSTER
from testbed.monitoring.stacks import BACKED_UP
from testbed.stacks import Config, render

TAINT = {"key": "dedicated", "operator": "Equal", "value": "arches", "effect": "NoSchedule"}
PLACED: Config = {"scheduling": {"tolerations": [TAINT], "nodeSelector": {"pool": "arches"}, "priorityClass": "arches"}}
LOGIN: Config = {
    "images": {"registry": "registry.example.com"},
    "security": {"registry": {"server": "registry.example.com", "username": "robot"}},
    "registryPassword": "made-up",
}
EVERY_CHART: Config = (
    BACKED_UP
    | CLUSTER
    | {
        "database": {"mode": "cluster", "cluster": {"archive": {"enabled": True}}},
        "ingress": {
            "enabled": True,
            "controller": {"install": True},
            "certManager": {"install": True},
            "tls": {"enabled": True, "issuer": "letsencrypt-prod"},
        },
    }
)
CHARTS = [
    value for name, value in vars(versions).items() if name.endswith("_CHART") and value != versions.GATEWAY_API_CHART
]
"""Those with pods; the Gateway API's has definitions only."""


def _at(values: Any, path: str) -> Any:  # noqa: ANN401 - JSON
    return reduce(lambda inner, part: inner.get(part, {}), filter(None, path.split(".")), values)


def test_every_pod_template_runs_where_the_stack_may_run() -> None:
    rendered = Rendered.of(render(EVERY_CHART | PLACED))
    placements = {
        item["metadata"]["name"]: (
            pod(item)["tolerations"],
            pod(item)["nodeSelector"],
            pod(item)["priorityClassName"],
        )
        for item in rendered.kinds(*RUNNERS)
    }
    assert len(placements) >= 10
    assert all(item == ([TAINT], {"pool": "arches"}, "arches") for item in placements.values()), placements


def test_a_module_adds_tolerations_and_replaces_selector_and_priority() -> None:
    own = {"key": "gpu", "operator": "Exists"}
    scheduling = {"tolerations": [own], "nodeSelector": {"pool": "gpu"}, "priorityClass": "high"}
    rendered = Rendered.of(render(EVERY_CHART | PLACED | {"redis": {"enabled": True, "scheduling": scheduling}}))
    redis = pod(rendered.one("StatefulSet", "archesai-redis"))
    assert (redis["tolerations"], redis["nodeSelector"], redis["priorityClassName"]) == (
        [own, TAINT],
        {"pool": "gpu"},
        "high",
    )


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.address.rpartition("/")[2])
def test_every_chart_places_its_pods_and_pulls_with_the_login(chart: versions.ChartVersion) -> None:
    name = chart.address.rpartition("/")[2]
    releases = render(EVERY_CHART | PLACED | LOGIN).releases
    (values,) = (item.inputs["values"] for item in releases if item.inputs["chart"] == chart.address)
    paths = POD_VALUES[name]
    for path in paths.placed:
        place = _at(values, path)
        assert place["tolerations"] == [TAINT], path
        assert place.get("nodeSelector") == (None if path == "nodeAgent" else {"pool": "arches"}), path
    assert all(_at(values, path)["priorityClassName"] == "arches" for path in paths.priority)
    if paths.pull_secrets:
        assert _at(values, paths.pull_secrets) == (["regcred"] if paths.names_only else [{"name": "regcred"}])


def test_the_node_agent_goes_where_the_dumps_are() -> None:
    tainted: Config = {"backups": {**BACKED_UP["backups"], "dump": {"scheduling": {"tolerations": [TAINT]}}}}
    releases = render(EVERY_CHART | tainted).releases
    (values,) = (item.inputs["values"] for item in releases if item.inputs["chart"] == versions.VELERO_CHART.address)
    assert values["nodeAgent"]["tolerations"] == [TAINT]


def test_every_namespace_of_a_release_holds_the_pull_secret_and_the_release_waits_for_it() -> None:
    stack = render(EVERY_CHART | LOGIN)
    secrets = {
        item["metadata"]["namespace"]
        for item in stack.objects
        if item["kind"] == "Secret" and item["metadata"]["name"] == "regcred"
    }
    assert {release.inputs["namespace"] for release in stack.releases} <= secrets
    by_namespace = {
        resource.inputs["metadata"]["namespace"]: resource.urn
        for resource in stack.resources
        if resource.type.endswith(":Secret") and resource.inputs["metadata"]["name"] == "regcred"
    }
    assert all(by_namespace[release.inputs["namespace"]] in release.depends_on for release in stack.releases)


@pytest.mark.parametrize(("api", "form"), [("ingress", "ingress"), ("gateway", "gatewayHTTPRoute")])
def test_the_pods_that_prove_hosts_run_where_the_stack_may_run_and_pull_with_the_login(api: str, form: str) -> None:
    made: Config = {"api": api, "clusterIssuer": {"create": True, "email": "ops@example.com"}}
    certified = EVERY_CHART | {"ingress": {**EVERY_CHART["ingress"], **made}}
    added = {
        "nodeSelector": {"pool": "arches"},
        "tolerations": [TAINT],
        "priorityClassName": "arches",
        "imagePullSecrets": [{"name": "regcred"}],
    }
    for config, wanted in ((PLACED | LOGIN, {"spec": added}), ({}, None)):
        (solver,) = _issuer(certified | config)["spec"]["acme"]["solvers"]
        assert solver["http01"][form].get("podTemplate") == wanted


def _issuer(config: Config) -> dict[str, Any]:
    return Rendered.of(render(config)).one("ClusterIssuer", "letsencrypt-prod")
