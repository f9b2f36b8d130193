"""Checks of this machine: Python, the engine, its plugins, the state."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml

from archesai_infra.cli.base.errors import CommandError
from archesai_infra.cli.doctor.report import Finding, ok, problem, skipped, warning
from archesai_infra.cli.engine import plugin
from archesai_infra.cli.engine.command import Command
from archesai_infra.cli.engine.state import refuse_throw_away_state
from archesai_infra.cli.engine.workspace import unchanged
from archesai_infra.stack.config import PROJECT
from archesai_infra.stack.settings import Settings

OLDEST_PYTHON = (3, 11)
ENGINE_SECONDS = 60


def python(root: Path, running: tuple[int, int] = (sys.version_info[0], sys.version_info[1])) -> Finding:
    """The interpreter, and the environment that the engine runs the program in."""
    name = "python"
    if running < OLDEST_PYTHON:
        return problem(name, f"Python {running[0]}.{running[1]} is too old", "install Python 3.11 or newer; make setup")
    options = _project(root)["runtime"].get("options", {})
    environment = str(options.get("virtualenv", ""))
    if environment and not (root / environment).is_dir():
        return problem(name, f"the engine's environment {environment} is missing", "run make setup")
    return ok(name, f"Python {running[0]}.{running[1]}, pulumi {version('pulumi')}")


def _project(root: Path) -> dict[str, dict[str, dict[str, object]]]:
    return yaml.safe_load((root / "Pulumi.yaml").read_text(encoding="utf-8"))


def engine(root: Path, command: Path | None) -> Finding:
    """The Pulumi engine and its version."""
    name = "engine"
    if command is None:
        return problem(
            name,
            "there is no `pulumi` on PATH, and none was fetched",
            f"install pulumi {version('pulumi')} (https://www.pulumi.com/docs/install); `arches render` works without",
        )
    current = engine_version(command)
    wanted = str(_project(root).get("requiredPulumiVersion", "")).removeprefix(">=")
    if current is None:
        return problem(name, f"{command} does not print its version", "install it again")
    if _numbers(current) < _numbers(wanted):
        return problem(
            name, f"pulumi {current} is older than {wanted}, which Pulumi.yaml requires", "install a newer one"
        )
    return ok(name, f"pulumi {current}")


def engine_version(command: Path) -> str | None:
    """The version that an engine prints, such as 3.272.0; None where it prints nothing usable."""
    try:
        done = subprocess.run([command, "version"], capture_output=True, text=True, check=False, timeout=ENGINE_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"v?(\d+\.\d+\.\d+)", done.stdout.strip())
    return match[1] if match else None


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def plugins(command: Path | None) -> Finding:
    """The provider that talks to the cluster, in the version of the SDK."""
    name = "plugins"
    if command is None:
        return skipped(name, "needs the engine")
    if plugin.comes_with(command):
        return ok(name, f"{plugin.PROGRAM} comes with the engine")
    if plugin.installed():
        return ok(name, f"kubernetes {plugin.wanted()}")
    return warning(
        name,
        f"the kubernetes plugin {plugin.wanted()} is not installed; it is downloaded when it is first used",
        f"without network: {plugin.by_hand()}",
    )


def state(stack: str, variables: Mapping[str, str]) -> Finding:
    """Where the state is, whether it can be read, and whether something holds its lock."""
    name = "state"
    backend = variables.get("PULUMI_BACKEND_URL", "")
    if not backend:
        return ok(name, "your Pulumi login")
    if not ({"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & set(variables)):
        return problem(
            name, f"{backend} needs its passphrase", "set PULUMI_CONFIG_PASSPHRASE_FILE (an empty file is a passphrase)"
        )
    if not backend.startswith("file://"):
        return ok(name, backend)
    return _local_state(stack, backend)


def _local_state(stack: str, backend: str) -> Finding:
    name = "state"
    try:
        refuse_throw_away_state(stack, production=False, allowed=False)
    except CommandError as error:
        return problem(name, str(error), "give the job a state: PULUMI_BACKEND_URL=<url> and its passphrase")
    directory = Path(unquote(urlsplit(backend).path)) / ".pulumi"
    existing = next(path for path in (directory.parent, *directory.parents) if path.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        return problem(name, f"{backend} cannot be written", f"make {existing} a directory that this user can write")
    held = sorted((directory / "locks" / "organization" / PROJECT / stack).glob("*.json"))
    if held:
        return problem(
            name,
            f"{backend} is locked {_holder(held[0])}",
            f"wait for that operation to end; if it was killed: arches cancel --stack {stack}",
        )
    return ok(name, f"{backend}, not locked")


def _holder(lock: Path) -> str:
    try:
        holder = json.loads(lock.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return "by a lock that cannot be read"
    return f"by {holder.get('username', '?')} on {holder.get('hostname', '?')} (pid {holder.get('pid', '?')})"


def passphrase(command: Command) -> Finding:
    """Whether the stack file's salt belongs to the passphrase: with another one no command of the engine works."""
    name = "passphrase"
    path = command.root / f"Pulumi.{command.stack}.yaml"
    if "encryptionsalt" not in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}):
        return ok(name, f"{path.name} holds nothing encrypted by one")
    try:
        with unchanged(path):
            known = command.find("config", "--show-secrets", "--json")
    except CommandError as error:
        cure = "set PULUMI_CONFIG_PASSPHRASE to the one that the file was made with (the recovery kit has it)"
        return problem(name, f"the engine cannot read {path.name}: {error}", cure)
    return ok(name, f"it opens {path.name}" if known is not None else "the state has no such stack yet")


def cautions(settings: Settings, stack: str) -> Iterator[Finding]:
    """What works and is seldom meant in production."""
    if not settings.production:
        return
    name = "production"
    if settings.ingress.enabled and (settings.domain == "example.com" or settings.domain.endswith(".example.com")):
        yield warning(name, f"the domain is {settings.domain}", "arches config set domain <your domain>")
    if settings.ingress.enabled and not settings.ingress.tls.enabled:
        yield warning(name, "the hosts are served without TLS", "arches config set ingress.tls.enabled true")
    try:
        refuse_throw_away_state(stack, production=True, allowed=False)
    except CommandError:
        yield warning(name, "the state exists on this machine only", "log in to a shared state: pulumi login <url>")
