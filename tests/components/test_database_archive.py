"""The archive of a cluster, and clusters that begin from one."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from archesai_infra.stack.config import ConfigError
from testbed.components.parts import depends_on, logical_names, resource
from testbed.matrix import CLUSTER
from testbed.stacks import Config, find, render

BACKUPS: Config = {
    "backups": {"enabled": True, "bucket": "backups", "prefix": "prod", "region": "eu-central-1"},
    "backupsAccessKey": "access",
    "backupsSecretKey": "secret",
}
ARCHIVED = {"archive": {"enabled": True}}


def clustered(cluster: Config | None = None, **more: object) -> Config:
    return CLUSTER | BACKUPS | {"database": {"mode": "cluster", "cluster": ARCHIVED | (cluster or {})}} | more


def spec(kind: str, name: str, config: Config | None = None) -> dict[str, Any]:
    return find(render(config or clustered()), kind, name)["spec"]


def problems(config: Config) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        render(config)
    return [line.partition(": ")[2] for line in str(refused.value).splitlines() if "database" in line]


def test_the_log_goes_into_an_archive_named_after_the_cluster_and_a_counter() -> None:
    (plugin,) = spec("Cluster", "archesai-db-1")["plugins"]
    assert plugin == {
        "name": "barman-cloud.cloudnative-pg.io",
        "isWALArchiver": True,
        "parameters": {"barmanObjectName": "archesai-db", "serverName": "archesai-db-1-1"},
    }
    raised = spec("Cluster", "archesai-db-1", clustered({"archive": {"enabled": True, "generation": 2}}))
    assert raised["plugins"][0]["parameters"]["serverName"] == "archesai-db-1-2"


def test_the_archive_lies_beside_the_backups_with_keys_of_its_own_secret() -> None:
    evaluation = render(clustered(), reveal=True)
    store = find(evaluation, "ObjectStore", "archesai-db")["spec"]
    configuration = store["configuration"]
    assert configuration["destinationPath"] == "s3://backups/prod/postgres/"
    assert "serverName" not in configuration
    assert store["retentionPolicy"] == "30d"
    reference = configuration["s3Credentials"]["secretAccessKey"]
    data = find(evaluation, "Secret", reference["name"])["stringData"]
    assert data[reference["key"]] == "secret"
    sidecar = store["instanceSidecarConfiguration"]
    assert set(sidecar["resources"]) == {"requests", "limits"}
    assert sidecar["env"] == [{"name": "AWS_DEFAULT_REGION", "value": "eu-central-1"}]


def test_another_s3_service_gets_its_address_and_no_checksums_that_it_may_refuse() -> None:
    backups = {"backups": BACKUPS["backups"] | {"endpoint": "https://s3.example.com"}}
    store = spec("ObjectStore", "archesai-db", clustered() | backups)
    assert store["configuration"]["endpointURL"] == "https://s3.example.com"
    values = {item["name"]: item["value"] for item in store["instanceSidecarConfiguration"]["env"]}
    assert values["AWS_REQUEST_CHECKSUM_CALCULATION"] == "when_required"


def test_base_backups_begin_at_once_and_come_by_the_plugin() -> None:
    schedule = spec("ScheduledBackup", "archesai-db-1")
    assert schedule["schedule"] == "0 15 2 * * *"
    assert (schedule["immediate"], schedule["method"]) == (True, "plugin")
    assert schedule["backupOwnerReference"] == "none"
    assert "database-cluster-1" in depends_on(render(clustered()), "database-base-backups-1")


def test_the_plugin_is_a_release_beside_the_operator_and_before_the_cluster() -> None:
    evaluation = render(clustered())
    release = resource(evaluation, "database-plugin-barman-cloud").inputs
    assert release["namespace"] == "cnpg-system"
    assert (release["version"], release["values"]["image"]["tag"]) == ("0.7.1", "v0.14.0")
    assert release["values"]["sidecarImage"]["repository"] == "cloudnative-pg/plugin-barman-cloud-sidecar"
    assert "database-cloudnative-pg" in depends_on(evaluation, "database-plugin-barman-cloud")
    assert "database-plugin-barman-cloud" in depends_on(evaluation, "database-archive")
    assert "database-archive" in depends_on(evaluation, "database-cluster-1")
    existing = render(clustered({"archive": {"enabled": True, "plugin": "existing"}}))
    assert "database-plugin-barman-cloud" not in logical_names(existing, "database")


def test_a_role_takes_the_place_of_keys() -> None:
    role = "arn:aws:iam::123456789012:role/archive"
    evaluation = render(clustered({"archive": {"enabled": True, "roleArn": role}}))
    credentials = find(evaluation, "ObjectStore", "archesai-db")["spec"]["configuration"]["s3Credentials"]
    assert credentials == {"inheritFromIAMRole": True}
    account = find(evaluation, "Cluster", "archesai-db-1")["spec"]["serviceAccountTemplate"]
    assert account["metadata"]["annotations"] == {"eks.amazonaws.com/role-arn": role}


def test_instances_reach_the_bucket_only_with_an_archive() -> None:
    def egress(config: Config) -> list[list[int]]:
        policy = find(render(config), "NetworkPolicy", "archesai-database-cluster")["spec"]
        return [[port["port"] for port in rule["ports"]] for rule in policy["egress"]]

    assert egress(clustered()) == [*egress(CLUSTER), [443]]


def test_a_recovery_is_another_cluster_with_an_archive_of_its_own_beside_the_one_that_serves() -> None:
    recovered = [{"generation": 2, "source": "archesai-db-1-1", "targetTime": "2026-05-04T10:30:00Z"}]
    before, beside = render(clustered()), render(clustered({"beside": 2, "recovered": recovered}))
    new = find(beside, "Cluster", "archesai-db-2")["spec"]
    recovery = new["bootstrap"]["recovery"]
    assert recovery["source"] == "archesai-db-1-1"
    assert recovery["recoveryTarget"] == {"targetTime": "2026-05-04T10:30:00Z"}
    assert recovery["secret"] == {"name": "archesai-database-user"}
    (source,) = new["externalClusters"]
    assert source["name"] == recovery["source"]
    assert source["plugin"]["parameters"]["serverName"] == "archesai-db-1-1"
    assert new["plugins"][0]["parameters"]["serverName"] == "archesai-db-2-1"
    assert find(beside, "ScheduledBackup", "archesai-db-2")["spec"]["immediate"] is True
    for name in ("database-cluster-1", "database-service", "database-policy-database-instances"):
        assert resource(beside, name).inputs == resource(before, name).inputs


def test_the_switch_moves_the_address_and_neither_cluster() -> None:
    recovered = [{"generation": 2, "source": "archesai-db-1-1", "targetTime": "2026-05-04T10:30:00Z"}]
    beside = render(clustered({"beside": 2, "recovered": recovered}))
    switched = render(clustered({"generation": 2, "beside": 1, "recovered": recovered}))
    for name in ("database-cluster-1", "database-cluster-2", "database-base-backups-1", "database-base-backups-2"):
        assert resource(switched, name).inputs == resource(beside, name).inputs
    address = resource(switched, "database-service").inputs["spec"]["selector"]
    assert address["cnpg.io/cluster"] == "archesai-db-2"


def test_velero_leaves_out_what_the_operator_makes() -> None:
    labels = spec("Cluster", "archesai-db-1")["inheritedMetadata"]["labels"]
    assert labels == {"velero.io/exclude-from-backup": "true"}


def test_volumes_of_instances_are_neither_copied_nor_taken_by_snapshots() -> None:
    snapshots = {"backups": BACKUPS["backups"] | {"snapshots": {"enabled": True}}}
    for config in (clustered(), clustered() | snapshots):
        (text,) = [
            item["data"]["policy.yaml"] for item in render(config).objects if "policy.yaml" in item.get("data", {})
        ]
        first = yaml.safe_load(text)["volumePolicies"][0]
        assert first["conditions"] == {"pvcLabels": {"app.kubernetes.io/managed-by": "cloudnative-pg"}}
        assert first["action"] == {"type": "skip"}


DRILL: Config = {"backups": BACKUPS["backups"] | {"drill": {"enabled": True}}}


def drill(config: Config) -> dict[str, Any]:
    """The pod of the archive's drill."""
    return spec("CronJob", "archesai-backups-archive-drill", config)["jobTemplate"]["spec"]["template"]["spec"]


