"""What the program of a Git revision declares for a stack."""

from __future__ import annotations

import inspect
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.git import git
from archesai_infra.cli.base.text import one_line
from archesai_infra.stack.config import RawConfig
from archesai_infra.stack.evaluate import Evaluation, evaluate
from archesai_infra.stack.stack_file import read

PROGRAM = "archesai_infra"
EVALUATION_SECONDS = 120


@dataclass(frozen=True)
class Revision:
    """A commit, and what it declares."""

    title: str
    """Such as `commit 1a2b3c4`."""
    same: bool
    """Neither the program nor the stack file differs from the working tree."""
    states: Mapping[str, dict[str, Any]]
    """The declared resources by URN; empty where the stack has no file in it, or nothing differs."""


def declared(evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    """The resources of an evaluation by URN, in the form of the engine's states."""
    by_urn = {resource.urn: resource for resource in evaluation.resources}

    def types(urn: str) -> str:
        resource = by_urn[urn]
        above = f"{types(resource.parent)}$" if resource.parent in by_urn else ""
        return f"{above}{resource.type}"

    return {
        "::".join([*urn.split("::")[:2], types(urn), resource.name]): {
            "type": resource.type,
            "inputs": dict(resource.inputs),
            "retainOnDelete": resource.retain_on_delete,
            "protect": resource.protect,
        }
        for urn, resource in by_urn.items()
    }


def revision(root: Path, raw: RawConfig, name: str) -> Revision | None:
    """A revision of the project, evaluated; None where the project is no Git repository or has no commit.

    Raises CommandError for an unknown revision, and for a program that cannot be evaluated any more.
    """
    commit = git(root, "rev-parse", "--verify", "--quiet", "--short", f"{name}^{{commit}}")
    if commit is None:
        if name != "HEAD":
            raise CommandError(f"--against {name}: Git knows no such revision here", Exit.INPUT)
        return None
    title, file = f"commit {commit.decode().strip()}", f"Pulumi.{raw.stack}.yaml"
    program = git(root, "status", "--porcelain", "--", PROGRAM) == b"" and _same(root, name, PROGRAM)
    before = git(root, "show", f"{name}:./{file}")
    if program and before == (root / file).read_bytes():
        return Revision(title, same=True, states={})
    if before is None:
        return Revision(title, same=False, states={})
    with TemporaryDirectory(prefix="arches-") as directory:
        path = Path(directory)
        (path / file).write_bytes(before)
        states = declared(evaluate(read(path, raw.stack))) if program else _evaluated(root, path, name, raw.stack)
    return Revision(title, same=False, states=states)


def _same(root: Path, name: str, path: str) -> bool:
    return git(root, "diff", "--quiet", name, "--", path) is not None


def _evaluated(root: Path, directory: Path, name: str, stack: str) -> dict[str, dict[str, Any]]:
    """What the program of the revision declares, evaluated in a process of its own."""
    archive = git(root, "archive", "--format=tar", f"{name}:./", PROGRAM) or b""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(directory, filter="data")
    done = subprocess.run(
        [sys.executable, "-c", _script(), str(directory), stack],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=EVALUATION_SECONDS,
    )
    if done.returncode:
        last = one_line(done.stderr.strip().rpartition("\n")[2])
        raise CommandError(
            f"the program of revision {name} cannot be evaluated ({last}); "
            "compare with a later one: --against <revision>",
            Exit.FOUND,
        )
    return json.loads(done.stdout)


def _script() -> str:
    """A program that prints what the package beside it declares; this version's code, for the older one lacks it."""
    return "\n".join(
        [
            "from __future__ import annotations",
            "import json, sys",
            "from pathlib import Path",
            "from archesai_infra.stack.evaluate import evaluate",
            "from archesai_infra.stack.stack_file import read",
            inspect.getsource(declared),
            "json.dump(declared(evaluate(read(Path(sys.argv[1]), sys.argv[2]))), sys.stdout)",
        ]
    )
