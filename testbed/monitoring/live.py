"""A real Prometheus that scrapes real exporters with real servers behind them, set up as the stack sets them up."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
import yaml

from archesai_infra.components.monitoring.alertmanager import configuration
from archesai_infra.components.storage import metrics as storage_metrics
from testbed.backups import object_store, postgres_server, redis_server, servers
from testbed.controlplane.ports import free_ports
from testbed.controlplane.processes import Processes
from testbed.monitoring import doubles
from testbed.monitoring.documented_metrics import JOBS, Documented
from testbed.monitoring.programs import exporter, knows_storage, program
from testbed.monitoring.stacks import backed_up, everything, of_kind, rule_groups, settings
from testbed.stacks import find

SCRAPES_WANTED = 12
"""Enough samples for every rate, at one a second."""
START_SECONDS = 180
PASSWORD = "plain"
TABLES = ("user", "session", "organization", "run", "artifact", "pipeline")


class Prometheus:
    """The API of a running Prometheus."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON
        """The data of an answer."""
        answer = urllib3.request("GET", f"{self.url}/api/v1/{path}", fields=query, timeout=30, retries=False).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expr: str) -> list[dict[str, Any]]:
        """What an expression yields now."""
        return self.get("query", query=expr)["result"]


def exporter_environment(module: str, secrets: Mapping[str, str], plain: Mapping[str, str]) -> dict[str, str]:
    """The environment that the stack gives an exporter, with the Secrets' values and the addresses of this machine."""
    container = find(everything(), "Deployment", f"archesai-{module}")["spec"]["template"]["spec"]["containers"][0]
    given: dict[str, str] = {}
    for variable in container["env"]:
        if "value" in variable:
            given[variable["name"]] = plain[variable["name"]]
        else:
            given[variable["name"]] = secrets[variable["valueFrom"]["secretKeyRef"]["key"]]
    return given


@contextmanager
def prometheus(directory: Path) -> Generator[Prometheus]:
    """Everything running, and every target scraped often enough for rates."""
    node = program("prometheus-node-exporter")
    binaries = [program("prometheus"), program("prometheus-alertmanager")]
    with ExitStack() as running:
        # First: the counts of its buckets are made in the meantime, and then kept for a minute.
        store = running.enter_context(_filled_store()) if knows_storage() else None
        database = running.enter_context(postgres_server.postgres())
        redis = running.enter_context(redis_server.redis())
        _fill(database, redis)
        api = running.enter_context(doubles.serving(doubles.Api().metrics))
        pages = {job: running.enter_context(doubles.serving(Documented(*JOBS[job]).metrics)) for job in JOBS}
        processes = Processes(directory)
        running.callback(processes.close)
        ports = _ports()
        database_env = exporter_environment("database-exporter", {"MONITOR_URL": database.url}, {})
        redis_env = exporter_environment(
            "redis-exporter",
            {"exporter": redis.user_password("exporter")},
            {"REDIS_ADDR": f"redis://127.0.0.1:{redis.port}", "REDIS_USER": "exporter"},
        )
        inherited = {"PATH": os.environ["PATH"]}
        listen = "--web.listen-address=127.0.0.1:{}".format
        processes.start("database", [exporter("postgres"), listen(ports["database"])], env=inherited | database_env)
        processes.start("redis", [exporter("redis"), listen(ports["redis"])], env=inherited | redis_env)
        processes.start("node", [node, listen(ports["node"])], env=inherited)
        jobs = [*_stack_jobs(ports, api), *_other_jobs(ports, pages), *(_storage_jobs(store) if store else [])]
        _start_prometheus(processes, binaries, directory, ports, jobs)
        server = Prometheus(ports["prometheus"])

        def work() -> None:
            redis.cli("GET", "key")
            if store is not None:
                store.rclone("lsf", "s3:arches")

        wanted = "up" if store is None else "minio_bucket_usage_total_bytes"
        _until_scraped(server, processes, len(jobs), wanted, work=work)
        yield server


@contextmanager
def _filled_store() -> Generator[object_store.ObjectStore]:
    """MinIO with a bucket, an object in it, and a question for one that is not there."""
    often = {"MINIO_SCANNER_CYCLE": "1s", "MINIO_SCANNER_SPEED": "fastest"}
    with object_store.object_store(often) as store, servers.place() as directory:
        (directory / "object").write_bytes(b"x" * 1_000_000)
        for words in (("mkdir", "s3:arches"), ("copy", str(directory / "object"), "s3:arches")):
            done = store.rclone(*words)
            assert done.returncode == 0, done.stderr
        store.rclone("cat", "s3:arches/absent")
        yield store


def _ports() -> dict[str, int]:
    names = ("database", "redis", "node", "prometheus", "alertmanager")
    return dict[str, int](zip(names, free_ports(len(names)), strict=True))


