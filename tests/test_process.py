"""What the program changes in its process, and that the SDK still is what the changes assume."""

from __future__ import annotations

import gc
import inspect
import json
import subprocess
import sys
import traceback
from contextlib import suppress
from pathlib import Path

import pulumi
import pytest

from archesai_infra.process import DEBUG, FOR_ONE_RUN, without_garbage_collection, without_source_positions
from testbed.stacks import ROOT

SDK = Path(pulumi.__file__).parent
REPORT = """
import gc, json, os, signal, pulumi
from archesai_infra.process import prepare

before = pulumi.log.debug
prepare()
print(json.dumps({
    "replaced": pulumi.log.debug is not before,
    "collects": gc.isenabled(),
    "ignores": signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
    "variables": [name for name in os.environ if name.startswith("PULUMI_K8S")],
}))
"""


def prepared(**environment: str) -> dict[str, object]:
    """What a process looks like after it was prepared."""
    command = [sys.executable, "-c", REPORT]
    variables = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=variables)
    return json.loads(done.stdout)


def test_a_prepared_process_waits_for_no_debug_line_and_leaves_signals_and_variables_to_others() -> None:
    assert prepared(**dict.fromkeys(FOR_ONE_RUN, "true")) == {
        "replaced": True,
        "collects": False,
        "ignores": True,
        "variables": [],
    }


def test_debug_lines_are_kept_where_the_user_asks_for_them() -> None:
    assert prepared(**{DEBUG: "true"})["replaced"] is False


def test_the_sdks_debug_function_has_the_form_that_is_replaced() -> None:
    assert list(inspect.signature(pulumi.log.debug).parameters) == ["msg", "resource", "stream_id", "ephemeral"]
    assert "engine_pb2.DEBUG" in inspect.getsource(pulumi.log.debug)


def test_the_sdk_calls_it_as_a_member_of_its_module_where_the_replacement_is_found() -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in SDK.rglob("*.py") if path.name != "log.py"}
    assert [path for path, text in sources.items() if "log import debug" in text] == []
    assert sum(text.count("log.debug(") for text in sources.values()) > 10


def _fail() -> None:
    with without_garbage_collection():
        assert not gc.isenabled()
        raise LookupError("made to fail")


@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_collection_is_afterwards_as_before_also_after_an_error(*, enabled: bool) -> None:
    was_enabled = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        with pytest.raises(LookupError):
            _fail()
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was_enabled else gc.disable)()


def test_call_stacks_are_short_during_an_evaluation_and_whole_after_its_errors() -> None:
    with suppress(ZeroDivisionError), without_source_positions():
        assert len(traceback.extract_stack()) == 1
        _ = 1 / 0
    assert len(traceback.extract_stack()) > 1
    assert not hasattr(sys, "tracebacklimit")
