"""The commands of the README that need neither an engine nor a cluster, run as they are written.

They run in a clone with a history of its own and in a network with nothing in it, so that no engine is fetched.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from testbed import own_network, readme
from testbed.clones import clone_into
from testbed.readme import PREVIEW, SWITCH_ON, TEST
from testbed.stacks import ROOT

COMMAND_SECONDS = 120


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lack = own_network.lack()
    if lack is not None:
        pytest.skip(lack)
    directory = clone_into(tmp_path_factory.mktemp("user") / "clone")
    for command in ("init -q", "add -A", "-c user.name=t -c user.email=t@example.com commit -q -m first"):
        subprocess.run(["git", *command.split()], cwd=directory, check=True, timeout=COMMAND_SECONDS)
    return directory


def _run(command: str, clone: Path) -> subprocess.CompletedProcess[str]:
    """A command of the README on a machine without network and without an engine."""
    # The working directory on PATH makes `arches` the one of the clone, as after `. .venv/bin/activate`.
    path = os.pathsep.join([str(clone / ".venv" / "bin"), "/usr/local/bin", "/usr/bin", "/bin"])
    environment = {"PATH": path, "HOME": str(clone.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    isolated = [] if own_network.isolated() else own_network.command()[:-3]
    return subprocess.run(
        [*isolated, "bash", "-c", command],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_SECONDS,
    )


def _changed(clone: Path) -> str:
    done = subprocess.run(["git", "status", "--short"], cwd=clone, capture_output=True, text=True, check=True)
    return done.stdout


def test_every_command_of_the_readme_is_run_by_a_test() -> None:
    assert readme.written() == readme.WITHOUT_CLUSTER | readme.WITH_CLUSTER


def test_the_first_preview_shows_the_whole_stack_and_changes_no_file(clone: Path) -> None:
    done = _run(PREVIEW, clone)
    assert done.returncode == 0, done.stderr
    assert "Offline evaluation of stack dev: there is no `pulumi` on PATH" in done.stdout
    assert "Modules:   api, platform, database, migrations" in done.stdout
    assert _changed(clone) == ""
    production = _run("make preview STACK=prod", clone)
    assert production.returncode == 0, production.stderr
    assert "Offline evaluation of stack prod" in production.stdout


def test_a_module_is_switched_on_and_off_by_one_key_and_touches_nothing_else(clone: Path) -> None:
    assert _run(SWITCH_ON, clone).returncode == 0
    assert _changed(clone) == " M Pulumi.dev.yaml\n"
    shown = _run(PREVIEW, clone).stdout
    modules = [line.removesuffix(":") for line in shown.splitlines() if line.endswith(":") and line[0].isalpha()]
    assert modules == ["api", "redis"]
    assert "Opens:    api -> redis:6379" in shown
    assert _run(".venv/bin/arches config unset redis.enabled", clone).returncode == 0
    assert "nothing differs from commit" in _run(PREVIEW, clone).stdout


def test_the_mistake_that_the_readme_shows_is_answered_as_it_says(clone: Path) -> None:
    message = next(line for line in readme.TEXT.splitlines() if line.startswith("error: Pulumi.dev.yaml"))
    file = clone / "Pulumi.dev.yaml"
    file.write_text(f"{file.read_text(encoding='utf-8')}  archesai:redis: {{enabld: true}}\n", encoding="utf-8")
    done = _run(PREVIEW, clone)
    # The position in the file depends on the file.
    place, _, rest = done.stderr.splitlines()[0].partition(": redis.enabld")
    assert (place.split(":")[:2], f"redis.enabld{rest}") == (["error", " Pulumi.dev.yaml"], message.split(": ", 2)[2])
    assert done.returncode != 0
    subprocess.run(["git", "checkout", "-q", file.name], cwd=clone, check=True, timeout=COMMAND_SECONDS)


def test_keys_are_explained_and_make_test_runs_the_quick_tiers(clone: Path) -> None:
    explained = _run("arches config explain redis", clone)
    assert "redis.enabled" in explained.stdout, explained.stderr
    assert "tools.tiers quick" in _run(f"{TEST} --dry-run", clone).stdout


def test_the_folders_of_the_readme_are_those_of_the_project() -> None:
    named = [
        name
        for line in readme.TEXT.splitlines()
        if line.startswith("| `")
        for name in line.split("|")[1].split("`")[1::2]
    ]
    assert [name for name in named if not (ROOT / name).is_dir()] == []
