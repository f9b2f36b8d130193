"""What a stack file may say, in each of the forms that people and `pulumi config set` write it."""

from __future__ import annotations

import json
from contextvars import copy_context
from pathlib import Path

import pulumi
import pytest

from archesai_infra.components.database import ExternalDatabase, ManagedDatabase
from archesai_infra.components.redis import ManagedRedis
from archesai_infra.components.storage import ExternalStorage
from archesai_infra.credentials import Credential
from archesai_infra.stack.config import ConfigError, RawConfig, load
from archesai_infra.stack.settings import Settings
from archesai_infra.stack.stack_file import from_engine, read, stacks
from testbed.stack_files import DEVELOPMENT, PRODUCTION, reasons, settings, write
from testbed.stacks import ROOT

SECRET = "{secure: AAABAMdV7dXnzq0=}"


def from_text(**values: str) -> Settings:
    """Settings from values as the engine hands them over: text, whatever was meant."""
    return load(RawConfig("dev", {"environment": "development"} | values))[0]


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_shipped_stack_files_have_no_mistake(stack: str) -> None:
    assert reasons(ROOT, stack) == []


def test_the_shipped_stacks_are_development_and_production() -> None:
    assert {stack: load(read(ROOT, stack))[0].environment for stack in ("dev", "prod")} == {
        "dev": "development",
        "prod": "production",
    }


def test_an_environment_is_all_that_a_stack_needs(tmp_path: Path) -> None:
    built = settings(tmp_path, DEVELOPMENT)
    assert [module for module, on in built.modules.items() if on] == ["api", "platform", "database", "migrations"]
    assert (built.namespace, built.domain, built.retain_data) == ("archesai", "localhost", True)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False)])
def test_a_switch_set_by_pulumi_config_set_is_text_and_means_a_switch(text: str, value: object) -> None:
    assert from_text(retainData=text).retain_data is value


def test_values_inside_a_module_may_be_text(tmp_path: Path) -> None:
    built = settings(tmp_path, DEVELOPMENT, 'archesai:redis: {enabled: "true"}', 'archesai:api: {replicas: "3"}')
    assert built.redis.enabled is True
    assert built.api.replicas == 3


def test_values_set_with_path_arrive_as_json() -> None:
    built = from_text(redis='{"enabled":true}', api='{"replicas":3,"image":{"tag":15}}')
    assert built.redis.enabled is True
    assert (built.api.replicas, built.api.image.tag) == (3, "15")


def test_top_level_text_that_looks_like_a_number_stays_text() -> None:
    assert from_text(namespace="080").namespace == "080"


def test_a_top_level_number_of_a_stack_file_is_text(tmp_path: Path) -> None:
    assert settings(tmp_path, DEVELOPMENT, "archesai:namespace: 2024").namespace == "2024"


def test_numbers_are_taken_where_kubernetes_wants_text(tmp_path: Path) -> None:
    built = settings(
        tmp_path,
        DEVELOPMENT,
        "archesai:security: {quota: {hard: {pods: 60}}}",
        "archesai:database: {postgres: {parameters: {jit: 'off', max_worker_processes: 16}}}",
        "archesai:api: {resources: {requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 1.5, memory: 1Gi}}}",
    )
    assert built.security.quota.hard == {"pods": "60"}
    assert isinstance(built.database, ManagedDatabase)
    assert built.database.postgres.parameters == {"jit": "off", "max_worker_processes": "16"}
    assert (built.api.resources.requests.cpu, built.api.resources.limits.cpu) == ("1", "1.5")


def test_a_data_module_is_managed_where_no_mode_is_said(tmp_path: Path) -> None:
    built = settings(tmp_path, DEVELOPMENT, "archesai:redis: {enabled: true}")
    assert isinstance(built.redis, ManagedRedis)


def test_a_data_module_can_be_a_service_of_others(tmp_path: Path) -> None:
    built = settings(
        tmp_path,
        DEVELOPMENT,
        "archesai:database: {mode: external, host: db.example.com, cidrs: [10.1.0.0/16]}",
        f"archesai:databasePassword: {SECRET}",
        "archesai:storage: {enabled: true, mode: external, host: s3.example.com, existingSecret: s3-keys}",
    )
    assert isinstance(built.database, ExternalDatabase)
    assert (built.database.host, built.database.port, built.database.cidrs) == (
        "db.example.com",
        5432,
        ("10.1.0.0/16",),
    )
    assert isinstance(built.storage, ExternalStorage)
    assert built.storage.existing_secret == "s3-keys"


