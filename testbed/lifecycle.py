"""What a test starts whole and stops whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Startable(ABC):
    """Something that runs between `start` and `close`; use it as a context manager."""

    @abstractmethod
    def start_all(self) -> None:
        """Start everything and wait until it can be used; what it raises closes what has started."""

    @abstractmethod
    def close(self) -> None:
        """Stop everything, also after a start that failed half-way."""

    def start(self) -> None:
        """Start everything; nothing runs on after a failure."""
        try:
            self.start_all()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
