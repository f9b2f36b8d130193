"""The software bill of materials of this program in CycloneDX: pinned packages, images and charts."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from archesai_infra import versions

ROOT = Path(__file__).parent.parent
REQUIREMENTS = ("requirements.txt", "policy/requirements.txt")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def packages(text: str) -> Iterator[dict[str, Any]]:
    """Components of a file of pinned requirements; of a package that has one file, with its hash."""
    for block in re.split(r"\n(?=[A-Za-z0-9])", text):
        pin = _PIN.match(block.strip())
        if pin is None:
            continue
        name, version = pin[1].lower(), pin[2]
        component: dict[str, Any] = {
            "type": "library",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{name}@{version}",
        }
        hashes = _HASH.findall(block)
        if len(hashes) == 1:
            component["hashes"] = [{"alg": "SHA-256", "content": hashes[0]}]
        yield component


def shipped() -> Iterator[dict[str, Any]]:
    """Components of the images and charts that stacks run unless they name others."""
    for found in vars(versions).values():
        if isinstance(found, versions.ImageVersion):
            name, version = found.repository, found.tag
        elif isinstance(found, versions.ChartVersion):
            name, version = found.address.removeprefix("oci://"), found.version
        else:
            continue
        purl = f"pkg:oci/{name.rpartition('/')[2]}?repository_url={quote(name, safe='')}&tag={quote(version, safe='')}"
        yield {"type": "container", "name": name, "version": version, "purl": purl}


def document(version: str) -> dict[str, Any]:
    """The whole document of a version, the same for the same files."""
    found = [item for name in REQUIREMENTS for item in packages((ROOT / name).read_text(encoding="utf-8"))]
    components = {item["purl"]: item for item in (*found, *shipped())}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "archesai-infra", "version": version}},
        "components": [components[purl] for purl in sorted(components)],
    }


def main() -> None:
    """Write the document of the version that the first argument names."""
    sys.stdout.write(json.dumps(document(sys.argv[1]), indent=2) + "\n")


if __name__ == "__main__":
    main()
