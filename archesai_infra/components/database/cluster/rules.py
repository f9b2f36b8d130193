"""What the operator's webhook refuses beyond its schema, asked of the stack file: nothing has changed by then.

Source: internal/webhook/v1 of CloudNativePG 1.30.0, cluster_webhook.go and pooler_webhook.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from archesai_infra import versions
from archesai_infra.components.database.cluster.archive import rules as archive
from archesai_infra.components.database.cluster.pooler import Pooler
from archesai_infra.components.database.cluster.settings import ClusterSettings
from archesai_infra.components.database.cluster.spec import parameters
from archesai_infra.components.database.settings import ClusterDatabase, DatabasePod
from archesai_infra.quantities import memory_bytes

KEY = "database.cluster"
SHARED = frozenset({"enabled", "mode", "name", "application_user", "existing_secret", "password_version"})
"""Keys beside `cluster` that hold for it too."""
_AMOUNT = re.compile(r"([0-9]+)(B|kB|MB|GB|TB)")
_UNITS = {"B": 1, "kB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?")
_TAG = re.compile(r"[0-9]+")
_OWNED = re.compile(
    r"allow_system_table_mods|archive_(mode|command|cleanup_command)|bonjour(_name)?|cluster_name|config_file"
    r"|data_(directory|sync_retry)|event_source|external_pid_file|(hba|ident)_file|hot_standby|jit_provider"
    r"|listen_addresses|log_(destination|directory|file_mode|filename|rotation_age|rotation_size|truncate_on_rotation)"
    r"|logging_collector|pg_failover_slots\.(primary_dsn|standby_slot_names)|port|primary_(conninfo|slot_name)"
    r"|promote_trigger_file|recovery_(end_command|min_apply_delay|target.*)|restart_after_crash|restore_command"
    r"|shared_preload_libraries|ssl|ssl_(ca|cert|crl|dh_params|key)_file|ssl_ecdh_curve|ssl_passphrase_command.*"
    r"|ssl_prefer_server_ciphers|stats_temp_directory|synchron(ous_standby_names|ized_standby_slots)|syslog_.*"
    r"|temp_tablespaces|unix_socket_.*"
)
"""Parameters that the operator sets itself or that would get in its way."""
_POOLER_PARAMETER = re.compile(
    r"application_name_add_host|auth_type|autodb_idle_timeout|cancel_wait_timeout|client_(idle|login)_timeout"
    r"|client_tls_(ciphers|sslmode)|client_tls13_ciphers|default_pool_size|disable_pqexec|dns_(max|nxdomain)_ttl"
    r"|idle_transaction_timeout|ignore_startup_parameters|listen_backlog|log_(connections|disconnections|stats)"
    r"|log_pooler_errors|max_(client_conn|db_connections|packet_size|prepared_statements|user_connections)"
    r"|min_pool_size|pkt_buf|query_(wait_)?timeout|reserve_pool_(size|timeout)|sbuf_loopcnt|server_check_(delay|query)"
    r"|server_(connect|idle)_timeout|server_(fast_close|lifetime|login_retry|reset_query(_always)?|round_robin)"
    r"|server_tls_(ciphers|protocols|sslmode)|server_tls13_ciphers|stats_period|suspend_timeout"
    r"|tcp_(defer_accept|socket_buffer|keepalive|keepcnt|keepidle|keepintvl|user_timeout)|track_extra_parameters|verbose"
)
"""Parameters of PgBouncer that the operator passes on."""
_BOOLEANS = ("hot_standby_feedback", "sync_replication_slots", "wal_log_hints")
_TRUE, _FALSE = ("on", "true", "yes", "1"), ("off", "false", "no", "0")


def problems(settings: ClusterDatabase) -> Iterator[str]:
    """What does not fit, each as `key: problem and cure`."""
    own = settings.cluster
    yield from _single_pod(settings)
    yield from _logins(settings)
    yield from _replication(own)
    yield from _parameters(own)
    yield from _sizes(own)
    yield from _tolerations(own)
    if settings.pooler is not None:
        yield from _pooler(settings.pooler, own)
    yield from archive.problems(own)
    if not _TAG.match(tag := own.image.tag_or(versions.POSTGRES)):
        yield f"{KEY}.image.tag: must begin with PostgreSQL's major version, such as 16.15-standard-trixie (got {tag})"


def _single_pod(settings: ClusterDatabase) -> Iterator[str]:
    if settings.keeps_single_pod:
        return
    unused = settings.model_fields_set - SHARED - {"cluster", "single_pod", "pooler"}
    for name in sorted(unused & set(DatabasePod.model_fields)):
        key = DatabasePod.model_fields[name].alias or name
        yield (
            f"database.{key}: is the single pod's, which this stack does not keep: set what is meant below {KEY}, or "
            "remove the key"
        )


def _logins(settings: ClusterDatabase) -> Iterator[str]:
    if (settings.existing_secret is None) != (settings.cluster.existing_user_secret is None):
        yield (
            f"{KEY}.existingUserSecret: goes with database.existingSecret: the operator takes the application's "
            "password from a Secret of type kubernetes.io/basic-auth; set both or none"
        )
    if re.fullmatch(r"postgres|streaming_replica|(pg|cnpg)_.*", user := settings.application_user):
        yield f"database.applicationUser: {user} is a role of PostgreSQL or of the operator: name another"


def _replication(settings: ClusterSettings) -> Iterator[str]:
    wanted = settings.synchronous
    if wanted is not None and wanted.number >= settings.instances:
        yield (
            f"{KEY}.synchronous.number: {wanted.number} standbys need at least {wanted.number + 1} instances (got "
            f"{settings.instances}): raise {KEY}.instances, or set {KEY}.synchronous to null"
        )


def _parameters(settings: ClusterSettings) -> Iterator[str]:
    key = f"{KEY}.postgres.parameters"
    for name, value in sorted(settings.postgres.parameters.items()):
        if not _PARAMETER.fullmatch(name):
            yield f"{key}.{name}: is no name of a PostgreSQL parameter"
        elif _OWNED.fullmatch(name):
            yield f"{key}.{name}: belongs to the operator: remove it"
        elif name in _BOOLEANS and value.lower() not in (*_TRUE, *_FALSE):
            yield f"{key}.{name}: must be on or off (got {value})"
    several = settings.instances > 1
    if several and settings.postgres.parameters.get("wal_log_hints", "on").lower() in _FALSE:
        yield f"{key}.wal_log_hints: must be on, as an old primary could not rejoin without it: remove it"
    if (level := settings.postgres.parameters.get("wal_level", "logical")) not in ("logical", "replica"):
        yield f"{key}.wal_level: must be logical or replica, as standbys and the archive need it (got {level})"


def _sizes(settings: ClusterSettings) -> Iterator[str]:
    found: dict[str, int] = {}
    for name in ("shared_buffers", "min_wal_size", "max_wal_size"):
        value = parameters(settings)[name]
        if (amount := _AMOUNT.fullmatch(value)) is None:
            yield f"{KEY}.postgres.parameters.{name}: must be a number with a unit, such as 512MB or 4GB (got {value})"
            return
        found[name] = int(amount[1]) * _UNITS[amount[2]]
    requested = settings.resources.requests.memory
    if found["shared_buffers"] > memory_bytes(requested):
        yield (
            f"{KEY}.resources.requests.memory: {requested} does not hold shared_buffers "
            f"({found['shared_buffers'] // 2**20}MB): raise it, or lower {KEY}.postgres.sharedBuffers"
        )
    if found["min_wal_size"] >= found["max_wal_size"]:
        yield f"{KEY}.postgres.parameters.min_wal_size: must be less than max_wal_size"
    volume = settings.wal_storage or settings.storage
    if found["max_wal_size"] >= memory_bytes(volume.size):
        place, most = "walStorage" if settings.wal_storage else "storage", found["max_wal_size"] // 2**20
        yield f"{KEY}.{place}.size: must be more than max_wal_size ({most}MB, got {volume.size})"


_OPERATIONS = 15
"""Connections that the operator, a dump, a restore, a migration and a person at psql need."""


def _pooler(settings: Pooler, cluster: ClusterSettings) -> Iterator[str]:
    for name in sorted(settings.parameters):
        if not _POOLER_PARAMETER.fullmatch(name):
            yield (
                f"database.pooler.parameters.{name}: belongs to the operator, or PgBouncer has none of this name: "
                "remove it"
            )
    pods, most = settings.instances + 1, cluster.postgres.max_connections  # one more while a rollout goes on
    wanted = pods * (settings.pool_size + settings.reserve) + _OPERATIONS
    if wanted > most:
        yield (
            f"database.pooler.poolSize: {pods} pods with {settings.pool_size} connections, {settings.reserve} in "
            f"reserve and {_OPERATIONS} of operations need {wanted}: lower it, or raise {KEY}.postgres.maxConnections "
            f"(got {most})"
        )


def _tolerations(settings: ClusterSettings) -> Iterator[str]:
    for number, item in enumerate(settings.scheduling.tolerations):
        key = f"{KEY}.scheduling.tolerations.{number}"
        if item.key is None and item.operator != "Exists":
            yield f"{key}.operator: must be Exists where no key is set"
        if item.toleration_seconds is not None and item.effect != "NoExecute":
            yield f"{key}.effect: must be NoExecute where tolerationSeconds is set"
        if item.operator == "Exists" and item.value:
            yield f"{key}.value: must not be set where operator is Exists"
