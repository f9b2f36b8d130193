from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from archesai_infra import versions
from testbed.backups import servers
from testbed.components.parts import container, template, volume
from testbed.matrix import ON
from testbed.stacks import ALONE, find, render

NAME = "archesai-scraper"
STACK = ALONE | {"scraper": ON}


def test_image_and_package_are_the_same_version_of_playwright() -> None:
    assert container(render(STACK), "Deployment", NAME)["image"].endswith(f":v{versions.PLAYWRIGHT}-noble")
    assert json.loads(_file("package.json"))["dependencies"] == {"playwright": versions.PLAYWRIGHT}
    packages = json.loads(_file("package-lock.json"))["packages"]
    assert {packages[f"node_modules/{name}"]["version"] for name in ("playwright", "playwright-core")} == {
        versions.PLAYWRIGHT
    }


def test_every_package_has_the_digest_of_its_content_and_no_address() -> None:
    packages = json.loads(_file("package-lock.json"))["packages"]
    assert all(package["integrity"].startswith("sha512-") for name, package in packages.items() if name)
    assert "resolved" not in _file("package-lock.json")


def _file(name: str) -> str:
    """A file of the pod."""
    files = volume(render(STACK), "Deployment", NAME, "/etc/archesai")["configMap"]["name"]
    return find(render(STACK), "ConfigMap", files)["data"][name]


def test_browsers_run_as_the_images_own_user_with_a_home_to_write_to() -> None:
    security = template(render(STACK), "Deployment", NAME)["spec"]["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"], security["fsGroup"]) == (1001, 1001, 1001)
    assert container(render(STACK), "Deployment", NAME)["env"][0] == {"name": "HOME", "value": "/home/pwuser"}
    assert volume(render(STACK), "Deployment", NAME, "/home/pwuser").keys() == {"emptyDir"}


def test_browsers_reach_the_internet_and_nothing_else() -> None:
    spec = find(render(STACK | {"api": ON, "database": ON}), "NetworkPolicy", NAME)["spec"]
    (rule,) = spec["egress"]
    assert [port["port"] for port in rule["ports"]] == [80, 443]
    peer = next(peer for peer in rule["to"] if peer["ipBlock"]["cidr"] == "0.0.0.0/0")
    assert {other["ipBlock"]["cidr"] for other in rule["to"]} == {"0.0.0.0/0", "2000::/3", "64:ff9b::/96"}
    assert {"10.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16"} <= set(peer["ipBlock"]["except"])
    assert [
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for peer in spec["ingress"][0]["from"]
    ] == ["api"]


@pytest.fixture
def pod() -> Iterator[Path]:
    """The pod's files and programs that stand in for the image's: a server that says when it stops, and npm."""
    with servers.place() as home:
        for name in ("start.sh", "package.json", "package-lock.json"):
            (home / name).write_text(_file(name), encoding="utf-8")
            (home / name).chmod(0o444)
        for name in ("bin", "home", "image"):
            (home / name).mkdir()
            if os.geteuid() == 0:
                shutil.chown(home / name, servers.UNPRIVILEGED)
        server = 'trap "echo stopping; exit 0" TERM; echo "$*"; while :; do sleep 0.05; done'
        _program(home / "image" / "playwright", server)
        installed = 'mkdir -p node_modules/.bin; cp "$(dirname "$0")/../image/playwright" node_modules/.bin; echo "$*"'
        _program(home / "bin" / "npm", installed)
        yield home


def _program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def _started(pod: Path, *directories: str) -> subprocess.Popen[str]:
    path = ":".join([*(str(pod / name) for name in directories), "/usr/bin", "/bin"])
    variables = {"PATH": path, "HOME": str(pod / "home"), "SCRIPTS": str(pod), "PORT": "8080"}
    command = ["/bin/sh", str(pod / "start.sh")]
    return subprocess.Popen(command, env=variables, cwd="/", stdout=subprocess.PIPE, text=True, **servers.identity())


def test_an_image_with_playwright_inside_fetches_nothing(pod: Path) -> None:
    with _started(pod, "image", "bin") as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == "run-server --port 8080\n"
        shell.terminate()
        assert shell.wait(timeout=20) == 0


def test_the_server_of_the_lock_file_is_installed_and_stops_when_it_is_told(pod: Path) -> None:
    with _started(pod, "bin") as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == "ci --ignore-scripts --no-audit --no-fund --omit=optional\n"
        assert shell.stdout.readline() == "run-server --port 8080\n"
        started = time.monotonic()
        shell.send_signal(signal.SIGTERM)
        assert shell.wait(timeout=20) == 0
        assert shell.stdout.read() == "stopping\n"
        assert time.monotonic() - started < 10
    assert (pod / "home" / "package-lock.json").read_text(encoding="utf-8") == _file("package-lock.json")
