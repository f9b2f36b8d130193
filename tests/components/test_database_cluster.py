from __future__ import annotations

from typing import Any

import pytest

from archesai_infra.stack.config import ConfigError
from archesai_infra.stack.formats import MAJORS, majors, require_readable
from archesai_infra.stack.protection import VOLUMES, ProtectedError, require_log_volume, require_single_pod
from archesai_infra.stack.recorded import from_outputs
from testbed.components.parts import container, depends_on, logical_names, resource
from testbed.matrix import CLUSTER
from testbed.stacks import Config, find, names, render

ADDRESS = "archesai-postgres"


def clustered(cluster: Config | None = None, **settings: object) -> Config:
    return CLUSTER | {"database": {"mode": "cluster", "cluster": cluster or {}} | settings}


def spec(config: Config = CLUSTER) -> dict[str, Any]:
    return find(render(config), "Cluster", "archesai-db-1")["spec"]


def problems(config: Config) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        render(config)
    return [line.partition(": ")[2] for line in str(refused.value).splitlines() if ": " in line]


def test_a_commit_is_on_two_of_three_instances_and_only_a_standby_that_has_it_is_promoted() -> None:
    found = spec()
    assert found["instances"] == 3
    wanted = {"method": "any", "number": 1, "dataDurability": "required", "failoverQuorum": True}
    assert found["postgresql"]["synchronous"] == wanted
    assert found["affinity"]["podAntiAffinityType"] == "required"
    assert (found["storage"]["size"], found["walStorage"]["size"]) == ("20Gi", "10Gi")


def test_the_log_fits_its_volume_and_buffers_fit_the_request() -> None:
    found = spec(clustered({"walStorage": {"size": "2Gi"}, "resources": {"limits": {"memory": "2Gi"}}}))
    values = found["postgresql"]["parameters"]
    assert (values["min_wal_size"], values["max_wal_size"]) == ("128MB", "512MB")
    assert values["max_slot_wal_keep_size"] == "1024MB"
    assert values["shared_buffers"] == "512MB"
    assert "shared_preload_libraries" not in values


def test_the_address_of_the_stack_leads_to_the_primary_and_clients_use_tls() -> None:
    evaluation = render(CLUSTER, reveal=True)
    assert find(evaluation, "Service", ADDRESS)["spec"]["selector"] == {
        "cnpg.io/cluster": "archesai-db-1",
        "cnpg.io/instanceRole": "primary",
    }
    url = find(evaluation, "Secret", "archesai-database")["stringData"]["DATABASE_URL"]
    assert url.startswith("postgresql://arches_app:")
    assert url.endswith("@archesai-postgres:5432/archesai?sslmode=require&connect_timeout=5")
    assert spec()["certificates"] == {"serverAltDNSNames": [ADDRESS, "archesai-pooler"]}


def test_the_owner_is_no_superuser_and_has_the_password_of_its_url() -> None:
    evaluation = render(CLUSTER, reveal=True)
    initdb = spec()["bootstrap"]["initdb"]
    login = find(evaluation, "Secret", initdb["secret"]["name"])
    url = find(evaluation, "Secret", "archesai-database")["stringData"]["DATABASE_URL"]
    assert (initdb["owner"], login["stringData"]["username"]) == ("arches_app", "arches_app")
    assert f":{login['stringData']['password']}@" in url
    assert login["type"] == "kubernetes.io/basic-auth"
    assert login["metadata"]["labels"]["cnpg.io/reload"] == "true"
    assert initdb["postInitApplicationSQL"] == ["CREATE EXTENSION IF NOT EXISTS vector"]


def test_dumps_read_everything_by_a_role_of_their_own_and_restores_are_the_superusers() -> None:
    evaluation = render(CLUSTER, reveal=True)
    secret = find(evaluation, "Secret", "archesai-database")["stringData"]
    (reader,) = spec()["managed"]["roles"]
    login = find(evaluation, "Secret", reader["passwordSecret"]["name"])["stringData"]
    assert (reader["name"], reader["inRoles"], reader["bypassrls"]) == ("arches_dump", ["pg_read_all_data"], True)
    assert f"arches_dump:{login['password']}@" in secret["DUMP_URL"]
    superuser = find(evaluation, "Secret", spec()["superuserSecret"]["name"])["stringData"]
    assert superuser == {"username": "postgres", "password": secret["POSTGRES_PASSWORD"]}
    assert "MONITOR_URL" not in secret


