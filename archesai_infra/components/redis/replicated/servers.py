"""The servers of a replicated redis, each with its Sentinel and a volume of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import ContainerArgsDict, EnvVarArgsDict

from archesai_infra import versions
from archesai_infra.components.base.context import Context
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.base.settings import Resources
from archesai_infra.components.redis.replicated.configuration import SENTINEL_PORT, server_files
from archesai_infra.components.redis.replicated.names import COUNT, HOSTS, PODS, SERVERS, SERVERS_NAME, SERVICE
from archesai_infra.components.redis.settings import MODULE, PORT, ReplicatedRedis
from archesai_infra.kube.pods import container, environment
from archesai_infra.kube.probes import Probes, exec_probe, tcp_probe
from archesai_infra.kube.volumes import Mount, claim, config_files, scratch

CLAIM = "data"
CLAIMS = tuple(f"{CLAIM}-{pod}" for pod in PODS)
"""Claims by the names that the StatefulSet's pods look for."""
CONFIG_PATH = "/etc/redis"
_RUN_PATH = "/run/redis"
_GRACE_SECONDS = 90
"""Time to hand over, which the hook tries for 60 s, and to write the data set once more."""


@dataclass(frozen=True)
class ServersArgs:
    """What the servers are built from."""

    settings: ReplicatedRedis
    passwords: Mount
    secret_values: tuple[pulumi.Output[str], ...]
    certificate: Mount | None = None
    """Of the servers and Sentinels, where they speak TLS."""


class Servers(RunningComponent):
    """A StatefulSet of three: a rollout takes one pod after the other, and each hands over before it stops."""

    def __init__(self, context: Context, args: ServersArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("RedisServers", SERVERS, context, opts)
        self.data_of = MODULE
        settings = args.settings
        claims = [
            self.data_claim(name, settings.size, settings.storage_class, part=f"data-{number}")
            for number, name in enumerate(CLAIMS)
        ]
        config = self.config_map("redis-config", server_files(settings))
        mounts = [
            config_files("config", CONFIG_PATH, config.metadata.name),
            args.passwords,
            scratch("run", _RUN_PATH, "1Mi", memory=True),
            scratch("tmp", "/tmp", "64Mi"),
            *([args.certificate] if args.certificate else []),
        ]
        # The StatefulSet adds its volume to each pod.
        data = Mount(CLAIM, "/data", claim(CLAIM, "/data", CLAIMS[0]).volume)
        containers = [self._server(settings, [*mounts, data]), self._sentinel(settings, [*mounts, data])]
        pod = Pod(
            SERVERS_NAME,
            containers,
            mounts,
            settings.scheduling,
            _GRACE_SECONDS,
            args.secret_values,
            security=settings.security,
            apart=settings.apart,
        )
        ports = {"redis": PORT, "sentinel": SENTINEL_PORT}
        self.stateful_set(pod, ports, replicas=COUNT, claims=[CLAIM], depends_on=claims)
        self.register_outputs({})

    def _server(self, settings: ReplicatedRedis, mounts: list[Mount]) -> ContainerArgsDict:
        built = self._container("redis", "server", PORT, settings, settings.resources, mounts)
        built["lifecycle"] = {"pre_stop": {"exec_": {"command": _script("handover.sh")}}}
        return built

    def _sentinel(self, settings: ReplicatedRedis, mounts: list[Mount]) -> ContainerArgsDict:
        return self._container("sentinel", "sentinel", SENTINEL_PORT, settings, settings.sentinel_resources, mounts)

    def _container(
        self, name: str, script: str, port: int, settings: ReplicatedRedis, own: Resources, mounts: list[Mount]
    ) -> ContainerArgsDict:
        """A container that runs `<script>.sh` and serves a port of its name."""
        ready = _script("ready.sh", script)
        return container(
            name=name,
            image=self.context.image(settings.image, versions.VALKEY),
            pull_policy=self.context.pull_policy,
            resources=own.requirements(),
            command=_script(f"{script}.sh"),
            env=_environment(),
            ports={name: port},
            mounts=mounts,
            probes=Probes(
                startup=exec_probe(ready, period=2, failures=300),
                readiness=exec_probe(ready, period=10, failures=3),
                liveness=tcp_probe(port, period=10, failures=6),
            ),
        )


def _script(name: str, *words: str) -> list[str]:
    return ["/bin/sh", f"{CONFIG_PATH}/{name}", *words]


def _environment() -> list[EnvVarArgsDict]:
    plain: Mapping[str, str] = {"SERVICE": SERVICE, "HOSTS": " ".join(HOSTS)}
    pod_name: EnvVarArgsDict = {"name": "POD_NAME", "value_from": {"field_ref": {"field_path": "metadata.name"}}}
    return [pod_name, *environment(plain, {})]
