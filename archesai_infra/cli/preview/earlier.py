"""What a stack file of a Git revision declares, by the program of that revision."""

from __future__ import annotations

import inspect
import io
import json
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from archesai_infra.cli.base.cache import Cache
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.git import git
from archesai_infra.cli.base.text import one_line
from archesai_infra.cli.preview.declaration import PROGRAM, declared
from archesai_infra.stack.evaluate import evaluate
from archesai_infra.stack.stack_file import read

EVALUATION_SECONDS = 120
_LIBRARIES = ("pulumi", "pulumi-kubernetes", "pydantic")
"""What the result of an evaluation depends on beside the program."""

States = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Earlier:
    """A stack file as a Git revision has it."""

    root: Path
    """The project."""
    revision: str
    stack: str
    content: bytes
    """The stack file."""


def states(earlier: Earlier, *, same_program: bool) -> States:
    """The declared resources by URN, from the cache where the same was evaluated before.

    `same_program`: the revision's program is the one that runs. Raises CommandError.
    """
    program = git(earlier.root, "rev-parse", f"{earlier.revision}:./{PROGRAM}")
    cache, key = Cache("evaluations"), _key(earlier, program or b"")
    known = cache.get(key)
    if isinstance(known, dict):
        return known
    with TemporaryDirectory(prefix="arches-") as directory:
        path = Path(directory)
        (path / f"Pulumi.{earlier.stack}.yaml").write_bytes(earlier.content)
        if same_program:
            found = declared(evaluate(read(path, earlier.stack), application=True))
        else:
            found = _by_its_program(earlier, path)
    if program:
        cache.put(key, found)
    return found


def _key(earlier: Earlier, program: bytes) -> str:
    """Everything that the result follows from: another program or library has another key."""
    libraries = [f"{name} {version(name)}" for name in _LIBRARIES]
    parts = [sys.version, *libraries, _script(), earlier.stack, program.decode(), earlier.content.hex()]
    return sha256(json.dumps(parts).encode()).hexdigest()


def _by_its_program(earlier: Earlier, directory: Path) -> States:
    """What the program of the revision declares, evaluated in a process of its own."""
    archive = git(earlier.root, "archive", "--format=tar", f"{earlier.revision}:./", PROGRAM) or b""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(directory, filter="data")
    done = subprocess.run(
        [sys.executable, "-c", _script(), str(directory), earlier.stack],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=EVALUATION_SECONDS,
    )
    if done.returncode:
        last = one_line(done.stderr.strip().rpartition("\n")[2])
        raise CommandError(
            f"the program of revision {earlier.revision} cannot be evaluated ({last}); "
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
            "from inspect import signature",
            "from pathlib import Path",
            "from archesai_infra.stack.evaluate import evaluate",
            "from archesai_infra.stack.stack_file import read",
            inspect.getsource(declared),
            "options = {'application': True} if 'application' in signature(evaluate).parameters else {}",
            "json.dump(declared(evaluate(read(Path(sys.argv[1]), sys.argv[2]), **options)), sys.stdout)",
        ]
    )
