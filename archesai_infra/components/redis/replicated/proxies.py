"""The proxies of a replicated redis: what `archesai-redis` leads to."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from archesai_infra import versions
from archesai_infra.components.base.context import Context
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.redis.replicated.configuration import HEALTH_PORT, proxy_files
from archesai_infra.components.redis.replicated.names import PROXY, PROXY_NAME
from archesai_infra.components.redis.settings import PORT, ReplicatedRedis
from archesai_infra.components.redis.users import PROXY as PROXY_USER
from archesai_infra.components.redis.users import Login
from archesai_infra.kube.pods import container
from archesai_infra.kube.probes import Probes, http_probe, stop_after_drain, tcp_probe
from archesai_infra.kube.volumes import Mount, config_files, projected_secrets

CONFIG_PATH = "/etc/haproxy"
COUNT = 2
_DRAIN_SECONDS = 5
_GRACE_SECONDS = 30
"""Above the drain and the 15 s after which HAProxy closes what clients keep open."""


@dataclass(frozen=True)
class ProxiesArgs:
    """What the proxies are built from."""

    settings: ReplicatedRedis
    login: Login
    """As whom they ask servers and Sentinels."""
    authority: Mount | None = None
    """What they check the servers' certificates against, where those speak TLS."""


class Proxies(RunningComponent):
    """Two of HAProxy; either leads every connection to the primary."""

    def __init__(self, context: Context, args: ProxiesArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("RedisProxies", PROXY, context, opts)
        own = args.settings.proxy
        config = self.config_map("redis-proxy-config", proxy_files(tls=args.authority is not None))
        mounts = [config_files("config", CONFIG_PATH, config.metadata.name)]
        if args.login.password is not None:
            sources = [(args.login.password.name, {args.login.password.key: PROXY_USER})]
            mounts.append(projected_secrets("password", "/run/secrets/archesai", sources))
        mounts += [args.authority] if args.authority else []
        proxy = container(
            name="haproxy",
            image=self.context.image(own.image, versions.HAPROXY),
            pull_policy=self.context.pull_policy,
            resources=own.resources.requirements(),
            command=["/bin/sh", f"{CONFIG_PATH}/proxy.sh"],
            ports={"redis": PORT, "health": HEALTH_PORT},
            mounts=mounts,
            probes=Probes(
                startup=tcp_probe(PORT, period=2, failures=30),
                readiness=http_probe("/health", HEALTH_PORT, period=2, failures=10),
                liveness=tcp_probe(PORT, period=10, failures=6),
            ),
            lifecycle=stop_after_drain(_DRAIN_SECONDS),
        )
        pod = Pod(
            PROXY_NAME,
            [proxy],
            mounts,
            own.scheduling,
            _GRACE_SECONDS,
            args.login.secret_values,
            apart=args.settings.apart,
        )
        self.deployment(pod, replicas=COUNT)
        self.register_outputs({})