def test_a_connection_url_is_all_that_an_external_database_needs(tmp_path: Path) -> None:
    assert settings(
        tmp_path, DEVELOPMENT, "archesai:database: {mode: external}", f"archesai:databaseUrl: {SECRET}"
    ).database.enabled


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param([], id="generated"),
        pytest.param([f"archesai:databasePassword: {SECRET}"], id="configured"),
        pytest.param(["archesai:database: {existingSecret: mine}"], id="existing"),
    ],
)
def test_a_password_has_three_sources(keys: list[str], tmp_path: Path) -> None:
    write(tmp_path, PRODUCTION, *keys)
    assert reasons(tmp_path) == []


def test_free_settings_may_be_nested_or_dotted(tmp_path: Path) -> None:
    built = settings(
        tmp_path,
        DEVELOPMENT,
        "archesai:api: {settings: {intelligence: {llm: {type: ollama}}, intelligence.llm.endpoint: 'http://llm'}}",
    )
    assert built.api.settings == {
        "intelligence": {"llm": {"type": "ollama"}},
        "intelligence.llm.endpoint": "http://llm",
    }


def test_hosts_of_switched_off_modules_may_keep_their_defaults(tmp_path: Path) -> None:
    built = settings(
        tmp_path,
        DEVELOPMENT,
        "archesai:platform: {enabled: false}",
        "archesai:ingress: {enabled: true}",
        "archesai:domain: example.com",
    )
    assert {module: built.url(module) for module in ("api", "platform", "storage")} == {
        "api": "http://api.example.com",
        "platform": None,
        "storage": None,
    }


def test_settings_of_other_projects_and_providers_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path, DEVELOPMENT, "aws:region: eu-central-1", "pulumi:disable-default-providers: ['*']")
    raw = read(tmp_path, "dev")
    assert dict(raw.values) == {"environment": "development"}


def test_a_secret_of_a_stack_file_counts_as_set_without_being_read(tmp_path: Path) -> None:
    write(tmp_path, DEVELOPMENT, f"archesai:databasePassword: {SECRET}", f"archesai:apiSecretSettings: {SECRET}")
    raw = read(tmp_path, "dev")
    assert raw.secret_keys == {"databasePassword", "apiSecretSettings"}
    assert "AAABAMdV7dXnzq0=" not in json.dumps(dict(raw.values))
    assert set(load(raw)[1].values) == {Credential.DATABASE_PASSWORD}


def test_the_engine_and_the_file_mean_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        tmp_path,
        DEVELOPMENT,
        "archesai:redis: {enabled: true}",
        "archesai:retainData: false",
        f"archesai:redisPassword: {SECRET}",
    )
    handed = {
        "archesai:environment": "development",
        "archesai:redis": '{"enabled":true}',
        "archesai:retainData": "false",
        "archesai:redisPassword": "decrypted",
    }
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(handed))
    monkeypatch.setattr("pulumi.get_stack", lambda: "dev")

    def as_the_language_host() -> RawConfig:
        pulumi.runtime.set_all_config(handed, ["archesai:redisPassword"])
        return from_engine()

    engine, file = copy_context().run(as_the_language_host), read(tmp_path, "dev")
    assert (engine.stack, engine.secret_keys) == (file.stack, file.secret_keys)
    assert load(engine)[0] == load(file)[0]


def test_stacks_are_the_files_of_the_directory(tmp_path: Path) -> None:
    for stack in ("prod", "dev", "team-a"):
        write(tmp_path, DEVELOPMENT, stack=stack)
    (tmp_path / "Pulumi.yaml").write_text("name: archesai\n", encoding="utf-8")
    assert stacks(tmp_path) == ["dev", "prod", "team-a"]


def test_what_a_group_leaves_out_keeps_the_modules_default() -> None:
    default = from_text().api.resources
    given = from_text(api='{"resources": {"limits": {"memory": "3Gi"}}}').api.resources
    assert given.limits.memory == "3Gi"
    assert given.limits.cpu == default.limits.cpu
    assert given.requests == default.requests


def test_a_request_that_the_default_limit_does_not_hold_is_named_with_both() -> None:
    with pytest.raises(ConfigError) as caught:
        from_text(database='{"resources": {"requests": {"cpu": "2"}}}')
    assert str(caught.value).splitlines() == [
        "Pulumi.dev.yaml: database.resources: requests.cpu (2) must not be more than limits.cpu (500m)",
    ]