def test_from_a_store_the_roles_have_the_passwords_of_their_urls() -> None:
    evaluation = render(CLUSTER | {"secrets": {"external": {"store": "vault"}}})
    filled = {name: find(evaluation, "ExternalSecret", f"archesai-database{name}") for name in ("", "-user", "-dump")}
    templates = {name: item["spec"]["target"]["template"] for name, item in filled.items()}
    for name, key in (("-user", "DATABASE_URL"), ("-dump", "DUMP_URL")):
        template = templates[name]
        assert template["type"] == "kubernetes.io/basic-auth"
        assert template["metadata"]["labels"]["cnpg.io/reload"] == "true"
        assert f":{template['data']['password']}@" in templates[""]["data"][key]
    assert spec()["bootstrap"]["initdb"]["secret"]["name"] == "archesai-database-user"


def test_the_operator_comes_as_a_release_before_the_cluster() -> None:
    evaluation = render(CLUSTER)
    release = resource(evaluation, "database-cloudnative-pg").inputs
    assert release["namespace"] == "cnpg-system"
    assert release["values"]["image"]["tag"] == "1.30.0"
    assert "database-cloudnative-pg" in depends_on(evaluation, "database-cluster-1")
    assert "database-policy-database-instances" in depends_on(evaluation, "database-cluster-1")


def test_an_existing_operator_is_left_alone_and_let_in() -> None:
    existing = clustered({"operator": "existing", "operatorNamespace": "databases"})
    assert not any("cloudnative-pg" in name for name in logical_names(render(existing), "database"))
    rules = find(render(existing), "NetworkPolicy", "archesai-database-instances")["spec"]["ingress"]
    peers = [peer for rule in rules for peer in rule["from"] if "namespaceSelector" in peer]
    assert [peer["namespaceSelector"]["matchLabels"] for peer in peers] == [
        {"kubernetes.io/metadata.name": "databases"}
    ]


def test_instances_reach_each_other_and_the_api_server_and_resolve_names() -> None:
    evaluation = render(CLUSTER)
    policy = find(evaluation, "NetworkPolicy", "archesai-database-cluster")["spec"]
    assert policy["podSelector"] == {"matchLabels": {"cnpg.io/cluster": "archesai-db-1"}}
    ports = [[port["port"] for port in rule["ports"]] for rule in policy["egress"]]
    assert ports == [[5432, 8000], [443, 6443]]
    assert policy["egress"][1]["to"] == [{"ipBlock": {"cidr": "10.96.0.1/32"}}]
    names_policy = find(evaluation, "NetworkPolicy", "archesai-dns-database-cluster")["spec"]
    assert names_policy["podSelector"] == policy["podSelector"]


def test_the_cluster_needs_the_address_of_the_api_server() -> None:
    with pytest.raises(ConfigError, match=r"cluster\.apiServer: database\.mode cluster needs the API server's"):
        render({"database": {"mode": "cluster"}})


def test_volumes_outlive_the_cluster_where_data_is_retained() -> None:
    def declared(config: Config) -> tuple[bool, bool, str | None]:
        made = resource(render(config), "database-cluster-1")
        annotations = made.inputs["metadata"]["annotations"]
        return made.protect, made.retain_on_delete, annotations.get("pulumi.com/deletionPropagationPolicy")

    production = {"environment": "production", "api": {"image": {"tag": "v1.0.0"}}}
    production |= {"platform": {"image": {"tag": "v1.0.0"}}}
    assert declared(CLUSTER) == (False, False, "orphan")
    assert declared(CLUSTER | {"retainData": False}) == (False, False, None)
    production |= clustered({"archive": {"acceptLoss": True}})
    assert declared(production) == (True, True, "orphan")


def test_one_instance_has_neither_standbys_nor_a_budget_that_blocks_drains() -> None:
    found = spec(clustered({"instances": 1, "synchronous": None}))
    assert found["enablePDB"] is False
    assert "synchronous" not in found["postgresql"]
    assert found["primaryUpdateMethod"] == "restart"


def test_standbys_have_an_address_where_it_is_asked_for() -> None:
    service = find(render(clustered({"readService": True})), "Service", "archesai-postgres-read")
    assert service["spec"]["selector"]["cnpg.io/instanceRole"] == "replica"


MOVES = {"serving": "app.kubernetes.io/component", "kept": "cnpg.io/instanceRole"}


@pytest.mark.parametrize("state", MOVES)
def test_the_single_pod_keeps_every_resource_of_its_own_beside_the_cluster(state: str) -> None:
    before, beside = render({"database": {"size": "5Gi"}}), render(clustered(singlePod=state, size="5Gi"))
    assert {name for name in names(before) if "database" in name} <= names(beside)
    assert MOVES[state] in find(beside, "Service", ADDRESS)["spec"]["selector"]
    for name in ("database-data", "database-stateful-set", "database-headless-service"):
        assert resource(beside, name).inputs == resource(before, name).inputs


