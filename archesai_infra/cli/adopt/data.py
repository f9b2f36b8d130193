"""Where the data and the passwords of a running deployment are, and how the stack takes them over."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from archesai_infra import versions
from archesai_infra.cli.adopt.file_owner import given_away, measured, owner_settings
from archesai_infra.cli.adopt.live import FileOwner, Live, Object, Place, container_at
from archesai_infra.cli.adopt.plan import AFTER, BEFORE, DataVolume, Setting, Step, Takeover
from archesai_infra.cli.base.cluster import Cluster
from archesai_infra.components import database, redis, storage
from archesai_infra.components.database.major import major
from archesai_infra.components.database.server import server_environment
from archesai_infra.credentials import Credential
from archesai_infra.quantities import memory_bytes
from archesai_infra.stack.credential_sources import in_secrets
from archesai_infra.stack.settings import Settings

Managed = database.ManagedDatabase | redis.ManagedRedis | storage.ManagedStorage

PGDATA = "/var/lib/postgresql/data"
"""Where PostgreSQL's image keeps the data unless it is configured otherwise."""
# A redis with an append-only log that is missing starts empty: write the log while the data is in memory.
WRITE_LOG = (
    'export REDISCLI_AUTH="$REDIS_PASSWORD"; redis-cli config set appendonly yes && '
    'until redis-cli info persistence | grep -cE "aof_rewrite_(in_progress|scheduled):0" | grep -q 2; '
    "do sleep 1; done"
)
"""What has a running redis write its log: for the shell of its container."""


@dataclass(frozen=True)
class _Source:
    """How a data module was run."""

    module: str
    workload: str
    """Name of what ran it, in the old deployment as in the stack."""
    directory: str
    credentials: Mapping[Credential, tuple[str, ...]]
    """Variables that held each credential."""
    literals: Mapping[str, str] = field(default_factory=dict[str, str])
    """Variable that held a setting, by its key."""


_SOURCES = (
    _Source(
        database.MODULE,
        database.NAME,
        PGDATA,
        {Credential.DATABASE_PASSWORD: ("POSTGRES_PASSWORD",)},
        {"database.user": "POSTGRES_USER", "database.name": "POSTGRES_DB"},
    ),
    _Source(redis.MODULE, redis.NAME, "/data", {Credential.REDIS_PASSWORD: ("REDIS_PASSWORD",)}),
    _Source(
        storage.MODULE,
        storage.NAME,
        "/data",
        {
            Credential.STORAGE_ACCESS_KEY: ("MINIO_ROOT_USER", "RUSTFS_ACCESS_KEY"),
            Credential.STORAGE_SECRET_KEY: ("MINIO_ROOT_PASSWORD", "RUSTFS_SECRET_KEY"),
        },
    ),
)


def take_over(settings: Settings, live: Live, given: Container[str], stack: str, *, stateless: bool = True) -> Takeover:
    """What the stack needs to take over the data of a namespace.

    Args:
        settings: The stack as it is declared now.
        live: What runs.
        given: Credentials that the stack has already.
        stack: Name of the stack.
        stateless: The state has no generated value, so those of objects that the stack made are taken from there.
    """
    found = _Found()
    for source in _SOURCES:
        own = settings.data_modules[source.module]
        # A cluster takes no volume over: its data is moved.
        if not isinstance(own, Managed) or not own.runs_pods:
            continue
        workload = next((one for one in live.workloads(source.workload) if not _ours(one, stack)), None)
        if workload is None:
            found.volume(source.module, own.claim, live)
        else:
            _take(source, own, workload, live, found, given)
    if stateless:
        found.settings += _lost(settings, live, given, stack)
    return Takeover(tuple(found.settings), tuple(found.volumes), tuple(found.steps), tuple(found.obstacles))


def with_owners(cluster: Cluster, live: Live) -> Live:
    """The same with the owners of the data, as the running pods see them; raises ClusterError."""
    owners: dict[str, FileOwner] = {}
    for source in _SOURCES:
        for workload in live.workloads(source.workload):
            directory = _directory(source, workload, live)
            container, _ = container_at(workload, directory)
            owner = measured(cluster, live.namespace, workload, container["name"], directory)
            if owner is not None:
                owners[source.workload] = owner
    return replace(live, owners=owners)


