"""The preview: by the engine, or without one an offline evaluation of the program.

What only the engine's preview and the policies need takes a fifth of an offline preview to load, so it is loaded late.
"""

from __future__ import annotations

import sys

import typer

from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.project import root as project_root
from archesai_infra.cli.base.stacks import checked_stack
from archesai_infra.cli.preview.choice import Choice
from archesai_infra.cli.preview.offline import show_offline
from archesai_infra.stack.evaluate import evaluate


def run(stack: str, choice: Choice, *, offline: bool, against: str) -> None:
    """Preview a stack; raises CommandError and ConfigError."""
    root = project_root()
    raw = checked_stack(stack)
    reason = "--offline"
    if not offline:
        from archesai_infra.cli.engine.engine import NoEngineError, obtain

        try:
            engine = obtain(root)
        except NoEngineError as error:
            reason = str(error)
        else:
            from archesai_infra.cli.preview.by_engine import preview_with_engine

            preview_with_engine(root, raw, engine, choice)
            return
    for option, asked in {"--refresh": choice.refresh, "--save-plan": choice.save_plan}.items():
        if asked:
            raise CommandError(f"{option} needs the engine, and this is offline: {reason}", Exit.ENGINE)
    evaluation = evaluate(raw, application=True)
    differs = show_offline(root, evaluation, raw, reason, against, json=choice.json)
    sys.stdout.flush()
    if choice.policy:
        from archesai_infra.cli.engine.policy import violations

        broken = list(violations(root, evaluation))
        if broken:
            raise CommandError("\n".join(broken), Exit.FOUND)
        typer.echo(f"Policies: {len(evaluation.objects)} objects checked, no violations", err=choice.json)
    if differs and choice.exit_code:
        raise typer.Exit(Exit.FOUND)