def test_while_the_single_pod_serves_its_clients_keep_their_url_and_their_way_to_it() -> None:
    serving = render(clustered(singlePod="serving"), reveal=True)
    secret = find(serving, "Secret", "archesai-database")["stringData"]
    assert secret["DATABASE_URL"].endswith("?sslmode=disable&connect_timeout=5")
    rules = find(serving, "NetworkPolicy", ADDRESS)["spec"]["ingress"]
    sources = [rule["from"][0]["podSelector"]["matchLabels"] for rule in rules]
    assert [labels.get("app.kubernetes.io/component") for labels in sources] == ["api", "migrations", None]
    assert sources[2] == {"cnpg.io/cluster": "archesai-db-1"}
    assert "database-stateful-set" in depends_on(serving, "migrations-job")


def test_clients_wait_with_the_tools_of_the_server_that_they_ask() -> None:
    job = next(item for item in render(CLUSTER).objects if item["kind"] == "Job")
    (waiting,) = job["spec"]["template"]["spec"]["initContainers"]
    assert waiting["image"].startswith("ghcr.io/cloudnative-pg/postgresql:16.")
    assert "-h archesai-postgres -p 5432 -U arches_app -d archesai" in waiting["command"][-1]


def test_a_stack_that_had_a_single_pod_says_what_becomes_of_it() -> None:
    before = from_outputs(render().outputs)
    with pytest.raises(ProtectedError, match=r"archesai-postgres-data .*begins empty; nothing was changed.*singlePod"):
        require_single_pod(before.majors, render(CLUSTER).settings)
    for state in ("serving", "kept", "removed"):
        require_single_pod(before.majors, render(clustered(singlePod=state)).settings)
    require_single_pod({}, render(CLUSTER).settings)


def test_a_cluster_takes_a_newer_major_version_and_no_older_one() -> None:
    newer = render(clustered({"image": {"tag": "17.11-standard-trixie"}}))
    assert newer.outputs[MAJORS] == {"archesai-db-1": "17"}
    require_readable({"archesai-db-1": "16"}, majors(newer.settings))
    with pytest.raises(ProtectedError, match=r"cluster archesai-db-1 holds data of PostgreSQL 17, which version 16"):
        require_readable(newer.outputs[MAJORS], majors(render(CLUSTER).settings))


def test_the_volume_of_the_log_never_goes() -> None:
    before = from_outputs(render(CLUSTER).outputs).volumes
    assert before == {"archesai-db-1": "20Gi", "archesai-db-1-wal": "10Gi"}
    with pytest.raises(ProtectedError, match=r"walStorage: .*never removed; nothing was changed.*10Gi"):
        require_log_volume(before, render(clustered({"walStorage": None})).settings)
    assert VOLUMES in render(CLUSTER).outputs


POOLED = clustered(pooler={})


def test_the_api_shares_connections_in_transactions_and_its_statements_survive_that() -> None:
    evaluation = render(POOLED, reveal=True)
    found = find(evaluation, "Pooler", "archesai-pooler")["spec"]
    assert (found["cluster"], found["type"], found["instances"]) == ({"name": "archesai-db-1"}, "rw", 2)
    assert found["pgbouncer"]["poolMode"] == "transaction"
    values = found["pgbouncer"]["parameters"]
    assert (values["max_prepared_statements"], values["server_login_retry"]) == ("200", "1")
    containers = [*found["template"]["spec"]["containers"], *found["template"]["spec"]["initContainers"]]
    assert [item["name"] for item in containers] == ["pgbouncer", "bootstrap-controller"]
    assert all(item["resources"].keys() == {"requests", "limits"} for item in containers)


