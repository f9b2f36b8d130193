"""What a restore does, in which order, and when it must not begin.

The order keeps data: claims come before what runs, the dump pod before the servers, content before the application.
Velero skips what exists, so a restore over empty claims restores nothing and calls that complete.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from archesai_infra.cli.backups.store import contents, expired, problems, valid_name
from archesai_infra.cli.base.cluster import Object
from archesai_infra.components import database, redis, storage
from archesai_infra.components.backups import dump, objects
from archesai_infra.components.backups.kinds import RESTING, RESTORED, VOLUMES
from archesai_infra.components.backups.settings import MODULE as BACKUPS
from archesai_infra.components.database.cluster.archive.objects import archive_name
from archesai_infra.components.database.cluster.settings import ClusterSettings
from archesai_infra.kube.labels import COMPONENT, selector
from archesai_infra.stack.backups import copies_objects
from archesai_infra.stack.parts import components
from archesai_infra.stack.settings import Settings

PLACE = "namespace"
"""Name of the step that creates the namespace."""
SECRETS = "secrets"
"""Name of the step that creates Secrets."""
DATA_MODULES = ("database", "redis", "storage")
_NOT_IN_A_COPY = ("ingresses.networking.k8s.io", "cronjobs.batch", "horizontalpodautoscalers.autoscaling")
"""A copy must not answer for the real hosts, nor write its own objects over the real copy of them."""
NEW_VOLUMES = "archesai-new-volumes"
"""ConfigMap in Velero's namespace: restored claims forget their volumes, which no longer exist here."""
UNMANAGED = "archesai-unmanaged-dump-pod"
"""ConfigMap in Velero's namespace: the restored dump pod is none of its StatefulSet's, which would delete it."""
RULES = {
    NEW_VOLUMES: """\
version: v1
resourceModifierRules:
- conditions:
    groupResource: persistentvolumeclaims
  mergePatches:
  - patchData: '{"spec": {"volumeName": null}}'
""",
    UNMANAGED: f"""\
version: v1
resourceModifierRules:
- conditions:
    groupResource: pods
  mergePatches:
  - patchData: '{{"metadata": {{"labels": {{"{COMPONENT}": "{BACKUPS}-restoring"}}}}}}'
""",
}
"""Resource modifiers of Restores, by the ConfigMap that holds them."""


@dataclass(frozen=True)
class Step:
    """One step of a restore."""

    name: str
    """Part of the Restore's name."""
    text: str
    """What it does, for the plan."""
    spec: Object | None = None
    """Spec of a Velero Restore; None for a step that Velero has no part in."""
    module: str = ""
    """The module whose content is brought back."""
    waits: tuple[str, ...] = ()
    """StatefulSets that have to be ready after it."""
    proxies: tuple[str, ...] = ()
    """Deployments that have to be ready besides."""


@dataclass(frozen=True)
class Target:
    """What is there before a restore begins."""

    namespace: str
    exists: bool
    claims: tuple[str, ...]
    """Claims in the namespace."""
    running: tuple[str, ...]
    """Workloads in the namespace."""
    volumes: tuple[str, ...] = ()
    """Volumes that outlived the namespace."""


