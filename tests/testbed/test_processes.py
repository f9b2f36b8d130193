from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
from collections.abc import Generator, Iterable
from pathlib import Path

import pytest

from testbed.controlplane.ports import free_ports
from testbed.controlplane.processes import ProcessEndedError, Processes
from testbed.controlplane.waiting import wait_for

ROOT = Path(__file__).parents[2]


def running(pids: Iterable[int]) -> list[str]:
    """Those of these processes that still run; one that ended and was not collected does not."""
    found: list[str] = []
    for pid in pids:
        state = subprocess.run(
            ["ps", "-o", "stat=,args=", "-p", str(pid)], capture_output=True, text=True, check=False, timeout=10
        ).stdout.strip()
        if state and not state.startswith("Z"):
            found.append(f"{pid} {state}")
    return found


@pytest.fixture
def processes(tmp_path: Path) -> Generator[Processes]:
    started = Processes(tmp_path)
    yield started
    started.close()


def test_output_goes_to_a_log_whose_end_can_be_read(processes: Processes) -> None:
    processes.start("talker", ["sh", "-c", "seq 100; sleep 300"])
    wait_for("output", lambda: [] if "100" in processes.tail("talker") else ["nothing yet"], seconds=10)
    assert processes.tail("talker", lines=2) == "99\n100"
    assert processes.tail("other") == "(other was never started)"


def test_a_process_that_ended_by_itself_is_reported_with_its_log(processes: Processes) -> None:
    processes.start("short", ["sh", "-c", "echo no such flag >&2; exit 7"])

    def ended() -> list[str]:
        try:
            processes.check()
        except ProcessEndedError as error:
            assert str(error) == "short ended with status 7:\nno such flag"  # noqa: PT017
            return []
        return ["still running"]

    wait_for("the end is noticed", ended, seconds=10)


def test_closing_ends_everything_also_what_the_processes_started(processes: Processes, tmp_path: Path) -> None:
    processes.start("parent", ["sh", "-c", f"sleep 300 & echo $! > {tmp_path}/child; wait"])
    child = tmp_path / "child"
    wait_for("the child", lambda: [] if child.exists() and child.read_text() else ["not yet"], seconds=10)
    pids = [*processes.pids().values(), int(child.read_text())]
    assert len(running(pids)) == 3
    processes.close()
    wait_for("all ended", lambda: running(pids), seconds=10)


def test_a_process_that_ignores_the_request_is_forced(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("testbed.controlplane.processes.GRACE_SECONDS", 0.2)
    processes.start("stubborn", ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"])
    wait_for("the trap is set", lambda: [] if processes.tail("stubborn") else ["not yet"], seconds=10)
    pid = processes.pids()["stubborn"]
    processes.stop("stubborn")
    assert not running([pid])


def test_a_paused_process_can_be_stopped(processes: Processes) -> None:
    processes.start("paused", ["sleep", "300"])
    pid = processes.pids()["paused"]
    processes.signal("paused", signal.SIGSTOP)
    processes.stop("paused")
    assert not running([pid])


def test_a_name_is_started_once(processes: Processes) -> None:
    processes.start("one", ["sleep", "300"])
    with pytest.raises(RuntimeError, match="one was started already"):
        processes.start("one", ["sleep", "300"])


@pytest.mark.parametrize("ending", ["os.kill(os.getpid(), 9)", "os._exit(0)", "sys.exit(0)", "raise ValueError"])
def test_nothing_outlives_the_parent_however_it_ends(tmp_path: Path, ending: str) -> None:
    script = f"""
        import json, os, sys
        from pathlib import Path
        from testbed.controlplane.processes import Processes

        started = Processes(Path({str(tmp_path)!r}))
        started.start("a", ["sleep", "300"])
        started.start("b", ["sh", "-c", "trap '' TERM HUP; while :; do sleep 1; done"])
        print(json.dumps(started.pids()), flush=True)
        {ending}
    """
    parent = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False, timeout=60,
    )  # fmt: skip
    pids = json.loads(parent.stdout)
    assert set(pids) == {"watchdog", "a", "b"}
    wait_for("all ended", lambda: running(pids.values()), seconds=10)


def test_free_ports_are_different_and_can_be_bound() -> None:
    ports = free_ports(50)
    assert len(set(ports)) == 50
