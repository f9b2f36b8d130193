"""What a stack's servers hold, so that it can be compared after a loss: rows, keys and objects."""

from __future__ import annotations

import base64
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from archesai_infra.components import database, redis, storage
from testbed.node.deployed import DeployedStack
from testbed.node.rig import Nodes

_ROWS = """
drop table if exists orders;
create table orders as select id, md5(id::text) as what, now() as at from generate_series(1, 20000) id;
create index on orders (what)
"""
_ROWS_DIGEST = "select count(*), md5(string_agg(o::text, ',' order by id)) from orders o"
_LOGIN = 'export REDISCLI_AUTH="$(cat /run/secrets/archesai/REDIS_PASSWORD)"; '
_KEYS = _LOGIN + 'for number in $(seq 100); do echo "set key:$number value:$number"; done | redis-cli >/dev/null'
_KEYS_DIGEST = _LOGIN + 'for number in $(seq 100); do echo "get key:$number"; done | redis-cli | sha256sum'
_KEYS_COUNT = _LOGIN + "redis-cli dbsize"
_KEYS_LOSS = _LOGIN + 'for number in $(seq 50); do echo "del key:$number"; done | redis-cli'
_OBJECTS = 20


@dataclass(frozen=True)
class Content:
    """Digests of what there is."""

    rows: str
    keys: str
    objects: str


def fill(nodes: Nodes, stack: DeployedStack) -> None:
    """Something to lose on each server."""
    stack.sql(_ROWS)
    stack.exec("redis", "sh", "-c", _KEYS)
    with tempfile.TemporaryDirectory() as directory:
        for number in range(_OBJECTS):
            (Path(directory) / f"{number}.txt").write_text(sha256(str(number).encode()).hexdigest() * number * 100)
        _rclone(nodes, stack, "copy", directory, f"s3:{_bucket(stack)}/files")


def content(nodes: Nodes, stack: DeployedStack) -> Content:
    """What the servers answer now."""
    found = {module: digest(nodes, stack, module) for module in (database.MODULE, redis.MODULE, storage.MODULE)}
    assert len(found[storage.MODULE].splitlines()) >= _OBJECTS, found
    keys = f"{found[redis.MODULE]}{count(nodes, stack, redis.MODULE)}"
    return Content(found[database.MODULE], keys, found[storage.MODULE])


def digest(nodes: Nodes, stack: DeployedStack, module: str) -> str:
    """Of what `fill` has put there, whatever a module holds besides."""
    if module == database.MODULE:
        return stack.sql(_ROWS_DIGEST)
    if module == redis.MODULE:
        return stack.exec("redis", "sh", "-c", _KEYS_DIGEST)
    lines = _rclone(nodes, stack, "hashsum", "sha256", "--download", f"s3:{_bucket(stack)}/files").splitlines()
    return "\n".join(sorted(lines))


def count(nodes: Nodes, stack: DeployedStack, module: str) -> int:
    """How many rows of writers, keys or objects a module holds."""
    if module == database.MODULE:
        there = stack.sql("select to_regclass('writes') is not null") == "t"
        return int(stack.sql("select count(*) from writes")) if there else 0
    if module == redis.MODULE:
        return int(stack.exec("redis", "sh", "-c", _KEYS_COUNT))
    return len(_rclone(nodes, stack, "lsf", "--recursive", "--files-only", f"s3:{_bucket(stack)}").splitlines())


def damage(nodes: Nodes, stack: DeployedStack, module: str) -> None:
    """Lose about half of what `fill` has put there."""
    if module == database.MODULE:
        stack.sql("delete from orders where id % 2 = 0")
    elif module == redis.MODULE:
        stack.exec("redis", "sh", "-c", _KEYS_LOSS)
    else:
        _rclone(nodes, stack, "delete", "--include", "1*.txt", f"s3:{_bucket(stack)}/files")


def _bucket(stack: DeployedStack) -> str:
    return stack.evaluation.settings.storage.bucket


def _rclone(nodes: Nodes, stack: DeployedStack, *words: str) -> str:
    """What rclone prints in the network of the api, which may connect to the storage."""
    secret = stack.cluster.api.get("v1", "Secret", "archesai-storage", stack.namespace)["data"]
    keys = {key: base64.b64decode(value).decode() for key, value in secret.items()}
    options = {
        "TYPE": "s3",
        "PROVIDER": "Other",
        "ENDPOINT": f"http://{stack.pod('storage')['status']['podIP']}:{storage.PORT}",
        "ACCESS_KEY_ID": keys["ACCESS_KEY"],
        "SECRET_ACCESS_KEY": keys["SECRET_KEY"],
    }
    # Nothing of the tester's own, such as a proxy or a bundle of certificates.
    variables = ["-i", "PATH=/usr/bin:/bin", "RCLONE_CONFIG=/nonexistent/rclone.conf"]
    variables += [f"RCLONE_CONFIG_S3_{name}={value}" for name, value in options.items()]
    done = nodes.in_pod_network(stack.pod("api"), "env", *variables, "rclone", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout
