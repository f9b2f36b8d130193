"""A values file of the old Helm chart, in its `helm-minimal` or its `arches` form, as a stack's configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from archesai_infra.components import api
from archesai_infra.credentials import Credential
from archesai_infra.quantities import cpu_cores
from archesai_infra.stack.explain import Key, keys
from archesai_infra.stack.settings import Settings

OFF = ("disabled", False)
SECRET_WORDS = ("token", "secret", "password", "apikey", "clientsecret", "privatekey")
GENERATED = "leave it out to have a new one made"


@dataclass
class Translation:
    """What became of a values file."""

    config: dict[str, Any] = field(default_factory=dict[str, Any])
    """Stack configuration by top-level key."""
    secrets: dict[str, str] = field(default_factory=dict[str, str])
    """Why a credential should be set, by its key; values are never copied."""
    no_place: dict[str, str] = field(default_factory=dict[str, str])
    """Why an old key is not in the stack, by old key."""


@dataclass
class _Old:
    """The old values by dotted path; what is taken is no longer there."""

    leaves: dict[str, Any]
    result: Translation

    def take(self, path: str, default: object = None) -> Any:  # noqa: ANN401 - any YAML
        return self.leaves.pop(path, default)

    def below(self, prefix: str) -> dict[str, Any]:
        return {path: self.take(path) for path in [path for path in self.leaves if path.startswith(f"{prefix}.")]}

    def put(self, path: str, value: object) -> None:
        """Set a key of the stack, unless there is nothing to set."""
        if value is not None:
            _put(self.result.config, path.split("."), value)

    def move(self, old: str, new: str) -> None:
        self.put(new, self.take(old))

    def drop(self, path: str, why: str) -> None:
        if path in self.leaves:
            self.take(path)
            self.result.no_place[path] = why

    def secret(self, path: str, credential: Credential, why: str) -> None:
        if self.take(path) not in (None, ""):
            given = self.result.secrets.get(credential)
            self.result.secrets[credential] = f"{given}; {path}: {why}" if given else f"{path}: {why}"


def overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Values with others over them, as Helm overlays files: objects key by key, everything else as a whole."""
    result = dict(below)
    for key, value in above.items():
        lower = result.get(key)
        result[key] = overlaid(lower, value) if isinstance(lower, dict) and isinstance(value, dict) else value
    return result


def translate(values: Mapping[str, Any]) -> Translation:
    """The stack configuration for old values; what equals a default of the program is left out."""
    old = _Old(dict(_leaves(values, "")), Translation())
    for part in _PARTS:
        part(old)
    for path in sorted(old.leaves):
        old.result.no_place[path] = "is no key of the old chart"
    _without_defaults(old.result.config)
    return old.result


