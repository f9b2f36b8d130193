from __future__ import annotations

from archesai_infra.cli.diff.differences import Change, Difference, differences
from archesai_infra.cli.diff.show import lines
from testbed.cli.running import run, run_json
from testbed.stacks import render


def _of(found: list[Difference], name: str) -> Difference:
    return next(item for item in found if item.object == name)


def test_a_stack_does_not_differ_from_its_copy_of_another_name() -> None:
    assert differences(render(), render(stack="copy")) == []


def test_a_changed_setting_is_told_by_object_and_path() -> None:
    found = differences(render(), render({"api": {"replicas": 2}}))
    assert found == [Difference("Deployment archesai-api", "api", "differs", (Change("spec.replicas", 1, 2),))]


def test_a_module_of_one_stack_only_is_told_by_its_objects() -> None:
    found = differences(render(), render({"redis": {"enabled": True}}))
    assert _of(found, "StatefulSet archesai-redis").status == "only right"
    assert (
        _of(differences(render({"redis": {"enabled": True}}), render()), "Secret archesai-redis").status == "only left"
    )


def test_objects_named_by_their_content_are_compared_and_not_listed_twice() -> None:
    found = differences(render(), render({"api": {"logLevel": "debug"}}))
    assert [item.object for item in found] == ["ConfigMap archesai-config"]
    assert "      -   level: info" in list(lines(found, "a", "b"))
    assert "      +   level: debug" in list(lines(found, "a", "b"))


def test_containers_and_variables_are_matched_by_name() -> None:
    found = _of(differences(render(), render({"api": {"image": {"tag": "v1"}}})), "Deployment archesai-api")
    assert [change.path for change in found.changes] == ["spec.template.spec.containers.api.image"]


def test_releases_are_compared_by_their_values() -> None:
    one = {"ingress": {"enabled": True, "controller": {"install": True}}}
    two = {"ingress": {"enabled": True, "controller": {"install": True, "replicas": 2}}}
    found = differences(render(one), render(two))
    assert [(item.object, [change.path for change in item.changes]) for item in found] == [
        (
            "Release traefik",
            ["values.deployment.replicas", "values.podDisruptionBudget", "values.topologySpreadConstraints"],
        )
    ]


def test_the_command_compares_the_shipped_stacks() -> None:
    output = run("diff", "dev", "prod").output
    assert "StatefulSet archesai-redis: only in prod\n" in output
    assert run("diff", "dev", "dev").output == "dev and dev declare the same.\n"


def test_scripts_get_the_differences_as_data() -> None:
    found = run_json("diff", "dev", "prod")
    assert {
        "object": "StatefulSet archesai-redis",
        "module": "redis",
        "status": "only right",
        "changes": [],
        "flows": [],
    } in found


def test_a_stack_that_does_not_exist_is_an_error_with_the_ones_there_are() -> None:
    result = run("diff", "dev", "nope")
    assert result.exit_code == 2
    assert "no such stack file; stacks here: dev, prod" in result.stderr


def test_stacks_in_two_namespaces_differ_in_that_once() -> None:
    found = differences(render(), render({"namespace": "other"}))
    named = [item for item in found if any(change.path.startswith("metadata") for change in item.changes)]
    assert [(item.object, item.changes[0]) for item in named] == [
        ("Namespace of the stack", Change("metadata.name", "archesai", "other"))
    ]
    assert {item.status for item in found} == {"differs"}


def test_a_network_policy_that_differs_is_told_by_the_flows_that_open_and_close() -> None:
    found = _of(differences(render(), render({"redis": {"enabled": True}})), "NetworkPolicy archesai-api")
    assert (found.changes, found.flows) == ((), ("opens api -> redis:6379",))
    assert "    opens api -> redis:6379" in list(lines([found], "a", "b"))
    back = _of(differences(render({"redis": {"enabled": True}}), render()), "NetworkPolicy archesai-api")
    assert back.flows == ("closes api -> redis:6379",)
