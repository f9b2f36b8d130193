from __future__ import annotations

import pytest

from testbed.components.parts import (
    configuration,
    container,
    depends_on,
    logical_names,
    resource,
    template,
    variables,
    volume,
)
from testbed.matrix import EVERYTHING, ON
from testbed.stacks import Config, find, render

NAME = "archesai-api"
SECRETS: Config = {
    "api": {"secretSettings": {"auth.google.clientSecret": {"secret": "google", "key": "secret"}}},
    "apiSecretSettings": {"auth.git-hub.clientSecret": "unmistakable"},
}


def test_the_api_reads_its_file_where_the_server_looks() -> None:
    files = volume(render(), "Deployment", "archesai-api", "/etc/archesai")
    assert set(find(render(), "ConfigMap", files["configMap"]["name"])["data"]) == {"config.yaml"}


def test_the_file_listens_on_every_address_at_the_services_port() -> None:
    assert configuration(render())["api"] == {"host": "0.0.0.0", "port": 3001}  # noqa: S104 - the pod's own
    (port,) = find(render(), "Service", "archesai-api")["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (3001, 3001)


def test_the_file_has_the_endpoints_of_the_modules_that_are_on() -> None:
    config = configuration(render(EVERYTHING))
    assert config["redis"] == {"enabled": True, "host": "archesai-redis", "port": 6379, "auth": ""}
    assert config["storage"] == {
        "enabled": True,
        "endpoint": "http://archesai-storage:9000",
        "bucket": "arches",
        "accesskey": "",
        "secretkey": "",
    }
    assert config["intelligence"] == {
        "scraper": {"endpoint": "http://archesai-scraper:8080"},
        "unstructured": {"endpoint": "http://archesai-unstructured:8000"},
    }


def test_the_file_says_of_a_module_that_is_off_that_it_is_off() -> None:
    config = configuration(render())
    assert config["redis"] == {"enabled": False}
    assert config["storage"] == {"enabled": False}
    assert "intelligence" not in config


def test_secrets_are_empty_in_the_file_and_come_by_reference() -> None:
    config = configuration(render(EVERYTHING))
    assert config["database"]["url"] == config["auth"]["local"]["jwtSecret"] == config["redis"]["auth"] == ""
    assert variables(container(render(EVERYTHING), "Deployment", "archesai-api")) == {
        "ARCHES_AUTH_LOCAL_JWTSECRET": "archesai-api/JWT_SECRET",
        "ARCHES_DATABASE_URL": "archesai-database/DATABASE_URL",
        "DATABASE_URL": "archesai-database/DATABASE_URL",
        "ARCHES_REDIS_AUTH": "archesai-redis/REDIS_PASSWORD",
        "ARCHES_STORAGE_ACCESSKEY": "archesai-storage-api/ACCESS_KEY",
        "ARCHES_STORAGE_SECRETKEY": "archesai-storage-api/SECRET_KEY",
    }


def test_secret_settings_of_the_user_come_by_reference_from_either_place() -> None:
    stack = render(SECRETS)
    config = configuration(stack)["auth"]
    assert (config["google"], config["git-hub"]) == ({"clientSecret": ""}, {"clientSecret": ""})
    found = variables(container(stack, "Deployment", "archesai-api"))
    assert found["ARCHES_AUTH_GOOGLE_CLIENTSECRET"] == "google/secret"
    assert found["ARCHES_AUTH_GIT_HUB_CLIENTSECRET"] == "archesai-api/ARCHES_AUTH_GIT_HUB_CLIENTSECRET"
    revealed = find(render(SECRETS, reveal=True), "Secret", "archesai-api")
    assert revealed["stringData"]["ARCHES_AUTH_GIT_HUB_CLIENTSECRET"] == "unmistakable"


def test_free_settings_reach_the_file_nested_or_dotted() -> None:
    free = {"intelligence": {"llm": {"type": "ollama"}}, "intelligence.llm.endpoint": "http://llm.example.com"}
    config = configuration(render({"api": {"settings": free}}))
    assert config["intelligence"] == {"llm": {"type": "ollama", "endpoint": "http://llm.example.com"}}


def test_another_content_of_the_file_is_another_config_map_and_so_rolls_the_pods() -> None:
    before, after = render(), render({"api": {"logLevel": "debug"}})
    names = [
        volume(stack, "Deployment", "archesai-api", "/etc/archesai")["configMap"]["name"] for stack in (before, after)
    ]
    assert names[0] != names[1]
    assert [configuration(stack)["logging"]["level"] for stack in (before, after)] == ["info", "debug"]


def test_the_same_content_is_the_same_config_map() -> None:
    one, other = render(), render({"api": {"replicas": 2}})
    paths = [volume(stack, "Deployment", "archesai-api", "/etc/archesai") for stack in (one, other)]
    assert paths[0] == paths[1]


def test_urls_follow_from_the_ingress() -> None:
    config = configuration(render(EVERYTHING))
    assert config["api"]["url"] == "http://api.example.com"
    assert config["api"]["cors"] == config["platform"]["url"] == "http://platform.example.com"


def test_urls_of_the_stack_file_win() -> None:
    config = configuration(render(EVERYTHING | {"api": {"url": "https://edge.example.com", "cors": "*"}}))
    assert (config["api"]["url"], config["api"]["cors"]) == ("https://edge.example.com", "*")


@pytest.mark.parametrize(("mode", "itself"), [("job", False), ("startup", True), ("off", False)])
def test_the_api_migrates_the_database_itself_only_when_told_to(mode: str, *, itself: bool) -> None:
    assert configuration(render({"migrations": {"mode": mode}}))["database"]["runMigrations"] is itself


def test_a_signing_key_is_generated_where_none_is_given() -> None:
    assert "api-jwt-secret" in logical_names(render())


def test_a_configured_signing_key_is_used_and_none_is_generated() -> None:
    stack = render({"apiJwtSecret": "unmistakable"}, reveal=True)
    assert find(stack, "Secret", "archesai-api")["stringData"] == {"JWT_SECRET": "unmistakable"}
    assert "api-jwt-secret" not in logical_names(stack)


def test_a_signing_key_of_others_leaves_no_secret_of_ours() -> None:
    stack = render({"api": {"existingSecret": "theirs"}})
    assert (
        variables(container(stack, "Deployment", "archesai-api"))["ARCHES_AUTH_LOCAL_JWTSECRET"] == "theirs/JWT_SECRET"
    )
    assert logical_names(stack) & {"api-secret", "api-jwt-secret"} == set()


def test_the_number_of_pods_is_the_stack_file_s() -> None:
    assert find(render({"api": {"replicas": 2}}), "Deployment", "archesai-api")["spec"]["replicas"] == 2


def test_an_autoscaler_owns_the_number_of_pods() -> None:
    stack = render({"api": {"replicas": 2, "autoscaling": ON | {"maxReplicas": 7}}})
    assert "replicas" not in find(stack, "Deployment", "archesai-api")["spec"]
    spec = find(stack, "HorizontalPodAutoscaler", "archesai-api")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 7)
    assert [metric["containerResource"]["target"]["averageUtilization"] for metric in spec["metrics"]] == [70, 80]


