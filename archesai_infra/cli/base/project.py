"""Where the Pulumi program is."""

from __future__ import annotations

from pathlib import Path

from archesai_infra.cli.base.errors import CommandError, Exit

STATE = ".state"
"""Directory for what this machine keeps for the project: the engine, a local state, its passphrase. Git ignores it."""


def root() -> Path:
    """Directory of `Pulumi.yaml`: the working directory or the nearest one above it, else the package's own checkout.

    Raises CommandError where there is none, as for an installed package: nothing is written beside other packages.
    """
    here = Path.cwd()
    for directory in (here, *here.parents, Path(__file__).resolve().parents[3]):
        if (directory / "Pulumi.yaml").is_file():
            return directory
    raise CommandError(
        f"{here}: there is no Pulumi.yaml here or above: run the command in a checkout of the project", Exit.INPUT
    )
