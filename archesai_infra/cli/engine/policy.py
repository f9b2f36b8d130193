"""The policy pack in `policy/`: its own environment for the engine, and its checks where there is no engine."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import typer

from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.stack.evaluate import Evaluation

DIRECTORY = Path("policy")
"""The pack, below the project's root."""
CHECKS = "checks"
_MODULE = "archesai_policy_checks"
_PINS = "requirements.txt"
_COMPLETE_MARK = ".made"
INSTALL_SECONDS = 600


def pack(root: Path) -> Path:
    """The pack, ready for the engine; its packages are installed, with a notice, where they are missing.

    Its environment is its own: `pulumi-policy` pins older libraries than the program uses. Raises CommandError.
    """
    directory = _complete(root / DIRECTORY)
    environment = directory / ".venv"
    if not _current(directory):
        typer.echo(
            f"Installing the policy pack's packages into {environment.relative_to(root)} (first run only) …", err=True
        )
        _run(sys.executable, "-m", "venv", str(environment))
        pip = (str(environment / "bin" / "pip"), "install", "--disable-pip-version-check", "--quiet")
        _run(*pip, "--require-hashes", "-r", str(directory / _PINS))
        (environment / _COMPLETE_MARK).write_bytes((directory / _PINS).read_bytes())
    return directory


def _current(directory: Path) -> bool:
    made = directory / ".venv" / _COMPLETE_MARK
    return made.is_file() and made.read_bytes() == (directory / _PINS).read_bytes()


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except OSError as error:
        raise CommandError(_not_installed(str(error)), Exit.FOUND) from None
    except subprocess.TimeoutExpired:
        raise CommandError(_not_installed(f"it took longer than {INSTALL_SECONDS} s"), Exit.FOUND) from None
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip() or error.stdout.strip()).rpartition("\n")[2]
        raise CommandError(_not_installed(last), Exit.FOUND) from None


def _not_installed(why: str) -> str:
    return f"the policy pack's packages could not be installed: {why}; correct that, or skip the pack with --no-policy"


def violations(root: Path, evaluation: Evaluation) -> Iterator[str]:
    """What breaks the pack's policies in an evaluation, as `policy: Kind name finding`."""
    releases = [
        {"kind": "Release", "metadata": {"name": release.inputs["name"]}, "values": release.inputs.get("values")}
        for release in evaluation.releases
    ]
    return judge(root, [*evaluation.objects, *releases], production=evaluation.settings.production)


def judge(root: Path, objects: Iterable[Mapping[str, Any]], *, production: bool) -> Iterator[str]:
    """What breaks the policies of the pack below `root`, as `policy: Kind name finding`; raises CommandError."""
    checks = load(root)
    wanted: Mapping[str, Callable[[Mapping[str, Any]], Iterator[str]]] = checks.CHECKS
    if production:
        wanted = {**wanted, **checks.PRODUCTION_CHECKS}
    for item in objects:
        for name, check in wanted.items():
            for finding in check(item):
                yield f"{name}: {item['kind']} {item['metadata']['name']} {finding}"


def annotated(text: str, more: Mapping[str, object]) -> str:
    """The engine's JSON preview with more keys; another text, such as an error, as it is."""
    try:
        preview = json.loads(text)
    except json.JSONDecodeError:
        return text
    return json.dumps(preview | more, indent=2)


def load(root: Path) -> ModuleType:
    """The checks of the pack below `root`; they need nothing of its environment. Raises CommandError."""
    path = _complete(root / DIRECTORY) / CHECKS / "__init__.py"
    for name in [name for name in sys.modules if name.partition(".")[0] == _MODULE]:
        del sys.modules[name]
    spec = spec_from_file_location(_MODULE, path, submodule_search_locations=[str(path.parent)])
    if spec is None or spec.loader is None:
        raise CommandError(f"{path}: cannot be read as a module of Python", Exit.INPUT)
    module = module_from_spec(spec)
    sys.modules[_MODULE] = module
    spec.loader.exec_module(module)
    return module


def _complete(directory: Path) -> Path:
    """The pack's directory, if it is there; raises CommandError."""
    if not (directory / _PINS).is_file():
        raise CommandError(f"{directory} holds no policy pack; restore it from the repository, or skip it", Exit.INPUT)
    return directory
