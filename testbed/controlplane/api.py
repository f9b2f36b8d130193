"""The Kubernetes API as plain dicts, with what the generated client hides: warnings and untyped kinds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import urllib3

from testbed.controlplane.certificates import KeyPair

Object = dict[str, Any]

MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
_JSON = "application/json"
_BUSY = urllib3.Retry(
    total=10,
    connect=0,
    read=0,
    other=0,
    allowed_methods=("GET",),
    status_forcelist=(429,),
    raise_on_status=False,
)
"""Reads again, after the seconds that the server names, what it is not ready to serve: new definitions."""


class ApiError(RuntimeError):
    """The API server refused a request."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}" if reason else f"{status}: {message}")
        self.status = status
        self.reason = reason
        self.message = message


class NoSuchKindError(LookupError):
    """The API server serves no such kind, often because a custom resource definition is not installed."""


@dataclass(frozen=True)
class Reply:
    """What the API server answered."""

    body: Object
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Resource:
    """How a kind is addressed."""

    api_version: str
    plural: str
    namespaced: bool


class Api:
    """Requests to one API server, each bounded in time."""

    def __init__(self, server: str, authority: Path, identity: KeyPair, *, seconds: float = 30) -> None:
        self.server = server
        self._pool = urllib3.PoolManager(
            cert_file=str(identity.certificate),
            key_file=str(identity.key),
            ca_certs=str(authority),
            timeout=urllib3.Timeout(total=seconds),
            retries=False,
            maxsize=8,
        )
        self._resources: dict[tuple[str, str], Resource] = {}

    def close(self) -> None:
        self._pool.clear()

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = _JSON,
    ) -> Reply:
        """Send one request and raise ApiError unless it succeeded."""
        answer = self._pool.request(
            method,
            f"{self.server}{path}?{urlencode(query)}" if query else f"{self.server}{path}",
            body=None if body is None else json.dumps(body).encode(),
            headers={"Accept": _JSON, "Content-Type": content_type},
            retries=_BUSY,
        )
        text = answer.data.decode("utf-8", errors="replace")
        if answer.status >= 400:
            raise _error(answer.status, text)
        warnings = tuple(warning_text(header) for header in answer.headers.getlist("Warning"))
        # The health endpoints answer in plain text.
        return Reply(cast("Object", json.loads(text)) if text.startswith("{") else {}, warnings)

    def resource(self, api_version: str, kind: str) -> Resource:
        """How the server addresses a kind, asked once per kind."""
        key = (api_version, kind)
        if key not in self._resources:
            self._resources |= {(api_version, name): found for name, found in self._discover(api_version)}
        try:
            return self._resources[key]
        except KeyError:
            raise NoSuchKindError(f"the API server serves no {kind} of {api_version}") from None

    def path(self, api_version: str, kind: str, namespace: str | None = None, name: str | None = None) -> str:
        """The address of one object or, without a name, of a collection."""
        found = self.resource(api_version, kind)
        scope = ["namespaces", namespace] if found.namespaced and namespace else []
        return "/".join([_group_path(api_version), *scope, found.plural, *([name] if name else [])])

    def path_of(self, item: Object) -> str:
        """The address of this object; a namespaced one without a namespace is in `default`."""
        metadata = item["metadata"]
        return self.path(item["apiVersion"], item["kind"], metadata.get("namespace", "default"), metadata["name"])

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = "default") -> Object:
        return self.request("GET", self.path(api_version, kind, namespace, name)).body

    def read(self, item: Object) -> Object | None:
        """The object as the server has it now, if it does."""
        try:
            return self.request("GET", self.path_of(item)).body
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(self, api_version: str, kind: str, namespace: str | None = None, *, labels: str = "") -> list[Object]:
        """All objects of a kind, in every namespace if none is given."""
        query = {"labelSelector": labels} if labels else None
        items = self.request("GET", self.path(api_version, kind, namespace), query=query).body["items"]
        # The server leaves out of a list's items what they have in common.
        return [{"apiVersion": api_version, "kind": kind, **item} for item in items]

    def create(self, item: Object) -> Object:
        collection = self.path_of(item).rpartition("/")[0]
        return self.request("POST", collection, body=item).body

    def patch(self, item: Object, change: Object, *, status: bool = False) -> Object:
        """Merge a change into an object or its status."""
        path = self.path_of(item) + ("/status" if status else "")
        return self.request("PATCH", path, body=change, content_type=MERGE_PATCH).body

    def delete(self, item: Object) -> None:
        """Delete an object and what it owns in the background; it may be gone already."""
        try:
            self.request("DELETE", self.path_of(item), query={"propagationPolicy": "Background"})
        except ApiError as error:
            if error.status != 404:
                raise

    def _discover(self, api_version: str) -> Iterator[tuple[str, Resource]]:
        try:
            served = self.request("GET", _group_path(api_version)).body["resources"]
        except ApiError as error:
            if error.status == 404:
                return
            raise
        for entry in served:
            if "/" not in entry["name"]:
                yield entry["kind"], Resource(api_version, entry["name"], entry["namespaced"])


def label(item: Object) -> str:
    """`Deployment shop/web`, the way messages name an object."""
    metadata = item.get("metadata", {})
    place = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
    return f"{item.get('kind', 'object')} {place}{metadata.get('name', '?')}"


def warning_text(header: str) -> str:
    """The text of a Warning header: `299 - "text"`."""
    quoted = re.match(r'^\d{3} \S+ "((?:[^"\\]|\\.)*)"', header)
    return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else header


def _group_path(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _error(status: int, text: str) -> ApiError:
    try:
        answer = json.loads(text)
        return ApiError(status, answer.get("reason", ""), answer.get("message", ""))
    except (ValueError, AttributeError):
        return ApiError(status, "", text.strip())
