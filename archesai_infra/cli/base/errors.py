"""Exit statuses of every command, and the error that ends one with a sentence instead of a traceback."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a command's exit status says."""

    OK = 0
    FOUND = 1
    INPUT = 2
    ENGINE = 3
    CLUSTER = 4
    STATE = 5
    TIMEOUT = 6
    INTERRUPTED = 130


MEANINGS = {
    Exit.OK: "done",
    Exit.FOUND: "the operation failed, or a check found a problem",
    Exit.INPUT: "the command line, a stack file or another input is invalid",
    Exit.ENGINE: "the Pulumi engine is missing",
    Exit.CLUSTER: "the cluster cannot be reached, or refused the request",
    Exit.STATE: "the state cannot be read, is locked, or has no such stack",
    Exit.TIMEOUT: "the time given was not enough; the operation continues in the cluster",
    Exit.INTERRUPTED: "interrupted with Ctrl-C",
}
"""The same in words, for help and documentation."""


class CommandError(Exception):
    """A command cannot continue; the text says why and how to fix it, one sentence a line."""

    def __init__(self, text: str, code: Exit) -> None:
        super().__init__(text)
        self.code = code
