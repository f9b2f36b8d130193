"""Where the stack's state lives: the login the user has, else a state of the project's own on this machine."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from archesai_infra.cli.base import files
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.project import STATE


def environment(root: Path, *, create: bool = True) -> dict[str, str]:
    """Variables for the engine: nothing where the user has a login, else a local state and its passphrase.

    The passphrase is generated once, readable by its owner only; without it the local state's secrets are lost.
    `create` makes both where they are missing.
    """
    variables = {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    if logged_in():
        return variables
    state = root / STATE / "stacks"
    if create:
        state.mkdir(parents=True, exist_ok=True)
    variables["PULUMI_BACKEND_URL"] = url(state)
    if not {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & set(os.environ):
        passphrase = root / STATE / "passphrase"
        variables["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(_passphrase(passphrase) if create else passphrase)
    return variables


def refuse_throw_away_state(stack: str, *, production: bool, allowed: bool) -> None:
    """Raise CommandError where a change would be recorded in a state that nobody else has.

    Args:
        stack: Name of the stack.
        production: Whether the stack is a production one.
        allowed: The user accepts a state on this machine for production.
    """
    if logged_in():
        return
    login = "log in to a shared state first: pulumi login <url>, or PULUMI_BACKEND_URL=<url>"
    if os.environ.get("CI", "").lower() in ("true", "1"):
        raise CommandError(f"CI: the state of stack {stack} would be lost with this machine; {login}", Exit.STATE)
    if production and not allowed:
        raise CommandError(
            f"production: the state of stack {stack} would exist on this machine only; {login}; "
            "--local-state accepts it",
            Exit.STATE,
        )


def url(directory: Path) -> str:
    """Address of a local state.

    Without the metadata that nobody reads: the engine does not write it in one piece, and an engine killed meanwhile
    leaves a state that cannot be loaded.
    """
    return f"{directory.as_uri()}?metadata=skip"


def logged_in() -> bool:
    """Whether the user has chosen a state: by a variable, or by `pulumi login`."""
    if os.environ.get("PULUMI_BACKEND_URL") or os.environ.get("PULUMI_ACCESS_TOKEN"):
        return True
    home = Path(os.environ.get("PULUMI_HOME") or files.home() / ".pulumi")
    try:
        credentials = json.loads((home / "credentials.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return False
    return bool(credentials.get("current"))


def _passphrase(path: Path) -> Path:
    """The file, made where there is none; raises CommandError for an empty one, which protects nothing."""
    try:
        files.create(path, secrets.token_urlsafe(32).encode(), 0o600)
    except FileExistsError:
        if not path.stat().st_size:
            raise CommandError(
                f"{path}: is empty, so it would encrypt secrets with nothing; remove it, and the next command makes a "
                "passphrase",
                Exit.STATE,
            ) from None
    return path


def describe(variables: dict[str, str]) -> str:
    """The state in a few words, for the line above an operation."""
    backend = variables.get("PULUMI_BACKEND_URL") or os.environ.get("PULUMI_BACKEND_URL")
    return backend or "your Pulumi login"