@pytest.mark.parametrize("asked", [True, False])
def test_the_service_accounts_token_is_there_only_when_asked_for(*, asked: bool) -> None:
    stack = render({"api": {"kubernetesAccess": asked}, "cluster": {"apiServer": ["10.96.0.1/32"]}})
    assert template(stack, "Deployment", "archesai-api")["spec"]["automountServiceAccountToken"] is asked


def test_the_server_gets_its_interrupt_and_the_time_its_shutdown_takes() -> None:
    hook = container(render(), "Deployment", "archesai-api")["lifecycle"]["preStop"]["exec"]["command"][2]
    assert "kill -INT 1" in hook
    # It leaves the endpoints for 5 s, and gives its requests 10 s.
    assert template(render(), "Deployment", "archesai-api")["spec"]["terminationGracePeriodSeconds"] >= 5 + 10 + 5


def test_an_outage_of_the_database_takes_the_api_out_of_service_and_restarts_nothing() -> None:
    server = container(render(), "Deployment", "archesai-api")
    assert server["readinessProbe"]["httpGet"] == server["startupProbe"]["httpGet"] == {"path": "/health", "port": 3001}
    assert server["livenessProbe"]["tcpSocket"] == {"port": 3001}


def test_a_new_version_waits_for_its_migrations() -> None:
    assert "migrations-job" in depends_on(render(), "api-deployment")
    assert "database-stateful-set" in depends_on(render({"migrations": {"mode": "startup"}}), "api-deployment")


