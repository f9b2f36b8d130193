from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from archesai_infra.cli.digest.changes import changes
from archesai_infra.cli.digest.digest import LIMIT, REACHABILITY, STATE_ONLY, digest, mark
from testbed.cli.running import run
from testbed.stacks import ROOT

PREVIEWS = ROOT / "tests" / "cli" / "data" / "previews"
"""Previews of the real engine against a real API server, without what no digest reads."""
NAMES = ["first", "nothing", "version", "values", "switch-on", "switch-off", "refused", "namespace", "rotate"]


def _preview(name: str) -> dict[str, Any]:
    return json.loads((PREVIEWS / f"{name}.json").read_text(encoding="utf-8"))


def _digest(name: str) -> str:
    return digest(_preview(name) | {REACHABILITY: "Cluster: context dev, Kubernetes v1.36.3"})


def _made_up(operation: str, kind: str, **old: object) -> dict[str, Any]:
    urn = f"urn:pulumi:prod::archesai::archesai:index:Database$kubernetes:core/v1:{kind}::database-data"
    state = {"type": f"kubernetes:core/v1:{kind}", "inputs": {"metadata": {"name": "archesai-postgres-data"}}, **old}
    return {"steps": [{"op": operation, "urn": urn, "oldState": state}]}


@pytest.mark.parametrize("name", NAMES)
def test_the_digest_of_a_real_preview_is_the_recorded_one(name: str) -> None:
    assert _digest(name) == (PREVIEWS / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_the_counts_are_those_of_the_engine_without_its_components(name: str) -> None:
    preview = _preview(name)
    objects = [item for item in preview["steps"] if "archesai:index:" not in item["urn"].rpartition("$")[2]]
    touched = [item for item in objects if item["op"] != "same" and "pulumi:pulumi:Stack" not in item["urn"]]
    assert len(changes(preview)) == len([item for item in touched if "::pulumi:pulumi:" not in item["urn"]])


def test_data_that_would_be_lost_stands_before_everything_else() -> None:
    text = digest(_made_up("delete", "PersistentVolumeClaim"))
    assert text.index("Data at risk") < text.index("| module |")
    assert "DELETES PersistentVolumeClaim `archesai-postgres-data` (database); its volume would be gone" in text


def test_a_namespace_that_goes_takes_all_that_is_in_it() -> None:
    text = digest(_made_up("delete", "Namespace"))
    assert "all that is in it would be gone" in text.partition("Data at risk")[2]
    assert "Data at risk" not in digest(_made_up("delete", "Namespace", retainOnDelete=True))


def test_data_that_stays_in_the_cluster_is_no_loss_but_said() -> None:
    text = digest(_made_up("replace", "PersistentVolumeClaim", retainOnDelete=True))
    assert "Data at risk" not in text
    assert "`archesai-postgres-data` (database), and a new, EMPTY one takes its place" in text


def test_each_stack_has_a_comment_of_its_own() -> None:
    first = {name: digest({"stack": name, "steps": []}).splitlines()[0] for name in ("dev", "dev2")}
    assert first == {"dev": "<!-- arches digest dev -->", "dev2": "<!-- arches digest dev2 -->"}
    assert mark() not in first.values()


def test_a_replacement_says_what_forces_it() -> None:
    assert "a new value is generated" in _digest("rotate")
    assert "**New revisions**\n- migrations: Job `archesai-migrations-" in _digest("version")
    assert "the old one goes FIRST: `spec.storageClassName`" in _digest("refused")


def test_a_preview_that_failed_says_so_before_its_list() -> None:
    text = _digest("refused")
    assert "**The preview failed; the list below is not complete.**" in text
    assert "spec is immutable after creation" in text


def test_no_value_of_the_configuration_or_a_secret_is_in_a_digest() -> None:
    preview = _made_up("update", "Secret")
    preview["steps"][0]["newState"] = {"type": "kubernetes:core/v1:Secret", "inputs": {"stringData": {"a": "made-up"}}}
    preview["steps"][0]["detailedDiff"] = {"data.a": {"kind": "update"}}
    text = digest(preview)
    assert "`data.a`" in text
    assert "made-up" not in text


def test_a_message_cannot_mention_people_or_open_markup() -> None:
    preview = {"steps": [], "diagnostics": [{"severity": "error", "message": "error: `x` @everyone <b>\nsecond"}]}
    assert "> `error: 'x' @everyone <b>`\n" in digest(preview)


@pytest.mark.parametrize("operation", ["create", "update", "replace", "delete"])
def test_a_thousand_resources_fit_into_one_comment(operation: str) -> None:
    one = _made_up(operation, "ConfigMap")["steps"][0]
    name = "archesai-a-rather-long-name-of-an-object-"
    chain = "urn:pulumi:prod::archesai::archesai:index:Module"
    many = [
        one
        | {
            "urn": f"{chain}{number % 40}$kubernetes:core/v1:ConfigMap::o{number}",
            "oldState": {"type": "kubernetes:core/v1:ConfigMap", "inputs": {"metadata": {"name": f"{name}{number}"}}},
            "replaceReasons": ["spec.template.spec.containers[0].image", f"data.{number}"],
            "detailedDiff": {f"spec.template.spec.containers[0].env[{item}].value": {} for item in range(5)},
        }
        for number in range(1000)
    ]
    text = digest({"steps": many})
    assert len(text) <= LIMIT
    assert text.startswith(mark("prod"))
    assert "1000 " in text.splitlines()[1]
    assert text.count("<details>") == text.count("</details>")


def test_the_command_reads_a_pipe_and_connects_to_no_cluster_that_the_preview_names(tmp_path: Path) -> None:
    kubeconfig, ran = tmp_path / "kubeconfig", tmp_path / "ran"
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [str(ran)]}}
    document = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": user}],
    }
    kubeconfig.write_text(json.dumps(document), encoding="utf-8")
    preview = _preview("version")
    preview["config"] = {"archesai:cluster": json.dumps({"kubeconfig": str(kubeconfig)})}
    result = run("digest", "-", stdin=json.dumps(preview))
    assert result.exit_code == 0
    assert STATE_ONLY in result.output
    assert not ran.exists()


