"""The engine at work: its output as it comes, what it means below, and its failures in sentences."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import typer
from pulumi.automation import CommandError as EngineError

from archesai_infra.cli.base.console import colored, print_lines
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.digest.terminal import lines, summary
from archesai_infra.cli.engine.events import collect_steps
from archesai_infra.cli.engine.interrupts import waiting_for_the_engine


def show_changes(look: Callable[..., object], *, go_on: str | None = None, whole: bool = True) -> None:
    """Run the engine's preview, and print below it what changes, in values, and what that means.

    Without `whole` the summary alone.
    """
    steps: list[dict[str, Any]] = []
    run_engine(partial(look, on_output=print_output, on_event=collect_steps(steps)), go_on=go_on)
    preview = {"steps": steps}
    print_lines(lines(preview, color=colored(), creations=False) if whole else summary(preview, color=colored()))


def run_engine(operation: Callable[[], object], *, go_on: str | None = None, changes: str | None = None) -> None:
    """Run the engine.

    Where protection stopped it, `go_on` is the command that ignores protection; `changes` names the stack where the
    operation changes the cluster.
    """
    stopped: list[str] = []
    failed = False
    reasons: list[str] = []
    with waiting_for_the_engine() as interruption:
        try:
            operation()
        except EngineError as error:
            # The engine has printed most of what is wrong, line by line, as it happened.
            stopped, failed, reasons = protected(str(error)), True, unprinted(str(error))
    if interruption.asked:
        raise CommandError(_interrupted(changes), Exit.INTERRUPTED)
    if stopped and go_on:
        raise CommandError(_protection(stopped, go_on), Exit.FOUND)
    if reasons:
        raise CommandError("\n".join(reasons), Exit.FOUND)
    if failed:
        raise typer.Exit(Exit.FOUND)


def _interrupted(stack: str | None) -> str:
    if stack is None:
        return "interrupted: nothing was changed"
    return (
        f"interrupted: finished steps are in the state. `arches preview --stack {stack}` shows the rest; "
        f"the same command continues. If the state is locked: arches cancel --stack {stack}"
    )


_ERROR = re.compile(r"^\s*error: (.+)$", re.MULTILINE)
_OUTCOME = re.compile(r"\w+ failed")
"""The engine's last line about an operation whose reasons it has printed."""
_NO_INTERPRETER = re.compile(r"python[\d.]*: no such file or directory")


def unprinted(text: str) -> list[str]:
    """What the engine wrote to its standard error alone, from the text of its failure; and a cure where one is known.

    The Automation API passes on the engine's standard output line by line, and its standard error in the error only.
    """
    printed, _, errors = text.partition("\n stderr: ")
    found = (match[1].strip() for match in _ERROR.finditer(errors))
    reasons = [reason for reason in dict.fromkeys(found) if reason not in printed and not _OUTCOME.match(reason)]
    if any(_NO_INTERPRETER.search(reason) for reason in reasons):
        reasons.append("the environment in which the engine runs the program is missing: make setup")
    return reasons


_REFUSED = re.compile(r'resource "(urn:[^"]+)"\s+(?:as it is currently marked for protection|cannot be deleted)')


def protected(text: str) -> list[str]:
    """What the engine refused to replace or delete, as `Type name`, from its output."""
    return sorted(
        {f"{urn.split('::')[2].rpartition(':')[2]} {urn.rpartition('::')[2]}" for urn in _REFUSED.findall(text)}
    )


def _protection(stopped: list[str], go_on: str) -> str:
    """How to continue; the engine's own advice is to edit a program that all stacks share."""
    return (
        f"production data is protected: {', '.join(stopped)} would be replaced or deleted, and was not. "
        f"To keep it, revert the edit. To remove it, make a backup and run {go_on}: "
        "volumes and the namespace stay in the cluster while retainData is true."
    )


def is_of_plans(line: str) -> bool:
    """Whether the engine speaks of a plan that it wrote; it names its own command."""
    return line.startswith(("Update plan written to ", "Run `pulumi up --plan="))


def print_output(text: str) -> None:
    """Print what the engine says, at once."""
    if is_of_plans(text):
        return
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def color() -> str:
    """How the engine colours its output."""
    return "always" if colored() else "never"
