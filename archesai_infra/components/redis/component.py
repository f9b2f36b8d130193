"""Redis: managed in the cluster with an append-only file, external, or on the developer's machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from archesai_infra import versions
from archesai_infra.components.base.certificates import authority, certificate_secret, server_files, service_names
from archesai_infra.components.base.component import secret_key
from archesai_infra.components.base.context import Context, Endpoint
from archesai_infra.components.base.external_secrets import Value
from archesai_infra.components.base.peers import CA_FILE
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.base.scripts import scripts
from archesai_infra.components.redis.configuration import configuration
from archesai_infra.components.redis.replicated.names import HOSTS, PROXY
from archesai_infra.components.redis.replicated.proxies import Proxies, ProxiesArgs
from archesai_infra.components.redis.replicated.servers import Servers, ServersArgs
from archesai_infra.components.redis.replicated.tls import CA_PATH as CERTIFICATE_PATH
from archesai_infra.components.redis.settings import (
    MODULE,
    NAME,
    PASSWORD_KEY,
    PORT,
    ExternalRedis,
    ManagedRedis,
    ReplicatedRedis,
)
from archesai_infra.components.redis.users import PROXY as PROXY_USER
from archesai_infra.components.redis.users import Login, logins, rules
from archesai_infra.credentials import Credential, Credentials
from archesai_infra.kube.labels import selector
from archesai_infra.kube.pods import SecretKey, container
from archesai_infra.kube.probes import Probes, exec_probe, tcp_probe
from archesai_infra.kube.volumes import Mount, claim, config_files, projected_secrets, scratch

SECRETS_PATH = "/run/secrets/archesai"
CONFIG_PATH = "/etc/redis"
RUN_PATH = "/run/redis"
_PACKAGE = "archesai_infra.components.redis"


@dataclass(frozen=True)
class RedisConnection:
    """What a consumer needs; it does not tell who runs the server."""

    endpoint: Endpoint
    password: SecretKey | None
    """None where the server wants none."""
    secret_values: tuple[pulumi.Output[str], ...]
    """Values whose change must roll the consumer; empty for an existing Secret."""
    logins: Mapping[str, Login] = field(default_factory=dict[str, Login])
    """Users besides the application's, by their names; none where others run the server."""
    user: str | None = None
    """The one user of operations on a server that others run."""
    tls: bool = False
    certificate: Mount | None = None
    """File of the authority that the server's certificate is checked against."""

    servers: tuple[str, ...] = ()
    """Names of the servers behind the endpoint, where there are several."""

    @property
    def certificate_file(self) -> str | None:
        """Path of that file in each client."""
        return f"{self.certificate.path}/{CA_FILE}" if self.certificate else None

    @property
    def mounts(self) -> list[Mount]:
        """Volumes of every client."""
        return [self.certificate] if self.certificate else []

    def login(self, user: str) -> Login:
        """Who a consumer is: its own user, or the application's where the server has no other."""
        return self.logins.get(user) or Login(self.user, self.password, self.secret_values)


@dataclass(frozen=True)
class RedisArgs:
    """What the component is built from."""

    settings: ManagedRedis | ReplicatedRedis | ExternalRedis
    credentials: Credentials


