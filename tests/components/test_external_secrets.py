"""Secrets that an operator fills from a store outside of the cluster."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from archesai_infra.stack.config import ConfigError
from archesai_infra.stack.evaluate import Evaluation, evaluate
from archesai_infra.stack.render import hidden_secrets
from testbed.controlplane import crds
from testbed.controlplane.api import Object
from testbed.controlplane.fixtures import parts_or_skip
from testbed.controlplane.rig import ControlPlane
from testbed.invariants.view import RUNNERS
from testbed.stacks import Config, find, raw, render, shipped_config

KEYS: Config = {"backupsAccessKey": "made-up", "backupsSecretKey": "made-up"}
STORE: Config = {"secrets": {"external": {"store": "vault"}}}
MADE_OTHERWISE = {"archesai-backups-repository", "alertmanager-config"}
"""The copy of the repository's password, which the store makes needless; receivers of alerts, which are configured."""


def _production(more: Config | None = None) -> Config:
    """Everything that production ships, with backups that have keys of their own."""
    config = shipped_config("prod")
    config["backups"].pop("existingSecret")
    return config | (more or {})


def _made(evaluation: Evaluation) -> Iterator[tuple[str, str, frozenset[str]]]:
    for item in evaluation.objects:
        name, namespace = item["metadata"]["name"], item["metadata"].get("namespace", "")
        if item["kind"] == "Secret":
            yield namespace, name, frozenset({**item.get("stringData", {}), **item.get("data", {})})
        if item["kind"] == "ExternalSecret":
            target = item["spec"]["target"]
            yield namespace, target["name"], frozenset(target["template"]["data"])


def test_the_store_fills_the_very_secrets_and_keys_that_the_stack_would_make() -> None:
    own = {one for one in _made(evaluate(raw(_production(KEYS), "prod"))) if one[1] not in MADE_OTHERWISE}
    stored = {one for one in _made(evaluate(raw(_production(STORE), "prod"))) if one[1] not in MADE_OTHERWISE}
    assert {name for _, name, _ in own} >= {"archesai-database", "archesai-redis-users", "cloud-credentials"}
    assert stored == own


def test_nothing_is_generated_and_no_value_is_in_the_program() -> None:
    stack = evaluate(raw(_production(STORE), "prod"), reveal=True)
    generated = [one.name for one in stack.resources if one.type == "pulumi:index:Stash"]
    secrets = {one.inputs["metadata"]["name"] for one in stack.resources if one.type == "kubernetes:core/v1:Secret"}
    assert generated == ["fingerprint-key"]
    assert secrets <= MADE_OTHERWISE
    assert hidden_secrets(evaluate(raw(STORE | {"environment": "development"}))) == []


def _pods(evaluation: Evaluation) -> dict[str, Any]:
    """Pod templates by object, without the fingerprints of values and without what is named by its content."""
    found = {}
    for item in evaluation.objects:
        if item["kind"] in RUNNERS and item["kind"] != "Job":
            spec = item["spec"].get("jobTemplate", item)["spec"]
            template = {**spec["template"], "metadata": {}}
            found[f"{item['kind']} {item['metadata']['name']}"] = template
    return found


def test_pods_read_secrets_from_a_store_like_those_of_the_stack() -> None:
    own = _pods(evaluate(raw(_production(KEYS), "prod")))
    assert own == _pods(evaluate(raw(_production(STORE), "prod")))


def _filled(template: str, password: str, directory: Path) -> str:
    """A template of the operator, rendered by Helm, whose templates have the same functions."""
    helm = parts_or_skip("helm")["helm"]
    (directory / "templates").mkdir()
    (directory / "Chart.yaml").write_text("apiVersion: v2\nname: url\nversion: 1.0.0\n", encoding="utf-8")
    (directory / "values.yaml").write_text(yaml.safe_dump({"databasePassword": password}), encoding="utf-8")
    text = f"{{{{ with .Values }}}}url: '{template}'{{{{ end }}}}"
    (directory / "templates" / "url.yaml").write_text(text, encoding="utf-8")
    done = subprocess.run([helm, "template", directory], capture_output=True, text=True, check=True, timeout=30)
    return yaml.safe_load(done.stdout)["url"]


