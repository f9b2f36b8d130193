"""Ages, sizes, names and values as a person reads them."""

from __future__ import annotations

import json
from datetime import UTC, datetime


def moment(text: object) -> datetime:
    """A time as Kubernetes writes it."""
    return datetime.fromisoformat(str(text)).astimezone(UTC)


def duration(seconds: float) -> str:
    """A duration in its largest unit; two hours are still minutes, two days still hours."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def size(count: int) -> str:
    """Bytes in a decimal unit."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} B"


def counted(count: int, noun: str) -> str:
    """A number with its noun, such as `1 object` or `2 objects`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def kubectl(context: str, namespace: str, words: str) -> str:
    """A command for a person, which reaches one cluster whatever the current context is."""
    return f"kubectl --context {context} --namespace {namespace} {words}"


def one_line(text: object) -> str:
    """A text without its line breaks."""
    return " ".join(str(text).split())


def printable(line: str) -> str:
    """A line without what a terminal would obey: control characters become escapes, tabs stay."""
    return "".join(
        char if char == "\t" or char.isprintable() else char.encode("unicode_escape").decode() for char in line
    )


def value_text(value: object) -> str:
    """A value on one line; `not set` for none."""
    if value is None:
        return "not set"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
