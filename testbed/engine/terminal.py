"""A terminal in a clone of the repository, on a machine with an engine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

COMMAND_SECONDS = 300


class Terminal:
    """Runs commands as a user types them, with a login to a new state in a directory."""

    def __init__(self, clone: Path, state: Path, kubeconfig: Path, variables: Mapping[str, str]) -> None:
        """Nothing runs yet.

        Args:
            clone: The directory that commands run in.
            state: Holds the state; made here.
            kubeconfig: Of the cluster; need not exist yet.
            variables: What the engine needs, and more; they win over this process' environment.
        """
        state.mkdir()
        self._clone = clone
        own = {
            "KUBECONFIG": str(kubeconfig),
            "PULUMI_BACKEND_URL": state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "",
            "NO_COLOR": "1",
            "MAKEFLAGS": "",
        }
        self._variables = {**os.environ, **variables, **own}

    def run(self, command: str, *, answer: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command; standard output holds standard error too, and the caller looks at the status.

        Args:
            command: What bash runs.
            answer: What standard input holds.
        """
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self._clone,
            env=self._variables,
            input=answer,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS,
        )
