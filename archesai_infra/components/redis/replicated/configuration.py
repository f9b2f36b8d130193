"""Configuration files of a replicated redis: its servers, their Sentinels and the proxies in front."""

from __future__ import annotations

from collections.abc import Iterator

from archesai_infra.components.base.scripts import scripts
from archesai_infra.components.redis.configuration import configuration
from archesai_infra.components.redis.replicated.names import COUNT, HOSTS, PODS
from archesai_infra.components.redis.replicated.tls import checked_by_tls, client_by_tls, tls_lines
from archesai_infra.components.redis.settings import PORT, ReplicatedRedis
from archesai_infra.components.redis.users import rules

SENTINEL_PORT = 26379
GROUP_PORTS = (PORT, SENTINEL_PORT)
HEALTH_PORT = 8405

SENTINEL = f"""\
port {SENTINEL_PORT}
dir /tmp
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
"""
"""What all Sentinels have in common."""

_REPLICATION = """\
# A primary that lost all its replicas may be cut off while another was chosen: it takes no writes.
min-replicas-to-write 1
min-replicas-max-lag 10
"""

_PACKAGE = "archesai_infra.components.redis"
_SCRIPTS = ("common.sh", "server.sh", "sentinel.sh", "follow.sh", "ready.sh", "handover.sh")

_PROXY_HEAD = f"""\
global
  maxconn 4096
  # Clients keep their connections: a proxy that stops would wait for them until it is killed.
  hard-stop-after 15s

defaults
  mode tcp
  timeout connect 2s
  timeout check 2s
  timeout client 24h
  timeout server 24h
  option clitcpka
  option srvtcpka

resolvers cluster
  nameserver service "${{NAMESERVER}}"
  accepted_payload_size 8192
  timeout resolve 1s
  timeout retry 1s
  hold valid 2s
  # Another pod may get the address of one that is gone; a name service that does not answer changes nothing.
  hold nx 5s
  hold obsolete 5s
  hold timeout 24h
  hold refused 24h
  hold other 24h

frontend health
  mode http
  bind "${{LISTEN}}:{HEALTH_PORT}" v4v6
  acl named nbsrv(named_0) ge 2
  acl named nbsrv(named_1) ge 2
  acl named nbsrv(named_2) ge 2
  monitor-uri /health
  monitor fail unless named

frontend redis
  bind "${{LISTEN}}:{PORT}" v4v6
"""


def server_files(settings: ReplicatedRedis) -> dict[str, str]:
    """What each pod of servers mounts: configuration without passwords, and the scripts of its containers."""
    texts = {
        "redis.conf": configuration(settings) + _REPLICATION,
        "sentinel.conf": SENTINEL,
        "users": rules(settings),
    }
    files = texts | scripts(_PACKAGE, "repair.sh") | scripts(f"{_PACKAGE}.replicated", *_SCRIPTS)
    if settings.tls is not None:
        files["redis.conf"] += tls_lines(PORT)
        files["sentinel.conf"] += tls_lines(SENTINEL_PORT)
        files["common.sh"] = client_by_tls(files["common.sh"])
    return files


def proxy_files(*, tls: bool) -> dict[str, str]:
    """What each proxy mounts."""
    return {"haproxy.cfg": proxy(tls=tls)} | scripts(f"{_PACKAGE}.replicated", "proxy.sh")


def proxy(*, tls: bool) -> str:
    """`haproxy.cfg`: all connections go to the server that calls itself primary and that two Sentinels call so.

    A former primary that was cut off still calls itself so; the Sentinels alone may name one that is gone.
    """
    return "\n".join(
        [_PROXY_HEAD + "".join(_rules()), *(part for number in range(COUNT) for part in _pod(number, tls=tls))]
    )


def _rules() -> Iterator[str]:
    for number in range(COUNT):
        yield f"  use_backend primary_{number} if {{ nbsrv(primary_{number}) ge 1 }} {{ nbsrv(named_{number}) ge 2 }}\n"


def _pod(number: int, *, tls: bool) -> tuple[str, str]:
    name = "SENTINEL\\ GET-MASTER-ADDR-BY-NAME\\ archesai\\r\\n"
    servers = "".join(_server(f"sentinel_{other}", other, SENTINEL_PORT, tls=tls) for other in range(COUNT))
    closing = " on-marked-down shutdown-sessions"
    return (
        _backend(f"primary_{number}", "INFO\\ replication\\r\\n", "role:master")
        + _server(f"server_{number}", number, PORT, closing, tls=tls),
        _backend(f"named_{number}", name, f"{PODS[number]}.") + servers,
    )


def _backend(name: str, question: str, answer: str) -> str:
    return (
        f"backend {name}\n"
        "  option tcp-check\n"
        '  tcp-check send-binary "${AUTH}"\n'
        "  tcp-check expect string +OK\n"
        f"  tcp-check send {question}\n"
        f"  tcp-check expect string {answer}\n"
    )


def _server(name: str, number: int, port: int, more: str = "", *, tls: bool) -> str:
    more += checked_by_tls(HOSTS[number]) if tls else ""
    where = f'"{HOSTS[number]}.${{DOMAIN}}:{port}"'
    return f"  server {name} {where} check inter 1s fall 1 rise 1 resolvers cluster init-addr none{more}\n"
