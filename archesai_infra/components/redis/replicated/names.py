"""Names of a replicated redis: its components, its pods and the hosts by which they know each other."""

from __future__ import annotations

from archesai_infra.kube.names import object_name

SERVERS = "redis-server"
PROXY = "redis-proxy"
"""Components of the servers with their Sentinels, and of the proxies; labels and logical names begin with them."""
SERVERS_NAME = object_name(SERVERS)
PROXY_NAME = object_name(PROXY)
SERVICE = f"{SERVERS_NAME}-headless"
COUNT = 3
"""Servers, and Sentinels: two of three Sentinels decide."""
PODS = tuple(f"{SERVERS_NAME}-{number}" for number in range(COUNT))
HOSTS = tuple(f"{pod}.{SERVICE}" for pod in PODS)
"""Names of the servers' pods inside the namespace, by which Sentinels and replicas know each other."""
