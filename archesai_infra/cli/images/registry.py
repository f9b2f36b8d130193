"""Digests of images and charts, asked of their registries by the OCI distribution API.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md, tokens as in
https://distribution.github.io/distribution/spec/auth/token/. Logins are those of `docker login`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import requests

from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.images.logins import login
from archesai_infra.kube.images import registry

SECONDS = 20
"""Longest wait for a connection, and for each part of an answer."""
_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
"""An index comes first: its digest holds for every architecture."""
_DOCKER_HUB = "docker.io"
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class Address(NamedTuple):
    """Where the manifest of an image or a chart is."""

    host: str
    """Registry as references name it, such as `docker.io`."""
    repository: str
    """Path in the registry, such as `library/redis`."""
    reference: str
    """Tag or digest."""

    @property
    def url(self) -> str:
        """Of the manifest. As with Docker, registries of this machine speak plain HTTP."""
        local = re.fullmatch(r"(localhost|127(\.\d+){3})(:\d+)?", self.host)
        host = "registry-1.docker.io" if self.host == _DOCKER_HUB else self.host
        return f"{'http' if local else 'https'}://{host}/v2/{self.repository}/manifests/{self.reference}"


def address(repository: str, reference: str) -> Address:
    """The address behind the names that people write, such as `redis` or `quay.io/a/b`."""
    host = registry(repository)
    path = repository.removeprefix(f"{host}/")
    return Address(host, f"library/{path}" if host == _DOCKER_HUB and "/" not in path else path, reference)


def digest(repository: str, tag: str) -> str:
    """Digest of what a tag names now, as the registry calculated it.

    Raises CommandError where the registry cannot be reached, wants a login or has no such tag.
    """
    place = address(repository, tag)
    name = f"{repository}:{tag}"
    try:
        with requests.Session() as session:
            response = _manifest(session, place)
            if response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                raise CommandError(f"{name}: {place.host} wants a login: docker login {place.host}", Exit.FOUND)
            # Docker Hub hides what does not exist behind a refusal, others answer 404.
            if response.status_code == HTTPStatus.NOT_FOUND:
                raise CommandError(
                    f"{name}: {place.host} has no such image or chart; check repository and tag", Exit.FOUND
                )
            if not response.ok:
                raise CommandError(f"{name}: {place.host} answers {response.status_code}; try again", Exit.FOUND)
            return response.headers.get("Docker-Content-Digest") or _calculated(session, place)
    except requests.RequestException as error:
        raise CommandError(
            f"{name}: the registry {place.host} cannot be reached ({_reason(error)}); run the command where it can be",
            Exit.FOUND,
        ) from error


def _manifest(session: requests.Session, place: Address) -> requests.Response:
    """The answer to a question for a manifest's header, after the login that the registry may want."""
    headers = {"Accept": ", ".join(_MANIFESTS)}
    response = session.head(place.url, headers=headers, timeout=SECONDS, allow_redirects=True)
    if response.status_code != HTTPStatus.UNAUTHORIZED:
        return response
    scheme, _, rest = response.headers.get("WWW-Authenticate", "").partition(" ")
    account = login(place.host)
    if scheme.lower() == "bearer":
        token = _token(session, dict(_PARAMETER.findall(rest)), account, place)
        session.headers["Authorization"] = f"Bearer {token}"
    elif account is None:
        return response
    else:
        session.auth = account
    return session.head(place.url, headers=headers, timeout=SECONDS, allow_redirects=True)


def _token(
    session: requests.Session, challenge: Mapping[str, str], account: tuple[str, str] | None, place: Address
) -> str:
    parameters = {
        "service": challenge.get("service", place.host),
        "scope": challenge.get("scope", f"repository:{place.repository}:pull"),
    }
    answer = session.get(challenge.get("realm", ""), params=parameters, auth=account, timeout=SECONDS)
    if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return ""
    answer.raise_for_status()
    document: dict[str, Any] = answer.json()
    return str(document.get("token") or document.get("access_token") or "")


def _calculated(session: requests.Session, place: Address) -> str:
    """The digest of the manifest itself, for registries that leave out the header."""
    body = session.get(place.url, headers={"Accept": ", ".join(_MANIFESTS)}, timeout=SECONDS)
    body.raise_for_status()
    return f"sha256:{hashlib.sha256(body.content).hexdigest()}"


def _reason(error: requests.RequestException) -> str:
    """The innermost reason, without the objects that the library prints around it."""
    inner: BaseException = error
    while (cause := inner.__cause__ or inner.__context__) is not None:
        inner = cause
    return getattr(inner, "strerror", None) or type(inner).__name__
