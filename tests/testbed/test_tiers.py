from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from testbed import own_network, tiers
from testbed.engine import engines
from testbed.node import lacks

ROOT = Path(__file__).parents[2]
RIG = "etcd, kubernetes-1.36, kwok, definitions"


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A run of its own, where nothing is built and no program is on PATH unless said."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ARCHESAI_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=inherited | {"PATH": "/nowhere"} | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("ARCHESAI_PARTS_DIR", str(tmp_path))
    monkeypatch.delenv("ARCHESAI_BUILD_PARTS", raising=False)
    monkeypatch.delenv("K8S_VERSION", raising=False)


@pytest.mark.usefixtures("bare_machine")
def test_what_a_machine_lacks_is_said_with_the_command_that_helps() -> None:
    assert tiers.lack("unit") is None
    assert (
        tiers.lack("cluster")
        == "not built: etcd, kubernetes-1.36, kwok, definitions; make test-cluster builds and runs this"
    )
    engine = "etcd, kubernetes-1.36, kwok, definitions, pulumi, pulumi-kubernetes"
    assert tiers.lack("engine") == f"not built: {engine}; make test-engine builds and runs this"


@pytest.mark.usefixtures("bare_machine")
def test_an_engine_on_path_needs_its_provider_and_the_control_plane(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pulumi").touch(mode=0o755)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    assert "pulumi-kubernetes" in str(tiers.lack("engine"))
    plugin = tmp_path / "home" / "plugins" / engines.plugin_directory() / "pulumi-resource-kubernetes"
    plugin.parent.mkdir(parents=True)
    plugin.touch(mode=0o755)
    assert (
        tiers.lack("engine")
        == "not built: etcd, kubernetes-1.36, kwok, definitions; make test-engine builds and runs this"
    )


def test_all_tiers_are_chosen_unless_some_are_named() -> None:
    assert tiers.chosen({}) == ("unit", "cluster", "engine", "node")
    assert tiers.chosen({tiers.CHOSEN: "unit,engine"}) == ("unit", "engine")
    with pytest.raises(tiers.UnknownTierError, match="no tier is called fast; tiers: unit, cluster, engine, node"):
        tiers.chosen({tiers.CHOSEN: "unit,fast"})


@pytest.mark.long
def test_a_run_skips_what_is_not_built_and_counts_it_by_tier_before_the_closing_line(tmp_path: Path) -> None:
    where = ["tests/cluster/test_priorities.py", "tests/cluster/test_policies.py"]
    done = run("pytest", "-p", "no:cacheprovider", *where, ARCHESAI_PARTS_DIR=str(tmp_path))
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout
    why = "not built: etcd, kubernetes-1.36, kwok, definitions; make test-cluster builds and runs this"
    said = lines[next(number for number, line in enumerate(lines) if "= tiers =" in line) + 1 : -1]
    said = [line for line in said if line]
    [skipped] = [line for line in said if re.fullmatch(rf"tier cluster: \d+ skipped; {re.escape(why)}", line)]
    assert [line.partition(":")[0] for line in said] == ["tier unit", "tier cluster", "tier engine", "tier node"]
    assert f" passed, {skipped.split()[2]} skipped in " in lines[-1]


SKIPPING = """\
import pytest

@pytest.mark.parametrize("number", range(20))
def test_it(number):
    pytest.skip(f"no {number // 3}")
"""


def test_reasons_for_skipping_are_counted_and_at_most_ten_lines_long(tmp_path: Path) -> None:
    (tmp_path / "test_skips.py").write_text(SKIPPING, encoding="utf-8")
    own = ["-c", str(ROOT / "pyproject.toml"), "-p", "testbed.tiers", "-p", "no:cacheprovider", "-n0"]
    done = run("pytest", *own, str(tmp_path / "test_skips.py"), ARCHESAI_PARTS_DIR=str(tmp_path))
    lines = done.stdout.splitlines()
    assert "3 skipped: no 0" in lines
    assert "5 skipped for 2 other reasons: pytest -rs lists them" in lines
    assert len([line for line in lines if "skipped" in line or line.startswith("tier ")]) <= 10 + 1


def test_a_machine_that_cannot_run_nodes_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lacks.os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert str(tiers.lack("node")).startswith("no unshare, nsenter, ip, mount, openssl, runc, nft, iptables on PATH")
    monkeypatch.setattr(lacks.os, "geteuid", lambda: 10001)
    assert "only root" in str(tiers.lack("node"))
    monkeypatch.setenv(lacks.KUBECONFIG_VARIABLE, str(tmp_path / "kubeconfig"))
    assert tiers.lack("node") is None


@pytest.mark.long
def test_a_tier_that_is_not_asked_for_is_left_out_and_named(tmp_path: Path) -> None:
    where = ["tests/cluster/test_priorities.py", "tests/cluster/test_policies.py"]
    chosen = {"ARCHESAI_PARTS_DIR": str(tmp_path), tiers.CHOSEN: "unit"}
    done = run("tools.tiers", "quick", "--numprocesses=0", "-p", "no:cacheprovider", *where, **chosen)
    assert done.returncode == 0, done.stdout
    assert "tier cluster: not asked for; make test-cluster runs it" in done.stdout.splitlines()
    assert "skipped" not in done.stdout.splitlines()[-1]


@pytest.mark.long
def test_the_quick_run_leaves_out_what_takes_long_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "test_long.py").write_text(
        "import pytest\n\n@pytest.mark.long\ndef test_long():\n    assert False\n\ndef test_short():\n    pass\n",
        encoding="utf-8",
    )
    own = ["-c", str(ROOT / "pyproject.toml"), "-p", "testbed.tiers", "-p", "no:cacheprovider", "--numprocesses=0"]
    done = run("tools.tiers", "quick", *own, str(tmp_path), ARCHESAI_PARTS_DIR=str(tmp_path))
    assert done.returncode == 0, done.stdout
    assert "tests that take long were left out; make test-all runs them" in done.stdout.splitlines()
    assert "1 passed, 1 deselected" in done.stdout.splitlines()[-1]


