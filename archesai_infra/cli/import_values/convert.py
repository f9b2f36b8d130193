"""Read values files of the old Helm chart and write a stack file."""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
import yaml

from archesai_infra.cli.base import files
from archesai_infra.cli.base.console import print_json
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.text import one_line
from archesai_infra.cli.import_values.old_values import Translation
from archesai_infra.cli.import_values.values import overlaid, translate
from archesai_infra.credentials import Credential
from archesai_infra.stack.config import ConfigError, RawConfig, load
from archesai_infra.stack.strict_yaml import Problem, UnreadableError, parse

_KNOWN = ("api", "platform", "database", "redis", "storage", "ingress", "infrastructure", "monitoring", "kustomizePath")
"""Top keys of the old chart; a file without any of them is no values file of it."""


def convert(files: Sequence[Path], stack: str, out: Path | None, *, json: bool) -> None:
    """Translate values files, the later over the earlier; exits with 1 where the stack file needs corrections."""
    values: dict[str, Any] = {}
    for file in files:
        values = overlaid(values, _read(file))
    if not values.keys() & set(_KNOWN):
        names = ", ".join(map(str, files))
        raise CommandError(f"{names}: not a values file of the old chart: none of {', '.join(_KNOWN)}", Exit.INPUT)
    translation = translate(values)
    corrections = problems(translation, stack)
    if json:
        print_json({**vars(translation), "corrections": corrections})
    else:
        _write(stack_file(translation), out)
        for line in report(translation, corrections, stack):
            typer.echo(line, err=True)
    if corrections:
        raise typer.Exit(Exit.FOUND)


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CommandError(f"{file}: cannot be read: {(error.strerror or str(error)).lower()}", Exit.INPUT) from None
    except UnicodeDecodeError:
        raise CommandError(f"{file}: is not UTF-8 text", Exit.INPUT) from None
    try:
        # Bounds depth and aliases; values are then read as Helm reads them, such as dates.
        problems = parse(text).problems
        values = yaml.safe_load(text)
    except (UnreadableError, yaml.YAMLError) as error:
        raise CommandError(f"{file}: is not YAML that can be read: {one_line(error)}", Exit.INPUT) from None
    except ValueError:
        raise CommandError(f"{file}: has a number or a date that cannot be read", Exit.INPUT) from None
    if not isinstance(values, dict):
        raise CommandError(f"{file}: must be an object of values", Exit.INPUT)
    if reasons := [_said(file, problem) for problem in problems if problem.structural]:
        raise CommandError("\n".join(reasons), Exit.INPUT)
    return values


def _said(file: Path, problem: Problem) -> str:
    """Such as `values.yaml:2:1: api: stands twice; the first is in line 1`."""
    key = ".".join(map(str, problem.path))
    return f"{file}:{problem.place.line}:{problem.place.column}: {key}: {problem.message}"


def _write(text: str, out: Path | None) -> None:
    if out is None:
        sys.stdout.write(text)
        return
    try:
        files.create(out, text.encode())
    except FileExistsError:
        raise CommandError(f"{out}: already exists; remove it or name another file", Exit.INPUT) from None


def stack_file(translation: Translation) -> str:
    """The stack file as YAML, `environment` first."""
    config = {f"archesai:{key}": value for key, value in sorted(translation.config.items(), key=_place)}
    head = "# yaml-language-server: $schema=./schema/stack.schema.json\n"
    return head + yaml.safe_dump({"config": config}, sort_keys=False, allow_unicode=True)


def _place(item: tuple[str, object]) -> tuple[bool, str]:
    return item[0] != "environment", item[0]


def problems(translation: Translation, stack: str) -> list[str]:
    """What the program would refuse, if the listed secrets were set."""
    values = {
        key: value if isinstance(value, str) else jsonlib.dumps(value) for key, value in translation.config.items()
    }
    secrets = {key: "{}" if key == Credential.API_SECRET_SETTINGS else "set" for key in translation.secrets}
    try:
        load(RawConfig(stack, values | secrets, frozenset(secrets)))
    except ConfigError as error:
        return error.reasons
    return []


def report(translation: Translation, corrections: list[str], stack: str) -> list[str]:
    """What is left to do, and what has no place, as lines."""
    lines: list[str] = []
    if translation.secrets:
        lines.append("Secrets are not copied. Set those you want to keep; each command asks for the value:")
        lines += [f"  arches config set {key} --stack {stack}   # {why}" for key, why in translation.secrets.items()]
    if translation.no_place:
        lines.append("These keys have no equivalent:")
        lines += [f"  {path}: {why}" for path, why in sorted(translation.no_place.items())]
    if corrections:
        lines.append("Fix these before you use the stack:")
        lines += [f"  {reason}" for reason in corrections]
    return lines
