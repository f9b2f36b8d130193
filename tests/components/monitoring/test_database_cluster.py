"""Alerts on the cluster of PostgreSQL: each fires when it should and is silent when it should be."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from testbed.matrix import CLUSTER
from testbed.monitoring.case import Case
from testbed.monitoring.programs import program
from testbed.monitoring.stacks import alerts, dashboards, of_kind, rule_groups
from testbed.stacks import ROOT, Config, render

POOLED: Config = CLUSTER | {
    "database": {"mode": "cluster", "pooler": {}, "cluster": {"archive": {"enabled": True}}},
    "backups": {"enabled": True, "bucket": "backups"},
    "backupsAccessKey": "access-key-of-a-test",
    "backupsSecretKey": "secret-key-of-a-test",
    "monitoring": {"enabled": True},
}
GROUP = "archesai-database-cluster"
JOB = 'job="archesai/archesai-database-instances",namespace="archesai"'
POOLER = 'job="archesai/archesai-database-pooler",namespace="archesai",pod="archesai-pooler-a"'
FIRST, SECOND = (f'{JOB},pod="archesai-db-1-{number}"' for number in (1, 2))
NAMESPACE = {"namespace": "archesai"}


def own(pod: str) -> dict[str, str]:
    """Labels of a series of one instance."""
    return {"job": "archesai/archesai-database-instances", "namespace": "archesai", "pod": pod}


def recovery(first: str, second: str) -> dict[str, str]:
    """Which of two instances is a standby: `1` is one."""
    name = "cnpg_pg_replication_in_recovery"
    return {f"{name}{{{FIRST}}}": f"{first}x30", f"{name}{{{SECOND}}}": f"{second}x30"}


def connections(used: int) -> dict[str, str]:
    states = {"active": used - 10, "idle": 10}
    return {f'cnpg_backends_total{{{FIRST},state="{state}"}}': f"{count}x30" for state, count in states.items()}


def standbys(count: int) -> dict[str, str]:
    name = "cnpg_pg_replication_streaming_replicas"
    return {f"{name}{{{FIRST}}}": f"{count}x30", f"{name}{{{SECOND}}}": "0x30"}


def volume(used: int) -> dict[str, str]:
    claims = 'namespace="archesai",persistentvolumeclaim="archesai-db-1-2-wal"'
    return {f"kubelet_volume_stats_used_bytes{{{claims}}}": f"{used}x30"}


CASES: dict[str, Case] = {
    "DatabaseWithoutPrimary": Case(
        recovery("1", "1"), recovery("0", "1"), NAMESPACE, "No instance of the database takes writes."
    ),
    "DatabaseInstanceDown": Case(
        {f"cnpg_collector_up{{{SECOND}}}": "0x30"},
        {f"cnpg_collector_up{{{SECOND}}}": "1x30"},
        own("archesai-db-1-2"),
        "PostgreSQL does not answer in archesai-db-1-2.",
    ),
    "DatabaseInstanceConnectionsNearLimit": Case(
        connections(170),
        connections(150),
        NAMESPACE | {"pod": "archesai-db-1-1"},
        "85% of the connections of archesai-db-1-1 are in use.",
        other={f'cnpg_pg_settings_setting{{{FIRST},name="max_connections"}}': "200x30"},
    ),
    "DatabaseWithoutStandby": Case(
        standbys(0), standbys(1), NAMESPACE, "0 standbys of the database replicate: writes wait for another."
    ),
    "DatabaseStandbyMissing": Case(
        standbys(1),
        standbys(2),
        NAMESPACE,
        "1 of 2 standbys of the database replicate: a failover may be refused.",
    ),
    "DatabaseReplicationLags": Case(
        {f"cnpg_pg_replication_lag{{{SECOND}}}": "0+20x30"},
        {f"cnpg_pg_replication_lag{{{SECOND}}}": "5x30"},
        own("archesai-db-1-2"),
        "archesai-db-1-2 is 6m 40s behind the primary, or does not replay.",
    ),
    "DatabaseStandbyReceivesNothing": Case(
        {f"cnpg_pg_replication_is_wal_receiver_up{{{SECOND}}}": "0x30"},
        {f"cnpg_pg_replication_is_wal_receiver_up{{{FIRST}}}": "0x30"},
        own("archesai-db-1-2"),
        "The standby archesai-db-1-2 receives nothing from the primary.",
        other=recovery("0", "1"),
    ),
    "DatabaseArchivingFails": Case(
        {f"cnpg_pg_stat_archiver_last_failed_time{{{FIRST}}}": "2000x30"},
        {f"cnpg_pg_stat_archiver_last_failed_time{{{FIRST}}}": "-1x30"},
        own("archesai-db-1-1"),
        "archesai-db-1-1 cannot archive its log: the recoverable time ends, and the log's volume fills.",
        other={f"cnpg_pg_stat_archiver_last_archived_time{{{FIRST}}}": "1000x30"},
    ),
    "DatabaseBaseBackupStale": Case(
        {f"barman_cloud_cloudnative_pg_io_last_available_backup_timestamp{{{FIRST}}}": "-100000x150"},
        {f"barman_cloud_cloudnative_pg_io_last_available_backup_timestamp{{{FIRST}}}": "-86000x150"},
        NAMESPACE,
        "No base backup of the database has succeeded for 26 hours: a recovery takes ever longer, or is impossible.",
        at="2h",
    ),
    "DatabaseLogVolumeFills": Case(
        volume(90),
        volume(70),
        NAMESPACE | {"persistentvolumeclaim": "archesai-db-1-2-wal"},
        "90% of archesai-db-1-2-wal are in use; a full one stops writes.",
        other={
            "kubelet_volume_stats_capacity_bytes"
            '{namespace="archesai",persistentvolumeclaim="archesai-db-1-2-wal"}': "100x30"
        },
    ),
    "DatabasePoolerQueues": Case(
        {f"cnpg_pgbouncer_pools_maxwait{{{POOLER}}}": "8x30"},
        {f"cnpg_pgbouncer_pools_maxwait{{{POOLER}}}": "1x30"},
        NAMESPACE | {"pod": "archesai-pooler-a"},
        "Clients of archesai-pooler-a wait for 8s for a connection.",
    ),
}


def _group() -> dict[str, object]:
    (found,) = [group for group in rule_groups(render(POOLED)) if group["name"] == GROUP]
    return found


@pytest.mark.parametrize("name", CASES)
def test_alert_fires_and_says_what_is_wrong_and_is_silent_on_what_is_in_order(name: str, tmp_path: Path) -> None:
    case, rule = CASES[name], alerts(render(POOLED))[name]
    expected = {
        "exp_labels": rule["labels"] | case.labels,
        "exp_annotations": rule["annotations"] | {"summary": case.summary},
    }
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": key, "values": values} for key, values in (series | case.other).items()],
            "alert_rule_test": [{"eval_time": case.at, "alertname": name, "exp_alerts": alert}],
        }
        for series, alert in ((case.fire, [expected]), (case.quiet, []))
    ]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [_group()]}), encoding="utf-8")
    path = tmp_path / "test.yaml"
    path.write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": tests}), encoding="utf-8")
    done = subprocess.run(
        [program("promtool"), "test", "rules", path], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case_and_a_runbook() -> None:
    rules = _group()["rules"]
    assert isinstance(rules, list)
    names = {rule["alert"] for rule in rules}
    headings = re.findall(r"^### (\S+)$", (ROOT / "docs/operations.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert names == set(CASES)
    assert names <= set(headings)


def test_instances_and_the_pooler_are_read_in_place_of_an_exporter() -> None:
    built = render(POOLED)
    monitors = of_kind(built, "PodMonitor")
    wanted = {"cnpg.io/cluster": "archesai-db-1", "cnpg.io/podRole": "instance"}
    assert monitors["archesai-database-instances"]["spec"]["selector"]["matchLabels"] == wanted
    assert monitors["archesai-database-pooler"]["spec"]["podMetricsEndpoints"][0]["port"] == "metrics"
    assert not any("database-exporter" in name for name in of_kind(built, "Deployment"))
    missing = alerts(built)["TargetMissing"]["expr"]
    assert 'job="archesai/archesai-database-instances",namespace="archesai"' in missing
    assert "database-cluster" in dashboards(built)


def test_while_the_single_pod_serves_its_exporter_goes_on() -> None:
    serving = POOLED | {"database": {"mode": "cluster", "singlePod": "serving"}}
    found = of_kind(render(serving), "Deployment")
    assert "archesai-database-exporter" in found
    assert "DatabaseUnreachable" in alerts(render(serving))


def test_without_an_archive_nobody_asks_for_base_backups() -> None:
    assert "DatabaseBaseBackupStale" not in alerts(render(CLUSTER | {"monitoring": {"enabled": True}}))


def test_a_drill_of_the_archive_that_does_not_succeed_is_told_as_one_of_the_dumps_is() -> None:
    drilled = POOLED | {"backups": {"enabled": True, "bucket": "backups", "drill": {"enabled": True}}}
    found = alerts(render(drilled))
    own, dumps = found["BackupArchiveDrillStale"], found["BackupDrillStale"]
    assert own["expr"] == dumps["expr"].replace("archesai-backups-drill", "archesai-backups-archive-drill")
    assert own["annotations"]["runbook_url"].endswith("backup-restore.md#backuparchivedrillstale")
    assert "### BackupArchiveDrillStale\n" in (ROOT / "docs/backup-restore.md").read_text(encoding="utf-8")
    assert "BackupArchiveDrillStale" not in alerts(render(POOLED))


def test_one_instance_has_no_alerts_on_standbys() -> None:
    one = POOLED | {"database": {"mode": "cluster", "cluster": {"instances": 1, "synchronous": None}}}
    names = set(alerts(render(one)))
    assert "DatabaseWithoutPrimary" in names
    assert not {name for name in names if "Standby" in name or "Replication" in name or "Pooler" in name}
