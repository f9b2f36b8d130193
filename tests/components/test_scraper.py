from __future__ import annotations

import shutil
import signal
import subprocess
import time

import pytest

from archesai_infra import versions
from archesai_infra.components.scraper import START
from testbed.components.parts import container, template, volume
from testbed.matrix import ON
from testbed.stacks import ALONE, find, render

NAME = "archesai-scraper"
STACK = ALONE | {"scraper": ON}


def test_client_and_server_are_the_same_version_of_playwright() -> None:
    server = container(render(STACK), "Deployment", NAME)
    assert server["image"].endswith(f":v{versions.PLAYWRIGHT}-noble")
    assert f"npx -y playwright@{versions.PLAYWRIGHT} run-server --port 8080 " in server["command"][2]


def test_browsers_run_as_the_images_own_user_with_a_home_to_write_to() -> None:
    security = template(render(STACK), "Deployment", NAME)["spec"]["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"], security["fsGroup"]) == (1001, 1001, 1001)
    assert container(render(STACK), "Deployment", NAME)["env"] == [{"name": "HOME", "value": "/home/pwuser"}]
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


@pytest.mark.skipif(shutil.which("bash") is None, reason="the image's shell is bash")
def test_the_shell_passes_the_signal_to_stop_on_and_waits_for_the_end() -> None:
    server = "sh -c 'trap \"echo stopping; exit 0\" TERM; echo up; while :; do sleep 0.05; done'"
    script = START[2].replace(START[2].split("TERM INT; ")[1].split(" & server=")[0], server)
    with subprocess.Popen([*START[:2], script], stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == "up\n"
        started = time.monotonic()
        shell.send_signal(signal.SIGTERM)
        assert shell.wait(timeout=20) == 0
        assert shell.stdout.read() == "stopping\n"
        assert time.monotonic() - started < 10
