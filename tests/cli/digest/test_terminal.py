"""What a preview by the engine says on a terminal: values, effects and data at risk."""

from __future__ import annotations

import json
from typing import Any

from pulumi.automation import EngineEvent

from archesai_infra.cli.digest.terminal import lines, summary
from archesai_infra.cli.engine.events import collect_steps
from testbed.stacks import ROOT

RECORDED = ROOT / "tests" / "cli" / "data" / "previews" / "values.json"
"""A preview of the real engine, with the inputs of the old and the new state."""
PREFIX = "urn:pulumi:prod::archesai::archesai:index:Database$kubernetes:"


def _recorded() -> dict[str, Any]:
    return json.loads(RECORDED.read_text(encoding="utf-8"))


def _text(preview: dict[str, Any], *, creations: bool = True) -> str:
    return "\n".join(lines(preview, color=False, creations=creations)) + "\n"


def _step(operation: str, token: str, name: str, **state: object) -> dict[str, Any]:
    old = {"type": f"kubernetes:{token}", "inputs": {"metadata": {"name": name}}, **state}
    return {"op": operation, "urn": f"{PREFIX}{token}::{name}", "oldState": old, "newState": old}


def test_each_changed_field_has_its_old_and_its_new_value_and_the_image_is_first() -> None:
    text = _text(_recorded())
    api = text.partition("Deployment archesai-api\n")[2].splitlines()
    assert api[0] == "    spec.template.spec.containers.api.image: archesai/api:latest -> archesai/api:v1.2.3"
    assert "    spec.replicas: 1 -> 2" in api
    assert "postgres.resources.limits.memory: 1Gi -> 3Gi" in text
    assert "      -   enabled: false\n      +   enabled: true\n" in text


def test_a_policy_is_its_flows_in_words_and_the_summary_has_restarts_and_flows() -> None:
    text = _text(_recorded())
    assert "Restarts: archesai-api (rolling), archesai-postgres (short outage)\nOpens:    api -> redis:6379\n" in text
    assert "NetworkPolicy archesai-api\n    opens api -> redis:6379\n" in text


def test_a_cilium_policy_is_its_flows_in_words_too() -> None:
    selector = {"matchLabels": {"app.kubernetes.io/component": "api"}}
    step = _step("update", "cilium.io/v2:CiliumNetworkPolicy", "archesai-cilium-api")
    for state, ports in (("oldState", ["443"]), ("newState", ["443", "6443"])):
        rule = {"toEntities": ["kube-apiserver"], "toPorts": [{"ports": [{"port": port} for port in ports]}]}
        spec = {"endpointSelector": selector, "egress": [rule]}
        step[state] = step[state] | {"inputs": {"kind": "CiliumNetworkPolicy", "metadata": {}, "spec": spec}}
    text = _text({"steps": [step]})
    assert "Opens:    api -> kube-apiserver:6443\n" in text
    assert "    opens api -> kube-apiserver:6443\n" in text
    assert "443" not in text.replace("6443", "")


def test_creations_that_the_engine_has_listed_are_only_counted() -> None:
    text = _text(_recorded(), creations=False)
    assert "PersistentVolumeClaim archesai-redis-data" not in text
    assert "2 new revisions" in text


def test_a_secret_is_named_without_its_value_whatever_form_it_has() -> None:
    marked = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "made-up"}
    for old, new in ((marked, marked), ("[secret]", "[secret]"), ("[secret]", "plain"), (marked, {"a": marked})):
        step = _step("update", "apps/v1:Deployment", "archesai-api")
        step["oldState"]["inputs"]["spec"] = {"password": old}
        step["newState"] = {**step["oldState"], "inputs": {"metadata": {}, "spec": {"password": new}}}
        step["detailedDiff"] = {"spec.password": {}}
        text = _text({"steps": [step]})
        assert "    spec.password\n" in text
        assert "made-up" not in text
        assert "plain" not in text


def test_data_that_would_be_lost_and_data_that_stays_are_in_the_summary() -> None:
    steps = [
        _step("delete", "core/v1:PersistentVolumeClaim", "archesai-postgres-data"),
        _step("replace", "core/v1:PersistentVolumeClaim", "archesai-redis-data", retainOnDelete=True),
    ]
    found = list(summary({"steps": steps}, color=False))
    assert "At risk:  DELETES PersistentVolumeClaim archesai-postgres-data; its volume would be gone" in found
    stays = "it stays in the cluster, and a new, EMPTY one takes its place"
    assert f"Leaves:   PersistentVolumeClaim archesai-redis-data; {stays}" in found


def test_the_engines_events_say_the_same_as_its_document() -> None:
    """Other forms of the same preview: `arches preview` reads events, `arches digest` the document."""
    steps: list[dict[str, Any]] = []
    collect = collect_steps(steps)
    for number, step in enumerate(_recorded()["steps"]):
        collect(EngineEvent.from_json({"sequence": number, "timestamp": 0, "resourcePreEvent": _event(step)}))
    assert _text({"steps": steps}) == _text(_recorded())


def _event(step: dict[str, Any]) -> dict[str, Any]:
    states = {"old": step.get("oldState"), "new": step.get("newState")}
    diff = {path: {"diffKind": item["kind"]} for path, item in step.get("detailedDiff", {}).items()}
    return {
        "metadata": {"op": step["op"], "urn": step["urn"], "keys": step.get("replaceReasons"), "detailedDiff": diff}
        | {name: {"urn": step["urn"], **state} for name, state in states.items() if state}
    }
