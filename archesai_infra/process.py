"""The process in which the engine runs the program."""

from __future__ import annotations

import os
import signal

FOR_ONE_RUN = ("PULUMI_K8S_ENABLE_PATCH_FORCE", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS")
"""Variables of the provider's plugin that give it a leave for one run."""


def leave_to_the_engine() -> None:
    """Give up what is the engine's and its plugins' to act on, at the start of a program that they run.

    Ctrl-C would be a traceback in the middle of what the engine says; and the SDK would write a leave for one run,
    which the plugin reads itself, into the state as the provider's own.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in FOR_ONE_RUN:
        os.environ.pop(name, None)
