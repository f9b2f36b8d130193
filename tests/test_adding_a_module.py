"""A module is added by the steps that CONTRIBUTING names and by no other: a copy of the program gets a made-up one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from testbed.stacks import ROOT

COMPONENT = '''"""A made-up module: pods that answer what they are asked."""

from __future__ import annotations

from typing import ClassVar

import pulumi

from archesai_infra import versions
from archesai_infra.components.base.context import Context
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.base.settings import Resources, WorkloadModule, resources
from archesai_infra.kube.names import object_name
from archesai_infra.kube.pods import (container)
from archesai_infra.kube.probes import (Probes, tcp_probe)

MODULE = "echo"
NAME = object_name(MODULE)
PORT = 7000


class EchoSettings(WorkloadModule):
    """Echoes."""

    default_image: ClassVar[versions.ImageVersion] = versions.ECHO

    resources: Resources = resources(("10m", "32Mi"), ("100m", "64Mi"))
    """CPU and memory."""


class Echo(RunningComponent):
    """The echoing pods."""

    def __init__(self, context: Context, settings: EchoSettings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Echo", MODULE, context, opts)
        self.service(NAME, {"tcp": PORT})
        probe = tcp_probe(PORT, period=10, failures=3)
        server = container(
            name=MODULE,
            image=context.image(settings.image, versions.ECHO),
            pull_policy=context.pull_policy,
            resources=settings.resources.requirements(),
            ports={"tcp": PORT},
            probes=Probes(startup=probe, readiness=probe, liveness=probe),
        )
        self.deployment(Pod(NAME, [server], [], settings.scheduling, 30), replicas=1)
        self.register_outputs({})
'''
TEST = '''"""The made-up module."""

from testbed.stacks import find, render


def test_it_deploys() -> None:
    assert find(render({"echo": {"enabled": True}}), "Deployment", "archesai-echo")
'''
NEW = {
    "archesai_infra/components/echo.py": COMPONENT,
    "tests/components/test_echo.py": TEST,
}
"""The files of the module, whole."""
LINES: dict[str, tuple[tuple[str, str], ...]] = {
    "archesai_infra/versions.py": (('SCRAPER = ImageVersion("', 'ECHO = ImageVersion("example/echo", "1.2.3")'),),
    "archesai_infra/stack/settings.py": (
        ("from archesai_infra.components.gitops", "from archesai_infra.components.echo import EchoSettings"),
        ("    ingress: IngressSettings", '    echo: EchoSettings = EchoSettings()\n    """Echoes."""'),
    ),
    "archesai_infra/stack/deploy.py": (
        ("from archesai_infra.components.ingress.component", "from archesai_infra.components import echo"),
        (
            "    connections = _services(",
            "    if settings.echo.enabled:\n        echo.Echo(context, settings.echo, opts)",
        ),
    ),
    "archesai_infra/stack/flows.py": (
        ("from archesai_infra.components.backups", "from archesai_infra.components import echo"),
        (
            "    if settings.unstructured.enabled:",
            "    if settings.echo.enabled:\n        yield Flow(Pods(source), Pods(echo.MODULE), (echo.PORT,))",
        ),
    ),
}
"""Lines by file, each before the first line that begins as given."""
EVALUATE = """
import json
from archesai_infra.stack.explain import keys
from archesai_infra.stack.settings import Settings
from testbed.stacks import render
from tools.generate import wanted

print(json.dumps({
    "on": list(render({"echo": {"enabled": True}}).objects),
    "off": list(render().objects),
    "keys": [key.path for key in keys(Settings)],
    "generated": wanted(),
}))
"""


def with_lines(text: str, added: tuple[tuple[str, str], ...]) -> str:
    """A file with lines put before others."""
    lines = text.splitlines()
    for beginning, more in added:
        place = next(number for number, line in enumerate(lines) if line.startswith(beginning))
        lines[place:place] = more.splitlines()
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository with the module, added by the steps alone."""
    target = tmp_path_factory.mktemp("copy") / "repository"
    shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(".*", "__pycache__", "node_modules"))
    for name, text in NEW.items():
        (target / name).write_text(text, encoding="utf-8")
    for name, added in LINES.items():
        path = target / name
        path.write_text(with_lines(path.read_text(encoding="utf-8"), added), encoding="utf-8")
    return target


@pytest.fixture(scope="module")
def added(copy: Path) -> Mapping[str, Any]:
    """What the copy makes of a stack with the module and without."""
    command = [sys.executable, "-c", EVALUATE]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def components(objects: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Objects by their component."""
    found: dict[str, list[dict[str, Any]]] = {}
    for item in objects:
        found.setdefault(item["metadata"]["labels"]["app.kubernetes.io/component"], []).append(item)
    return found


def test_it_deploys_with_its_default_image_and_leaves_nothing_when_it_is_off(added: Mapping[str, Any]) -> None:
    made = {item["kind"]: item for item in components(added["on"])["echo"]}
    assert {"Deployment", "Service", "ServiceAccount", "NetworkPolicy", "PodDisruptionBudget"} <= set(made)
    (server,) = made["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert server["image"] == "example/echo:1.2.3"
    assert "echo" not in components(added["off"])


def test_its_flow_opens_both_sides(added: Mapping[str, Any]) -> None:
    policies = {item["metadata"]["name"]: item["spec"] for item in added["on"] if item["kind"] == "NetworkPolicy"}
    (let_in,) = policies["archesai-echo"]["ingress"]
    assert let_in["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "api"
    assert 7000 in [port["port"] for rule in policies["archesai-api"]["egress"] for port in rule["ports"]]


def test_its_keys_are_in_the_explanation_the_schema_the_reference_and_the_projects_file(
    added: Mapping[str, Any],
) -> None:
    assert {"echo.enabled", "echo.image.tag", "echo.resources.limits.memory"} <= set(added["keys"])
    generated = added["generated"]
    assert "echo" in json.dumps(json.loads(generated["schema/stack.schema.json"]))
    assert "`echo.enabled`" in generated["docs/configuration.md"]
    assert "archesai:echo:" in generated["Pulumi.yaml"]


@pytest.mark.long
def test_its_own_test_and_the_rules_of_the_architecture_pass(copy: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider"]
    chosen = ["tests/components/test_echo.py", "tests/test_architecture.py", "-k", "not file_imports"]
    done = subprocess.run([*command, *chosen], cwd=copy, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_contributing_names_these_steps_and_no_other() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## Adding a module\n")[2].partition("\n## ")[0]
    steps = [line for line in section.splitlines() if line.startswith("| `")]
    files = {step.split("`")[1].replace("<module>", "echo") for step in steps}
    assert files == {*NEW, *LINES}
