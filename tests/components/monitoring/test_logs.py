"""Logs: Loki takes its configuration and the dashboards' queries, and Alloy's configuration says what it reads."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from archesai_infra.components.monitoring import alloy
from testbed.controlplane.ports import free_ports
from testbed.controlplane.processes import Processes
from testbed.monitoring import charts
from testbed.monitoring.programs import program
from testbed.monitoring.stacks import EVERYTHING, everything, of_kind, queries
from testbed.stacks import Config, render

START_SECONDS = 120
IN_BUCKET: Config = EVERYTHING | {"monitoring": {"enabled": True, "logs": {"storage": "objectStorage"}}}


def _configuration(config: Config) -> dict[str, Any]:
    """Loki's configuration as the chart makes it of the stack's values."""
    objects = charts.render(render(config), "loki")
    text = next(item["data"]["config.yaml"] for item in objects if "config.yaml" in item.get("data", {}))
    return yaml.safe_load(text)


@pytest.mark.parametrize("config", [EVERYTHING, IN_BUCKET], ids=["on a volume", "in a bucket"])
def test_loki_takes_its_configuration(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(_configuration(config)), encoding="utf-8")
    variables = {"ACCESS_KEY": "made-up", "SECRET_KEY": "made-up"}
    done = subprocess.run(
        [program("loki"), "-verify-config", "-config.expand-env=true", f"-config.file={path}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=variables,
    )
    assert done.returncode == 0, done.stderr


def test_logs_are_kept_as_long_as_asked_for() -> None:
    built = _configuration(EVERYTHING | {"monitoring": {"enabled": True, "logs": {"retentionDays": 14}}})
    assert built["limits_config"]["retention_period"] == "336h"
    assert built["compactor"] == {"retention_enabled": True, "delete_request_store": "filesystem"}
    assert built["common"]["storage"] == {
        "filesystem": {"chunks_directory": "/var/loki/chunks", "rules_directory": "/var/loki/rules"}
    }


def test_the_keys_of_the_bucket_come_from_the_environment() -> None:
    s3 = _configuration(IN_BUCKET)["common"]["storage"]["s3"]
    assert (s3["access_key_id"], s3["secret_access_key"]) == ("${ACCESS_KEY}", "${SECRET_KEY}")
    assert (s3["bucketnames"], s3["s3forcepathstyle"], s3["insecure"]) == ("arches-logs", True, True)


@pytest.fixture(scope="module")
def loki(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A running Loki with the stack's configuration on loopback and a few lines of the stack's pods; its URL."""
    directory = tmp_path_factory.mktemp("loki")
    binary = program("loki")
    port, internal = free_ports(2)
    config = _configuration(EVERYTHING)
    config["common"] |= {
        "path_prefix": str(directory),
        "compactor_grpc_address": f"127.0.0.1:{internal}",
        "instance_addr": "127.0.0.1",
        "ring": {"kvstore": {"store": "inmemory"}},
        "storage": {"filesystem": {"chunks_directory": str(directory), "rules_directory": str(directory)}},
    }
    config["server"] |= {
        "http_listen_address": "127.0.0.1",
        "http_listen_port": port,
        "grpc_listen_address": "127.0.0.1",
        "grpc_listen_port": internal,
    }
    config["memberlist"] = {"bind_addr": ["127.0.0.1"], "bind_port": 0, "join_members": []}
    del config["runtime_config"], config["storage_config"]["bloom_shipper"]
    (directory / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    processes = Processes(directory / "logs")
    try:
        processes.start("loki", [binary, f"-config.file={directory / 'config.yaml'}", "-target=all"])
        url = f"http://127.0.0.1:{port}"
        _until_ready(url, processes)
        _push(url)
        yield url
    finally:
        processes.close()


def _until_ready(url: str, processes: Processes) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        processes.check()
        try:
            if urllib3.request("GET", f"{url}/ready", retries=False, timeout=2).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.5)
    raise TimeoutError(processes.tail("loki"))


def _push(url: str) -> None:
    labels = dict.fromkeys(alloy.LABELS, "x") | {"namespace": "archesai", "component": "api"}
    now = time.time_ns()
    lines = [json.dumps({"level": level, "message": "made up"}) for level in ("info", "error", "error")]
    stream = {"stream": labels, "values": [[str(now + number), line] for number, line in enumerate(lines)]}
    answer = urllib3.request("POST", f"{url}/loki/api/v1/push", json={"streams": [stream]}, timeout=30, retries=False)
    assert answer.status == 204, answer.data


LOG_QUERIES = queries(everything(), "loki")


@pytest.mark.parametrize("name", sorted(LOG_QUERIES))
def test_panel_of_logs_shows_what_alloy_brought(name: str, loki: str) -> None:
    expr = LOG_QUERIES[name].replace("$__auto", "5m")
    kind = "query" if "count_over_time" in expr else "query_range"
    answer = urllib3.request("GET", f"{loki}/loki/api/v1/{kind}", fields={"query": expr}, timeout=30, retries=False)
    assert answer.status == 200, answer.data
    assert answer.json()["data"]["result"], expr


def test_errors_are_told_from_other_lines_without_a_label_for_them(loki: str) -> None:
    expr = LOG_QUERIES["logs: Errors by component A"].replace("$__auto", "5m")
    answer = urllib3.request("GET", f"{loki}/loki/api/v1/query", fields={"query": expr}, timeout=30, retries=False)
    assert [(one["metric"], one["value"][1]) for one in answer.json()["data"]["result"]] == [
        ({"component": "api"}, "2")
    ]


DOCUMENTED = {
    "discovery.kubernetes": {"role", "namespaces", "names"},
    "discovery.relabel": {"targets", "rule", "source_labels", "target_label"},
    "loki.source.kubernetes": {"targets", "forward_to"},
    "loki.write": {"endpoint", "url"},
}
"""Arguments and blocks of each component that we use, as Alloy 1.18's reference names them."""


def _alloy() -> str:
    config = next(item for name, item in of_kind(everything(), "ConfigMap").items() if "alloy-config" in name)
    return config["data"]["config.alloy"]


def _components(text: str) -> dict[str, str]:
    """The body of each component by its name; a component begins and ends at the start of a line."""
    return dict(re.findall(r'^([a-z.]+) "[a-z]+" \{\n(.*?)^\}$', text, re.MULTILINE | re.DOTALL))


def test_alloy_is_told_only_what_its_reference_documents() -> None:
    components = _components(_alloy())
    assert set(components) == set(DOCUMENTED)
    for name, body in components.items():
        assert set(re.findall(r"^\s+([a-z_]+)(?=\s*[={])", body, re.MULTILINE)) == DOCUMENTED[name]
    assert _alloy().count("{") == _alloy().count("}")


def test_every_stage_of_alloy_hands_on_to_one_that_exists() -> None:
    text = _alloy()
    declared = {f"{kind}.{label}" for kind, label in re.findall(r'^([a-z.]+) "([a-z]+)" \{$', text, re.MULTILINE)}
    used = set(re.findall(r"= \[?([a-z]+(?:\.[a-z]+)+)\.(?:targets|output|receiver)\]?$", text, re.MULTILINE))
    assert used == {"discovery.kubernetes.pods", "discovery.relabel.pods", "loki.write.default"}
    assert used < declared


def test_alloy_reads_the_stacks_namespace_and_pushes_to_its_loki() -> None:
    assert 'names = ["archesai"]' in _alloy()
    assert 'url = "http://loki.monitoring.svc:3100/loki/api/v1/push"' in _alloy()
