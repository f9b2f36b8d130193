"""The old chart's values in general, its services and its infrastructure as keys of a stack."""

from __future__ import annotations

from archesai_infra.cli.import_values.old_values import (
    GENERATED,
    OFF,
    OldValues,
    image,
    pinned_image,
    resources,
    switched_on,
)
from archesai_infra.components import api as api_component
from archesai_infra.credentials import Credential

SECRET_WORDS = ("token", "secret", "password", "apikey", "clientsecret", "privatekey")
"""Last parts of keys whose values are secret."""


def general(old: OldValues) -> None:
    """Namespace, environment, domain and what holds for every image."""
    namespaces = [old.take("namespace"), old.take("infrastructure.namespace")]
    old.put("namespace", next((name for name in namespaces if name), None))
    environment = old.take("environment")
    old.put("environment", environment if environment in ("development", "production") else "development")
    old.move("ingress.domain", "domain")
    registry = old.take("infrastructure.images.imageRegistry")
    old.put("images.registry", registry if registry not in ("", "docker.io") else None)
    policies = {old.take(path) for path in list(old.leaves) if path.endswith(".image.pullPolicy")}
    old.put("images.pullPolicy", "Always" if len(policies) > 1 else next(iter(policies), None))
    old.drop("kustomizePath", "the manifests are this program")
    old.drop("patches", "changes of manifests are changes of this program")
    if old.take("infrastructure.images.imagePullSecrets"):
        old.result.no_place["infrastructure.images.imagePullSecrets"] = (
            "the stack makes the pull secret: set security.registry.username and registryPassword"
        )
    for key in ("create", "name"):
        old.drop(f"infrastructure.serviceAccount.{key}", "every module has a service account of its own")


def api(old: OldValues) -> None:
    """The api: its size, its image, its log and the key of its sessions."""
    old.put("api.enabled", switched_on(old, "api"))
    old.move("api.replicas", "api.replicas")
    old.move("api.cors.origins", "api.cors")
    image(old, "api", "api")
    resources(old, "api", "api")
    old.drop("api.host", "the api listens on every address of its pod")
    _fixed_port(old, "api.port", api_component.PORT)
    old.drop("secrets.apiKey", "no service reads it; a secret setting of the api is a key of apiSecretSettings")
    old.put("api.auth", switched_on(old, "auth"))
    old.secret("auth.local.jwtSecret", Credential.API_JWT_SECRET, f"signs sessions; {GENERATED}")
    old.move("logging.level", "api.logLevel")
    old.move("logging.pretty", "api.logPretty")


def _fixed_port(old: OldValues, path: str, port: int) -> None:
    if old.leaves.get(path) in (port, str(port)):
        old.take(path)
    old.drop(path, f"the port is {port} in every stack")


def free_settings(old: OldValues) -> None:
    """What the old chart handed to the api's configuration file as it was."""
    secret_paths: list[str] = []
    for section in ("api", "auth", "billing", "intelligence"):
        for path, value in old.below(section).items():
            if value in (None, {}):
                continue
            if path.rpartition(".")[2].lower() in SECRET_WORDS:
                secret_paths.append(path)
            elif path.endswith(".mode"):
                old.put(f"api.settings.{path.removesuffix('mode')}enabled", value not in OFF)
            else:
                old.put(f"api.settings.{path}", value)
    if secret_paths:
        why = "one JSON object of dotted path to value, for all of them"
        old.result.secrets[Credential.API_SECRET_SETTINGS] = f"{', '.join(secret_paths)}: {why}"


def platform(old: OldValues) -> None:
    """The platform."""
    old.put("platform.enabled", switched_on(old, "platform"))
    old.move("platform.replicas", "platform.replicas")
    image(old, "platform", "platform")
    resources(old, "platform", "platform")
    old.drop("platform.host", "the address follows from the ingress: ingress.hosts.platform and domain")


def helpers(old: OldValues) -> None:
    """Scraper and document processing, at the top or below `intelligence`."""
    for module in ("scraper", "unstructured"):
        for source in (module, f"intelligence.{module}"):
            old.put(f"{module}.enabled", switched_on(old, source))
            resources(old, source, module)
            pinned_image(old, source)


def ingress(old: OldValues) -> None:
    """The hosts' certificates; the domain is part of `general`."""
    old.put("ingress.enabled", switched_on(old, "ingress"))
    old.move("ingress.tls.enabled", "ingress.tls.enabled")
    issuer = old.take("ingress.tls.issuer")
    old.put("ingress.tls.issuer", issuer)
    if issuer:
        old.drop("ingress.tls.secretName", "cert-manager makes a certificate, and its Secret, for each host")
    else:
        old.move("ingress.tls.secretName", "ingress.tls.existingSecret")


def monitoring(old: OldValues) -> None:
    """Metrics and logs; one switch for both."""
    parts = [switched_on(old, f"monitoring.{part}") for part in ("grafana", "loki")]
    given = [value for value in (switched_on(old, "monitoring"), *parts) if value is not None]
    if given:
        old.put("monitoring.enabled", any(given))
    resources(old, "monitoring.grafana", "monitoring.grafana")
    resources(old, "monitoring.loki", "monitoring.logs")
    for part in ("grafana", "loki"):
        for key in ("repository", "tag"):
            old.drop(f"monitoring.{part}.image.{key}", "the chart's version decides")


def development(old: OldValues) -> None:
    """Processes on the developer's machine, and Services opened to it."""
    address = old.take("infrastructure.development.hostIP")
    for module in ("api", "platform"):
        port = old.take(f"infrastructure.development.{module}.port")
        if not old.take(f"infrastructure.development.{module}.enabled"):
            continue
        if address is None or port is None:
            missing = "hostIP" if address is None else f"{module}.port"
            old.result.no_place[f"infrastructure.development.{module}"] = (
                f"{missing} is missing; give the chart's own values file first, then this one"
            )
        else:
            old.put(f"{module}.runOnHost", {"ip": address, "port": port})
    for name, service in (
        ("postgres", "archesai-postgres 5432"),
        ("redis", "archesai-redis 6379"),
        ("loki", "loki 3100"),
    ):
        port = old.take(f"infrastructure.development.{name}.port")
        if old.take(f"infrastructure.development.{name}.enabled"):
            old.result.no_place[f"infrastructure.development.{name}"] = (
                f"no node port{f' ({port})' if port else ''} is opened: kubectl port-forward service/{service}"
            )
