"""Logins at registries, as `docker login`, `crane auth login` and `helm registry login` keep them."""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.files import home

_DOCKER_HUB = "https://index.docker.io/v1/"
_HELPER_SECONDS = 30


def login(host: str) -> tuple[str, str] | None:
    """User and password for a registry; none where nobody logged in. Raises CommandError for an unreadable file."""
    path = Path(os.environ.get("DOCKER_CONFIG") or home() / ".docker") / "config.json"
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise CommandError(f"{path}: is no JSON; log in again with docker login", Exit.INPUT) from error
    key = _DOCKER_HUB if host == "docker.io" else host
    helper = document.get("credHelpers", {}).get(key) or document.get("credsStore")
    return (_from_helper(helper, key) if helper else None) or _from_file(document, key, path)


def _from_file(document: dict[str, Any], key: str, path: Path) -> tuple[str, str] | None:
    entries = document.get("auths", {})
    entry = entries.get(key) or entries.get(f"https://{key}") or {}
    if "auth" not in entry:
        return None
    try:
        user, _, password = base64.b64decode(entry["auth"]).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: the login for {key} cannot be read; log in again", Exit.INPUT) from error
    return user, password


def _from_helper(helper: str, key: str) -> tuple[str, str] | None:
    """What a credential helper answers; https://github.com/docker/docker-credential-helpers."""
    try:
        done = subprocess.run(
            [f"docker-credential-{helper}", "get"],
            input=key,
            capture_output=True,
            text=True,
            check=False,
            timeout=_HELPER_SECONDS,
        )
    except FileNotFoundError as error:
        raise CommandError(
            f"docker-credential-{helper} is not on PATH; install it or log in again", Exit.INPUT
        ) from error
    if done.returncode:
        return None
    answer = json.loads(done.stdout)
    return answer["Username"], answer["Secret"]
