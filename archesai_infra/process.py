"""The process that runs the program, and what is changed in the SDK there; docs/adr/0009-sdk.md has the reasons."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager

import pulumi

FOR_ONE_RUN = ("PULUMI_K8S_ENABLE_PATCH_FORCE", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS")
"""Variables that change what the provider's plugin does in one run."""
DEBUG = "PULUMI_OPTION_DEBUG"
"""The variable behind the engine's `--debug`; the engine does not pass the flag itself to programs."""


def prepare() -> None:
    """Set up the process of a program that the engine runs; call it before anything is declared."""
    _ignore_what_others_handle()
    # The process is short and keeps all it creates: a search for cycles finds nothing and takes time.
    gc.disable()
    if os.environ.get(DEBUG, "false") == "false":
        _drop_debug_lines()


@contextmanager
def without_garbage_collection() -> Generator[None]:
    """For an evaluation in a process that continues: a quarter of its time would go into the search for cycles."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def without_source_positions() -> Generator[None]:
    """For an evaluation without an engine, which is who shows where in the code a resource is declared.

    The SDK asks for the call stack at each resource, and Python reads the source files of all its frames. The limit is
    Python's own, for all stacks that it prints; it ends with the evaluation, so errors have their whole traceback.
    """
    before = getattr(sys, "tracebacklimit", None)
    sys.tracebacklimit = 1
    try:
        yield
    finally:
        if before is None:
            del sys.tracebacklimit
        else:
            sys.tracebacklimit = before


def _ignore_what_others_handle() -> None:
    """Leave Ctrl-C to the engine and the variables for one run to the plugin.

    Ctrl-C would print a traceback amid the engine's output. The SDK would write the variables into the state as the
    provider's own settings, and so make them permanent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in FOR_ONE_RUN:
        os.environ.pop(name, None)


def _drop_debug_lines() -> None:
    """Replace the SDK's `log.debug`, which sends each line to the engine and waits for the answer, shown or not."""

    def debug(*_message: object, **_options: object) -> None:
        pass

    pulumi.log.debug = debug
