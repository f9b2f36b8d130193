"""The commands that `arches status` suggests are commands that work as they are printed."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import Any

import pytest

from archesai_infra.cli.app import load
from archesai_infra.cli.base.cluster import Object
from archesai_infra.cli.base.completion import module_names
from archesai_infra.cli.status.report import look
from archesai_infra.stack.evaluate import Evaluation
from testbed.cli.answers import Answers
from testbed.matrix import EVERYTHING, MATRIX, ON, TLS
from testbed.stacks import Config, render

STACKS: dict[str, Config] = {
    "everything": EVERYTHING
    | {
        "redis": ON | {"mode": "replicated"},
        "ingress": ON | {"tls": TLS},
        "monitoring": ON,
        "backups": ON | {"bucket": "elsewhere", "existingSecret": "cloud"},
    },
    "a database cluster": MATRIX["database cluster with a pooler and monitoring"],
    "an archive": MATRIX["database cluster with an archive"],
}


def _suggestions(evaluation: Evaluation, objects: list[Object]) -> set[str]:
    return {line.next for line in look(Answers(objects), evaluation, "dev", datetime.now(UTC)) if line.status != "ok"}


def _namespaces(evaluation: Evaluation) -> list[Object]:
    """All that a first `up` leaves that fails at once."""
    return [item for item in evaluation.objects if item["kind"] == "Namespace"]


def _parse(command: Any, words: list[str]) -> None:  # noqa: ANN401 - Typer's own classes are private
    """Raise an error for words that the command does not accept."""
    if commands := getattr(command, "commands", None):
        _parse(commands[words[0]], words[1:])
    else:
        command.make_context(command.name, list(words))


@pytest.mark.parametrize("exists", [False, True], ids=["after a first up that failed", "while nothing is ready"])
@pytest.mark.parametrize("config", STACKS.values(), ids=STACKS)
def test_every_suggested_command_is_one_that_the_command_line_accepts(config: Config, *, exists: bool) -> None:
    evaluation = render(config)
    suggested = _suggestions(evaluation, evaluation.objects if exists else _namespaces(evaluation))
    ours = [shlex.split(line)[1:] for line in suggested if line.startswith("arches ")]
    assert all(line.startswith(("arches ", "kubectl --context staging --namespace ")) for line in suggested), suggested
    assert (["up", "--stack", "dev"] in ours) or exists
    for name, *words in ours:
        _parse(load(name), words)
    logs = {words[1] for words in ours if words[0] == "logs"}
    assert bool(logs) == exists
    assert [name for name in logs if name not in module_names("") or not evaluation.settings.modules[name]] == []


def test_before_the_first_up_there_is_one_line_with_the_next_command() -> None:
    evaluation = render(STACKS["everything"])
    others = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": evaluation.settings.namespace}}]
    for objects in ([], others):
        [line] = look(Answers(objects), evaluation, "dev", datetime.now(UTC))
        assert (line.status, line.name, line.text) == ("problem", "Stack dev", "nothing is deployed yet")
        assert line.next == "arches up --stack dev"


def test_one_workload_without_the_stacks_namespace_counts_as_deployed() -> None:
    evaluation = render(STACKS["everything"])
    job = next(item for item in evaluation.objects if item["kind"] == "Job")
    assert len(look(Answers([job]), evaluation, "dev", datetime.now(UTC))) > 1
