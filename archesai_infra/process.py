"""The process in which the engine runs the program."""

from __future__ import annotations

import gc
import os
import signal

import pulumi

FOR_ONE_RUN = ("PULUMI_K8S_ENABLE_PATCH_FORCE", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS")
"""Variables of the provider's plugin that give it a leave for one run."""
DEBUG = "PULUMI_OPTION_DEBUG"
"""The variable behind the engine's `--debug`; of the flag itself the engine tells no program."""


def prepare() -> None:
    """Make the process what a program of the engine's should be, before anything is declared."""
    _leave_to_the_engine()
    # All that it ever makes it makes at once; looking for cycles among that is a twentieth of a preview.
    gc.disable()
    if os.environ.get(DEBUG, "false") == "false":
        _tell_no_steps()


def _leave_to_the_engine() -> None:
    """Give up what is the engine's and its plugins' to act on.

    Ctrl-C would be a traceback in the middle of what the engine says; and the SDK would write a leave for one run,
    which the plugin reads itself, into the state as the provider's own.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in FOR_ONE_RUN:
        os.environ.pop(name, None)


def _tell_no_steps() -> None:
    """Leave out the SDK's debug lines: for each of them, 700 in production, it waits until the engine has answered."""

    def nothing(*_message: object, **_options: object) -> None:
        pass

    pulumi.log.debug = nothing