def _directory(source: _Source, workload: Object, live: Live) -> str:
    """Where a server keeps its data: what is set on the workload itself counts, not what its image does without."""
    first = workload["spec"]["template"]["spec"]["containers"][0]
    return (live.value(first, "PGDATA") if source.module == database.MODULE else None) or source.directory


def _lost(settings: Settings, live: Live, given: Container[str], stack: str) -> Iterator[Setting]:
    """Generated values of a stack whose state is gone, as its own Secrets have them."""
    for credential, held in in_secrets(settings):
        secret = live.get("Secret", held.secret)
        # The URL of an external database is given.
        if credential is Credential.DATABASE_URL or credential in given or secret is None:
            continue
        value = live.decoded(held.secret, held.key)
        if value is not None and _ours(secret, stack):
            yield Setting(str(credential), value, "in use, and not in the state", secret=True)


def _ours(item: Object, stack: str) -> bool:
    labels = item["metadata"].get("labels") or {}
    return labels.get("app.kubernetes.io/managed-by") == "pulumi" and labels.get("app.kubernetes.io/instance") == stack


@dataclass
class _Found:
    """What has been found so far."""

    settings: list[Setting] = field(default_factory=list[Setting])
    volumes: list[DataVolume] = field(default_factory=list[DataVolume])
    steps: list[Step] = field(default_factory=list[Step])
    obstacles: list[str] = field(default_factory=list[str])

    def volume(self, module: str, claim: str, live: Live) -> None:
        """Note a module's claim and the volume behind it, if it is there."""
        item = live.get("PersistentVolumeClaim", claim)
        name = (item or {}).get("spec", {}).get("volumeName", "")
        if name:
            policy = live.volumes.get(name, {}).get("spec", {}).get("persistentVolumeReclaimPolicy", "unknown")
            self.volumes.append(DataVolume(module, claim, name, policy))


def _take(source: _Source, own: Managed, workload: Object, live: Live, found: _Found, given: Container[str]) -> None:
    directory = _directory(source, workload, live)
    container, place = container_at(workload, directory)
    what = f"{workload['kind']} {source.workload}"
    claim = live.claim_of(workload, place.volume) if place else None
    item = live.get("PersistentVolumeClaim", claim) if claim else None
    if place is None or item is None:
        missing = f"claim {claim} is not there" if claim else f"{directory} is on no claim"
        found.obstacles.append(
            f"{source.module}: {what}: {missing}: its data goes with its pod. Dump it and delete the "
            f"{workload['kind']}, or only delete it if nobody needs the data"
        )
        return
    found.obstacles += _unfit(source, own, workload, container, place, item)
    found.settings += _claim_settings(source.module, own, item, live)
    found.settings += _image_settings(own, container)
    needs = list(owner_settings(source.module, own, workload, container, live))
    found.settings += [need for need in needs if isinstance(need, Setting)]
    found.obstacles += [need for need in needs if isinstance(need, str)]
    _credentials(source, own, container, live, found, given)
    found.volume(source.module, item["metadata"]["name"], live)
    found.steps += _steps(source, workload, container, live, given_away(own, workload, container, live, place.volume))


def _unfit(
    source: _Source, own: Managed, workload: Object, container: Object, place: Place, claim: Object
) -> list[str]:
    """Why the stack's own server cannot use this volume."""
    what, name = f"{source.module}: {workload['kind']} {source.workload}", claim["metadata"]["name"]
    reasons: list[str] = []
    if workload["spec"].get("replicas", 1) > 1:
        reasons.append(f"{what} runs {workload['spec']['replicas']} pods, the stack runs one: scale it to 1 first")
    modes = claim["spec"]["accessModes"]
    if modes != ["ReadWriteOnce"]:
        reasons.append(
            f"{what}: claim {name} is {', '.join(modes)}, the stack's are ReadWriteOnce: move the data by dump"
        )
    if isinstance(own, database.ManagedDatabase):
        reasons += _unfit_postgres(what, own, container, place)
    return reasons