def test_a_process_on_the_host_takes_the_place_of_the_pods() -> None:
    stack = render({"api": {"runOnHost": {"ip": "172.18.0.1", "port": 4001}}})
    assert "selector" not in find(stack, "Service", "archesai-api")["spec"]
    endpoints = find(stack, "EndpointSlice", "archesai-api-host")
    assert endpoints["addressType"] == "IPv4"
    assert endpoints["endpoints"] == [{"addresses": ["172.18.0.1"], "conditions": {"ready": True}}]
    assert endpoints["ports"] == [{"name": "http", "port": 4001, "protocol": "TCP"}]
    assert logical_names(stack, "api") == {"api", "api-service", "api-host-endpoints"}


def test_more_addresses_are_let_out_by_name() -> None:
    stack = render({"api": {"egress": [{"cidr": "10.20.0.0/16", "ports": [8443, 9443]}]}})
    rules = find(stack, "NetworkPolicy", "archesai-api")["spec"]["egress"]
    assert {
        "to": [{"ipBlock": {"cidr": "10.20.0.0/16"}}],
        "ports": [{"protocol": "TCP", "port": 8443}, {"protocol": "TCP", "port": 9443}],
    } in rules


def test_an_image_of_your_own_runs_your_own_command() -> None:
    image = {"repository": "ghcr.io/team/api", "tag": "v2", "digest": "sha256:" + "0" * 64}
    server = container(render({"api": {"image": image, "command": ["serve"]}}), "Deployment", "archesai-api")
    assert server["image"] == f"ghcr.io/team/api:v2@sha256:{'0' * 64}"
    assert server["command"] == ["serve"]
    assert "command" not in container(render(), "Deployment", "archesai-api")


def test_the_services_wait_is_left_to_the_deployment() -> None:
    annotations = resource(render(), "api-service").inputs["metadata"]["annotations"]
    assert annotations["pulumi.com/skipAwait"] == "true"


def test_the_path_and_the_port_of_the_probes_follow_the_settings() -> None:
    server = container(render({"api": {"health": {"path": "/healthz?full=1", "port": 9090}}}), "Deployment", NAME)
    asked = {"path": "/healthz?full=1", "port": 9090}
    assert server["readinessProbe"]["httpGet"] == server["startupProbe"]["httpGet"] == asked
    assert server["livenessProbe"]["tcpSocket"] == {"port": 3001}


def test_a_build_without_a_health_route_is_only_connected_to() -> None:
    server = container(render({"api": {"health": {"kind": "tcp"}}}), "Deployment", NAME)
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert server[probe]["tcpSocket"] == {"port": 3001}
        assert "httpGet" not in server[probe]


def test_the_address_that_the_api_listens_on_can_be_that_of_ipv6() -> None:
    assert configuration(render({"api": {"settings": {"api.host": "::"}}}))["api"] == {"host": "::", "port": 3001}


def test_the_api_signs_for_the_public_host_of_the_storage_where_that_is_asked_for() -> None:
    public: Config = {
        "domain": "example.com",
        "storage": {"enabled": True, "publicEndpoint": True},
        "ingress": {"enabled": True, "hosts": {"storage": "s3"}},
    }
    assert configuration(render(public))["storage"]["endpoint"] == "http://s3.example.com"