def test_only_the_api_goes_through_the_pooler() -> None:
    evaluation = render(POOLED, reveal=True)
    pod = container(evaluation, "Deployment", "archesai-api")
    (url,) = [item for item in pod["env"] if item["name"] == "DATABASE_URL"]
    assert url["valueFrom"]["secretKeyRef"] == {"name": "archesai-database", "key": "POOLER_URL"}
    secret = find(evaluation, "Secret", "archesai-database")["stringData"]
    assert secret["POOLER_URL"] == secret["DATABASE_URL"].replace("@archesai-postgres:", "@archesai-pooler:")
    job = next(item for item in evaluation.objects if item["kind"] == "Job")
    variables = job["spec"]["template"]["spec"]["containers"][0]["env"]
    references = [item["valueFrom"]["secretKeyRef"] for item in variables if "valueFrom" in item]
    assert {item["key"] for item in references} == {"DATABASE_URL"}
    rules = find(evaluation, "NetworkPolicy", "archesai-database-pooler")["spec"]["ingress"]
    (source,) = [rule["from"][0]["podSelector"]["matchLabels"] for rule in rules]
    assert source["app.kubernetes.io/component"] == "api"
    sources = find(evaluation, "NetworkPolicy", "archesai-database-instances")["spec"]["ingress"]
    components = [peer.get("podSelector", {}).get("matchLabels", {}) for rule in sources for peer in rule["from"]]
    assert "api" not in [labels.get("app.kubernetes.io/component") for labels in components]


def test_drains_take_one_pod_of_the_pooler_at_a_time() -> None:
    budget = find(render(POOLED), "PodDisruptionBudget", "archesai-pooler")["spec"]
    assert budget["selector"]["matchLabels"] == {"cnpg.io/poolerName": "archesai-pooler"}
    assert budget["maxUnavailable"] == 1


def test_a_pooler_leaves_the_cluster_and_other_clients_as_they_were() -> None:
    before, after = render(CLUSTER), render(POOLED)
    for name in ("database-cluster-1", "migrations-job", "database-user", "database-policy-database-cluster"):
        assert resource(after, name).inputs == resource(before, name).inputs


def test_the_api_waits_for_the_pooler() -> None:
    assert "database-pooler" in depends_on(render(POOLED), "migrations-job")


def test_while_the_single_pod_serves_the_api_asks_it_itself() -> None:
    serving = render(clustered(singlePod="serving", pooler={}))
    assert not any(item["kind"] == "Pooler" for item in serving.objects)


