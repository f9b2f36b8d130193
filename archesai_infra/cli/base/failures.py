"""The one place that turns an error into a line with a cure and an exit status."""

from __future__ import annotations

import errno
import subprocess
import traceback
from collections.abc import Callable
from typing import Any, Self

import typer
from pulumi.automation import CommandError as EngineError

from archesai_infra.cli.base.cluster import ClusterError
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.failure import DEBUG, Failure
from archesai_infra.cli.base.text import one_line
from archesai_infra.cli.base.usage import described as described_usage
from archesai_infra.stack.config import ConfigError

_FILE_CURES = {
    errno.ENOSPC: "free some space, then run the command again",
    errno.EDQUOT: "free some space, then run the command again",
    errno.EFBIG: "raise the limit of the size of a file (ulimit -f)",
    errno.EROFS: "the file system is read-only: work in a writable copy of the project",
    errno.EACCES: "make it accessible to this user, or choose another path",
    errno.EPERM: "make it accessible to this user, or choose another path",
    errno.ENOENT: "check the path",
    errno.EEXIST: "remove it, or choose another path",
    errno.ENOTDIR: "choose another path",
    errno.EISDIR: "name a file",
}


def failure_of(error: BaseException) -> Failure:
    """What to print for an error, and the exit status."""
    text, code = _described(error)
    return Failure(text, code, "".join(traceback.format_exception(error)).rstrip())


class Caught:
    """A context that turns an error into its `failure`, where the rest of a command must go on."""

    failure: Failure | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: object, _trace: object) -> bool:
        if isinstance(error, Exception):
            self.failure = failure_of(error)
        return self.failure is not None


def _described(error: BaseException) -> tuple[str, Exit]:
    for kind, code, text in _KINDS:
        if isinstance(error, kind):
            return text(error), error.code if isinstance(error, CommandError) else code
    reason = one_line(error) or "no reason given"
    return f"unexpected {type(error).__name__}: {reason}; {DEBUG}=1 shows the trace, please report it", Exit.FOUND


def _of_engine(error: EngineError) -> str:
    """The engine's own lines that begin with `error:`, else the last that it printed, and a cure where one is known."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    errors = [line.partition("error:")[2].strip() for line in lines if "error:" in line]
    reasons = list(dict.fromkeys(errors or lines[-3:]))
    if "incorrect passphrase" in str(error):
        reasons.append(
            "the stack file was encrypted with another passphrase: set PULUMI_CONFIG_PASSPHRASE to it and log in to "
            "the state of the stack (pulumi login <url>); `arches preview --offline` needs neither"
        )
    return "\n".join(["the Pulumi engine failed:", *reasons])


def _of_file(error: OSError) -> str:
    where = error.filename or "the output"
    cure = _FILE_CURES.get(error.errno or 0, "")
    reason = (error.strerror or str(error)).lower()
    return f"{where}: {reason}" + (f"; {cure}" if cure else "")


def _of_timeout(error: subprocess.TimeoutExpired) -> str:
    return f"{_command(error)}: did not end within {error.timeout:.0f} s"


def _of_process(error: subprocess.CalledProcessError) -> str:
    return f"{_command(error)}: ended with status {error.returncode}; check that this program works by itself"


def _command(error: subprocess.TimeoutExpired | subprocess.CalledProcessError) -> str:
    return error.cmd if isinstance(error.cmd, str) else " ".join(map(str, error.cmd[:2]))


_KINDS: tuple[tuple[type[BaseException], Exit, Callable[[Any], str]], ...] = (
    (ConfigError, Exit.INPUT, str),
    (CommandError, Exit.FOUND, str),
    (ClusterError, Exit.CLUSTER, str),
    (EngineError, Exit.STATE, _of_engine),
    (typer.TyperException, Exit.INPUT, described_usage),
    (KeyboardInterrupt, Exit.INTERRUPTED, lambda _: "interrupted"),
    (typer.Abort, Exit.INTERRUPTED, lambda _: "interrupted"),
    (subprocess.TimeoutExpired, Exit.TIMEOUT, _of_timeout),
    (subprocess.CalledProcessError, Exit.FOUND, _of_process),
    (OSError, Exit.FOUND, _of_file),
    (RecursionError, Exit.INPUT, lambda _: "the input is nested too deeply: use fewer levels"),
)
"""Exit status and text by kind of error; a CommandError has a status of its own."""
