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
        rest = repository.partition("/")[2]
        path = f"{mirror}/{rest if _host(repository) else repository}"
    return f"{path}:{tag}@{digest}" if digest else f"{path}:{tag}"


def registry(reference: str) -> str:
    """Host of the registry that an image comes from; Docker Hub where none is named."""
    return _host(reference) or "docker.io"


def _host(reference: str) -> str:
    first, slash, _ = reference.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else ""
