"""The objects of the backups: Schedules, hooks, the volume that is copied and those that are not."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from kubernetes.utils import parse_quantity

from archesai_infra.components.backups.schedules import canonical
from archesai_infra.stack.evaluate import evaluate
from testbed.backups import rendered
from testbed.stacks import ROOT, find, raw, render, shipped_config

MONITORED = {"enabled": True, "alerts": {"unattended": True}}
KEYS = {"backupsAccessKey": "access", "backupsSecretKey": "secret"}
ON: dict[str, Any] = {"backups": {"enabled": True, "bucket": "elsewhere"}, **KEYS}


def _template(name: str = "archesai-prod-hourly") -> dict[str, Any]:
    return find(rendered.production(), "Schedule", name)["spec"]["template"]


def test_there_is_a_schedule_for_each_period_with_its_own_time_to_live() -> None:
    lives = {kind: _template(f"archesai-prod-{kind}")["ttl"] for kind in ("hourly", "daily", "weekly")}
    assert lives == {"hourly": "72h0m0s", "daily": "2160h0m0s", "weekly": "8760h0m0s"}


def test_every_hook_says_that_a_failure_is_one() -> None:
    hooks = _template()["hooks"]["resources"][0]["pre"]
    assert [hook["exec"]["container"] for hook in hooks] == ["postgres", "redis"]
    assert {hook["exec"]["onError"] for hook in hooks} == {"Fail"}


def test_the_hooks_select_the_dump_pod_and_no_other() -> None:
    wanted = _template()["hooks"]["resources"][0]["labelSelector"]["matchLabels"].items()
    templates = {
        item["metadata"]["name"]: item["spec"]["template"]["metadata"]["labels"]
        for item in rendered.production().objects
        if item["kind"] in ("Deployment", "StatefulSet", "Job")
    }
    assert [name for name, labels in templates.items() if wanted <= labels.items()] == ["archesai-dump"]


def test_a_dump_ends_before_velero_stops_to_wait_for_it() -> None:
    container = rendered.container("StatefulSet", "archesai-dump", "postgres")
    timeout = int(rendered.plain_environment(container)["DUMP_TIMEOUT"])
    assert _template()["hooks"]["resources"][0]["pre"][0]["exec"]["timeout"] == "50m0s"
    assert timeout <= 0.8 * 50 * 60


def test_what_drifts_is_left_out_and_backups_outlive_their_schedule() -> None:
    spec = find(rendered.production(), "Schedule", "archesai-prod-hourly")["spec"]
    assert "skipImmediately" not in spec
    assert spec["useOwnerReferencesInBackup"] is False


def test_only_the_dumps_volume_is_copied_file_by_file() -> None:
    name = _template()["resourcePolicy"]["name"]
    policy = yaml.safe_load(find(rendered.production(), "ConfigMap", name)["data"]["policy.yaml"])

    def action(labels: dict[str, str]) -> str:
        for rule in policy["volumePolicies"]:
            if rule["conditions"]["pvcLabels"].items() <= labels.items():
                return rule["action"]["type"]
        return "none"

    claims = {
        item["metadata"]["name"]: action(item["metadata"]["labels"])
        for item in rendered.production().objects
        if item["kind"] == "PersistentVolumeClaim"
    }
    assert claims.pop("archesai-dump-data") == "fs-backup"
    assert set(claims.values()) == {"skip"}
    pod = find(rendered.production(), "StatefulSet", "archesai-dump")["spec"]["template"]
    assert pod["metadata"]["annotations"]["backup.velero.io/backup-volumes"] == "dumps"


def test_snapshots_take_the_data_volumes_and_leave_the_dumps_alone() -> None:
    found = render(ON | {"backups": ON["backups"] | {"snapshots": {"enabled": True}}})
    template = find(found, "Schedule", "archesai-dev-hourly")["spec"]["template"]
    assert template["snapshotMoveData"] is True
    policy = yaml.safe_load(find(found, "ConfigMap", template["resourcePolicy"]["name"])["data"]["policy.yaml"])
    assert [rule["action"]["type"] for rule in policy["volumePolicies"]] == ["fs-backup", "snapshot"]


def test_an_external_database_is_dumped_too() -> None:
    config = ON | {
        "database": {"mode": "external", "host": "db.example.com", "cidrs": ["203.0.113.0/24"]},
        "databasePassword": "x",
    }
    found = render(config)
    pod = find(found, "StatefulSet", "archesai-dump")["spec"]["template"]["spec"]
    names = {item["name"]: item for item in pod["containers"][0]["env"]}
    assert names["DATABASE_URL"]["valueFrom"]["secretKeyRef"]["key"] == "DATABASE_URL"
    egress = find(found, "NetworkPolicy", "archesai-dump")["spec"]["egress"]
    assert [rule["to"][0]["ipBlock"]["cidr"] for rule in egress] == ["203.0.113.0/24"]


def test_the_repository_s_password_is_there_before_velero_and_protected_in_production() -> None:
    found = rendered.production()
    by_name = {resource.name: resource for resource in found.resources}
    secret, release = by_name["backups-repository"], by_name["backups-velero"]
    assert secret.protect
    assert secret.urn in release.depends_on
    assert secret.secret_paths == ("stringData",)


def test_schedules_come_after_what_their_first_backup_calls() -> None:
    by_name = {resource.name: resource for resource in rendered.production().resources}
    schedule = by_name["backups-schedule-hourly"]
    assert {by_name["backups-velero"].urn, by_name["backups-stateful-set"].urn} <= set(schedule.depends_on)


def test_no_password_is_in_the_release_s_values() -> None:
    assert not next(one for one in render(ON).resources if one.name == "backups-velero").secret_paths


def test_a_lost_cluster_gets_velero_alone_with_nothing_in_the_way_of_a_restore() -> None:
    off = {name: {"enabled": False} for name in ("api", "platform", "database", "redis", "storage", "unstructured",
                                                 "scraper", "ingress", "monitoring")}  # fmt: skip
    backups = {"enabled": True, "bucket": "elsewhere", "existingSecret": "cloud", "schedules": {"paused": True}}
    found = evaluate(raw(shipped_config("prod") | off | {"backups": backups}, "prod"))
    kinds = {item["kind"] for item in found.objects}
    assert not kinds & {"StatefulSet", "Deployment", "Job", "CronJob", "PersistentVolumeClaim"}
    assert find(found, "Schedule", "archesai-prod-hourly")["spec"]["paused"] is True


def test_while_a_lost_cluster_is_restored_the_stack_is_its_namespace_and_a_velero_at_rest() -> None:
    found = evaluate(raw(shipped_config("prod") | {"restoring": True}, "prod"))
    kinds = {item["kind"] for item in found.objects}
    assert not kinds & {"StatefulSet", "Deployment", "Job", "CronJob", "PersistentVolumeClaim", "Ingress"}
    assert [release.inputs["name"] for release in found.releases] == ["velero"]
    schedules = [item for item in found.objects if item["kind"] == "Schedule"]
    assert len(schedules) == 3
    assert all(item["spec"]["paused"] for item in schedules)
    assert find(found, "Namespace", "archesai")
    assert find(found, "Secret", "velero-repo-credentials")
    assert found.settings.database.enabled, "the commands still see the whole stack"


def test_the_drill_has_no_way_to_any_network_no_secret_and_reads_the_dumps_only() -> None:
    found = rendered.production()
    policies = [item["spec"] for item in found.objects if item["kind"] == "NetworkPolicy"]
    assert {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} in policies
    assert not [
        policy for policy in policies
        if policy["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/component") == "backups-drill"
    ]  # fmt: skip
    pod = find(found, "CronJob", "archesai-backups-drill")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert not [volume for volume in pod["volumes"] if "secret" in volume or "projected" in volume]
    drill = rendered.container("CronJob", "archesai-backups-drill", "drill")
    assert not [variable for variable in drill["env"] if "valueFrom" in variable]
    assert "envFrom" not in drill
    mounts = drill["volumeMounts"]
    assert next(mount for mount in mounts if mount["mountPath"] == "/backup")["readOnly"] is True


def test_the_drill_runs_the_image_that_made_the_dump_with_shared_memory_for_parallel_builds() -> None:
    dumped = ON["backups"] | {"dump": {"image": {"tag": "0.8.6-pg18-bookworm"}}, "drill": {"enabled": True}}
    found = render(ON | {"backups": dumped})
    pod = find(found, "CronJob", "archesai-backups-drill")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (drill,) = pod["containers"]
    (tools, *_) = find(found, "StatefulSet", "archesai-dump")["spec"]["template"]["spec"]["containers"]
    assert drill["image"] == tools["image"] == "pgvector/pgvector:0.8.6-pg18-bookworm"
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    (mount,) = (one for one in drill["volumeMounts"] if one["mountPath"] == "/dev/shm")
    assert volumes[mount["name"]]["emptyDir"]["medium"] == "Memory"


@pytest.mark.parametrize(
    ("given", "printed"),
    [("720h", "720h0m0s"), ("90m", "1h30m0s"), ("45s", "45s"), ("600s", "10m0s"), ("1h30m", "1h30m0s")],
)
def test_durations_are_written_as_the_server_prints_them(given: str, printed: str) -> None:
    assert canonical(given) == printed


def test_alerts_tell_of_each_schedule_the_dump_pod_the_copy_and_the_drill() -> None:
    config = shipped_config("prod") | {"backups": rendered.BACKUPS, "monitoring": MONITORED}
    rules = find(evaluate(raw(config, "prod")), "PrometheusRule", "archesai-backups-rules")["spec"]["groups"][0][
        "rules"
    ]
    names = {rule["alert"] for rule in rules}
    dumps = {"BackupDumpPodNotReady", "BackupDumpVolumeTooSmall"}
    assert {"BackupLocationUnavailable", "BackupObjectsStale", "BackupDrillStale", *dumps} <= names
    assert {f"Backup{kind}{what}" for kind in ("Hourly", "Daily", "Weekly") for what in ("Stale", "Failed")} <= names


def _limits(**backups: Any) -> dict[str, int]:  # noqa: ANN401 - as in a stack file
    """Seconds after which each alert on an age fires."""
    config = shipped_config("prod") | {"backups": rendered.BACKUPS | backups, "monitoring": MONITORED}
    group = find(evaluate(raw(config, "prod")), "PrometheusRule", "archesai-backups-rules")["spec"]["groups"][0]
    stale = [rule for rule in group["rules"] if rule["alert"].endswith("Stale")]
    return {rule["alert"]: int(rule["expr"].rpartition(" > ")[2]) for rule in stale}


def test_what_counts_as_stale_follows_from_each_schedule() -> None:
    hour = 3600
    default = _limits()
    assert (default["BackupHourlyStale"], default["BackupDailyStale"]) == (2 * hour, 26 * hour)
    assert (default["BackupObjectsStale"], default["BackupDrillStale"]) == (6 * hour, 48 * hour)
    own = _limits(
        schedules={"hourly": {"cron": "0 */6 * * *"}, "daily": {"cron": "0 3 * * 1-5", "ttl": "2160h"}},
        objects={"cron": "0 2 * * *"},
        drill={"enabled": True, "cron": "0 4 * * 0"},
    )
    assert (own["BackupHourlyStale"], own["BackupDailyStale"]) == (8 * hour, (3 * 24 + 2) * hour)
    assert (own["BackupObjectsStale"], own["BackupDrillStale"]) == (48 * hour, 14 * 24 * hour)


def test_the_page_of_runbooks_has_a_section_for_each_alert() -> None:

    config = shipped_config("prod") | {"backups": rendered.BACKUPS, "monitoring": MONITORED}
    rules = find(evaluate(raw(config, "prod")), "PrometheusRule", "archesai-backups-rules")["spec"]["groups"][0][
        "rules"
    ]
    text = (ROOT / "docs" / "backup-restore.md").read_text(encoding="utf-8")
    sections = {line.removeprefix("### ") for line in text.splitlines() if line.startswith("### ")}
    assert {rule["alert"] for rule in rules} <= sections


def test_nobody_reaches_veleros_pods_but_prometheus_their_metrics() -> None:
    monitored = find(render(ON | {"monitoring": MONITORED}), "NetworkPolicy", "archesai-chart-velero")
    (alone,) = [
        item
        for item in render(ON).objects
        if item["kind"] == "NetworkPolicy" and item["metadata"]["namespace"] == "velero"
    ]
    assert alone["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
    (rule,) = monitored["spec"]["ingress"]
    (peer,) = rule["from"]
    assert peer["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "prometheus"}
    assert [port["port"] for port in rule["ports"]] == [8085]


def test_the_copy_of_objects_has_memory_for_the_largest_listings_that_it_does_not_sort_on_disk() -> None:
    container = rendered.container("CronJob", "archesai-backups-objects", "objects")
    listed = int(rendered.plain_environment(container)["RCLONE_LIST_CUTOFF"])
    # Measured: 1.3 kB for an object on both sides, and 40 MB for the rest.
    assert 2 * (listed * 1300 + 40_000_000) < parse_quantity(container["resources"]["limits"]["memory"])
