"""Whether who holds the cluster's keys of the backups' bucket could delete the backups for good."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from configparser import ConfigParser
from configparser import Error as BrokenFileError
from datetime import datetime

import requests

from archesai_infra.cli.base.cluster import Cluster, ClusterError
from archesai_infra.cli.base.kinds import path
from archesai_infra.cli.base.s3 import Bucket, Keys
from archesai_infra.cli.doctor.report import Finding, ok, skipped, warning
from archesai_infra.components.backups.keys import CLOUD_KEY, CLOUD_SECRET, OBJECTS_SECRET
from archesai_infra.stack.settings import Settings

CHECK = "backups' bucket"
KEYS_CHECK = "backups' keys"
_CURE = "see docs/security.md, Backups' bucket"
_PROFILE = "default"


def findings(cluster: Cluster, settings: Settings, now: datetime) -> Iterator[Finding]:
    """What the bucket says about its object lock and versions, and whether two writers share a key."""
    backups = settings.backups
    if not backups.enabled or backups.bucket is None:
        yield skipped(CHECK, "the stack makes no backups")
        return
    if backups.velero.role_arn is not None:
        yield skipped(CHECK, "a role takes the place of keys; docs/security.md has the commands that ask the bucket")
        return
    keys = _keys(cluster, backups.velero.namespace, backups.existing_secret or CLOUD_SECRET)
    if keys is None:
        yield skipped(CHECK, f"no keys that can be read in namespace {backups.velero.namespace}")
        return
    endpoint = backups.endpoint or f"https://s3.{backups.region}.amazonaws.com"
    yield _protection(Bucket(endpoint, backups.region, backups.bucket, keys), now)
    copy = _keys(cluster, settings.namespace, backups.existing_secret or OBJECTS_SECRET)
    if copy is not None:
        yield _shared(keys, copy)


def _protection(bucket: Bucket, now: datetime) -> Finding:
    try:
        lock = bucket.ask("object-lock", now)
        versioning = bucket.ask("versioning", now)
    except requests.RequestException:
        return skipped(CHECK, f"{bucket.endpoint} cannot be reached from this machine")
    if mode := _element(lock, "Mode"):
        return _locked(mode, _element(lock, "Days") or f"{_element(lock, 'Years')} x 365")
    if requests.codes.forbidden in (lock.status_code, versioning.status_code):
        return skipped(CHECK, f"Velero's keys may not ask {bucket.name} about its object lock and versions")
    if not versioning.ok:
        return warning(CHECK, f"{bucket.endpoint} answers {versioning.status_code} about {bucket.name}", _CURE)
    if _element(versioning, "Status") == "Enabled":
        text = "no object lock by default; versions stay only if the cluster's keys may not delete them"
        return warning(CHECK, text, _CURE)
    return warning(CHECK, "no object lock and no versions: the cluster's keys delete backups for good", _CURE)


def _locked(mode: str, days: str) -> Finding:
    text = f"object lock, mode {mode}, for {days} days"
    if mode == "COMPLIANCE":
        return ok(CHECK, text)
    return warning(CHECK, f"{text}: keys with the right to bypass it delete backups for good", _CURE)


def _shared(velero: Keys, copy: Keys) -> Finding:
    if velero.access == copy.access:
        text = "Velero and the copy of the objects have the same key: each can delete what the other wrote"
        return warning(KEYS_CHECK, text, "give each namespace its own Secret, backups.existingSecret: docs/security.md")
    return ok(KEYS_CHECK, "Velero and the copy of the objects have a key each")


def _element(answer: requests.Response, name: str) -> str:
    """Text of an element of an answer, whose elements have no attributes; empty where there is none."""
    found = re.search(rf"<{name}>\s*(\w+)\s*</{name}>", answer.text) if answer.ok else None
    return found[1] if found else ""


def _keys(cluster: Cluster, namespace: str, name: str) -> Keys | None:
    """Those of a Secret with an AWS credentials file, where the caller may read it."""
    try:
        secret = cluster.find(path("Secret", namespace, name))
    except ClusterError:
        return None
    text = ((secret or {}).get("data") or {}).get(CLOUD_KEY)
    file = ConfigParser(interpolation=None)
    try:
        file.read_string(b64decode(text or "").decode())
        profile = file[_PROFILE]
        token = profile.get("aws_session_token")
        return Keys(profile["aws_access_key_id"], profile["aws_secret_access_key"], token)
    except (BrokenFileError, KeyError, ValueError):
        return None
