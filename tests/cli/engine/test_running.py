from __future__ import annotations

from archesai_infra.cli.engine.running import unprinted

NO_INTERPRETER = (
    "\n code: 1\n stdout: Previewing update (dev):\n stderr: error: failed to discover package requirements: "
    "fork/exec .venv/bin/python: no such file or directory\n"
)
PRINTED = "\n code: 255\n stdout: error: made up\nupdate failed\n stderr: error: made up\nerror: update failed\n"


def test_what_the_engine_writes_to_standard_error_alone_is_printed_with_the_cure() -> None:
    assert unprinted(NO_INTERPRETER) == [
        "failed to discover package requirements: fork/exec .venv/bin/python: no such file or directory",
        "the environment in which the engine runs the program is missing: make setup",
    ]


def test_what_it_has_printed_is_not_printed_twice() -> None:
    assert unprinted(PRINTED) == []
    assert unprinted("no form that is known") == []
