"""Logs, read from a small server on loopback that speaks the API server's paths."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from archesai_infra.cli.base.cluster import ClusterError
from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.base.text import printable
from testbed.cli.running import run
from testbed.stacks import ROOT, Config

LOGS = {"archesai-db-1-1": "ready\n", "db": "the single pod\n"} | {
    "api-1": "one\ntwo\n",
    "api-2": "three\nlast without end of line",
}


def _pod(name: str, module: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"app.kubernetes.io/component": module}},
        "spec": {"containers": [{"name": module}]},
    }


class _Handler(BaseHTTPRequestHandler):
    asked: list[dict[str, list[str]]]

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        name = url.path.split("/")[-2]
        if url.path.endswith("/log"):
            self.asked.append(parse_qs(url.query))
            self._answer(200, LOGS[name]) if name in LOGS else self._answer(400, json.dumps({"message": "no logs yet"}))
        else:
            names = [("api-1", "api"), ("api-2", "api"), ("api-3", "api"), ("db", "database")]
            if parse_qs(url.query)["labelSelector"] == ["cnpg.io/cluster=archesai-db-1"]:
                names = [("archesai-db-1-1", "made by the operator")]
            self._answer(200, json.dumps({"kind": "PodList", "items": [_pod(*one) for one in names]}))

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Handler]]:
    class Handler(_Handler):
        asked: list[dict[str, list[str]]] = []  # noqa: RUF012 - one list for one server

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        address = f"http://127.0.0.1:{running.server_address[1]}"
        kubeconfig = {
            "clusters": [{"name": "c", "cluster": {"server": address}}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(kubeconfig), encoding="utf-8")
        monkeypatch.setenv("KUBECONFIG", str(path))
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield Handler
        running.shutdown()


def test_lines_of_all_pods_come_with_their_names_and_a_log_that_fails_leaves_the_others(server: type[_Handler]) -> None:
    result = run("logs", "api", "--tail", "5")
    assert result.exit_code == 0
    assert sorted(result.output.splitlines()) == [
        "api-1 | one",
        "api-1 | two",
        "api-2 | last without end of line",
        "api-2 | three",
        "api-3 | (the server answers 400: no logs yet)",
    ]
    assert server.asked[0]["tailLines"] == ["5"]
    assert server.asked[0]["container"] == ["api"]


@pytest.mark.usefixtures("server")
def test_a_module_without_pods_is_answered_with_those_that_have_some() -> None:
    result = run("logs", "platform")
    assert (result.exit_code, result.stderr) == (
        1,
        "error: platform has no pod in namespace archesai; there are pods of api, database\n",
    )


@pytest.mark.usefixtures("server")
def test_a_log_that_the_server_refuses_is_an_error_of_the_cluster() -> None:
    with pytest.raises(ClusterError, match="the server answers 400: no logs yet"):
        list(connect().lines("/api/v1/namespaces/archesai/pods/api-3/log", {}))


def test_what_a_terminal_would_obey_is_printed_as_text() -> None:
    assert (
        printable("\x1b[2J\x1b]0;title\x07 plain\ttext \u202e ü") == "\\x1b[2J\\x1b]0;title\\x07 plain\ttext \\u202e ü"
    )


def test_the_instances_of_a_cluster_are_pods_of_the_database(
    server: type[_Handler], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack: Config = {"archesai:environment": "development", "archesai:database": {"mode": "cluster"}}
    stack["archesai:cluster"] = {"apiServer": ["10.96.0.1/32"]}
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    (tmp_path / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": stack}), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = run("logs", "database")
    assert sorted(result.output.splitlines()) == ["archesai-db-1-1 | ready", "db | the single pod"]
    assert server.asked[-1]["tailLines"] == ["100"]


@pytest.mark.parametrize("name", ["cluster", "secrets", "charts", "nope"])
def test_a_key_or_a_word_that_is_no_module_is_refused_before_the_cluster_is_asked(name: str) -> None:
    result = run("logs", name)
    assert (result.exit_code, f"error: {name}: unknown module; " in result.stderr) == (2, True), result.stderr
