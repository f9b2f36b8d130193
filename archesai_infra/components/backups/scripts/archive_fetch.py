"""Brings a base backup and files of the log out of the archive, by Barman's programs and beside them only Python.

`base` waits for the segment with the mark, then brings the newest base backup. `log` brings the files that the server
asks for, until it is stopped.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SCRATCH = Path(os.environ["SCRATCH"])
ABSENT = 1
"""Exit status of Barman's programs where the bucket answers and has no such file."""
TRIES = 5
"""Attempts to get a file while the bucket does not answer."""
PAUSE = float(os.environ.get("PAUSE", "10"))
"""Seconds between two attempts."""


def barman(program: str, options: list[str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run a program on the archive; what it says goes on, but for a file that is not there."""
    endpoint = os.environ.get("ENDPOINT")
    where = ["--endpoint-url", endpoint] if endpoint else []
    archive = [os.environ["ARCHIVE"], os.environ["ARCHIVE_NAME"]]
    command = [f"barman-cloud-{program}", "--cloud-provider", "aws-s3", *where, *options, *archive, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, ABSENT):
        print(done.stderr, file=sys.stderr)
    return done


def await_mark() -> None:
    """Wait until the segment with the mark is in the archive; end where it does not come in time."""
    segment = (SCRATCH / "mark" / "segment").read_text(encoding="utf-8").strip()
    target, limit = SCRATCH / "segment", int(os.environ["MAX_AGE"])
    deadline = time.monotonic() + limit
    while barman("wal-restore", [], segment, str(target)).returncode != 0:
        if time.monotonic() > deadline:
            sys.exit(f"drill: {segment} of the log, written {limit} s ago, is not in the archive")
        time.sleep(PAUSE)
    target.unlink()


def base() -> None:
    """Bring the newest base backup that is whole."""
    await_mark()
    listed = barman("backup-list", ["--format", "json"])
    if listed.returncode != 0:
        sys.exit("drill: the archive cannot be listed")
    backups = json.loads(listed.stdout)["backups_list"]
    whole = [backup["backup_id"] for backup in backups if backup["status"] == "DONE"]
    if not whole:
        sys.exit("drill: the archive holds no base backup")
    if barman("restore", [], max(whole), str(SCRATCH / "data")).returncode != 0:
        sys.exit(f"drill: the base backup {max(whole)} cannot be restored")
    (SCRATCH / "mark" / "backup").write_text(max(whole), encoding="utf-8")


def bring(wanted: Path) -> None:
    """Bring a file of the log, or say that there is none."""
    part = wanted.with_suffix(".part")
    for _ in range(TRIES):
        status = barman("wal-restore", [], wanted.stem, str(part)).returncode
        if status in (0, ABSENT):
            break
        time.sleep(PAUSE)
    wanted.unlink()
    if part.exists():
        part.rename(wanted.with_suffix(".here"))
    else:
        wanted.with_suffix(".absent").touch()


def stop(_number: int, _frame: object) -> None:
    """End as asked."""
    sys.exit(0)


def log() -> None:
    """Bring what is asked for, one file after the other."""
    # The first process of a container has no handler of its own.
    signal.signal(signal.SIGTERM, stop)
    while True:
        for wanted in (SCRATCH / "log").glob("*.wanted"):
            bring(wanted)
        time.sleep(0.1)


if __name__ == "__main__":
    os.umask(0o077)
    {"base": base, "log": log}[sys.argv[1]]()
