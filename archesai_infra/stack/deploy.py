"""The composition root: which components a stack has, in which order, and what flows between them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pulumi
from pulumi_kubernetes import Provider

from archesai_infra import versions
from archesai_infra.components import (
    api,
    database,
    gitops,
    migrations,
    platform,
    redis,
    scraper,
    storage,
    unstructured,
)
from archesai_infra.components.admission import Admission, AdmissionArgs
from archesai_infra.components.backups import component as backups
from archesai_infra.components.base.connections import Connections
from archesai_infra.components.base.context import Context, Endpoint
from archesai_infra.components.base.external_secrets import ExternalStore
from archesai_infra.components.base.pull_secret import PullSecret, pull_secret, stored_pull_secret
from archesai_infra.components.ingress.component import Ingress, IngressArgs
from archesai_infra.components.ingress.exposure import Exposure
from archesai_infra.components.ingress.settings import Hosts
from archesai_infra.components.monitoring import component as monitoring
from archesai_infra.components.security import REGISTRIES, Security, SecurityArgs
from archesai_infra.credentials import Credential, Credentials
from archesai_infra.kube.network import same_zone
from archesai_infra.stack import archive
from archesai_infra.stack.backups import arguments as backup_arguments
from archesai_infra.stack.chart_flows import chart_network
from archesai_infra.stack.flows import flows
from archesai_infra.stack.formats import (
    FORMATS,
    MAJORS,
    formats,
    majors,
    require_readable,
    require_same_formats,
)
from archesai_infra.stack.images import used_images
from archesai_infra.stack.monitoring import arguments as monitoring_arguments
from archesai_infra.stack.monitoring import grafana_exposure
from archesai_infra.stack.namespaces import chart_namespaces
from archesai_infra.stack.posture import registries
from archesai_infra.stack.protection import (
    PROTECTED,
    VOLUMES,
    losing_protection,
    require_log_volume,
    require_protected,
    require_single_pod,
)
from archesai_infra.stack.recorded import Earlier
from archesai_infra.stack.redis_forms import starts
from archesai_infra.stack.restoring import bare
from archesai_infra.stack.settings import Settings
from archesai_infra.stack.storage import storage_users

NOTHING_BEFORE = Earlier()


class UnpinnedClusterError(Exception):
    """A production stack was about to be changed on whatever cluster happens to be current."""


def deploy(
    settings: Settings,
    credentials: Credentials,
    stack: str,
    *,
    application: bool = True,
    before: Earlier = NOTHING_BEFORE,
) -> dict[str, pulumi.Input[Any]]:
    """Declare every resource of a stack and return its outputs; raises UnpinnedClusterError and ProtectedError.

    The SDK sends nothing to the engine before this returns, so that an error here changes nothing.

    Under GitOps that is the Application alone; `application=False` declares what Argo CD applies instead.
    """
    if settings.production and settings.cluster.context is None and not pulumi.runtime.is_dry_run():
        raise UnpinnedClusterError(unpinned(stack))
    require_readable(before.majors, majors(settings))
    require_same_formats(before.formats, formats(settings))
    require_single_pod(before.majors, settings)
    require_log_volume(before.volumes, settings)
    if settings.restoring:
        settings = bare(settings)
    cluster = _provider("cluster", settings, adopts=True)
    context = Context(
        instance=stack,
        namespace=settings.namespace,
        production=settings.production,
        retain=settings.retain_data,
        registry=settings.images.source,
        pull_policy=settings.images.pull_policy,
        pull_secret=_pull_secret(settings, credentials),
        scheduling=settings.scheduling,
        flows=flows(settings),
        chart_network=chart_network(settings, stack),
        registries=() if registries(settings) == REGISTRIES else registries(settings),
        strict=cache(lambda: _provider("strict", settings, adopts=False)),
        fingerprint=_fingerprint(),
        unprotected=frozenset(settings.security.unprotected),
        grown=before.volumes,
        external=ExternalStore(external, stack) if (external := settings.secrets.external) else None,
        generates=not settings.gitops.enabled,
        traffic_distribution=same_zone(settings.cluster.minor) if settings.cluster.same_zone else None,
        user_namespaces=settings.security.user_namespaces,
    )
    if settings.gitops.enabled and application:
        args = gitops.GitopsArgs(settings.gitops, autoscaled(settings))
        gitops.Gitops(context, args, pulumi.ResourceOptions(provider=cluster))
    else:
        _components(settings, credentials, context, cluster)
    require_protected(before.protected, context.data)
    for warning in (
        *starts(settings, before.volumes),
        *losing_protection(before.protected, context.protected, settings),
    ):
        pulumi.log.warn(warning)
    return outputs(settings) | {
        PROTECTED: context.protected,
        VOLUMES: {**before.volumes, **context.volumes},
        MAJORS: {**before.majors, **majors(settings)},
        FORMATS: {**before.formats, **formats(settings)},
    }


def autoscaled(settings: Settings) -> tuple[str, ...]:
    """Deployments whose number of pods an autoscaler owns."""
    modules = {
        api.NAME: settings.api,
        platform.NAME: settings.platform,
        unstructured.NAME: settings.unstructured,
        scraper.NAME: settings.scraper,
    }
    return tuple(name for name, module in modules.items() if module.enabled and module.autoscaling.enabled)


def unpinned(stack: str) -> str:
    """Why production does not change whatever cluster happens to be current, and the cure."""
    return (
        f"Pulumi.{stack}.yaml: cluster.context: production needs a pinned cluster: "
        f"arches config set cluster.context <context> --stack {stack}"
    )


def _provider(name: str, settings: Settings, *, adopts: bool) -> Provider:
    """A provider for the stack's cluster; one that adopts takes over what a killed run or an earlier life left.

    Objects of another stack stay safe from it: their `instance` label conflicts.
    """
    cluster = settings.cluster
    return Provider(
        name,
        context=cluster.context,
        # An Output, even of nothing: for a plain None the SDK would write this machine's $KUBECONFIG into the state.
        kubeconfig=pulumi.Output.from_input(cluster.kubeconfig),
        # Renamed servers and added proxies must not replace every object; another context should.
        cluster_identifier=cluster.context,
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        upsert_existing_objects=adopts or None,
    )


def _pull_secret(settings: Settings, credentials: Credentials) -> PullSecret | None:
    password = credentials.get(Credential.REGISTRY_PASSWORD)
    registry = settings.security.registry
    if settings.secrets.external and registry.username is not None:
        return stored_pull_secret(registry.server, registry.username)
    return pull_secret(registry.server, registry.username, password) if password is not None else None


def _fingerprint() -> Any:  # noqa: ANN401 - a local function, typed by Context
    key = pulumi.Stash(
        "fingerprint-key",
        input=pulumi.Output.secret(secrets.token_urlsafe(24)),
        opts=pulumi.ResourceOptions(ignore_changes=["input"]),
    ).output

    def digest(values: Sequence[pulumi.Input[str]]) -> pulumi.Output[str]:
        def compute(parts: list[str]) -> str:
            text = "\0".join(parts[1:])
            return hmac.new(parts[0].encode(), text.encode(), hashlib.sha256).hexdigest()[:16]

        return pulumi.Output.unsecret(pulumi.Output.all(key, *values).apply(compute))

    return digest


def _components(settings: Settings, credentials: Credentials, context: Context, cluster: Provider) -> None:
    readers = (api.NAME,) if settings.api.runs_pods and settings.api.kubernetes_access else ()
    security = Security(
        context,
        SecurityArgs(settings.security, credentials, readers),
        pulumi.ResourceOptions(provider=cluster),
    )
    if settings.security.admission is not None:
        admission_args = AdmissionArgs(
            settings.security.admission,
            registries(settings),
            hosts=tuple(urlsplit(url).hostname or "" for host in Hosts.model_fields if (url := settings.url(host))),
            namespaces=(settings.namespace, *chart_namespaces(settings).values()),
            tokens=(settings.api.enabled and settings.api.kubernetes_access) or settings.database_cluster is not None,
        )
        Admission(context, admission_args, pulumi.ResourceOptions(provider=cluster, depends_on=[security]))
    # The namespace's name is a plain value, so nothing but this says that it comes first.
    opts = pulumi.ResourceOptions(provider=cluster, depends_on=[security])
    connections = _services(settings, credentials, context, opts)
    if settings.api.enabled:
        _api(settings, credentials, context, connections, opts)
    if settings.platform.enabled:
        target = Endpoint(api.NAME, api.PORT) if settings.api.enabled else None
        platform.Platform(context, platform.PlatformArgs(settings.platform, target), opts)
    before_backups: list[pulumi.Resource] = [security]
    watching: monitoring.Monitoring | None = None
    if settings.monitoring.enabled:
        args = monitoring_arguments(settings, credentials, connections, context.instance)
        watching = monitoring.Monitoring(context, args, opts)
        # Velero's chart makes objects of the monitoring's kinds.
        before_backups.append(watching)
    if settings.ingress.enabled:
        # The controller looks for the namespaces of its hosts when it starts, Grafana's host for its kinds and classes.
        namespaces = watching.namespaces if watching is not None else ()
        hosts = exposures(settings)
        args = IngressArgs(settings.ingress, hosts, exposures_elsewhere(settings), settings.charts, namespaces)
        ingress = Ingress(context, args, opts)
        if watching is not None:
            watching.expose([ingress])
    if settings.backups.enabled:
        args = backup_arguments(settings, credentials, connections, context.instance)
        later = pulumi.ResourceOptions(provider=cluster, depends_on=before_backups)
        backups.Backups(context, args, later)


def _services(
    settings: Settings, credentials: Credentials, context: Context, opts: pulumi.ResourceOptions
) -> Connections:
    """What the api uses: each service that is on."""
    database_args = database.DatabaseArgs(settings.database, credentials, settings.charts, archive.bucket(settings))
    redis_args = redis.RedisArgs(settings.redis, credentials)
    storage_args = storage.StorageArgs(settings.storage, credentials, storage_users(settings))
    return Connections(
        database=database.Database(context, database_args, opts).connection if settings.database.enabled else None,
        redis=redis.Redis(context, redis_args, opts).connection if settings.redis.enabled else None,
        storage=storage.Storage(context, storage_args, opts) if settings.storage.enabled else None,
        scraper=scraper.Scraper(context, settings.scraper, opts).endpoint if settings.scraper.enabled else None,
        unstructured=unstructured.Unstructured(context, settings.unstructured, opts).endpoint
        if settings.unstructured.enabled
        else None,
    )


def _api(
    settings: Settings,
    credentials: Credentials,
    context: Context,
    connections: Connections,
    opts: pulumi.ResourceOptions,
) -> None:
    waits_for: tuple[pulumi.Resource, ...] = connections.database.ready if connections.database else ()
    if settings.migrates_by_job and connections.database:
        image = context.image(settings.api.image, versions.API)
        args = migrations.MigrationsArgs(settings.migrations, image, settings.api.scheduling, connections.database)
        waits_for = (migrations.Migrations(context, args, opts),)
    api_args = api.ApiArgs(
        settings.api,
        credentials,
        connections,
        url=settings.api.url or settings.url("api"),
        platform_url=settings.url("platform"),
        storage_url=settings.url("storage") if _signs_for_outside(settings) else None,
        run_migrations=settings.migrations.mode == "startup",
        waits_for=waits_for,
    )
    api.Api(context, api_args, opts)


def _signs_for_outside(settings: Settings) -> bool:
    return isinstance(settings.storage, storage.ManagedStorage) and settings.storage.public_endpoint


def exposures(settings: Settings) -> tuple[Exposure, ...]:
    """The modules that have a host of their own."""
    services = {
        "api": (api.NAME, api.PORT, "/"),
        "platform": (platform.NAME, platform.PORT, "/"),
        # The rest of the server, such as its administration, is nobody's outside.
        "storage": (storage.NAME, storage.PORT, f"/{settings.storage.bucket}"),
    }
    return tuple(
        Exposure(module, f"{settings.ingress.hosts.of(module)}.{settings.domain}", *services[module])
        for module in ("api", "platform", "storage")
        if settings.url(module) is not None
    )


def exposures_elsewhere(settings: Settings) -> tuple[tuple[str, Exposure], ...]:
    """Grafana's host, whose Service is in the namespace of the monitoring."""
    host = grafana_exposure(settings)
    return () if host is None else ((settings.monitoring.namespace, host),)


def outputs(settings: Settings) -> dict[str, pulumi.Input[Any]]:
    """What `pulumi stack output` shows; no credential is among it."""
    urls = {host: url for host in Hosts.model_fields if (url := settings.url(host)) is not None}
    commands = [f"kubectl --namespace {settings.namespace} get pods"]
    if "api" not in urls and settings.api.enabled:
        commands.append(
            f"kubectl --namespace {settings.namespace} port-forward service/{api.NAME} {api.PORT}:{api.PORT}"
        )
    return {
        "namespace": settings.namespace,
        "modules": [module for module, on in settings.modules.items() if on],
        "urls": urls,
        "images": {
            key.removesuffix(".image"): image.reference(default, settings.images.source)
            for key, (image, default) in used_images(settings).items()
        },
        "nextCommands": commands,
    }
