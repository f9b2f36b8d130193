"""Whether Argo CD can have the whole stack."""

from __future__ import annotations

from collections.abc import Mapping

from archesai_infra.credentials import Credential
from archesai_infra.stack.settings import Settings


def requirements(settings: Settings, given: Mapping[Credential, object]) -> list[str]:
    """Why Argo CD cannot have the stack, each as `key: problem and cure`."""
    found: list[str] = []
    if settings.gitops.repo_url is None:
        found.append("gitops.repoUrl: is required: the repository that holds rendered/<stack>")
    found += [
        f"{key}: a repository must not hold it: remove it and name an existing Secret (existingSecret)"
        for key in Credential
        if key in given
    ]
    found += [
        f"{key}: Argo CD cannot generate a secret: set secrets.external, or name a Secret that Sealed Secrets makes"
        for key, value in _wanted_secrets(settings).items()
        if value is None and settings.secrets.external is None
    ]
    found += [
        f"{key}: Argo CD gets manifests and no Helm release: install it by itself and set {key} to {instead}"
        for key, (on, instead) in _releases(settings).items()
        if on
    ]
    return found


def _wanted_secrets(settings: Settings) -> dict[str, object]:
    modules = {"api": settings.api, "database": settings.database, "redis": settings.redis, "storage": settings.storage}
    wanted: dict[str, object] = {
        f"{name}.existingSecret": module.existing_secret for name, module in modules.items() if module.enabled
    }
    if settings.backups.enabled:
        wanted["backups.existingSecret"] = settings.backups.existing_secret
    return wanted


def _releases(settings: Settings) -> dict[str, tuple[bool, str]]:
    ingress = settings.ingress
    return {
        "ingress.controller.install": (ingress.enabled and ingress.controller.install, "false"),
        "ingress.certManager.install": (ingress.enabled and ingress.cert_manager.install, "false"),
        "backups.velero.install": (settings.backups.enabled and settings.backups.velero.install, "false"),
        "monitoring.operator": (settings.monitoring.installs, "existing"),
    }
