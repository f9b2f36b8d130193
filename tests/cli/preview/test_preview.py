from __future__ import annotations

from pathlib import Path

import pytest

from archesai_infra.cli.preview.tree import summary, tree
from testbed.cli.projects import no_engine, project
from testbed.cli.running import run
from testbed.stacks import shipped

__all__ = ["no_engine", "project"]


@pytest.mark.usefixtures("no_engine")
def test_without_an_engine_and_a_network_the_preview_says_why_it_is_offline_and_how_to_get_an_engine(
    project: Path,
) -> None:
    result = run("preview", "--stack", "dev")
    first = result.output.splitlines()[0]
    assert result.exit_code == 0
    assert first.startswith("Offline evaluation of stack dev: there is no `pulumi` on PATH and ")
    assert "https://www.pulumi.com/docs/install" in first
    assert not (project / ".state").exists()


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_offline_preview_shows_every_resource_with_a_plus_and_the_counts(project: Path, stack: str) -> None:
    assert (project / "Pulumi.yaml").is_file()
    result = run("preview", "--stack", stack, "--offline")
    evaluation = shipped(stack)
    signs = [line for line in result.output.splitlines() if line.startswith("+ ")]
    assert len(signs) == len(evaluation.resources) + 1
    counted = f"Resources: {len(evaluation.resources)} to create ({len(evaluation.objects)} Kubernetes objects"
    assert counted in result.output
    assert f"Namespace: {evaluation.settings.namespace}" in result.output
    for module, on in evaluation.settings.modules.items():
        assert (module in result.output.split("Modules:")[1].splitlines()[0]) == on


def test_a_component_stands_above_its_children() -> None:
    lines = list(tree(shipped("prod"), "prod"))
    depth = {line[2:].split()[0]: len(line[2:]) - len(line[2:].lstrip()) for line in lines}
    assert depth["archesai-prod"] < depth["storage"] < depth["storage-bucket"] < depth["storage-bucket-job"]


def test_protected_resources_are_marked() -> None:
    protected = {line.split()[1] for line in tree(shipped("prod"), "prod") if "[protected]" in line}
    assert {"security-namespace", "database-data", "database-stateful-set"} <= protected
    assert not any("[protected]" in line for line in tree(shipped("dev"), "dev"))


def test_a_stack_without_hosts_says_that_ingress_is_off() -> None:
    assert list(summary(shipped("dev")))[-1].endswith("none (ingress is off)")


def test_a_stack_that_does_not_exist_is_exit_code_2_and_names_the_stacks_there_are(project: Path) -> None:
    assert (project / "Pulumi.dev.yaml").is_file()
    result = run("preview", "--stack", "staging")
    assert result.exit_code == 2
    assert result.output == ""
    assert "Pulumi.staging.yaml: no such stack file; stacks here: dev, prod" in result.stderr


def test_a_bad_stack_file_is_exit_code_2_with_every_reason_and_no_traceback(project: Path) -> None:
    (project / "Pulumi.dev.yaml").write_text("config:\n  archesai:redsi: {}\n  archesai:namespace: Not_A_Label\n")
    result = run("preview", "--offline")
    lines = result.stderr.splitlines()
    assert result.exit_code == 2
    assert all(line.startswith("error: Pulumi.dev.yaml:") for line in lines)
    assert any("did you mean redis?" in line for line in lines)
    assert any("namespace: must be a DNS label" in line for line in lines)
    assert any("environment: is required" in line for line in lines)
