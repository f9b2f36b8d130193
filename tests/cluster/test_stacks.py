from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import pytest

from archesai_infra.stack.render import stream
from testbed.cluster.deployed import MANAGER, Deployed, apply
from testbed.cluster.scenarios import DATA_PRIORITY, SCENARIOS
from testbed.controlplane.api import ApiError, Object

pytestmark = pytest.mark.cluster

every_stack = pytest.mark.parametrize("name", SCENARIOS)


@every_stack
def test_the_server_refuses_nothing_and_warns_of_nothing(applied: Callable[[str], Deployed], name: str) -> None:
    outcome = applied(name).outcome
    assert (outcome.errors, outcome.warnings) == ({}, {})
    assert len(outcome.results) >= 25


@every_stack
def test_workloads_roll_out_jobs_complete_and_claims_are_bound(running: Callable[[str], Deployed], name: str) -> None:
    stack = running(name)
    held = {kind: stack.rig.api.list("v1", kind, stack.namespace) for kind in ("Pod", "PersistentVolumeClaim")}
    assert {pod["status"]["phase"] for pod in held["Pod"]} == {"Running", "Succeeded"}
    assert {claim["status"]["phase"] for claim in held["PersistentVolumeClaim"]} == {"Bound"}
    wanted = {item["metadata"]["name"] for item in stack.of_kind("PersistentVolumeClaim")}
    assert wanted <= {claim["metadata"]["name"] for claim in held["PersistentVolumeClaim"]}


@every_stack
def test_every_service_has_ready_endpoints_on_all_its_ports(running: Callable[[str], Deployed], name: str) -> None:
    stack = running(name)

    def lacking() -> list[str]:
        slices = stack.rig.api.list("discovery.k8s.io/v1", "EndpointSlice", stack.namespace)
        return [missing for item in stack.of_kind("Service") if (missing := _lacking(item, slices))]

    stack.rig.wait_for("endpoints of every Service", lacking)


def _lacking(service: Object, slices: list[Object]) -> str | None:
    name, wanted = service["metadata"]["name"], {port["name"] for port in service["spec"]["ports"]}
    own = [part for part in slices if part["metadata"]["labels"].get("kubernetes.io/service-name") == name]
    ready = [part for part in own if any(one["conditions"]["ready"] for one in part.get("endpoints") or [])]
    missing = wanted - {port["name"] for part in ready for port in part.get("ports") or []}
    return f"{name}: no endpoints for {sorted(missing)}" if missing else None


@every_stack
def test_every_cron_job_makes_a_job_that_completes(running: Callable[[str], Deployed], name: str) -> None:
    stack = running(name)
    jobs = stack.jobs_of_cron_jobs()
    assert bool(jobs) == ("backups" in stack.scenario.config)
    outcome = apply(stack.rig, jobs).check()
    assert outcome.warnings == {}
    stack.rig.wait_ready(*jobs)


@every_stack
def test_no_pod_was_refused_on_the_way(running: Callable[[str], Deployed], name: str) -> None:
    assert running(name).refused_pods() == []


@every_stack
def test_a_second_apply_changes_nothing(running: Callable[[str], Deployed], name: str) -> None:
    stack = running(name)
    before = stack.contents()
    outcome = apply(stack.rig, stack.items).check()
    assert outcome.warnings == {}
    assert stack.contents() == before
    assert sum("generation" in item["metadata"] for item in before.values()) >= 10


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_rendered_text_goes_through_kubectl_and_is_what_runs(running: Callable[[str], Deployed], name: str) -> None:
    stack = running(name)
    before = stack.contents()
    flags = ["--server-side", "--validate=strict", "--warnings-as-errors", f"--field-manager={MANAGER}"]
    done = stack.rig.kubectl("apply", *flags, "--filename=-", stdin=stream(stack.evaluation), seconds=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == len(stack.items)
    assert stack.contents() == before


_BREACHES: dict[str, Callable[[Object], object]] = {
    "allowPrivilegeEscalation": lambda pod: _security(pod).update(allowPrivilegeEscalation=True),
    "unrestricted capabilities": lambda pod: _security(pod)["capabilities"].pop("drop"),
    "runAsUser=0": lambda pod: pod["securityContext"].update(runAsUser=0),
    "runAsNonRoot": lambda pod: pod["securityContext"].pop("runAsNonRoot"),
    "seccompProfile": lambda pod: pod["securityContext"].pop("seccompProfile"),
    "host namespaces": lambda pod: pod.update(hostNetwork=True),
    "restricted volume types": lambda pod: pod.setdefault("volumes", []).append(
        {"name": "host", "hostPath": {"path": "/"}}
    ),
    "privileged": lambda pod: _security(pod).update(privileged=True, allowPrivilegeEscalation=True),
}


def _security(pod: Object) -> Object:
    return pod["containers"][0]["securityContext"]


@pytest.mark.parametrize("breach", _BREACHES)
def test_a_pod_of_ours_with_one_flaw_is_refused(running: Callable[[str], Deployed], breach: str) -> None:
    stack = running("dev")
    template = next(item for item in stack.items if item["kind"] == "Deployment")["spec"]["template"]
    metadata = {"name": "flawed", "namespace": stack.namespace}
    pod: Object = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": deepcopy(template["spec"])}
    assert stack.rig.apply([pod], dry_run=True).check()
    _BREACHES[breach](pod["spec"])
    with pytest.raises(ApiError, match=rf'403 Forbidden: .*violates PodSecurity "restricted:v1\.\d+": .*{breach}'):
        stack.rig.api.create(pod)


def test_pods_with_a_priority_class_get_its_priority(running: Callable[[str], Deployed]) -> None:
    stack = running("everything")
    priorities = {name: {pod["spec"]["priority"] for pod in stack.pods(name)} for name in ("database", "redis")}
    assert priorities == {"database": {DATA_PRIORITY}, "redis": {0}}


def test_a_container_without_resources_gets_those_of_the_limit_range(running: Callable[[str], Deployed]) -> None:
    stack = running("everything")
    deployment = next(item for item in stack.items if item["kind"] == "Deployment")
    spec = deepcopy(deployment["spec"]["template"]["spec"])
    del spec["containers"][0]["resources"]
    metadata = {"name": "plain", "namespace": stack.namespace}
    pod: Object = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    made = stack.rig.apply([pod], dry_run=True).check().results[0]["spec"]["containers"][0]["resources"]
    limits = next(item for item in stack.items if item["kind"] == "LimitRange")["spec"]["limits"][0]
    assert made == {"requests": limits["defaultRequest"], "limits": limits["default"]}
