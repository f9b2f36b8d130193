"""Directories that appear whole or not at all, also when several processes want the same one."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from testbed.programs.part import Log

HEARTBEAT_SECONDS = 20.0
LOCK_SECONDS = 10800.0


@contextmanager
def locked(
    target: Path, log: Log, *, seconds: float = LOCK_SECONDS, heartbeat: float = HEARTBEAT_SECONDS
) -> Generator[None]:
    """Be the only process that makes this directory; the kernel frees the lock of a process that died."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f"{target.name}.lock").open("w") as lock:
        _acquire(lock.fileno(), target.name, log, seconds, heartbeat)
        yield


def _acquire(lock: int, name: str, log: Log, seconds: float, heartbeat: float) -> None:
    start = time.monotonic()
    reported = start
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            return
        now = time.monotonic()
        if now - start > seconds:
            raise TimeoutError(f"another process has held the lock of {name} for {seconds:.0f} s")
        if now - reported >= heartbeat:
            reported = now
            log(f"{name}: another process is making it, waited {now - start:.0f} s")
        time.sleep(0.1)


@contextmanager
def whole_directory(target: Path) -> Generator[Path]:
    """A directory to fill, renamed to its target at the end and removed on an error. Call it under the lock."""
    for abandoned in target.parent.glob(f"{target.name}.part-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f"{target.name}.part-", dir=target.parent))
    unfinished.chmod(0o755)
    try:
        yield unfinished
        unfinished.rename(target)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
