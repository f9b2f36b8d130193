"""The program that the engine runs."""

from __future__ import annotations

import pulumi

from archesai_infra.stack.config import ConfigError, load
from archesai_infra.stack.deploy import UnpinnedClusterError, deploy
from archesai_infra.stack.protection import ProtectedError
from archesai_infra.stack.recorded import earlier
from archesai_infra.stack.stack_file import from_engine


def run() -> None:
    """Declare the stack of the engine's configuration and export its outputs; raises RunError for what is refused."""
    try:
        raw = from_engine()
        outputs = deploy(*load(raw), raw.stack, before=earlier(raw.stack))
    except (ConfigError, ProtectedError, UnpinnedClusterError) as error:
        raise pulumi.RunError(str(error)) from None
    for name, value in outputs.items():
        pulumi.export(name, value)
