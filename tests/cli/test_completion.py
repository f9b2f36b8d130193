"""What bash, zsh and fish offer for an incomplete word, by the protocol of the scripts that Typer installs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from testbed.cli.projects import project
from testbed.cli.worlds import MAIN

__all__ = ["project"]

COMMAND = f"import sys; sys.argv[0] = 'arches'; {MAIN}"
"""Completion is asked for under the name of the command."""
OFFERED = {
    "conf": {"config"},
    "config set api.rep": {"api.replicas"},
    "config unset api.rep": {"api.replicas"},
    "config set environment ": {"development", "production"},
    "config set api.enabled ": {"true", "false"},
    "logs re": {"redis"},
    "secrets rotate databaseP": {"databasePassword"},
    "backup restore --module ": {"database", "redis", "storage"},
    # No cluster answers.
    "backup restore --from ": {"latest"},
    "preview --stack de": {"dev"},
    "status -s nothing-of-this-name": set[str](),
}


def offered(shell: str, line: str, directory: Path) -> set[str]:
    """The words that a shell would show after a line."""
    words = f"arches {line}"
    protocol = {
        "_ARCHES_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
        "_TYPER_COMPLETE_ARGS": words,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    environment = {name: value for name, value in os.environ.items() if name != "STACK"} | protocol
    command = [sys.executable, "-c", COMMAND]
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    # zsh gets each word in quotes, with its description; fish gets a description after a tab.
    found = re.findall(r'"([^":]+)', done.stdout) if shell == "zsh" else done.stdout.splitlines()
    return {word.partition("\t")[0] for word in found if word}


@pytest.mark.parametrize("line", OFFERED)
def test_bash_completes_commands_keys_values_modules_credentials_and_stacks(line: str, project: Path) -> None:
    assert offered("bash", line, project) == OFFERED[line]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
@pytest.mark.parametrize("line", ["config set api.rep", "backup restore --module "])
def test_zsh_and_fish_offer_the_same(shell: str, line: str, project: Path) -> None:
    assert offered(shell, line, project) >= OFFERED[line]
