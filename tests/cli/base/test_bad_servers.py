"""Kubeconfigs and servers as they should not be: a sentence with the cure, and the status of a cluster's failure."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from archesai_infra.cli.base.kubeconfig import reach
from testbed.cli.projects import project
from testbed.cli.running import run
from testbed.cli.servers import UNUSED, answering, kubeconfig, talking

__all__ = ["project"]

CLUSTER = 4
USABLE = "cannot be used"
UNREACHABLE = "cannot be reached"
NO_KUBERNETES = "does not answer like a Kubernetes API server"

TEXTS = {
    "an empty file": ("", USABLE),
    "broken YAML": ("{", USABLE),
    "a list": ("[]", USABLE),
    "a number": ("7", USABLE),
    "a binary file": ("\x00\x01", USABLE),
    "another document": ("kind: Pod\n", USABLE),
    "contexts that are no list": ("contexts: 7\n", USABLE),
    "a context without a name": ("contexts: [{context: {cluster: c}}]\n", USABLE),
    "no current context": ("contexts: [{name: a, context: {cluster: c}}]\nclusters: []\n", USABLE),
    "a current context that there is not": ("contexts: []\ncurrent-context: gone\n", USABLE),
    "a context of a cluster that there is not": (
        "contexts: [{name: a, context: {cluster: c, user: u}}]\ncurrent-context: a\nclusters: []\nusers: []\n",
        USABLE,
    ),
    "a cluster without an address": (
        "contexts: [{name: a, context: {cluster: c}}]\ncurrent-context: a\nclusters: [{name: c, cluster: {}}]\n",
        USABLE,
    ),
}


def _sentence(says: str, *arguments: str) -> None:
    result = run(*(arguments or ("status",)))
    assert (result.exit_code, result.output) == (CLUSTER, ""), result
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1, result.stderr
    assert says in result.stderr


@pytest.mark.parametrize(("text", "says"), TEXTS.values(), ids=TEXTS)
def test_a_kubeconfig_that_is_none_is_one_line(
    project: Path, monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    path = project / "kubeconfig"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", str(path))
    _sentence(says)


def test_a_kubeconfig_that_is_no_file_is_one_line(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("nowhere", "."):
        monkeypatch.setenv("KUBECONFIG", str(project / name))
        _sentence(USABLE)


def test_a_context_that_there_is_not_is_answered_with_those_there_are(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(project / "kubeconfig")))
    run("config", "set", "cluster.context", "gone")
    _sentence("the kubeconfig has no context gone; it has here")


def _plugin(directory: Path, script: str) -> dict[str, Any]:
    path = directory / "plugin"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(path), "interactiveMode": "Never"}}


@pytest.mark.parametrize(
    "script", ["exit 1", "echo no JSON", "echo '{}'", "echo '[]'", "echo log in again >&2; exit 7"]
)
def test_a_credential_plugin_that_fails_is_named(project: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    path = kubeconfig(project / "kubeconfig", user=_plugin(project, script))
    monkeypatch.setenv("KUBECONFIG", str(path))
    _sentence("the credential plugin of the kubeconfig failed")


CREDENTIALS = {
    "a token file that there is not": ({"tokenFile": "/nowhere/token"}, {}),
    "a certificate file that there is not": ({"client-certificate": "/nowhere/c", "client-key": "/nowhere/k"}, {}),
    "certificate data that is no base64": ({"client-certificate-data": "???", "client-key-data": "???"}, {}),
    "an authority that is no base64": ({}, {"certificate-authority-data": "???"}),
    "an authority file that there is not": ({}, {"certificate-authority": "/nowhere/ca"}),
    "an authority that is no certificate": ({}, {"certificate-authority-data": "bm9uZQ=="}),
}


@pytest.mark.parametrize(("user", "cluster"), CREDENTIALS.values(), ids=CREDENTIALS)
def test_credentials_that_cannot_be_read_are_one_line(
    project: Path, monkeypatch: pytest.MonkeyPatch, user: dict[str, Any], cluster: dict[str, Any]
) -> None:
    path = kubeconfig(project / "kubeconfig", "https://127.0.0.1:1", user=user, **cluster)
    monkeypatch.setenv("KUBECONFIG", str(path))
    _sentence("error: ")


ADDRESSES = ["https://127.0.0.1:1", UNUSED, "https://no-such-host.invalid", "not an address", "ftp://127.0.0.1", ""]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_where_no_server_is_is_one_line(
    project: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(project / "kubeconfig", address)))
    _sentence("error: ")


def test_a_proxy_that_is_gone_is_one_line(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", UNUSED)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(project / "kubeconfig", "http://192.0.2.1:6443")))
    _sentence(UNREACHABLE)


Server = Callable[[], AbstractContextManager[str]]
STATUS = json.dumps({"kind": "Status", "message": "made up"}).encode()
SERVERS: dict[str, tuple[Server, str]] = {
    "a login page": (lambda: answering(200, b"<html>Please log in</html>"), NO_KUBERNETES),
    "a redirection to a login page": (lambda: answering(302, b"", {"Location": "/login"}), NO_KUBERNETES),
    "an empty answer": (lambda: answering(200, b""), NO_KUBERNETES),
    "a list": (lambda: answering(200, b"[]"), NO_KUBERNETES),
    "JSON that ends early": (lambda: answering(200, b'{"items": ['), NO_KUBERNETES),
    "an object without items": (lambda: answering(200, b"{}"), NO_KUBERNETES),
    "text that is not UTF-8": (lambda: answering(200, b"\xff\xfe"), NO_KUBERNETES),
    "a length that is not kept": (lambda: answering(200, b"{}", {"Content-Length": "999"}), UNREACHABLE),
    "a compression that is none": (lambda: answering(200, b"{}", {"Content-Encoding": "gzip"}), UNREACHABLE),
    "compressed HTML": (lambda: answering(200, gzip.compress(b"<html>"), {"Content-Encoding": "gzip"}), NO_KUBERNETES),
    "expired credentials": (lambda: answering(401, STATUS), "does not accept the credentials"),
    "no rights": (lambda: answering(403, STATUS), "made up; ask the cluster's administrator"),
    "too many requests": (lambda: answering(429, STATUS), "answers 429: made up"),
    "a failed server": (lambda: answering(500, STATUS), "answers 500: made up"),
    "a balancer without servers": (lambda: answering(503, b"<html>no server</html>"), "answers 503: <html>"),
    "a connection that is closed at once": (lambda: talking(closes=True), UNREACHABLE),
    "another protocol": (lambda: talking(b"220 mail.example.com ESMTP\r\n"), UNREACHABLE),
    "half an answer": (lambda: talking(b"HTTP/1.1 200 OK\r\n"), UNREACHABLE),
    "silence": (talking, UNREACHABLE),
}


@pytest.mark.parametrize(("server", "says"), SERVERS.values(), ids=SERVERS)
@pytest.mark.parametrize("command", ["status", "logs api"])
def test_a_server_that_is_no_healthy_api_server_is_one_line(
    project: Path, monkeypatch: pytest.MonkeyPatch, server: Server, says: str, command: str
) -> None:
    monkeypatch.setattr("archesai_infra.cli.base.cluster.TIMEOUT_SECONDS", 0.5)
    with server() as address:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(project / "kubeconfig", address)))
        _sentence(says, *command.split())


@pytest.mark.parametrize("server", [value[0] for value in SERVERS.values()], ids=SERVERS)
def test_doctor_survives_every_server_and_calls_it_a_problem(
    project: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    monkeypatch.setattr("archesai_infra.cli.base.cluster.TIMEOUT_SECONDS", 0.5)
    with server() as address:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(project / "kubeconfig", address)))
        result = run("doctor", "--json")
    findings = json.loads(result.output)
    assert (result.exit_code, "problem" in {item["status"] for item in findings}) == (1, True)


def test_the_question_before_an_operation_has_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archesai_infra.cli.base.kubeconfig.REACH_SECONDS", 0.2)
    with talking() as address:
        found = reach(None, str(kubeconfig(tmp_path / "kubeconfig", address)))
    assert found.version is None
    assert found.line == f"Cluster: context here cannot be reached: {address} does not answer within 0.2 s"


def test_a_cluster_without_backups_is_told_how_to_make_one(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(200, b'{"kind": "List", "items": []}') as address:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(project / "kubeconfig", address)))
        result = run("backup", "list", "--stack", "prod")
    assert (result.exit_code, result.output) == (1, "")
    assert result.stderr == "Stack prod has no backups; create one: arches backup create --wait --stack prod\n"