def test_the_drill_gives_the_archives_keys_and_the_databases_url_to_nobody_who_does_not_need_them() -> None:
    pod = drill(clustered() | DRILL)
    secrets = {
        container["name"]: {item["name"] for item in container["env"] if "valueFrom" in item}
        for container in [*pod["initContainers"], *pod["containers"]]
    }
    keys = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    assert secrets == {"mark": {"DATABASE_URL"}, "base": keys, "log": keys, "archive-drill": set()}
    assert pod["automountServiceAccountToken"] is False
    assert [one.get("restartPolicy") for one in pod["initContainers"]] == [None, None, "Always"]


def test_the_drill_reads_by_the_role_that_takes_the_place_of_keys() -> None:
    role = "arn:aws:iam::123456789012:role/archive"
    config = clustered({"archive": {"enabled": True, "roleArn": role}}) | DRILL
    assert not [item for one in drill(config)["initContainers"][1:] for item in one["env"] if "valueFrom" in item]
    account = find(render(config), "ServiceAccount", "archesai-backups-archive-drill")
    assert account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] == role


@pytest.mark.parametrize("change", [{"cluster": {}}, {"cluster": ARCHIVED, "singlePod": "serving"}])
def test_only_the_archive_of_a_cluster_that_serves_is_drilled(change: Config) -> None:
    config = clustered() | DRILL | {"database": {"mode": "cluster"} | change}
    names = {item["metadata"]["name"] for item in render(config).objects if item["kind"] == "CronJob"}
    assert "archesai-backups-drill" in names
    assert "archesai-backups-archive-drill" not in names