def _leaves(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _put(tree: dict[str, Any], path: list[str], value: object) -> None:
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
    tree[path[-1]] = value


def _on(old: _Old, module: str) -> bool | None:
    """Whether a module was on; None where the values do not say."""
    mode = old.take(f"{module}.mode")
    enabled = old.take(f"{module}.enabled")
    if mode is None and enabled is None:
        return None
    return (mode if mode is not None else enabled) not in OFF


def _unmanaged(old: _Old, module: str) -> bool:
    return old.leaves.get(f"{module}.mode") == "unmanaged"


def _ran(old: _Old, module: str) -> bool:
    """Whether the values say anything of a module but that it was off."""
    given = {path: value for path, value in old.leaves.items() if path.startswith(f"{module}.")}
    mode = given.get(f"{module}.mode", given.get(f"{module}.enabled", bool(given)))
    return mode not in OFF


def _general(old: _Old) -> None:
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


def _image(old: _Old, source: str, target: str) -> None:
    """Repository and tag of a module's image."""
    old.move(f"{source}.image.repository", f"{target}.image.repository")
    old.move(f"{source}.image.tag", f"{target}.image.tag")


def _pinned_image(old: _Old, source: str) -> None:
    """Image of a third party: the program's own pinned version takes its place."""
    for key in ("repository", "tag"):
        old.drop(f"{source}.image.{key}", "the program pins a tested version; to choose: <module>.image")


def _resources(old: _Old, source: str, target: str) -> None:
    """Requests and limits; a part that is missing comes from the program's defaults."""
    given = old.below(f"{source}.resources")
    if not given:
        return
    defaults = {key.path: key.default for key in _known()}
    for kind in ("requests", "limits"):
        for name in ("cpu", "memory", "ephemeralStorage"):
            value = given.pop(f"{source}.resources.{kind}.{name}", defaults.get(f"{target}.resources.{kind}.{name}"))
            old.put(f"{target}.resources.{kind}.{name}", str(value))
    for path in given:
        old.result.no_place[path] = "only cpu and memory have a place"


def _api(old: _Old) -> None:
    old.put("api.enabled", _on(old, "api"))
    old.move("api.replicas", "api.replicas")
    old.move("api.cors.origins", "api.cors")
    _image(old, "api", "api")
    _resources(old, "api", "api")
    old.drop("api.host", "the api listens on every address of its pod")
    _fixed_port(old, "api.port", api.PORT)
    old.drop("secrets.apiKey", "no service reads it; a secret setting of the api is a key of apiSecretSettings")
    old.put("api.auth", _on(old, "auth"))
    old.secret("auth.local.jwtSecret", Credential.API_JWT_SECRET, f"signs sessions; {GENERATED}")
    old.move("logging.level", "api.logLevel")
    old.move("logging.pretty", "api.logPretty")


def _fixed_port(old: _Old, path: str, port: int) -> None:
    if old.leaves.get(path) in (port, str(port)):
        old.take(path)
    old.drop(path, f"the port is {port} in every stack")


def _free_settings(old: _Old) -> None:
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


def _platform(old: _Old) -> None:
    old.put("platform.enabled", _on(old, "platform"))
    old.move("platform.replicas", "platform.replicas")
    _image(old, "platform", "platform")
    _resources(old, "platform", "platform")
    old.drop("platform.host", "the address follows from the ingress: ingress.hosts.platform and domain")


def _database(old: _Old) -> None:
    url = old.take("database.url")
    old.secret("secrets.databasePassword", Credential.DATABASE_PASSWORD, f"{GENERATED}; the server takes it over")
    if _unmanaged(old, "database"):
        old.put("database.mode", "external")
        old.result.secrets[Credential.DATABASE_URL] = "database.url: the whole URL of the server"
        for path in ("database.auth.database", "database.auth.password", "database.persistence.size"):
            old.drop(path, "an external database needs its URL only")
        old.below("database.resources")
        old.result.secrets.pop(Credential.DATABASE_PASSWORD, None)
    else:
        if url is not None:
            old.result.no_place["database.url"] = "the URL follows from the module"
        old.move("database.auth.database", "database.name")
        old.secret("database.auth.password", Credential.DATABASE_PASSWORD, f"{GENERATED}; the server takes it over")
        old.move("database.persistence.size", "database.size")
        _resources(old, "database", "database")
    old.put("database.enabled", _on(old, "database"))
    _persistent(old, "database")
    _pinned_image(old, "database")
    migrated = [old.take("migrations.enabled"), old.take("infrastructure.migrations.enabled")]
    if any(value is not None for value in migrated):
        old.put("migrations.mode", "job" if any(migrated) else "off")


def _persistent(old: _Old, module: str) -> None:
    if old.take(f"{module}.persistence.enabled") is False:
        old.result.no_place[f"{module}.persistence.enabled"] = "data is always on a volume"


def _redis(old: _Old) -> None:
    host, port = old.take("redis.host"), old.take("redis.port")
    old.secret("redis.auth", Credential.REDIS_PASSWORD, GENERATED)
    if _unmanaged(old, "redis"):
        old.put("redis.mode", "external")
        old.put("redis.host", host)
        old.put("redis.port", port)
        old.below("redis.resources")
        old.drop("redis.persistence.size", "an external redis has its own volume")
        old.result.secrets[Credential.REDIS_PASSWORD] = "redis.auth: the server's own"
    else:
        old.move("redis.persistence.size", "redis.size")
        _resources(old, "redis", "redis")
    old.put("redis.enabled", _on(old, "redis"))
    _persistent(old, "redis")
    _pinned_image(old, "redis")


def _storage(old: _Old) -> None:
    endpoint = old.take("storage.endpoint")
    unmanaged = _unmanaged(old, "storage")
    why = "the service's own" if unmanaged else GENERATED
    old.secret("storage.accesskey", Credential.STORAGE_ACCESS_KEY, why)
    old.secret("storage.secretkey", Credential.STORAGE_SECRET_KEY, why)
    old.move("storage.bucket", "storage.bucket")
    if unmanaged:
        parts = urlsplit(str(endpoint))
        old.put("storage.mode", "external")
        old.put("storage.host", parts.hostname)
        old.put("storage.port", parts.port or (443 if parts.scheme == "https" else 80))
        old.put("storage.tls", parts.scheme == "https")
        old.below("storage.resources")
        old.drop("storage.persistence.size", "an external storage has its own volume")
    else:
        # The volume's format is the server's: another server would not find the objects.
        # The old chart's default image, which overlays leave out, was MinIO's.
        image = str(old.leaves.get("storage.image.repository", "minio"))
        old.put("storage.server", "minio" if "minio" in image and _ran(old, "storage") else None)
        old.move("storage.persistence.size", "storage.size")
        _resources(old, "storage", "storage")
    old.put("storage.enabled", _on(old, "storage"))
    _persistent(old, "storage")
    _pinned_image(old, "storage")


def _helpers(old: _Old) -> None:
    """Scraper and document processing, at the top or below `intelligence`."""
    for module in ("scraper", "unstructured"):
        for source in (module, f"intelligence.{module}"):
            old.put(f"{module}.enabled", _on(old, source))
            _resources(old, source, module)
            _pinned_image(old, source)


def _ingress(old: _Old) -> None:
    old.put("ingress.enabled", _on(old, "ingress"))
    old.move("ingress.tls.enabled", "ingress.tls.enabled")
    issuer = old.take("ingress.tls.issuer")
    old.put("ingress.tls.issuer", issuer)
    if issuer:
        old.drop("ingress.tls.secretName", "cert-manager makes a certificate, and its Secret, for each host")
    else:
        old.move("ingress.tls.secretName", "ingress.tls.existingSecret")


def _monitoring(old: _Old) -> None:
    parts = [_on(old, f"monitoring.{part}") for part in ("grafana", "loki")]
    given = [value for value in (_on(old, "monitoring"), *parts) if value is not None]
    if given:
        old.put("monitoring.enabled", any(given))
    _resources(old, "monitoring.grafana", "monitoring.grafana")
    _resources(old, "monitoring.loki", "monitoring.logs")
    for part in ("grafana", "loki"):
        for key in ("repository", "tag"):
            old.drop(f"monitoring.{part}.image.{key}", "the chart's version decides")


def _development(old: _Old) -> None:
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


_PARTS: tuple[Callable[[_Old], None], ...] = (
    _general,
    _database,
    _redis,
    _storage,
    _helpers,
    _api,
    _platform,
    _ingress,
    _monitoring,
    _development,
    _free_settings,
)


@cache
def _known() -> list[Key]:
    return keys(Settings)


def _without_defaults(config: dict[str, Any]) -> None:
    """Remove what the program does anyway; resources stay whole or go whole."""
    defaults = {key.path: key.default for key in _known() if not key.required and not key.group}
    for path, value in list(_leaves(config, "")):
        if path in defaults and defaults[path] == value and ".resources." not in path:
            _remove(config, path.split("."))
    for path in sorted({path.partition(".resources.")[0] for path, _ in _leaves(config, "") if ".resources." in path}):
        own = {leaf: value for leaf, value in _leaves(config, "") if leaf.startswith(f"{path}.resources.")}
        if all(_same(defaults.get(leaf), value) for leaf, value in own.items()):
            _remove(config, [*path.split("."), "resources"])


def _same(default: object, value: object) -> bool:

    try:
        return cpu_cores(str(default)) == cpu_cores(str(value))
    except ValueError:
        return default == value


def _remove(tree: dict[str, Any], path: list[str]) -> None:
    if len(path) > 1:
        _remove(tree[path[0]], path[1:])
    if len(path) == 1 or not tree[path[0]]:
        del tree[path[0]]
