"""What production refuses, and what no stack may do with its images, hosts and credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from archesai_infra.components import api
from archesai_infra.components.base.settings import HostableModule
from archesai_infra.components.database import ClusterDatabase, DatabasePod
from archesai_infra.components.storage import ManagedStorage
from archesai_infra.kube.images import registry
from archesai_infra.stack.images import used_images
from archesai_infra.stack.settings import Settings

FLOATING = ("latest", "main", "master", "edge", "nightly", "dev", "develop", "canary", "head", "stable")
"""Tags that name no version."""
CREDENTIAL = re.compile(
    r"(pass(word|wd|phrase)?|secret|token|(api|access|private|secret|encryption)[-_]?key)$", re.IGNORECASE
)
"""Ends of names whose value is a credential."""
PASSWORD_IN_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/:@]*:[^\s/@]+@", re.IGNORECASE)


def registries(settings: Settings) -> tuple[str, ...]:
    """Registries that a stack's images may come from, in order."""
    mirror = [registry(f"{settings.images.registry}/image")] if settings.images.registry else []
    listed = [name.partition("/")[0] for name in settings.security.registries]
    return tuple(sorted({*listed, *mirror}))


def problems(settings: Settings) -> Iterator[str]:
    """What a stack's settings must not say, each as `key: what and the cure`."""
    if settings.namespace in ("default", "kube-system", "kube-public", "kube-node-lease"):
        yield f"namespace: must be a namespace of the stack's own, such as archesai (got {settings.namespace})"
    yield from _credentials(settings)
    if settings.production:
        yield from _images(settings)
        yield from _production(settings)


def _images(settings: Settings) -> Iterator[str]:
    allowed = registries(settings)
    for key, (image, default) in used_images(settings).items():
        tag = image.tag_or(default)
        reference = image.reference(default, settings.images.source)
        if tag.lower() in FLOATING and "@" not in reference:
            yield f"{key}.tag: {tag} is refused in production: pin a version, such as v1.0.0"
        if registry(reference) not in allowed:
            yield (
                f"{key}.repository: registry {registry(reference)} is not listed: "
                "take an image of a listed one, or add it to security.registries"
            )


def _production(settings: Settings) -> Iterator[str]:
    if settings.ingress.enabled and settings.domain == "localhost":
        yield "domain: production needs a domain of its own (got localhost)"
    store = settings.storage
    if store.enabled and isinstance(store, ManagedStorage) and not store.accept_single_node:
        yield (
            "storage.mode: managed is one pod on one volume, and so one machine: while it is away nobody reads or "
            "writes an object. Name an S3 service (storage.mode: external, docs/scale.md), or accept it with "
            "storage.acceptSingleNode: true"
        )
    for module, part in settings:
        if isinstance(part, HostableModule) and part.run_on_host is not None:
            yield f"{module}.runOnHost: is for development only: remove it"


def _credentials(settings: Settings) -> Iterator[str]:
    """Credentials among settings that end in a ConfigMap or an annotation, where everybody reads them."""
    for path, value in sorted(api.flatten(settings.api.settings).items()):
        if is_credential(path.rpartition(".")[2], value):
            yield (
                f"api.settings.{path}: is a credential and would be readable in a ConfigMap: set it in the secret "
                "apiSecretSettings, or name a Secret in api.secretSettings"
            )
    texts: dict[str, Mapping[str, object]] = {"ingress.annotations": settings.ingress.annotations}
    if isinstance(settings.database, DatabasePod):
        texts["database.postgres.parameters"] = settings.database.postgres.parameters
    if isinstance(settings.database, ClusterDatabase):
        texts["database.cluster.postgres.parameters"] = settings.database.cluster.postgres.parameters
    for key, values in texts.items():
        for name, value in sorted(values.items()):
            if PASSWORD_IN_URL.search(str(value)) or (key != "ingress.annotations" and is_credential(name, value)):
                yield f"{key}.{name}: is a credential and would be readable by everybody: remove it"


def is_credential(name: str, value: object) -> bool:
    """Whether a setting is a credential, by its name or by a URL with a password."""
    if not isinstance(value, str) or not value:
        return False
    return bool(CREDENTIAL.search(name) or PASSWORD_IN_URL.search(value))
