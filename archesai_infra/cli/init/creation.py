"""Create a stack file that works, from nothing or from that of another stack."""

from __future__ import annotations

import typer
from ruamel.yaml.comments import CommentedMap

from archesai_infra.cli.base import files, project
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.stacks import read_stack
from archesai_infra.cli.config.edit import dumped, loaded, mistakes
from archesai_infra.stack.config import PROJECT, stack_name

_NEW = f"""\
# yaml-language-server: $schema=./schema/stack.schema.json
config:
  {PROJECT}:environment: development
"""
_ENCRYPTION = ("encryptionsalt", "encryptedkey")
"""Top-level keys that belong to the secrets of one stack."""


def create(stack: str, source: str | None, namespace: str) -> None:
    """Write the file; raises CommandError where there is one, or where the result would be refused."""
    if wrong := stack_name(stack):
        raise CommandError(f"{stack}: {wrong[0]}", Exit.INPUT)
    path = project.root() / f"Pulumi.{stack}.yaml"
    secrets = sorted(read_stack(source).secret_keys) if source else []
    document = loaded((project.root() / f"Pulumi.{source}.yaml").read_text(encoding="utf-8") if source else _NEW)
    _without_secrets(document, secrets)
    document["config"][f"{PROJECT}:namespace"] = namespace
    text = dumped(document)
    if reasons := mistakes(text, stack):
        raise CommandError("\n".join(reasons), Exit.INPUT)
    try:
        files.create(path, text.encode())
    except FileExistsError:
        raise CommandError(
            f"{path.name} already exists; edit it: arches config edit --stack {stack}", Exit.INPUT
        ) from None
    typer.echo(f"{path.name} is created, for namespace {namespace}; next:")
    for key in secrets:
        typer.echo(f"  arches config set {key} --stack {stack}   # not copied: it is encrypted for stack {source}")
    typer.echo(f"  arches config edit --stack {stack}")
    typer.echo(f"  arches preview --stack {stack}")


def _without_secrets(document: CommentedMap, keys: list[str]) -> None:
    for name in _ENCRYPTION:
        document.pop(name, None)
    for key in keys:
        document["config"].pop(f"{PROJECT}:{key}", None)
