"""The sub-commands of `arches` as the program registers them: which open a cluster, and which a test calls."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from archesai_infra.cli.app import COMMANDS, load
from testbed.stacks import ROOT

CONNECTS = "archesai_infra.cli.base.kubeconfig"
"""The one module that makes the client of a cluster."""
CALLERS = frozenset({"arches", "start_arches", "run", "run_json", "done_well"})
"""Functions of tests whose first arguments are the words of a command."""
ENGINES = frozenset({"run"})
"""Those of them that call the engine where they are methods."""


@cache
def callbacks() -> dict[str, Callable[..., Any]]:
    """What each command runs, by its words; older names too."""
    found: dict[str, Callable[..., Any]] = {}
    for name in COMMANDS:
        command = load(name)
        subcommands = getattr(command, "commands", None)
        commands = {f"{name} {sub}": one for sub, one in subcommands.items()} if subcommands else {name: command}
        found |= {words: inspect.unwrap(one.callback) for words, one in commands.items() if one.callback}
    return found


def current_name(words: str) -> str:
    """The name that the help shows of a command which has an older one too."""
    function = callbacks()[words].__code__
    return next(name for name, one in callbacks().items() if one.__code__ is function)


def opening_a_cluster() -> set[str]:
    """Commands whose code imports, however indirectly, what makes the client of a cluster."""
    return {
        current_name(words)
        for words, callback in callbacks().items()
        if CONNECTS in _reached(_imported(textwrap.dedent(inspect.getsource(callback))))
    }


def called_in(files: Iterable[Path]) -> dict[str, set[str]]:
    """The files' names that call each command, by its words."""
    found: dict[str, set[str]] = {}
    for path in files:
        for words in _called(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(words, set()).add(path.name)
    return found


def _called(tree: ast.Module) -> Iterator[str]:
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        method = isinstance(call.func, ast.Attribute)
        name = getattr(call.func, "attr" if method else "id", "")
        if name not in CALLERS or (method and name in ENGINES):
            continue
        words = [one.value for one in call.args[:2] if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        known = (" ".join(words[:count]) for count in (2, 1))
        if command := next((one for one in known if one in callbacks()), None):
            yield current_name(command)


def _reached(modules: set[str]) -> set[str]:
    """These modules and all that they import."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        if (module := waiting.pop()) not in found:
            found.add(module)
            waiting += _imported(_source(module).read_text(encoding="utf-8"))
    return found


@cache
def _imported(source: str) -> set[str]:
    """Modules of the package that a source imports, also inside of functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in names if name.startswith("archesai_infra.") and _source(name).is_file()}


def _source(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