class Redis(RunningComponent):
    """Redis in any of its forms, and the Secret with its password."""

    connection: RedisConnection

    def __init__(self, context: Context, args: RedisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Redis", "redis", context, opts)
        settings = args.settings
        if isinstance(settings, ExternalRedis):
            self.connection = self._external(settings, args.credentials)
        elif isinstance(settings, ReplicatedRedis):
            self.connection = self._replicated(settings, args.credentials)
        else:
            self.connection = self._managed(settings, args.credentials)
        self.register_outputs({})

    def _external(self, settings: ExternalRedis, credentials: Credentials) -> RedisConnection:
        password, values = (None, ()) if settings.auth == "none" else self._password(settings, credentials)
        certificate = settings.ca.mount("redis-ca", CERTIFICATE_PATH) if settings.ca else None
        endpoint = Endpoint(settings.host, settings.port)
        return RedisConnection(
            endpoint, password, values, user=settings.user, tls=settings.tls, certificate=certificate
        )

    def _managed(self, settings: ManagedRedis, credentials: Credentials) -> RedisConnection:
        password, values = self._password(settings, credentials)
        self.service(NAME, {"redis": PORT}, settings.run_on_host)
        hosted = settings.run_on_host is not None
        users = {} if hosted else logins(self, settings)
        connection = RedisConnection(Endpoint(NAME, PORT), password, values, users)
        if not hosted:
            self._server(settings, connection, password)
        return connection

    def _replicated(self, settings: ReplicatedRedis, credentials: Credentials) -> RedisConnection:
        password, values = self._password(settings, credentials)
        self.service(NAME, {"redis": PORT}, selected=selector(PROXY, self.context.instance))
        secret = certificate_secret(self, settings.tls, self._names()) if settings.tls else None
        connection = RedisConnection(
            Endpoint(NAME, PORT),
            password,
            values,
            logins(self, settings),
            tls=secret is not None,
            certificate=authority(MODULE, secret, CERTIFICATE_PATH) if secret is not None else None,
            servers=HOSTS,
        )
        certificate = server_files(secret) if secret is not None else None
        passwords = self._passwords(connection, password)
        servers = ServersArgs(settings, passwords, _all_values(connection), certificate)
        running = Servers(self.context, servers, self.child())
        # New proxies come with new passwords, which the servers know when their rollout is over.
        after = self.child(depends_on=[running])
        proxies = ProxiesArgs(settings, connection.login(PROXY_USER), connection.certificate)
        Proxies(self.context, proxies, after)
        return connection

    def _names(self) -> list[str]:
        """Names in the certificate: the address, and each server's by which proxies check and the exporter asks."""
        return [*service_names(NAME, self.context.namespace), *HOSTS]

    def _password(
        self, settings: ManagedRedis | ReplicatedRedis | ExternalRedis, credentials: Credentials
    ) -> tuple[SecretKey, tuple[pulumi.Output[str], ...]]:
        if settings.existing_secret:
            return secret_key(settings.existing_secret, PASSWORD_KEY), ()
        if self.context.external:
            values = [Value.REDIS_PASSWORD]
            filled = self.external_secret(NAME, {PASSWORD_KEY: Value.REDIS_PASSWORD.template}, values)
            return secret_key(filled, PASSWORD_KEY), ()
        password = credentials.get(Credential.REDIS_PASSWORD)
        if password is None:
            version = 1 if isinstance(settings, ExternalRedis) else settings.password_version
            password = self.generated("password", version=version)
        return secret_key(self.secret(NAME, {PASSWORD_KEY: password}), PASSWORD_KEY), (password,)

    def _server(self, settings: ManagedRedis, connection: RedisConnection, password: SecretKey) -> None:
        data = self.data_claim(settings.claim, settings.size, settings.storage_class)
        files = {"redis.conf": configuration(settings), "users": rules(settings)} | scripts(
            _PACKAGE, "start.sh", "ping.sh", "repair.sh"
        )
        config = self.config_map("redis-config", files)
        mounts = [
            claim("data", "/data", data.metadata.name),
            config_files("config", CONFIG_PATH, config.metadata.name),
            self._passwords(connection, password),
            scratch("run", RUN_PATH, "1Mi", memory=True),
            scratch("tmp", "/tmp", "64Mi"),
        ]
        ping = ["/bin/sh", f"{CONFIG_PATH}/ping.sh"]
        server = container(
            name="redis",
            image=self.context.image(settings.image, versions.REDIS),
            pull_policy=self.context.pull_policy,
            resources=settings.resources.requirements(),
            command=["/bin/sh", f"{CONFIG_PATH}/start.sh"],
            ports={"redis": PORT},
            mounts=mounts,
            probes=Probes(
                startup=exec_probe(ping, period=2, failures=300),
                readiness=exec_probe(ping, period=10, failures=3),
                liveness=tcp_probe(PORT, period=10, failures=6),
            ),
        )
        # A stop writes the whole data set once more.
        values = _all_values(connection)
        pod = Pod(NAME, [server], mounts, settings.scheduling, 60, values, security=settings.security)
        self.stateful_set(pod, {"redis": PORT})

    def _passwords(self, connection: RedisConnection, password: SecretKey) -> Mount:
        """The application's password, and each other user's in a file of its name."""
        sources = [(password.name, {PASSWORD_KEY: PASSWORD_KEY})]
        for name, user in connection.logins.items():
            if user.password is not None:
                sources.append((user.password.name, {user.password.key: name}))
        return projected_secrets("password", SECRETS_PATH, sources)


def _all_values(connection: RedisConnection) -> tuple[pulumi.Output[str], ...]:
    """What rolls a server: each user's password."""
    return (*connection.secret_values, *(v for user in connection.logins.values() for v in user.secret_values))
