"""The stack's rules at the API server: opt-in, and in force where the stack is."""

from __future__ import annotations

from archesai_infra.components.admission import AdmissionArgs, policies
from testbed.stacks import DEVELOPMENT, Config, find, render, shipped

WITH_HOSTS: Config = {"security": {"admission": "deny"}, "ingress": {"enabled": True}, "domain": "example.com"}
BINDING = "ValidatingAdmissionPolicyBinding"


def test_without_the_setting_a_stack_has_no_admission_policies() -> None:
    kinds = {item["kind"] for stack in ("dev", "prod") for item in shipped(stack).objects}
    assert {kind for kind in kinds if "Admission" in kind} == set()


def test_each_policy_is_bound_to_the_namespaces_by_names_that_nobody_can_change() -> None:
    evaluation = render(WITH_HOSTS | {"security": {"admission": "deny"}})
    titles = [item["metadata"]["name"] for item in evaluation.objects if item["kind"] == "ValidatingAdmissionPolicy"]
    assert titles
    for title in titles:
        spec = find(evaluation, BINDING, title)["spec"]
        selector = spec["matchResources"]["namespaceSelector"]["matchExpressions"]
        outside = title.endswith("-hosts")
        assert spec["policyName"] == title
        assert selector == [
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn" if outside else "In", "values": ["archesai"]}
        ]


def test_warn_refuses_nothing_and_deny_refuses() -> None:
    for mode, actions in {"warn": ["Warn", "Audit"], "deny": ["Deny"]}.items():
        evaluation = render(DEVELOPMENT | {"security": {"admission": mode}})
        bindings = [item for item in evaluation.objects if item["kind"] == BINDING]
        assert [item["spec"]["validationActions"] for item in bindings] == [actions] * len(bindings)


def test_namespaces_of_charts_are_covered_where_the_stack_makes_them() -> None:
    monitored = render(WITH_HOSTS | {"monitoring": {"enabled": True}})
    spec = find(monitored, BINDING, "archesai-dev-pods")["spec"]
    assert spec["matchResources"]["namespaceSelector"]["matchExpressions"][0]["values"] == ["archesai", "monitoring"]


def test_hosts_are_guarded_only_where_there_are_any() -> None:
    def parts(hosts: tuple[str, ...]) -> set[str]:
        return set(policies(AdmissionArgs("deny", ("docker.io",), hosts, ("a",), tokens=False), "a"))

    assert parts(("api.example.com",)) - parts(()) == {"hosts"}


def test_a_stack_whose_api_uses_the_api_server_lets_its_pods_have_a_token() -> None:
    def messages(*, tokens: bool) -> list[str]:
        policy = policies(AdmissionArgs("deny", ("docker.io",), (), ("a",), tokens=tokens), "a")["pods"]
        return [rule.message for rule in policy.rules if "token" in rule.message]

    assert len(messages(tokens=False)) == 1
    assert messages(tokens=True) == []
