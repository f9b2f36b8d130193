from __future__ import annotations

import pytest

from archesai_infra.components.redis import ManagedRedis
from archesai_infra.components.redis.configuration import configuration
from archesai_infra.components.redis.users import rules
from archesai_infra.stack.config import ConfigError
from testbed.components.parts import configuration as api_file
from testbed.components.parts import container, logical_names, template, variables, volume
from testbed.matrix import ON
from testbed.stacks import ALONE, find, render

NAME = "archesai-redis"
REDIS = ALONE | {"redis": ON}


def managed(**settings: object) -> ManagedRedis:
    return ManagedRedis.model_validate(settings)


def test_the_configuration_keeps_data_as_the_production_guide_says() -> None:
    amounts = {"cpu": "1", "memory": "3Gi"}
    resources = {"requests": amounts, "limits": amounts}
    assert configuration(managed(maxMemory="2Gi", resources=resources)).splitlines() == [
        "port 6379",
        "dir /data",
        "daemonize no",
        "appendonly yes",
        "appendfsync everysec",
        "auto-aof-rewrite-percentage 100",
        "auto-aof-rewrite-min-size 64mb",
        "save 900 1 300 10 60 10000",
        "maxmemory 2147483648",
        "maxmemory-policy allkeys-lru",
    ]


def test_data_that_is_in_memory_twice_fits_into_the_limit() -> None:
    assert f"maxmemory {int(256 * 2**20 * 0.45)}\n" in configuration(managed())


def test_what_the_stack_file_says_of_data_wins() -> None:
    text = configuration(managed(maxMemory="100Mi", maxMemoryPolicy="noeviction", appendFsync="always"))
    assert "maxmemory 104857600\n" in text
    assert "maxmemory-policy noeviction\n" in text
    assert "appendfsync always\n" in text


def test_the_password_is_a_file_that_joins_the_configuration_in_memory() -> None:
    stack = render(REDIS | {"redisPassword": "unmistakable"}, reveal=True)
    server = container(stack, "StatefulSet", NAME)
    assert variables(server) == {}
    assert "unmistakable" not in str(server)
    sources = volume(stack, "StatefulSet", NAME, "/run/secrets/archesai")["projected"]["sources"]
    assert {item["secret"]["name"] for item in sources} == {NAME, f"{NAME}-users"}
    assert volume(stack, "StatefulSet", NAME, "/run/redis")["emptyDir"]["medium"] == "Memory"
    config = volume(stack, "StatefulSet", NAME, "/etc/redis")["configMap"]["name"]
    assert "requirepass" not in find(stack, "ConfigMap", config)["data"]["redis.conf"]


def test_each_consumer_but_the_api_logs_in_as_a_user_of_its_own() -> None:
    backups = {"bucket": "elsewhere", "existingSecret": "keys"}
    stack = render({"redis": ON, "monitoring": ON, "backups": ON | backups})
    exporter = variables(container(stack, "Deployment", "archesai-redis-exporter"))
    assert (exporter["REDIS_USER"], exporter["REDIS_PASSWORD"]) == ("exporter", "archesai-redis-users/exporter")
    dump = find(stack, "StatefulSet", "archesai-dump")["spec"]["template"]["spec"]["containers"]
    (tools,) = [variables(item) for item in dump if item["name"] == "redis"]
    assert (tools["REDIS_USER"], tools["REDISCLI_AUTH"]) == ("dump", "archesai-redis-users/dump")
    api = variables(container(stack, "Deployment", "archesai-api"))
    assert api["ARCHES_REDIS_AUTH"] == "archesai-redis/REDIS_PASSWORD"
    pods = [item for item in stack.objects if "archesai-redis-users" in str(item) and item["kind"] != "Secret"]
    readers = {item["metadata"]["name"] for item in pods if "'restore'" in str(item.get("spec"))}
    assert readers == {NAME, "archesai-dump"}, "the dump pod names the user, the server alone has its password"
    assert "archesai-redis-users/restore" not in tools.values()


def test_commands_that_the_stack_file_names_are_added() -> None:
    assert rules(managed(commands=["keys", "client|list"])).splitlines()[0].endswith(" +info +keys +client|list")


def test_a_command_is_a_word_and_no_rule() -> None:
    with pytest.raises(ConfigError, match=r"redis\.commands\[0\]: must be a command of redis in lower case"):
        render(REDIS | {"redis": ON | {"commands": ["keys allkeys"]}})


def test_another_configuration_is_another_config_map_and_so_rolls_the_pod() -> None:
    stacks = [render(REDIS), render(ALONE | {"redis": ON | {"appendFsync": "always"}})]
    names = {volume(stack, "StatefulSet", NAME, "/etc/redis")["configMap"]["name"] for stack in stacks}
    assert len(names) == 2


def test_the_pod_is_ready_when_redis_answers_and_alive_when_it_listens() -> None:
    server = container(render(REDIS), "StatefulSet", NAME)
    assert server["readinessProbe"]["exec"] == server["startupProbe"]["exec"]
    assert server["livenessProbe"]["tcpSocket"] == {"port": 6379}
    # A large append-only file takes its time to load.
    assert server["startupProbe"]["periodSeconds"] * server["startupProbe"]["failureThreshold"] >= 600


def test_a_stop_has_time_to_write_the_data_set() -> None:
    assert template(render(REDIS), "StatefulSet", NAME)["spec"]["terminationGracePeriodSeconds"] == 60


def test_an_external_redis_gives_the_api_the_same_settings() -> None:
    external = ON | {"mode": "external", "host": "redis.example.com", "port": 6380, "cidrs": ["10.9.0.0/16"]}
    stack = render({"redis": external, "redisPassword": "unmistakable"})
    assert api_file(stack)["redis"] == {"enabled": True, "host": "redis.example.com", "port": 6380, "auth": ""}
    assert variables(container(stack, "Deployment", "archesai-api"))["ARCHES_REDIS_AUTH"] == f"{NAME}/REDIS_PASSWORD"
    assert logical_names(stack, "redis") == {"redis", "redis-secret"}
    assert {
        "to": [{"ipBlock": {"cidr": "10.9.0.0/16"}}],
        "ports": [{"protocol": "TCP", "port": 6380}],
    } in find(stack, "NetworkPolicy", "archesai-api")["spec"]["egress"]


@pytest.mark.parametrize("mode", [{}, {"mode": "external", "host": "redis.example.com"}])
def test_a_password_of_others_is_read_where_it_is(mode: dict[str, str]) -> None:
    stack = render({"redis": ON | mode | {"existingSecret": "theirs"}})
    assert variables(container(stack, "Deployment", "archesai-api"))["ARCHES_REDIS_AUTH"] == "theirs/REDIS_PASSWORD"
    assert logical_names(stack, "redis") & {"redis-secret", "redis-password"} == set()


def test_a_server_on_the_host_takes_the_place_of_the_pod() -> None:
    on_host = ON | {"runOnHost": {"ip": "172.18.0.1", "port": 6380}}
    stack = render({"redis": on_host, "redisPassword": "unmistakable"})
    assert api_file(stack)["redis"]["host"] == NAME
    assert logical_names(stack, "redis") == {"redis", "redis-service", "redis-host-endpoints", "redis-secret"}
    assert find(stack, "EndpointSlice", "archesai-redis-host")["ports"][0]["port"] == 6380
