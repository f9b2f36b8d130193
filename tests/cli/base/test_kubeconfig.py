"""Broken kubeconfigs and servers that are none: each one line with a cure."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from archesai_infra.cli.base.cluster import ClusterError
from archesai_infra.cli.base.kubeconfig import connect, reach


def _write(path: Path, server: str, user: dict[str, Any]) -> str:
    document = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("text", ["{", "[]", "a: 1", "", "contexts: 7\n", "\x00"])
def test_a_broken_kubeconfig_names_the_file_and_the_cure(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ClusterError, match=r"cannot be used .*cluster up") as caught:
        connect(None, str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_credential_plugin_that_is_not_installed_is_named(tmp_path: Path) -> None:
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-plugin", "interactiveMode": "Never"}
    path = _write(tmp_path / "config", "https://127.0.0.1:1", {"exec": plugin})
    with pytest.raises(ClusterError, match=r"credential plugin of the kubeconfig failed .*no-such-plugin.*install"):
        connect(None, path)


@pytest.fixture
def page() -> Iterator[str]:
    """A login page in front of everything."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>Please log in</html>")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_page_instead_of_json_is_a_sentence(tmp_path: Path, page: str) -> None:
    path = _write(tmp_path / "config", page, {})
    with connect(None, path) as cluster, pytest.raises(ClusterError, match="does not answer like a Kubernetes"):
        cluster.get("/version")
    assert "does not answer like a Kubernetes API server" in reach(None, path).line


def test_a_kubeconfig_of_the_project_starts_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = tmp_path / "started"
    (tmp_path / "Pulumi.yaml").write_text("name: archesai\n", encoding="utf-8")
    program = {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [str(started)]}
    document = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"exec": program | {"interactiveMode": "Never"}}}],
    }
    (tmp_path / "evil.kubeconfig").write_text(json.dumps(document), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ClusterError, match=r"cluster\.kubeconfig: evil\.kubeconfig is inside the project"):
        connect(None, "evil.kubeconfig")
    assert not started.exists()