def _unfit_postgres(what: str, own: database.ManagedDatabase, container: Object, place: Place) -> list[str]:
    reasons: list[str] = []
    wanted = server_environment(own)["PGDATA"].removeprefix(f"{database.MOUNT_PATH}/")
    if place.path != wanted:
        reasons.append(
            f"{what} keeps its data in directory {place.path} of the volume, the stack looks in {wanted} and would "
            "start empty: stop it and move the files, or move the data by dump"
        )
    found, ours = major(container["image"]), major(f":{own.image.tag_or(versions.DATABASE)}")
    if found != ours:
        reasons.append(
            f"{what} runs PostgreSQL {found or '?'}, the stack {ours or '?'}: set database.image.tag to the same major "
            "version, or move the data by dump"
        )
    return reasons


def _claim_settings(module: str, own: Managed, claim: Object, live: Live) -> list[Setting]:
    name, spec = claim["metadata"]["name"], claim["spec"]
    size, class_name = spec["resources"]["requests"]["storage"], spec.get("storageClassName")
    settings: list[Setting] = []
    if name != own.claim:
        settings.append(Setting(f"{module}.claimName", name, "the claim that holds the data"))
    grows = bool(live.classes.get(class_name or "", {}).get("allowVolumeExpansion"))
    if memory_bytes(size) > memory_bytes(own.size):
        settings.append(Setting(f"{module}.size", size, "no volume shrinks"))
    elif memory_bytes(size) < memory_bytes(own.size) and not grows:
        settings.append(Setting(f"{module}.size", size, f"storage class {class_name} lets no volume grow"))
    if own.storage_class not in (None, class_name):
        settings.append(Setting(f"{module}.storageClass", class_name or "", "the class of a claim does not change"))
    return settings


def _image_settings(own: Managed, container: Object) -> list[Setting]:
    if not isinstance(own, storage.ManagedStorage):
        return []
    server = "minio" if "minio" in container["image"] else "rustfs" if "rustfs" in container["image"] else own.server
    why = "another server does not read this one's volume"
    return [Setting("storage.server", server, why)] if server != own.server else []


def _credentials(
    source: _Source, own: Managed, container: Object, live: Live, found: _Found, given: Container[str]
) -> None:
    """The passwords in use, and with which names the data was made."""
    for key, variable in source.literals.items():
        value = live.value(container, variable)
        if value is not None and value != getattr(own, key.partition(".")[2]):
            found.settings.append(Setting(key, value, "the data was made with it"))
    if own.existing_secret:
        return
    for credential, variables in source.credentials.items():
        value = next((value for name in variables if (value := live.value(container, name))), None)
        if value is not None and credential not in given:
            found.settings.append(Setting(str(credential), value, f"in use by {source.workload}", secret=True))
        elif credential is Credential.DATABASE_PASSWORD and credential not in given:
            found.obstacles.append(
                f"{source.module}: its password is in no variable of {source.workload}: arches config set {credential}"
            )


def _steps(source: _Source, workload: Object, container: Object, live: Live, stopped: Sequence[str]) -> list[Step]:
    """What a person does; `stopped` are commands for the time in which the old server does not run."""
    kind = workload["kind"].lower()
    target = f"{kind}/{source.workload}"
    steps: list[Step] = []
    words = " ".join([*(container.get("command") or []), *(container.get("args") or [])])
    running = workload["spec"].get("replicas", 1) > 0
    if source.module == redis.MODULE and "appendonly yes" not in words and running:
        steps.append(
            Step(
                BEFORE,
                "redis kept no append-only file, and the stack's redis would start empty without one",
                (live.kubectl(f"exec {target} -- sh -c '{WRITE_LOG}'"),),
            )
        )
    if running and (kind != "statefulset" or stopped):
        why = "its files get another owner" if stopped else "no two servers may write to one volume"
        stop = (live.kubectl(f"scale {target} --replicas=0"), *stopped)
        steps.append(Step(BEFORE, f"{source.module} stops: {why}", stop))
    if kind != "statefulset":
        steps.append(Step(AFTER, f"{source.module}: nothing runs it any more", (live.kubectl(f"delete {target}"),)))
    return steps