def _rendered(template: str, values: dict[str, str], directory: Path) -> str:
    """A template of several values."""
    helm = parts_or_skip("helm")["helm"]
    (directory / "templates").mkdir()
    (directory / "Chart.yaml").write_text("apiVersion: v2\nname: text\nversion: 1.0.0\n", encoding="utf-8")
    (directory / "values.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    text = f"text: |-\n  {{{{ with .Values }}}}{template}{{{{ end }}}}\n"
    (directory / "templates" / "text.yaml").write_text(text, encoding="utf-8")
    done = subprocess.run([helm, "template", directory], capture_output=True, text=True, check=True, timeout=30)
    return yaml.safe_load(done.stdout)["text"]


def _template(stack: Evaluation, name: str) -> dict[str, str]:
    return find(stack, "ExternalSecret", name)["spec"]["target"]["template"]["data"]


AWKWARD = 'quo"te\\back{{ .x }} &<ünï>'
LOGIN: Config = {"security": {"registry": {"server": "registry.example.com", "username": 'ro"bot'}}}


def test_the_login_of_a_registry_comes_from_the_store_as_the_program_would_write_it(tmp_path: Path) -> None:
    (document,) = _template(render(STORE | LOGIN), "regcred").values()
    own = find(render(LOGIN | {"registryPassword": AWKWARD}, reveal=True), "Secret", "regcred")
    assert find(render(STORE | LOGIN), "ExternalSecret", "regcred")["spec"]["target"]["template"]["type"] == own["type"]
    filled = json.loads(_rendered(document, {"registryPassword": AWKWARD}, tmp_path))
    assert filled == json.loads(own["stringData"][".dockerconfigjson"])


RECEIVERS = {
    "alertWebhookUrl": "https://hooks.example.com/?a=1&b=2",
    "alertSlackUrl": "https://slack.example.com/x",
    "alertEmailPassword": AWKWARD,
    "alertHeartbeatUrl": "https://beat.example.com/y",
}
MAIL = {"to": "team@example.com", "sender": "alerts@example.com", "server": "mail.example.com:587"}
MONITORED: Config = {"monitoring": {"enabled": True, "alerts": {"email": MAIL, "slackChannel": "#alerts"}}}


def test_receivers_of_alerts_come_from_the_store_as_the_program_would_write_them(tmp_path: Path) -> None:
    stored = render(MONITORED | {"secrets": {"external": {"store": "vault", "alerts": list(RECEIVERS)}}})
    (template,) = _template(stored, "alertmanager-config").values()
    own = find(render(MONITORED | RECEIVERS, reveal=True), "Secret", "alertmanager-config")["stringData"]
    assert json.loads(_rendered(template, RECEIVERS, tmp_path)) == json.loads(own["alertmanager.yaml"])
    assert hidden_secrets(stored) == []


def _urls(config: Config) -> dict[str, str]:
    return find(render(STORE | config), "ExternalSecret", "archesai-database")["spec"]["target"]["template"]["data"]


@pytest.mark.parametrize("password", ["plain", "sp ace+plus", "p@ss:w/rd?#[]&%20", 'quo"te\\back{{ .x }}', "ünï"])
def test_the_operator_s_template_of_a_url_escapes_a_password_as_the_program_does(password: str, tmp_path: Path) -> None:
    external = {"database": {"mode": "external", "host": "db.example.com", "cidrs": ["10.9.0.0/16"]}}
    url = urlsplit(_filled(_urls(external)["DATABASE_URL"], password, tmp_path))
    assert unquote(url.password or "") == password
    assert (url.hostname, url.port, url.path) == ("db.example.com", 5432, "/archesai")
    assert "sslmode=" in url.query


def test_each_role_of_a_server_in_the_cluster_has_a_password_that_follows_from_the_one_in_the_store(
    tmp_path: Path,
) -> None:
    own = find(render(reveal=True), "Secret", "archesai-database")["stringData"]
    found: set[str] = set()
    for key, template in _urls({}).items():
        if key.endswith("_URL"):
            (tmp_path / key).mkdir()
            url, plain = urlsplit(_filled(template, "secret", tmp_path / key)), urlsplit(own[key])
            assert (url.username, url.hostname, url.path, url.query) == (
                plain.username,
                plain.hostname,
                plain.path,
                plain.query,
            )
            assert re.fullmatch("[0-9a-f]{64}", url.password or "")
            found.add(url.password or "")
    assert len(found) == len(["application", "monitor", "dump"])


def test_an_external_database_takes_its_whole_url_from_the_store() -> None:
    external = {"database": {"mode": "external", "cidrs": ["10.9.0.0/16"]}}
    spec = find(render(STORE | external), "ExternalSecret", "archesai-database")["spec"]
    assert spec["target"]["template"]["data"] == {"DATABASE_URL": "{{ .databaseUrl }}"}


def _references(external: Config) -> dict[str, dict[str, str]]:
    stack = render({"secrets": {"external": {"store": "vault"} | external}})
    data = find(stack, "ExternalSecret", "archesai-database")["spec"]["data"]
    return {item["secretKey"]: item["remoteRef"] for item in data}


def test_the_place_of_a_value_follows_from_a_pattern_or_is_named() -> None:
    default = _references({})["databasePassword"]
    assert (default["key"], default["property"]) == ("archesai/dev", "databasePassword")
    single = _references({"key": "arches-{stack}-{name}", "property": None})["databasePassword"]
    assert (single["key"], "property" in single) == ("arches-dev-databasePassword", False)
    named = _references({"keys": {"databasePassword": {"key": "team/db", "property": "pw"}}})["databasePassword"]
    assert (named["key"], named["property"]) == ("team/db", "pw")


def test_a_module_with_an_existing_secret_keeps_to_it() -> None:
    stack = render(STORE | {"database": {"existingSecret": "theirs"}})
    assert {name for _, name, _ in _made(stack)} == {"archesai-api"}


def test_workloads_are_marked_for_a_reloader_only_where_it_is_asked_for() -> None:
    marked = render({"secrets": {"external": {"store": "vault", "reloader": True}}})
    annotation = "reloader.stakater.com/auto"
    for kind, name in (("Deployment", "archesai-api"), ("StatefulSet", "archesai-postgres")):
        assert find(marked, kind, name)["metadata"]["annotations"][annotation] == "true"
        assert annotation not in find(render(STORE), kind, name)["metadata"].get("annotations", {})


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (STORE | {"databasePassword": "x"}, "databasePassword: secrets.external takes it from the store"),
        (
            STORE | LOGIN | {"registryPassword": "x"},
            "registryPassword: secrets.external takes it from the store",
        ),
        (
            MONITORED | RECEIVERS | {"secrets": {"external": {"store": "v", "alerts": ["alertSlackUrl"]}}},
            r"alertWebhookUrl: secrets\.external\.alerts names receivers of the store: add it there",
        ),
        (STORE | {"apiSecretSettings": '{"a.b": "c"}'}, "apiSecretSettings: with secrets.external"),
        ({"secrets": {"external": {"store": "v", "property": None}}}, "key or property needs {name}"),
        ({"secrets": {"external": {"store": "v", "key": "{team}"}}}, r"may hold {stack} and {name} \(got {team}\)"),
        ({"secrets": {"external": {"store": "v", "keys": {"password": {"key": "k"}}}}}, "secrets.external.keys"),
        ({"secrets": {"external": {}}}, "secrets.external.store: is required"),
    ],
)
def test_what_cannot_work_is_refused(config: Config, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        render(config)


@pytest.mark.cluster
def test_the_operator_s_definitions_accept_every_external_secret(
    control_plane: ControlPlane, fresh_namespace: str
) -> None:
    store: Config = {"secrets": {"external": {"store": "vault", "alerts": ["alertSlackUrl"]}}}
    config = _production(store)
    config["security"] = {**config.get("security", {}), **LOGIN["security"]}
    stack = evaluate(raw(config, "prod"))
    definitions = crds.custom_resource_definitions("external-secrets.io")
    control_plane.apply(definitions).check()
    control_plane.wait_ready(*definitions)
    items: list[Object] = [item for item in stack.objects if item["kind"] == "ExternalSecret"]
    assert {item["metadata"]["name"] for item in items} >= {"archesai-database", "regcred", "alertmanager-config"}
    for item in items:
        name = f"{item['metadata']['namespace']}-{item['metadata']['name']}"
        created = control_plane.api.create({**item, "metadata": {"name": name, "namespace": fresh_namespace}})
        # A field that the definition defaults would be a difference in the eyes of a GitOps controller.
        assert created["spec"] == item["spec"]
