"""What the tag of an image says about the data that its PostgreSQL writes."""

from __future__ import annotations

import re


def major(image: str) -> str | None:
    """The major version by an image's tag: `postgres:16.4-alpine`, `pgvector/pgvector:0.8.6-pg16`; None if unknown."""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    by_name = re.search(r"\bpg(\d+)", tag)
    match = by_name or re.match(r"(\d+)", tag)
    return match[1] if match else None


def system(image: str) -> str | None:
    """The system of the image, whose C library sorts text: `Debian bookworm`, `Alpine`; None if the tag names none."""
    release = re.search(r"\b(bullseye|bookworm|trixie|forky)\b", image)
    return f"Debian {release[1]}" if release else "Alpine" if re.search(r"\balpine", image) else None