def _fill(database: postgres_server.Postgres, redis: redis_server.Redis) -> None:
    for table in TABLES:
        database.sql(f'CREATE TABLE "{table}" (id int); INSERT INTO "{table}" SELECT generate_series(1, 10)')
    # Debian's release of the exporter cannot read an escaped password; the one that the stack runs can.
    database.sql(f"ALTER ROLE admin PASSWORD '{PASSWORD}'")
    database.password = PASSWORD
    redis.cli("CONFIG", "SET", "maxmemory", "100mb")
    redis.cli("SET", "key", "value")
    redis.cli("GET", "key")


def _target(job: str, namespace: str, port: int, **more: str) -> dict[str, Any]:
    labels = {"namespace": namespace, "service": job, "pod": f"{job}-1", "container": "main", **more}
    return {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": labels}]}


def _stack_jobs(ports: Mapping[str, int], api: int) -> list[dict[str, Any]]:
    """The stack's own monitors, with the relabelling they ask for."""
    built: list[dict[str, Any]] = []
    by_component = {"api": api, "database-exporter": ports["database"], "redis-exporter": ports["redis"]}
    monitors = of_kind(everything(), "ServiceMonitor")
    for component, port in by_component.items():
        endpoint = monitors[f"archesai-{component}"]["spec"]["endpoints"][0]
        job = _target(f"archesai-{component}", "archesai", port, endpoint=endpoint["port"])
        job["relabel_configs"] = [_snake(relabeling) for relabeling in endpoint.get("relabelings", [])]
        built.append(job)
    return built


def _storage_jobs(store: object_store.ObjectStore) -> list[dict[str, Any]]:
    """The monitor's two pages, with the token that the stack makes of the server's keys."""
    monitor = of_kind(backed_up(), "ServiceMonitor")["archesai-storage"]
    built: list[dict[str, Any]] = []
    for endpoint in monitor["spec"]["endpoints"]:
        target = _target("archesai-storage", "archesai", urlsplit(store.url).port or 0, endpoint=endpoint["port"])
        labels = target["static_configs"][0]["labels"]
        labels |= {"job": target["job_name"], "__meta_kubernetes_service_name": "archesai-storage"}
        built.append(
            target
            | {
                "job_name": endpoint["path"],
                "metrics_path": endpoint["path"],
                "authorization": {"credentials": storage_metrics.token(store.access_key, store.secret_key)},
                "relabel_configs": [_snake(relabeling) for relabeling in endpoint["relabelings"]],
            }
        )
    return built


def _snake(relabeling: Mapping[str, Any]) -> dict[str, Any]:
    return {re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", key): value for key, value in relabeling.items()}


def _other_jobs(ports: Mapping[str, int], pages: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    return [
        _target("node-exporter", "node-exporter", ports["node"]),
        _target("kube-prometheus-stack-prometheus", "monitoring", ports["prometheus"]),
        _target("kube-prometheus-stack-alertmanager", "monitoring", ports["alertmanager"]),
        # As the charts' own monitors and ours on pods outside the stack have it.
        *(_target(*job, port) | {"honor_labels": True} for job, port in pages.items()),
    ]


def _start_prometheus(
    processes: Processes, binaries: list[str], directory: Path, ports: Mapping[str, int], jobs: list[dict[str, Any]]
) -> None:
    groups = [group | {"interval": "1s"} for group in rule_groups(backed_up())]
    (directory / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}), encoding="utf-8")
    document = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(directory / "rules.yaml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{ports['alertmanager']}"]}]}]},
        "scrape_configs": jobs,
    }
    (directory / "prometheus.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    routes = configuration(settings({"monitoring": {"enabled": True}}).monitoring.alerts, {})
    (directory / "alertmanager.yaml").write_text(json.dumps(routes), encoding="utf-8")
    processes.start(
        "alertmanager",
        [
            binaries[1],
            f"--config.file={directory / 'alertmanager.yaml'}",
            f"--storage.path={directory / 'alerts'}",
            f"--web.listen-address=127.0.0.1:{ports['alertmanager']}",
            "--cluster.listen-address=",
        ],
    )
    processes.start(
        "prometheus",
        [
            binaries[0],
            f"--config.file={directory / 'prometheus.yaml'}",
            f"--storage.tsdb.path={directory / 'metrics'}",
            f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
        ],
    )


def _until_scraped(
    server: Prometheus, processes: Processes, targets: int, wanted: str, *, work: Callable[[], object]
) -> None:
    """Wait for every target, and for `wanted`: MinIO's counts can come a minute late."""
    deadline = time.monotonic() + START_SECONDS
    lacking = "no answer"
    while time.monotonic() < deadline:
        processes.check()
        work()
        try:
            counts = server.query(f"sum_over_time(up[2m]) >= {SCRAPES_WANTED}")
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            # While it starts, it refuses connections or answers without JSON.
            lacking = str(error)
        else:
            lacking = f"{len(counts)} of {targets} targets scraped {SCRAPES_WANTED} times, or no {wanted}"
            if len(counts) == targets and server.query(wanted):
                return
        time.sleep(1)
    raise TimeoutError(f"{lacking} after {START_SECONDS} s; down: {server.query('up == 0')}")
