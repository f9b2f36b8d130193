from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from testbed.controlplane.waiting import wait_for
from testbed.programs import building, locking, parts, toolchain
from testbed.programs.building import BuildError, ensure

ROOT = Path(__file__).parents[2]


@pytest.fixture
def compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `go` on PATH that notes each build in `builds`, after what `behaviour` says."""
    directory = tmp_path / "bin"
    directory.mkdir()
    go = directory / "go"
    go.write_text(
        textwrap.dedent(f"""\
        #!/bin/sh
        [ "$1" = env ] && {{ echo "${{FAKE_GO:-go1.99.0}}"; exit 0; }}
        [ "$1" = list ] && {{ echo {tmp_path}/module; exit 0; }}
        while [ "$1" != -o ]; do shift; done
        echo "$2" >> {tmp_path}/builds
        . {tmp_path}/behaviour
        echo program > "$2"
        """),
        encoding="utf-8",
    )
    go.chmod(0o755)
    (tmp_path / "behaviour").touch()
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")
    monkeypatch.setenv("ARCHESAI_PARTS_DIR", str(tmp_path / "parts"))
    return tmp_path


def builds(compiler: Path) -> int:
    noted = compiler / "builds"
    return len(noted.read_text(encoding="utf-8").splitlines()) if noted.exists() else 0


def behave(compiler: Path, script: str) -> None:
    (compiler / "behaviour").write_text(script, encoding="utf-8")


def start_builder() -> subprocess.Popen[str]:
    script = "from testbed.programs.building import ensure; ensure('etcd')"
    return subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, text=True, stderr=subprocess.PIPE)


def finish(builder: subprocess.Popen[str]) -> None:
    _, errors = builder.communicate(timeout=60)
    assert builder.returncode == 0, errors


def test_a_part_is_built_once_and_then_taken_from_the_cache(compiler: Path) -> None:
    first = ensure("etcd")
    assert first["etcd"].read_text(encoding="utf-8") == "program\n"
    assert ensure("etcd") == first
    assert builds(compiler) == 1


def test_progress_names_the_part_its_version_and_the_time_taken(compiler: Path) -> None:
    said: list[str] = []
    ensure("kube-score", log=said.append)
    version = parts.catalogue()["kube-score"].version
    assert said[0] == f"kube-score {version}: building kube-score"
    assert said[-1].startswith(f"kube-score {version}: built in ")
    assert builds(compiler) == 1


def test_a_file_that_an_executable_reads_is_copied_beside_it_out_of_its_module(compiler: Path) -> None:
    with pytest.raises(BuildError, match=r"provider/v4 has no cmd/pulumi-resource-kubernetes/schema.json"):
        ensure("pulumi-kubernetes")
    schema = compiler / "module" / "cmd" / "pulumi-resource-kubernetes" / "schema.json"
    schema.parent.mkdir(parents=True)
    schema.write_text("{}", encoding="utf-8")
    executable = ensure("pulumi-kubernetes")["pulumi-resource-kubernetes"]
    assert (executable.parent / "schema.json").read_text(encoding="utf-8") == "{}"


def test_a_long_build_gives_signs_of_life(compiler: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "HEARTBEAT_SECONDS", 0.02)
    behave(compiler, f"while [ ! -e {compiler}/seen ]; do :; done")
    said: list[str] = []

    def log(line: str) -> None:
        said.append(line)
        if "still building" in line:
            (compiler / "seen").touch()

    ensure("etcd", log=log)
    assert any("etcd: still building, " in line for line in said)


def test_a_build_that_takes_too_long_is_ended(compiler: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "HEARTBEAT_SECONDS", 0.02)
    monkeypatch.setattr(building, "BUILD_SECONDS", 0.05)
    behave(compiler, "sleep 300")
    with pytest.raises(BuildError, match=r"etcd took longer than 0 s"):
        ensure("etcd")
    assert parts.missing("etcd") == ["etcd"]


def test_a_failed_build_says_what_the_compiler_said_and_leaves_nothing(compiler: Path) -> None:
    behave(compiler, "echo 'undefined: everything' >&2; exit 3")
    with pytest.raises(BuildError, match=r"etcd failed with status 3:\nundefined: everything"):
        ensure("etcd")
    left = {path.suffix for path in (compiler / "parts").iterdir()}
    assert left == {".lock", ".log"}
    behave(compiler, "")
    assert ensure("etcd")["etcd"].exists()


def test_two_processes_that_want_the_same_part_build_it_once(compiler: Path) -> None:
    behave(compiler, f"while [ ! -e {compiler}/go-on ]; do :; done")
    builders = [start_builder(), start_builder()]
    try:
        wait_for("a build has begun", lambda: [] if builds(compiler) else ["none yet"], seconds=30)
        (compiler / "go-on").touch()
        for builder in builders:
            finish(builder)
    finally:
        for builder in builders:
            builder.kill()
    assert builds(compiler) == 1


def test_a_builder_that_was_killed_blocks_nobody_and_its_rest_is_cleared(compiler: Path) -> None:
    behave(compiler, f"while [ ! -e {compiler}/go-on ]; do :; done")
    with start_builder() as builder:
        wait_for("a build has begun", lambda: [] if builds(compiler) else ["none yet"], seconds=30)
        builder.send_signal(signal.SIGKILL)
    assert list((compiler / "parts").glob("etcd-*.part-*"))
    (compiler / "go-on").touch()
    assert ensure("etcd")["etcd"].exists()
    assert not list((compiler / "parts").glob("etcd-*.part-*"))


def test_waiting_for_another_process_is_told_and_bounded(tmp_path: Path) -> None:
    said: list[str] = []
    refusals: list[str] = []

    def contend() -> None:
        with pytest.raises(TimeoutError) as refusal, locking.locked(target, said.append, seconds=0.3, heartbeat=0.1):
            pass
        refusals.append(str(refusal.value))

    target = tmp_path / "thing"
    with locking.locked(target, said.append):
        other = threading.Thread(target=contend)
        other.start()
        other.join(30)
    assert refusals == ["another process has held the lock of thing for 0 s"]
    assert any(line.startswith("thing: another process is making it, waited ") for line in said)


def test_an_old_go_on_path_is_refused_in_favour_of_the_pinned_wheel(
    compiler: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_GO", "go1.20.3")
    wheel = compiler / "parts" / f"go-{toolchain.pinned_wheel()}" / "bin"
    wheel.mkdir(parents=True)
    (wheel / "go").write_text("#!/bin/sh\necho go1.98.0\n", encoding="utf-8")
    (wheel / "go").chmod(0o755)
    assert toolchain.find_go((1, 26, 0), log=print) == wheel / "go"
    with pytest.raises(toolchain.ToolchainError) as refusal:
        toolchain.find_go((1, 99), log=print)
    assert str(refusal.value) == ("Go 1.99 or newer is needed: PATH has 1.20.3, requirements-go.txt brings 1.98.0")


@pytest.mark.parametrize(
    ("text", "version"),
    [("go1.26.8\n", (1, 26, 8)), ("go1.26rc1 X:nodwarf5", (1, 26)), ("devel +abc", ())],
)
def test_a_go_release_is_read_as_numbers(text: str, version: tuple[int, ...]) -> None:
    assert toolchain.parse_version(text) == version
