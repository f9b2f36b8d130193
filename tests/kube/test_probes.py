"""Probes and hooks, as plain dicts, and a hook that runs."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import time

import pytest

from archesai_infra.kube.probes import (
    exec_probe,
    http_probe,
    interrupt_command,
    stop_by_interrupt,
    tcp_probe,
)


def test_probes_are_one_question_each() -> None:
    timing = {"period_seconds": 10, "failure_threshold": 3}
    assert http_probe("/health", 3001, period=10, failures=3) == timing | {
        "http_get": {"path": "/health", "port": 3001},
        "timeout_seconds": 3,
    }
    assert tcp_probe(3001, period=10, failures=3) == timing | {"tcp_socket": {"port": 3001}, "timeout_seconds": 3}
    assert exec_probe(("pg_isready", "-q"), period=10, failures=3) == timing | {
        "exec_": {"command": ["pg_isready", "-q"]},
        "timeout_seconds": 5,
    }


def test_a_server_that_wants_an_interrupt_gets_one_after_it_left_the_endpoints() -> None:
    assert stop_by_interrupt(5) == {"pre_stop": {"exec_": {"command": interrupt_command(5)}}}
    assert interrupt_command(5)[2].startswith("sleep 5; kill -INT 1; ")


@pytest.mark.skipif(sys.platform != "linux", reason="signals of a shell's children as on the images' Linux")
def test_the_hook_interrupts_and_waits_until_the_server_is_gone() -> None:
    server = "import signal,sys,time; signal.signal(signal.SIGINT, lambda *_: (time.sleep(0.6), sys.exit(0)))"
    with subprocess.Popen(
        [sys.executable, "-c", f"{server}; print('up', flush=True); time.sleep(30)"], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        # In a pod the server is process 1. Its end is reaped by its parent, which here is this test.
        script = interrupt_command(0)[2].replace(" 1", f" {process.pid}")
        assert shlex.split(script)[0] == "sleep"
        started = time.monotonic()
        hook = subprocess.Popen(["/bin/sh", "-c", script])
        assert process.wait(timeout=20) == 0
        assert hook.wait(timeout=20) == 0
        assert time.monotonic() - started >= 0.6
    assert process.returncode != -signal.SIGINT
