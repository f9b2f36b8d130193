"""Scripts that run in pods: files below the component that they belong to."""

from __future__ import annotations

from importlib.resources import files


def script(package: str, name: str) -> str:
    """The text of the file `scripts/<name>` of a package; raises FileNotFoundError."""
    return files(package).joinpath("scripts", name).read_text(encoding="utf-8")


def scripts(package: str, *names: str) -> dict[str, str]:
    """Files of a package's directory `scripts` by their names, as a ConfigMap holds them."""
    return {name: script(package, name) for name in names}
