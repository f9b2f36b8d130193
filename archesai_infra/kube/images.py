"""References of container images."""

from __future__ import annotations


def image_pull_policy(reference: str) -> str:
    """`IfNotPresent` for an image with a digest: it cannot change, and a restart must not need the registry."""
    return "IfNotPresent" if "@" in reference else "Always"


def image_reference(repository: str, tag: str, digest: str | None, mirror: str | None) -> str:
    """`repository:tag[@digest]`, with the registry replaced by `mirror` where one is given.

    A mirror such as `registry.example.com/proxy` serves `quay.io/a/b` as `registry.example.com/proxy/a/b`.
    """
    path = repository
    if mirror is not None:
        first, _, rest = repository.partition("/")
        is_host = rest and ("." in first or ":" in first or first == "localhost")
        path = f"{mirror}/{rest if is_host else repository}"
    return f"{path}:{tag}@{digest}" if digest else f"{path}:{tag}"
