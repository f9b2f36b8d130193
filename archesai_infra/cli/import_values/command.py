"""`arches import-values`: a values file of the old Helm chart becomes a stack file."""

from __future__ import annotations

import json as jsonlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from archesai_infra.cli.base.console import print_json
from archesai_infra.cli.base.exits import CommandError, Exit, friendly
from archesai_infra.cli.base.options import Json

if TYPE_CHECKING:
    from archesai_infra.cli.import_values.values import Translation


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import-values")(import_values)


@friendly
def import_values(
    file: Annotated[Path, typer.Argument(help="Values file of the old chart, `helm-minimal` or `arches`.")],
    *,
    stack: Annotated[str, typer.Option("--stack", "-s", help="Name of the new stack.")] = "moved",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; standard output without.")] = None,
    json: Json = False,
) -> None:
    """Write a stack file from old Helm values, and say what has no place. Exits 1 if the stack needs mending."""
    from archesai_infra.cli.import_values.values import translate

    translation = translate(_read(file))
    mend = problems(translation, stack)
    if json:
        print_json({**vars(translation), "mend": mend})
    else:
        _write(stack_file(translation), out)
        for line in report(translation, mend, stack):
            typer.echo(line, err=True)
    if mend:
        raise typer.Exit(Exit.FOUND)


def _read(file: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file}: cannot be read: {error}", Exit.INPUT) from None
    except yaml.YAMLError as error:
        raise CommandError(f"{file}: is no YAML: {' '.join(str(error).split())}", Exit.INPUT) from None
    if not isinstance(values, dict):
        raise CommandError(f"{file}: must hold an object of values", Exit.INPUT)
    return values


def _write(text: str, out: Path | None) -> None:
    if out is None:
        sys.stdout.write(text)
        return
    if out.exists():
        raise CommandError(f"{out}: is there already; remove it or name another file", Exit.INPUT)
    out.write_text(text, encoding="utf-8")


def stack_file(translation: Translation) -> str:
    """The stack file as YAML, `environment` first."""
    config = {f"archesai:{key}": value for key, value in sorted(translation.config.items(), key=_place)}
    head = "# yaml-language-server: $schema=./schema/stack.schema.json\n"
    return head + yaml.safe_dump({"config": config}, sort_keys=False, allow_unicode=True)


def _place(item: tuple[str, object]) -> tuple[bool, str]:
    return item[0] != "environment", item[0]


def problems(translation: Translation, stack: str) -> list[str]:
    """What the program would refuse, as if the listed secrets were set."""
    from archesai_infra.credentials import Credential
    from archesai_infra.stack.config import ConfigError, RawConfig, load

    values = {
        key: value if isinstance(value, str) else jsonlib.dumps(value) for key, value in translation.config.items()
    }
    secrets = {key: "{}" if key == Credential.API_SECRET_SETTINGS else "set" for key in translation.secrets}
    try:
        load(RawConfig(stack, values | secrets, frozenset(secrets)))
    except ConfigError as error:
        return error.reasons
    return []


def report(translation: Translation, mend: list[str], stack: str) -> list[str]:
    """What a person has to do or know, as lines."""
    lines: list[str] = []
    if translation.secrets:
        lines.append("Secrets are not copied. Set what you want to keep; each command asks for the value:")
        lines += [
            f"  pulumi config set --secret {key} --stack {stack}   # {why}" for key, why in translation.secrets.items()
        ]
    if translation.no_place:
        lines.append("These keys have no place:")
        lines += [f"  {path}: {why}" for path, why in sorted(translation.no_place.items())]
    if mend:
        lines.append("The stack needs mending before it can be used:")
        lines += [f"  {reason}" for reason in mend]
    return lines
