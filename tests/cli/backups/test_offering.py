"""Names of backups that the shell offers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archesai_infra.cli.app import load
from archesai_infra.cli.backups import offering
from archesai_infra.cli.backups.offering import backup_names
from testbed.cli.projects import project
from testbed.cli.servers import answering, kubeconfig, talking

__all__ = ["project"]

BACKED_UP = """\
config:
  archesai:environment: development
  archesai:backups: {enabled: true, bucket: backups, endpoint: https://s3.example.com, existingSecret: keys}
"""
LISTED = {
    "kind": "BackupList",
    "items": [
        {"metadata": {"name": f"archesai-dev-hourly-{day}", "creationTimestamp": f"2026-11-{day}T00:00:00Z"}}
        for day in ("01", "03", "02")
    ],
}


@pytest.fixture
def stack_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBECONFIG", str(project / "kubeconfig"))
    path = project / "Pulumi.dev.yaml"
    path.write_text(BACKED_UP, encoding="utf-8")
    return path


def test_the_backups_of_the_cluster_are_offered_the_newest_first(stack_file: Path) -> None:
    with answering(200, json.dumps(LISTED).encode(), {"Content-Type": "application/json"}) as server:
        kubeconfig(stack_file.parent / "kubeconfig", server)
        assert backup_names("dev", "arch") == [f"archesai-dev-hourly-{day}" for day in ("03", "02", "01")]
        assert backup_names("dev", "l") == ["latest"]


def test_a_cluster_that_does_not_answer_in_time_is_not_waited_for(
    stack_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offering, "SECONDS", 0.01)
    with talking() as server:
        kubeconfig(stack_file.parent / "kubeconfig", server)
        assert backup_names("dev", "") == ["latest"]


@pytest.mark.parametrize("stack", ["dev", "prod", "none", "../x"])
def test_a_stack_or_a_cluster_that_cannot_be_read_is_no_word_to_the_shell(
    stack_file: Path, stack: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert stack_file.is_file()
    assert backup_names(stack, "") == ["latest"]
    assert capfd.readouterr() == ("", "")


def test_the_stack_that_the_line_names_is_the_one_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def note(stack: str, _incomplete: str) -> list[str]:
        asked.append(stack)
        return []

    monkeypatch.setattr("archesai_infra.cli.backups.offering.backup_names", note)
    command = getattr(load("backup"), "commands", {})["restore"]
    for words in (["--stack", "prod"], []):
        context = command.make_context("restore", [*words], resilient_parsing=True)
        (option,) = [item for item in command.params if item.name == "source"]
        option.shell_complete(context, "")
    assert asked == ["prod", "dev"]