def whole(settings: Settings, stack: str, backup: Object, into: str | None, volumes: Sequence[str] = ()) -> list[Step]:
    """The steps that bring a namespace back, or a copy of it under another name.

    Only servers in the namespace get content: external ones were not lost with it, and are no copy's own.
    """
    build = _Specs(str(backup["metadata"]["name"]), settings.namespace, into)
    servers = _servers(settings)
    steps = [Step(PLACE, "the namespace, and Velero's rights in it"), _claims(build, volumes)]
    if not held(backup):
        steps.append(Step(SECRETS, "the Secrets, from the state or the configuration: the backup holds none"))
    if contents(backup):
        dump_labels = {"matchLabels": selector(BACKUPS, stack)}
        steps.append(
            Step(
                "dumps",
                "the dump pod with the content of its volume",
                build.spec(included=("pods", "statefulsets.apps"), labels=dump_labels),
                waits=(dump.NAME,),
            )
        )
    if servers:
        labelled = [component for module in servers for component in components(settings, module)]
        proxies = _proxies(settings)
        kinds = ("statefulsets.apps", *(("deployments.apps",) if proxies else ()))
        expression = {"key": COMPONENT, "operator": "In", "values": labelled}
        steps.append(
            Step(
                "servers",
                f"the servers of {', '.join(servers)}",
                build.spec(included=kinds, labels={"matchExpressions": [expression]}),
                waits=tuple(servers.values()),
                proxies=proxies,
            )
        )
    modules = [module for module in contents(backup) if module in servers]
    steps += [Step(f"load-{module}", f"the content of {module}, from its dump", module=module) for module in modules]
    if copies_objects(settings) and "storage" in servers:
        copy_labels = {"matchLabels": selector(objects.MODULE, stack)}
        spec = build.spec(included=("cronjobs.batch",), labels=copy_labels)
        steps += [
            Step("copy-job", "the job that copies objects, suspended", spec),
            Step("load-storage", "the objects, from their copy", module="storage"),
        ]
    return [*steps, *_outside(settings, servers, into), _rest(build, outside=_external(settings, servers))]


def held(backup: Object) -> bool:
    """Whether a backup holds Secrets itself: older ones do, and those of a stack with `backups.secrets`."""
    return "secrets" not in (backup.get("spec", {}).get("excludedResources") or [])


def _claims(build: _Specs, volumes: Sequence[str]) -> Step:
    """Claims on the volumes that are still there, else on new ones: a volume's object says nothing of its content."""
    if volumes:
        text = f"claims (on volumes that outlived the namespace: {', '.join(volumes)})"
        spec = build.spec(included=RESTING)
    else:
        text = "claims (on new volumes)"
        spec = build.spec(included=_without(RESTING, VOLUMES))
        spec["resourceModifier"] = _modifier(NEW_VOLUMES)
    return Step("claims", f"{text}, settings and rules; nothing runs yet", spec)


def _outside(settings: Settings, servers: Mapping[str, str], into: str | None) -> Iterator[Step]:
    """What is not restored, for the plan."""
    for module in _external(settings, servers):
        cluster = settings.database_cluster
        if module == database.MODULE and cluster is not None:
            yield Step("keep-database", f"nothing into the database: {_beginning(cluster)}")
            continue
        way = "" if into else f"; to restore it: --module {module}"
        yield Step(f"keep-{module}", f"nothing into {module}, which is outside the namespace{way}")


def _beginning(cluster: ClusterSettings) -> str:
    """What the next `up` makes of a cluster that is gone."""
    recovery = cluster.recovery
    if recovery is None:
        return f"the next `arches up` makes an empty {cluster.name}, and --module database restores its dump after that"
    until = recovery.target_time or "its end"
    return f"the next `arches up` recovers {cluster.name} from archive {recovery.source}, up to {until}"


def empty_cluster(settings: Settings) -> list[str]:
    """Why a namespace must not be restored yet: its database has an archive, and would not begin from it."""
    cluster = settings.database_cluster
    if cluster is None or cluster.recovery is not None or not cluster.archive.enabled:
        return []
    following = cluster.generation + 1
    return [
        (
            f"database.cluster.generation: {cluster.name} would begin empty, beside its archive: set it to "
            f"{following}, and database.cluster.recovered to "
            f"[{{generation: {following}, source: {archive_name(cluster)}}}]"
        )
    ]


def _rest(build: _Specs, *, outside: Sequence[str]) -> Step:
    """Everything else; in a copy whose data is outside, without what would work on the real data."""
    excluded = ["jobs.batch", VOLUMES]
    text = "everything else, and with it the application"
    if build.into:
        excluded += _NOT_IN_A_COPY
    if build.into and outside:
        excluded.append("deployments.apps")
        text = f"everything else but the application, which would work on the real {' and '.join(outside)}"
    return Step("rest", text, build.spec(included=_without(RESTORED, *excluded)))


def _modifier(rules: str) -> Object:
    return {"kind": "ConfigMap", "name": rules}


def _without(kinds: Sequence[str], *excluded: str) -> tuple[str, ...]:
    return tuple(kind for kind in kinds if kind not in excluded)