PRODUCTION: Config = {
    "environment": "production",
    "api": {"image": {"tag": "v1.0.0"}},
    "platform": {"image": {"tag": "v1.0.0"}},
}
REFUSED: dict[str, tuple[Config, str]] = {
    "a production without an archive": (
        CLUSTER | PRODUCTION,
        (
            "database.cluster.archive.enabled: production needs an archive, or what was written since the newest dump "
            "is lost with the volumes: set it to true, or accept that with database.cluster.archive.acceptLoss"
        ),
    ),
    "no bucket": (
        clustered() | {"backups": {"enabled": False}},
        (
            "database.cluster.archive.enabled: needs the bucket of module backups, which is off: set backups.enabled "
            "to true"
        ),
    ),
    "keys that only Velero can read": (
        {key: value for key, value in clustered().items() if not key.startswith("backupsA")}
        | {"backups": BACKUPS["backups"] | {"existingSecret": "cloud"}},
        (
            "database.cluster.archive.existingSecret: the archive needs keys: name a Secret with ACCESS_KEY and "
            "SECRET_KEY, set database.cluster.archive.roleArn, or arches config set backupsAccessKey and "
            "backupsSecretKey"
        ),
    ),
    "two ways to the keys": (
        clustered({"archive": {"enabled": True, "existingSecret": "a", "roleArn": "arn:aws:iam::123456789012:role/a"}}),
        "database.cluster.archive.existingSecret: roleArn is also set; keep only one",
    ),
    "a cluster beside itself": (
        clustered({"beside": 1}),
        "database.cluster.beside: is the generation that serves (1): name another, or remove it",
    ),
    "a recovery from nowhere": (
        CLUSTER
        | {"database": {"mode": "cluster", "cluster": {"recovered": [{"generation": 1, "source": "archesai-db-9-1"}]}}},
        "database.cluster.recovered: needs the archive: set database.cluster.archive.enabled to true",
    ),
    "a generation that begins twice": (
        clustered({"recovered": [{"generation": 2, "source": "a"}, {"generation": 2, "source": "b"}]}),
        "database.cluster.recovered: generation 2 begins only once: keep one of the 2 entries",
    ),
    "an archive that would not be empty": (
        clustered({"recovered": [{"generation": 2, "source": "archesai-db-2-1"}]}),
        (
            "database.cluster.recovered: generation 2 would archive into archesai-db-2-1, which it begins from: name "
            "the archive of another generation"
        ),
    ),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_what_cannot_be_recovered_from_is_refused(mistake: str) -> None:
    config, message = REFUSED[mistake]
    assert problems(config) == [message]


def test_a_production_may_accept_the_loss() -> None:
    accepted = CLUSTER | PRODUCTION | {"database": {"mode": "cluster", "cluster": {"archive": {"acceptLoss": True}}}}
    assert find(render(accepted), "Cluster", "archesai-db-1")
