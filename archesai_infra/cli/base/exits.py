"""Exit codes of every command, and the errors that end one with a sentence instead of a traceback."""

from __future__ import annotations

import functools
from collections.abc import Callable
from enum import IntEnum
from typing import Never, ParamSpec, TypeVar

import typer

from archesai_infra.stack.config import ConfigError

P = ParamSpec("P")
R = TypeVar("R")


class Exit(IntEnum):
    """What a command's exit code says."""

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
    Exit.FOUND: "the operation failed, or a check found something wrong",
    Exit.INPUT: "the command line, a stack file or another input is wrong",
    Exit.ENGINE: "there is no engine",
    Exit.CLUSTER: "the cluster cannot be reached, or refused",
    Exit.STATE: "the state cannot be read, is locked, or has no such stack",
    Exit.TIMEOUT: "it took longer than the time given and goes on in the cluster",
    Exit.INTERRUPTED: "Ctrl-C",
}
"""The same in words, for help and documentation."""


class CommandError(Exception):
    """A command cannot go on; the text says why and how to mend it, one sentence a line."""

    def __init__(self, text: str, code: Exit) -> None:
        super().__init__(text)
        self.code = code


def friendly(command: Callable[P, R]) -> Callable[P, R]:
    """A command whose expected errors are lines on stderr and an exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:

        try:
            return command(*args, **kwargs)
        except ConfigError as error:
            _leave(str(error), Exit.INPUT)
        except CommandError as error:
            _leave(str(error), error.code)

    return run


def _leave(text: str, code: Exit) -> Never:
    for line in text.splitlines():
        typer.echo(f"error: {line}", err=True)
    raise typer.Exit(code)