@pytest.mark.long
def test_a_failure_in_any_tier_is_the_runs(tmp_path: Path) -> None:
    broken = tmp_path / "test_broken.py"
    broken.write_text("def test_broken():\n    assert False\n", encoding="utf-8")
    done = run("tools.tiers", "quick", "--numprocesses=0", "-p", "no:cacheprovider", f"--rootdir={ROOT}", str(broken))
    assert done.returncode == 1
    assert "1 failed" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"K8S_VERSION": "1.12"}, "error: Kubernetes 1.12 is not pinned here"),
        ({tiers.CHOSEN: "fast"}, "error: ARCHESAI_TIERS: no tier is called fast"),
    ],
)
def test_a_wrong_choice_is_one_line(variables: dict[str, str], message: str) -> None:
    done = run("tools.tiers", "quick" if tiers.CHOSEN in variables else "cluster", **variables)
    assert done.returncode == 1
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1


APART = """\
import pytest
from testbed import own_network

@pytest.mark.own_network
def test_servers_on_every_address():
    assert own_network.isolated()

def test_anything_else():
    assert not own_network.isolated()
"""


def run_apart(directory: Path, text: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The two runs that are behind every choice but the quick one, of this file of tests."""
    (directory / "test_apart.py").write_text(text, encoding="utf-8")
    own = ["-c", str(ROOT / "pyproject.toml"), "-p", "testbed.tiers", "-p", "no:cacheprovider"]
    arguments = ["--numprocesses=0", *own, str(directory / "test_apart.py")]
    code = f"from tools import tiers; raise SystemExit(tiers.run_apart(('unit',), {arguments}))"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.skipif(bool(own_network.lack()), reason=own_network.lack() or "")
@pytest.mark.long
@pytest.mark.parametrize("failing", ["", "servers_on_every_address", "anything_else"])
def test_what_wants_a_network_of_its_own_gets_one_and_the_rest_keeps_the_machine_s(
    failing: str, tmp_path: Path
) -> None:
    text = APART.replace(f"test_{failing}():\n", f"test_{failing}():\n    assert False\n") if failing else APART
    done = run_apart(tmp_path, text)
    assert done.returncode == (1 if failing else 0), done.stdout
    first, second = done.stdout.split("==== all other tests ====")
    assert "==== tests of tier unit that want a network of their own ====" in first
    assert "1 deselected" in first.splitlines()[-2]
    assert "1 deselected" in second
    assert ("1 failed" in first) is (failing == "servers_on_every_address")


@pytest.mark.long
def test_where_no_network_can_be_made_the_run_says_so_and_skips(tmp_path: Path) -> None:
    done = run_apart(tmp_path, APART, PATH=str(tmp_path))
    assert done.returncode == 0, done.stdout
    assert "did not run: no unshare on PATH: it is part of util-linux" in done.stdout
    assert "needs a network of its own; make test-all runs it in one" in done.stdout
    assert " 1 passed, 1 skipped" in done.stdout.splitlines()[-1]


MEETING = """\
import os, time
from pathlib import Path

import pytest

def meet(mine, other):
    place = Path(os.environ["MEETING"])
    (place / mine).touch()
    deadline = time.monotonic() + 60
    while not (place / other).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)

@pytest.mark.own_network
def test_apart():
    meet("apart", "other")

def test_other():
    meet("other", "apart")
"""


@pytest.mark.skipif(bool(own_network.lack()), reason=own_network.lack() or "")
@pytest.mark.long
def test_what_has_a_network_of_its_own_runs_beside_the_rest(tmp_path: Path) -> None:
    place = tmp_path / "meeting"
    place.mkdir()
    done = run_apart(tmp_path, MEETING, MEETING=str(place))
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(" 1 passed, 1 deselected") == 2
