"""CloudNativePG's operator, where one has its program: its webhooks and our rules agree, and its pods fit a stack."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from archesai_infra.components.database.cluster import network
from archesai_infra.components.database.cluster.settings import ClusterSettings
from archesai_infra.stack.config import ConfigError
from testbed.cluster import cloudnative
from testbed.cluster.scenarios import alone, merged
from testbed.controlplane.api import Object
from testbed.controlplane.rig import ControlPlane
from testbed.matrix import CLUSTER, MATRIX
from testbed.stacks import Config, find, render

pytestmark = pytest.mark.cluster

API = "postgresql.cnpg.io/v1"
WORKLOADS = ("Deployment", "Job")
"""Of the stack itself, which would wait for a database."""
FORMS = [name for name in MATRIX if name.startswith("database cluster")]


@pytest.fixture(scope="module")
def asking(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Generator[ControlPlane]:
    """A control plane of its own that asks the operator."""
    assert control_plane
    manager = cloudnative.program_or_skip()
    directory = tmp_path_factory.mktemp("operator")
    with ControlPlane(directory) as rig, cloudnative.asked(rig, render(CLUSTER), manager):
        yield rig


def refusals(rig: ControlPlane, *items: Object) -> list[str]:
    for namespace in {item["metadata"]["namespace"] for item in items}:
        home: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        if rig.api.read(home) is None:
            rig.api.create(home)
    return list(rig.apply(items, dry_run=True).errors.values())


def test_the_operator_admits_every_form_of_a_cluster(asking: ControlPlane) -> None:
    for form in FORMS:
        own = [item for item in render(MATRIX[form]).objects if item["apiVersion"] == API]
        assert own, form
        assert refusals(asking, *own) == [], form


def parameters(values: dict[str, str]) -> tuple[Config, Config]:
    return {"postgres": {"parameters": values}}, {"postgresql": {"parameters": values}}


REFUSED: dict[str, tuple[Config, Config]] = {
    "too few standbys": ({"instances": 1}, {"instances": 1}),
    "a tag without a version": (
        {"image": {"tag": "standard-trixie"}},
        {"imageName": "registry.example/postgresql:standard-trixie"},
    ),
    "buffers beyond the memory": (
        {"postgres": {"sharedBuffers": "4Gi"}},
        {"postgresql": {"parameters": {"shared_buffers": "4GB"}}},
    ),
    "a log beyond its volume": parameters({"max_wal_size": "20GB"}),
    "bounds of the log the wrong way round": parameters({"min_wal_size": "9GB"}),
    "a log too short for standbys": parameters({"wal_level": "minimal"}),
    "a log without hints": parameters({"wal_log_hints": "off"}),
    "no boolean": parameters({"hot_standby_feedback": "maybe"}),
    "libraries": parameters({"shared_preload_libraries": "auto_explain"}),
    "a curve": parameters({"ssl_ecdh_curve": "X25519"}),
    "a place of the log": parameters({"log_directory": "elsewhere"}),
    "names of standbys": parameters({"synchronous_standby_names": "one"}),
}
"""What both refuse: settings of the cluster, and what they would change in its spec."""


def test_what_the_operator_refuses_is_refused_before_a_run_changes_anything(asking: ControlPlane) -> None:
    admitted = find(render(CLUSTER), "Cluster", "archesai-db-1")
    for what, (settings, change) in REFUSED.items():
        with pytest.raises(ConfigError):
            render(merged(CLUSTER, {"database": {"mode": "cluster", "cluster": settings}}))
        (refusal,) = refusals(asking, merged(admitted, {"spec": change}))
        assert "vcluster.cnpg.io" in refusal, what


def test_a_parameter_that_the_operator_does_not_pass_on_to_pgbouncer_is_refused_likewise(asking: ControlPlane) -> None:
    pooled = {"database": {"mode": "cluster", "pooler": {}}}
    admitted = find(render(merged(CLUSTER, pooled)), "Pooler", "archesai-pooler")
    assert refusals(asking, admitted) == []
    for name in ("auth_user", "auth_file"):
        with pytest.raises(ConfigError):
            render(merged(CLUSTER, merged(pooled, {"database": {"pooler": {"parameters": {name: "x"}}}})))
        (refusal,) = refusals(asking, merged(admitted, {"spec": {"pgbouncer": {"parameters": {name: "x"}}}}))
        assert "vpooler.cnpg.io" in refusal, name


def test_pods_that_the_operator_makes_fit_quota_pod_security_and_policies(asking: ControlPlane) -> None:
    change: Config = {"database": {"mode": "cluster", "pooler": {}}, "security": {"quota": {"enabled": True}}}
    config = alone(merged(CLUSTER, change), "operated")
    own = [item for item in render(config, reveal=True).objects if item["metadata"].get("namespace") == "operated"]
    home = find(render(config), "Namespace", "operated")
    assert home["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    asking.apply([home, *(item for item in own if item["kind"] not in WORKLOADS)]).check()

    settings = ClusterSettings()
    wanted = {network.instances(settings): 1, network.poolers(): 2, network.members(settings): 4}

    def lacking() -> list[str]:
        events = asking.api.list("v1", "Event", "operated")
        refused = [one["message"] for one in events if one["reason"] == "FailedCreate"]
        return [*refused, *(peer.name for peer, count in wanted.items() if selected(asking, peer) != count)]

    # The last of the members is the Job that makes the first instance: the others wait for an answer of PostgreSQL.
    asking.wait_for("the pods that policies name are there", lacking)


def selected(rig: ControlPlane, peer: network.MadePods) -> int:
    labels = ",".join(f"{key}={value}" for key, value in peer.labels)
    return len(rig.api.list("v1", "Pod", "operated", labels=labels))


def test_a_second_apply_changes_nothing_though_the_operator_fills_in_defaults(asking: ControlPlane) -> None:
    cluster = alone_objects("repeated", "Cluster")[0]
    apply_in_own_namespace(asking, cluster)
    before = asking.api.read(cluster)
    assert before
    assert before["spec"].keys() > cluster["spec"].keys()
    asking.apply([cluster]).check()
    after = asking.api.read(cluster)
    assert after
    assert (after["spec"], after["metadata"]["generation"]) == (before["spec"], before["metadata"]["generation"])


def test_a_cluster_that_comes_back_starts_on_its_volumes(asking: ControlPlane) -> None:
    items = alone_objects("returned", "Cluster", "Secret")
    (cluster,) = [item for item in items if item["kind"] == "Cluster"]
    apply_in_own_namespace(asking, *items)
    first: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "archesai-db-1-1", "namespace": "returned"},
    }
    asking.wait_ready(first)
    before, made = claims(asking), {item["metadata"]["uid"] for item in asking.api.list("batch/v1", "Job", "returned")}
    assert len(before) == 2
    assert all(owned for _, owned in before.values())

    # As a `destroy` leaves them, and as the runbook has the pods deleted.
    asking.kubectl("delete", "cluster", "archesai-db-1", "--namespace=returned", "--cascade=orphan").check_returncode()
    asking.wait_for("nobody owns the claims", lambda: [name for name, (_, owned) in claims(asking).items() if owned])
    asking.api.delete(first)
    asking.wait_gone(first)

    asking.apply([cluster]).check()
    asking.wait_ready(first)
    assert claims(asking) == before
    assert {item["metadata"]["uid"] for item in asking.api.list("batch/v1", "Job", "returned")} <= made


def claims(rig: ControlPlane) -> dict[str, tuple[str, bool]]:
    """Identity of each claim, and whether anything owns it."""
    found = [item["metadata"] for item in rig.api.list("v1", "PersistentVolumeClaim", "returned")]
    return {one["name"]: (one["uid"], "ownerReferences" in one) for one in found}


def alone_objects(namespace: str, *kinds: str) -> list[Object]:
    rendered = render(alone(CLUSTER, namespace), reveal=True).objects
    return [item for item in rendered if item["kind"] in kinds and item["metadata"].get("namespace") == namespace]


def apply_in_own_namespace(rig: ControlPlane, *items: Object) -> None:
    name = items[0]["metadata"]["namespace"]
    rig.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    rig.apply(items).check()