REFUSED: dict[str, tuple[Config, str]] = {
    "more standbys than there are": (
        clustered({"instances": 2, "synchronous": {"number": 2}}),
        (
            "database.cluster.synchronous.number: 2 standbys need at least 3 instances (got 2): raise "
            "database.cluster.instances, or set database.cluster.synchronous to null"
        ),
    ),
    "a parameter of the operator": (
        clustered({"postgres": {"parameters": {"archive_command": "true"}}}),
        "database.cluster.postgres.parameters.archive_command: belongs to the operator: remove it",
    ),
    "a parameter that a later operator leaves free": (
        clustered({"postgres": {"parameters": {"ssl_ecdh_curve": "X25519"}}}),
        "database.cluster.postgres.parameters.ssl_ecdh_curve: belongs to the operator: remove it",
    ),
    "a library": (
        clustered({"postgres": {"parameters": {"shared_preload_libraries": "timescaledb"}}}),
        "database.cluster.postgres.parameters.shared_preload_libraries: belongs to the operator: remove it",
    ),
    "no parameter's name": (
        clustered({"postgres": {"parameters": {"work mem": "1MB"}}}),
        "database.cluster.postgres.parameters.work mem: is no name of a PostgreSQL parameter",
    ),
    "neither on nor off": (
        clustered({"postgres": {"parameters": {"hot_standby_feedback": "maybe"}}}),
        "database.cluster.postgres.parameters.hot_standby_feedback: must be on or off (got maybe)",
    ),
    "no hints in the log": (
        clustered({"postgres": {"parameters": {"wal_log_hints": "off"}}}),
        (
            "database.cluster.postgres.parameters.wal_log_hints: must be on, as an old primary could not rejoin"
            " without it: remove it"
        ),
    ),
    "a log for nobody": (
        clustered({"postgres": {"parameters": {"wal_level": "minimal"}}}),
        (
            "database.cluster.postgres.parameters.wal_level: must be logical or replica, as standbys and the "
            "archive need it (got minimal)"
        ),
    ),
    "an amount without a unit": (
        clustered({"postgres": {"parameters": {"shared_buffers": "65536"}}}),
        (
            "database.cluster.postgres.parameters.shared_buffers: must be a number with a unit, such as 512MB "
            "or 4GB (got 65536)"
        ),
    ),
    "buffers beyond the request": (
        clustered({"resources": {"requests": {"memory": "256Mi"}}}),
        (
            "database.cluster.resources.requests.memory: 256Mi does not hold shared_buffers (512MB): raise it, "
            "or lower database.cluster.postgres.sharedBuffers"
        ),
    ),
    "a smallest log beyond the largest": (
        clustered({"postgres": {"parameters": {"min_wal_size": "3GB"}}}),
        "database.cluster.postgres.parameters.min_wal_size: must be less than max_wal_size",
    ),
    "a log beyond its volume": (
        clustered({"walStorage": {"size": "2Gi"}, "postgres": {"parameters": {"max_wal_size": "4GB"}}}),
        "database.cluster.walStorage.size: must be more than max_wal_size (4096MB, got 2Gi)",
    ),
    "a tag without a version": (
        clustered({"image": {"tag": "standard-trixie"}}),
        (
            "database.cluster.image.tag: must begin with PostgreSQL's major version, such as "
            "16.15-standard-trixie (got standard-trixie)"
        ),
    ),
    "a role of the operator": (
        clustered(applicationUser="streaming_replica"),
        "database.applicationUser: streaming_replica is a role of PostgreSQL or of the operator: name another",
    ),
    "a Secret without the other": (
        clustered(existingSecret="theirs"),
        (
            "database.cluster.existingUserSecret: goes with database.existingSecret: the operator takes the "
            "application's password from a Secret of type kubernetes.io/basic-auth; set both or none"
        ),
    ),
    "a parameter of PgBouncer that a later operator passes on": (
        clustered(pooler={"parameters": {"auth_user": "pooler"}}),
        (
            "database.pooler.parameters.auth_user: belongs to the operator, or PgBouncer has none of this name: "
            "remove it"
        ),
    ),
    "a parameter that PgBouncer's operator keeps": (
        clustered(pooler={"parameters": {"auth_file": "/tmp/users"}}),
        (
            "database.pooler.parameters.auth_file: belongs to the operator, or PgBouncer has none of this name: "
            "remove it"
        ),
    ),
    "pools beyond the server": (
        clustered(pooler={"poolSize": 100}),
        (
            "database.pooler.poolSize: 3 pods with 100 connections, 5 in reserve and 15 of operations need 330: lower "
            "it, or raise database.cluster.postgres.maxConnections (got 200)"
        ),
    ),
    "clients beyond the pooler": (
        clustered(pooler={"maxClients": 10}) | {"api": {"settings": {"database": {"maxConns": 20}}}},
        ("database.pooler.maxClients: 2 pods of the api with api.settings.database.maxConns 20 need 40 (got 10)"),
    ),
    "migrations through the pooler": (
        clustered(pooler={}) | {"migrations": {"mode": "startup"}},
        (
            "database.pooler: the api migrates at its start, with a lock that a pooler does not keep: set "
            "migrations.mode to job"
        ),
    ),
    "tools that are older than the server": (
        clustered({"image": {"tag": "17.11-standard-trixie"}})
        | {
            "backups": {
                "enabled": True,
                "bucket": "elsewhere",
                "existingSecret": "keys",
                "dump": {"image": {"tag": "0.8.6-pg16-bookworm"}},
            }
        },
        (
            "backups.dump.image.tag: the tools are of PostgreSQL 16 and the server is of 17: name an image with "
            "pgvector and PostgreSQL 17"
        ),
    ),
    "a key of the single pod": (
        clustered(size="50Gi"),
        (
            "database.size: is the single pod's, which this stack does not keep: set what is meant below "
            "database.cluster, or remove the key"
        ),
    ),
    "a toleration of everything that compares": (
        clustered({"scheduling": {"tolerations": [{"value": "x"}]}}),
        "database.cluster.scheduling.tolerations.0.operator: must be Exists where no key is set",
    ),
    "a toleration for a while": (
        clustered({"scheduling": {"tolerations": [{"key": "a", "effect": "NoSchedule", "tolerationSeconds": 5}]}}),
        "database.cluster.scheduling.tolerations.0.effect: must be NoExecute where tolerationSeconds is set",
    ),
    "a toleration with a value for nothing": (
        clustered({"scheduling": {"tolerations": [{"key": "a", "operator": "Exists", "value": "x"}]}}),
        "database.cluster.scheduling.tolerations.0.value: must not be set where operator is Exists",
    ),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_what_the_operator_would_refuse_is_refused_before_anything_changes(mistake: str) -> None:
    config, message = REFUSED[mistake]
    assert problems(config) == [message]


def test_the_pools_of_the_api_leave_connections_to_operations() -> None:
    pools = clustered({"postgres": {"maxConnections": 50}}) | {"api": {"settings": {"database": {"maxConns": 20}}}}
    assert problems(pools) == [
        (
            "database.cluster.postgres.maxConnections: 2 pods of the api with api.settings.database.maxConns 20"
            " and 15 connections of operations need 55 (got 50)"
        )
    ]