def one_module(stack: str, backup: Object, module: str, namespace: str, *, on_volume: bool) -> list[Step]:
    """The steps that bring one module's content back into a stack that runs."""
    if module == "storage":
        return [Step("load-storage", "the objects, from their copy; what is only in the bucket stays", module=module)]
    load = Step(f"load-{module}", f"the content of {module}, from its dump", module=module)
    if on_volume:
        return [load]
    build = _Specs(str(backup["metadata"]["name"]), namespace, None)
    labels = {"matchLabels": selector(BACKUPS, stack)}
    text = "the backup's dumps, beside those on the volume (the dump pod restarts)"
    spec = build.spec(included=("pods",), labels=labels) | {"resourceModifier": _modifier(UNMANAGED)}
    return [Step("dumps", text, spec, waits=(dump.NAME,)), load]


def _servers(settings: Settings) -> dict[str, str]:
    """StatefulSet by data module, of those that run in the cluster."""
    of_redis = redis.SERVERS_NAME if _replicated(settings) else redis.NAME
    names = {"database": database.NAME, "redis": of_redis, "storage": storage.NAME}
    ours = {module for module, data in settings.data_modules.items() if data.runs_pods and data.mode != "cluster"}
    return {module: name for module, name in names.items() if module in ours}


def _proxies(settings: Settings) -> tuple[str, ...]:
    """Deployments without which no content reaches the servers."""
    return (redis.PROXY_NAME,) if _replicated(settings) else ()


def _replicated(settings: Settings) -> bool:
    return settings.redis.enabled and isinstance(settings.redis, redis.ReplicatedRedis)


def _external(settings: Settings, servers: Mapping[str, str]) -> list[str]:
    """Data modules whose servers are elsewhere."""
    return [module for module in DATA_MODULES if settings.modules[module] and module not in servers]


@dataclass(frozen=True)
class _Specs:
    backup: str
    namespace: str
    into: str | None

    def spec(self, *, included: Sequence[str], labels: Object | None = None) -> Object:
        """Spec of a Restore; no kind comes that is not named."""
        built: Object = {
            "backupName": self.backup,
            "includedNamespaces": [self.namespace],
            "includedResources": list(included),
            "existingResourcePolicy": "none",
        }
        if labels:
            built["labelSelector"] = labels
        if self.into:
            built["namespaceMapping"] = {self.namespace: self.into}
        return built


def refusals(
    backup: Object,
    volumes: list[Object],
    target: Target,
    *,
    place: str,
    module: str | None,
    into: str | None,
    now: datetime,
) -> list[str]:
    """Why a restore must not begin; empty where it may. `place` are kubectl's options for the stack's namespace."""
    name = backup["metadata"]["name"]
    reasons: list[str] = []
    if expired(backup, now):
        reasons.append(f"backup {name} has expired ({backup['status'].get('expiration')}); choose another")
    elif bad := problems(backup, volumes):
        reasons.append(f"backup {name} does not hold what it should: {'; '.join(bad)}")
    if into is not None and not valid_name(into):
        reasons.append(f"--into {into}: is not a valid name of a namespace")
    if module is not None:
        return reasons + _module_refusals(backup, target, module, into)
    if target.claims or target.running:
        present = ", ".join((*target.claims, *target.running)[:6])
        reasons.append(
            f"namespace {target.namespace} is not empty ({present}): a restore would skip what exists and restore "
            "nothing into it. To restore the content of one module: --module database (redis, storage). To look at the "
            "backup without touching the stack: --into <new namespace>. Only if everything in the namespace is lost: "
            f"create a backup (arches backup create --wait), see what is there (kubectl {place} get all,pvc), and only "
            "then delete the namespace with its volumes"
        )
    return reasons


def _module_refusals(backup: Object, target: Target, module: str, into: str | None) -> list[str]:
    if module not in DATA_MODULES:
        return [f"--module {module}: must be one of {', '.join(DATA_MODULES)}; the others hold no content"]
    if into is not None:
        return ["--module and --into: use only one"]
    if not target.exists:
        return [f"namespace {target.namespace} does not exist: restore all of it, without --module"]
    if module != "storage" and module not in contents(backup):
        return [f"backup {backup['metadata']['name']} holds no dump of {module}"]
    return []
