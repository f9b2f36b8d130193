"""Write an image tag of api and platform into a stack file: python -m tools.set_version FILE TAG.

Not `pulumi config set`, which needs the engine before the first check; comments and order of the file are kept.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from archesai_infra.stack.config import PROJECT
from archesai_infra.types import ImageTag

MODULES = ("api", "platform")


def with_version(text: str, tag: str) -> str:
    """The stack file with another tag; raises ValueError where a module names no tag, or the tag is none."""
    try:
        TypeAdapter(ImageTag).validate_python(tag)
    except ValidationError:
        raise ValueError(f"{tag!r} is no image tag") from None
    for module in MODULES:
        text = _replaced(text, module, tag)
    return text


def _replaced(text: str, module: str, tag: str) -> str:
    pattern = rf"(?m)(^  {PROJECT}:{module}:\n(?:    .*\n)*?    image:\n(?:      .*\n)*?      tag: )(\S+)$"
    # Quoted: `1.10` is a number to YAML.
    changed, count = re.subn(pattern, lambda match: match[1] + json.dumps(tag), text)
    if count != 1:
        raise ValueError(f"{PROJECT}:{module} has no image.tag of its own to replace")
    return changed


def main() -> None:
    """Change the file, or end with the reason."""
    path, tag = Path(sys.argv[1]), sys.argv[2]
    try:
        path.write_text(with_version(path.read_text(encoding="utf-8"), tag), encoding="utf-8")
    except ValueError as error:
        sys.exit(f"error: {path}: {error}")


if __name__ == "__main__":
    main()
