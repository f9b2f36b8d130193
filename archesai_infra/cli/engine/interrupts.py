"""Ctrl-C while the engine works: the terminal tells the engine too, and it ends in its own good order."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import typer

PATIENCE = "Interrupted: the engine ends what it has begun and saves the state. Once more ends it at once."


@dataclass
class Interruption:
    """Whether somebody pressed Ctrl-C."""

    asked: bool = False


@contextmanager
def waiting_for_the_engine() -> Generator[Interruption]:
    """Let Ctrl-C be the engine's: this process waits for its end, instead of leaving it alone with the state."""
    interruption = Interruption()

    def note(_number: int, _frame: FrameType | None) -> None:
        if not interruption.asked:
            typer.echo(PATIENCE, err=True)
        interruption.asked = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interruption
    finally:
        signal.signal(signal.SIGINT, before)
