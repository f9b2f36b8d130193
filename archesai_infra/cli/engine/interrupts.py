"""Ctrl-C while the engine works: the terminal signals the engine too, and it stops in an orderly way."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import typer

NOTICE = "Interrupted: the engine finishes the current step and saves the state. Ctrl-C again stops it at once."


@dataclass
class Interruption:
    """Whether somebody pressed Ctrl-C."""

    asked: bool = False


@contextmanager
def waiting_for_the_engine() -> Generator[Interruption]:
    """Leave Ctrl-C to the engine: this process waits until it has stopped and saved the state."""
    interruption = Interruption()

    def note(_number: int, _frame: FrameType | None) -> None:
        if not interruption.asked:
            typer.echo(NOTICE, err=True)
        interruption.asked = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interruption
    finally:
        signal.signal(signal.SIGINT, before)
