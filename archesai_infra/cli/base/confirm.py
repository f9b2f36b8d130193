"""Questions before a change. They go to standard error: standard output may be for a script."""

from __future__ import annotations

import sys

import typer

from archesai_infra.cli.base.errors import CommandError, Exit

DECLINED = "not confirmed; nothing was changed"


def confirm(question: str, *, instead: str = "--yes") -> None:
    """Ask for a yes; raises CommandError otherwise. `instead` is the option that makes the question unnecessary."""
    if _answer(f"{question} [y/N]: ", instead).lower() not in ("y", "yes"):
        raise CommandError(DECLINED, Exit.FOUND)


def confirm_name(name: str, what: str, *, instead: str = "--yes") -> None:
    """Have a name typed, for changes that a quick yes must not make; raises CommandError otherwise.

    Args:
        name: What has to be typed.
        what: What it is the name of, such as `stack`.
        instead: Option that makes the question unnecessary.
    """
    if _answer(f"This is production. Type the name of the {what}, {name}, to continue: ", instead) != name:
        raise CommandError(DECLINED, Exit.INPUT)


def confirm_change(question: str, name: str, what: str, *, production: bool, instead: str = "--yes") -> None:
    """Ask before a change: production has a name typed, elsewhere a yes is enough; raises CommandError otherwise."""
    if production:
        confirm_name(name, what, instead=instead)
    else:
        confirm(question, instead=instead)


def confirm_stack(stack: str, *, production: bool, yes: bool) -> None:
    """Ask before a command's first change of a stack, unless `--yes` was given; raises CommandError otherwise."""
    if not yes:
        confirm_change("Continue?", stack, "stack", production=production)


def confirm_namespace(namespace: str, given: str | None, *, production: bool) -> None:
    """The same for a restore, whose option `--confirm` has the namespace typed; raises CommandError for another one."""
    if given is None:
        confirm_change("Continue?", namespace, "namespace", production=production, instead="--confirm")
    elif given != namespace:
        raise CommandError(f"--confirm {given}: the namespace is {namespace}", Exit.INPUT)


def ask_secret(name: str) -> str:
    """A secret value, typed without an echo or read from a pipe."""
    return typer.prompt(name, hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.read().rstrip("\n")


def _answer(question: str, instead: str) -> str:
    typer.echo(question, nl=False, err=True)
    try:
        return input().strip()
    except EOFError:
        typer.echo(err=True)
        raise CommandError(f"no answer on standard input; {instead} confirms without asking", Exit.INPUT) from None
