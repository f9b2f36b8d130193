"""`arches digest` and `arches review`: the options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("digest")(digest)
    app.command("review")(review)


def digest(
    file: Annotated[str, typer.Argument(help="File with the output of `arches preview --json`, or - for a pipe.")],
) -> None:
    """Write a Markdown comment for a pull request: data at risk first, then replacements, changes and restarts."""
    from archesai_infra.cli.digest.show import print_digest

    print_digest(file)


def review(
    change: Annotated[
        Path, typer.Argument(help="Directory with the manifests of the change, one directory per stack.")
    ],
    base: Annotated[Path, typer.Option("--base", help="Directory with the manifests of the base, in the same form.")],
) -> None:
    """Compare rendered stacks, check them with this checkout's policies, and write Markdown for a pull request.

    Nothing of the change is run and no cluster is asked. Exits with 1 where the change breaks a policy.
    """
    from archesai_infra.cli.digest.show import print_review

    print_review(change, base)
