from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from archesai_infra.cli.import_values.convert import problems
from archesai_infra.cli.import_values.values import translate
from archesai_infra.credentials import Credential
from testbed.cli.running import run, run_json
from testbed.stacks import ROOT

DATA = ROOT / "tests" / "cli" / "data"
FORMS = ["values-minimal.yaml", "values-arches.yaml"]
"""Every documented key of the old chart's two forms, with its default; secrets are made up."""


def _values(name: str) -> dict[str, Any]:
    return yaml.safe_load((DATA / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", FORMS)
def test_every_documented_key_is_known(name: str) -> None:
    unknown = [path for path, why in translate(_values(name)).no_place.items() if "not a key of the old chart" in why]
    assert unknown == []


@pytest.mark.parametrize("name", FORMS)
def test_the_result_is_a_stack_the_program_takes(name: str) -> None:
    translation = translate(_values(name))
    for module in ("api", "platform"):
        translation.config[module]["image"]["tag"] = "v1.0.0"
    if translation.config.get("monitoring", {}).get("enabled"):
        translation.config["monitoring"]["alerts"] = {"unattended": True}
    assert problems(translation, "moved") == []


@pytest.mark.parametrize("name", FORMS)
def test_secrets_are_listed_and_never_copied(name: str) -> None:
    translation = translate(_values(name))
    assert {Credential.DATABASE_PASSWORD, Credential.REDIS_PASSWORD, Credential.STORAGE_SECRET_KEY} <= set(
        translation.secrets
    )
    assert "made-up" not in str(vars(translation))


@pytest.mark.parametrize("name", FORMS)
def test_both_forms_say_the_same_modules(name: str) -> None:
    config = translate(_values(name)).config
    on = {module for module in config if isinstance(config[module], dict) and config[module].get("enabled") is True}
    assert on == {"redis", "storage", "ingress", "monitoring", "scraper", "unstructured"}
    assert config["namespace"] == "arches-system"
    assert config["storage"]["server"] == "minio"
    assert "resources" not in config["api"], "equal to the program's own"
    assert config["unstructured"]["resources"]["limits"]["memory"] == "2Gi"


def test_a_module_that_was_off_stays_off() -> None:
    values = {"platform": {"mode": "disabled"}, "redis": {"enabled": False}, "database": {"mode": "managed"}}
    config = translate(values).config
    assert config == {"environment": "development", "platform": {"enabled": False}}


def test_servers_of_others_become_external_modules() -> None:
    values = {
        "database": {"mode": "unmanaged", "url": "postgresql://db.example.com/archesai", "auth": {"database": "x"}},
        "redis": {"mode": "unmanaged", "host": "redis.example.com", "port": 6380, "auth": "made-up"},
        "storage": {"mode": "unmanaged", "endpoint": "https://s3.example.com", "accesskey": "a", "secretkey": "b"},
    }
    translation = translate(values)
    assert translation.config["redis"] == {
        "mode": "external", "host": "redis.example.com", "port": 6380, "enabled": True,
    }  # fmt: skip
    assert translation.config["storage"]["host"] == "s3.example.com"
    assert translation.config["database"] == {"mode": "external"}
    assert Credential.DATABASE_URL in translation.secrets
    assert "db.example.com" not in str(translation.config)
    assert problems(translation, "moved") == []


def test_free_settings_of_the_api_are_kept_and_their_secrets_are_not() -> None:
    values = {"intelligence": {"runpod": {"mode": "enabled", "token": "made-up"}, "llm": {"endpoint": "http://llm"}}}
    translation = translate(values)
    assert translation.config["api"]["settings"]["intelligence"] == {
        "runpod": {"enabled": True},
        "llm": {"endpoint": "http://llm"},
    }
    assert list(translation.secrets) == [Credential.API_SECRET_SETTINGS]


def test_a_process_on_the_developers_machine_stays_behind_the_service() -> None:
    development = {
        "hostIP": "172.18.0.1",
        "api": {"enabled": True, "port": 3001},
        "redis": {"enabled": True, "port": 1},
    }
    translation = translate({"infrastructure": {"development": development}})
    assert translation.config["api"]["runOnHost"] == {"ip": "172.18.0.1", "port": 3001}
    assert "port-forward" in translation.no_place["infrastructure.development.redis"]


def test_a_key_nobody_knows_is_listed() -> None:
    assert translate({"api": {"replicas": 2}, "kafka": {"on": True}}).no_place == {
        "kafka.on": "is not a key of the old chart"
    }


def test_the_command_writes_the_stack_file_and_reports_on_stderr(tmp_path: Path) -> None:
    out = tmp_path / "Pulumi.moved.yaml"
    result = run("import-values", str(DATA / "values-minimal.yaml"), "--out", str(out))
    assert result.exit_code == 1
    assert "api.image.tag: latest is refused in production" in result.stderr
    assert "arches config set databasePassword --stack moved" in result.stderr
    assert next(iter(yaml.safe_load(out.read_text(encoding="utf-8"))["config"])) == "archesai:environment"
    again = run("import-values", str(DATA / "values-minimal.yaml"), "--out", str(out))
    assert (again.exit_code, "already exists" in again.stderr) == (2, True)


def test_scripts_get_the_translation_as_data() -> None:
    found = run_json("import-values", str(DATA / "values-arches.yaml"))
    assert found["config"]["domain"] == "archesai.com"
    assert found["corrections"] == []


@pytest.mark.parametrize(
    ("text", "says"), [("[]", "must be an object"), ("a: {", "broken YAML"), (None, "cannot be read")]
)
def test_a_file_that_is_none_is_a_sentence(tmp_path: Path, text: str | None, says: str) -> None:
    file = tmp_path / "values.yaml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    result = run("import-values", str(file))
    assert (result.exit_code, says in result.stderr) == (2, True)


def _written(directory: Path, name: str, values: object) -> str:
    path = directory / name
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return str(path)


def test_an_overlay_alone_opens_no_process_without_its_port(tmp_path: Path) -> None:
    development = {"hostIP": "172.18.0.1", "api": {"enabled": True}, "redis": {"enabled": True}}
    overlay = _written(tmp_path, "dev.yaml", {"infrastructure": {"development": development}})
    document = run_json("import-values", overlay)
    assert "runOnHost" not in str(document["config"])
    assert "give the chart's own values file first" in document["no_place"]["infrastructure.development.api"]
    assert "None" not in str(document["no_place"])


def test_files_override_each_other_in_the_order_given(tmp_path: Path) -> None:
    development = {"hostIP": "172.18.0.1", "api": {"enabled": False, "port": 3001}}
    base = _written(tmp_path, "values.yaml", {"infrastructure": {"development": development}, "api": {"replicas": 2}})
    overlay = _written(tmp_path, "dev.yaml", {"infrastructure": {"development": {"api": {"enabled": True}}}})
    config = run_json("import-values", base, overlay)["config"]
    assert config["api"] == {"replicas": 2, "runOnHost": {"ip": "172.18.0.1", "port": 3001}}
    assert "runOnHost" not in str(run_json("import-values", overlay, base)["config"])


@pytest.mark.parametrize(
    ("storage", "server"),
    [
        ({"mode": "managed"}, "minio"),
        ({"mode": "managed", "image": {"repository": "quay.io/minio/minio"}}, "minio"),
        ({"mode": "managed", "image": {"repository": "rustfs/rustfs"}}, None),
        ({"mode": "disabled"}, None),
    ],
)
def test_storage_keeps_the_server_whose_data_its_volume_has(storage: dict[str, object], server: str | None) -> None:
    assert translate({"storage": storage}).config.get("storage", {}).get("server") == server


def test_every_token_is_listed() -> None:
    tokens = {"runpod": {"token": "made-up"}, "speech": {"token": "made-up"}}
    why = translate({"intelligence": tokens}).secrets[Credential.API_SECRET_SETTINGS]
    assert "intelligence.runpod.token" in why
    assert "intelligence.speech.token" in why


def test_the_database_name_of_the_public_chart_is_taken() -> None:
    translation = translate({"database": {"mode": "managed", "auth": {"database": "archesai-db"}}})
    assert translation.config["database"] == {"name": "archesai-db"}
    assert problems(translation, "moved") == []


def test_a_stack_file_is_refused_in_one_line() -> None:
    result = run("import-values", str(ROOT / "Pulumi.prod.yaml"))
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "not a values file of the old chart" in result.stderr