HOSTILE = "x`\n\n### prod: no changes\n@team <img src=a> | \u202e [a](b)"
"""What somebody writes who wants the comment to say something else."""


@pytest.mark.parametrize("operation", ["create", "update", "replace", "delete"])
@pytest.mark.parametrize("place", ["name", "path", "module", "kind", "stack", "violation", "reachability", "error"])
def test_a_change_writes_no_heading_mention_or_markup_of_its_own(operation: str, place: str) -> None:
    def at(where: str, plain: str) -> str:
        return HOSTILE if place == where else plain

    kind = at("kind", "PersistentVolumeClaim")
    chain = f"urn:pulumi:{at('stack', 'prod')}::archesai::archesai:index:{at('module', 'Database')}"
    path = at("path", "spec.size")
    state = {"type": f"kubernetes:core/v1:{kind}", "inputs": {"metadata": {"name": at("name", "data")}}}
    step = {
        "op": operation,
        "urn": f"{chain}$kubernetes:core/v1:{kind}::data",
        "oldState": state,
        "newState": state,
        "detailedDiff": {path: {}},
        "replaceReasons": [path],
    }
    text = digest(
        {
            "steps": [step],
            "diagnostics": [
                {"severity": severity, "message": at("error", "wrong")} for severity in ("error", "warning")
            ],
            "policyViolations": [at("violation", "restricted: Pod a")],
            REACHABILITY: at("reachability", "Cluster: not asked"),
        }
    )
    assert re.fullmatch(r"<!-- arches digest [\w.-]+ -->", text.splitlines()[0])
    outside = re.sub(r"`[^`\n]*`", "", text.partition("\n")[2])
    outside = re.sub(r"</?details>|</?summary>", "", outside)
    assert [line for line in outside.splitlines() if line.startswith("#")] == [outside.splitlines()[0]]
    assert re.findall(r"@|<|\[a\]|\u202e", outside) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", "error: no stack"])
def test_what_is_no_preview_is_refused(text: str) -> None:
    result = run("digest", "-", stdin=text)
    assert (result.exit_code, "not a preview" in result.stderr) == (2, True)


def test_what_breaks_a_policy_is_told_before_the_list_and_as_a_failure() -> None:
    broken = {
        "diagnostics": [{"severity": "error", "message": "error: preview failed\n"}],
        "policyViolations": ["scaled-once: api-deployment may take pods away"],
        "steps": _made_up("delete", "ConfigMap")["steps"],
    }
    text = digest(broken)
    assert "**The preview failed" in text
    assert "> - `scaled-once: api-deployment may take pods away`" in text
    assert text.index("scaled-once") < text.index("| module |")
