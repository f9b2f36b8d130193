"""The checks that need no cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archesai_infra.cli.doctor import machine
from archesai_infra.cli.engine.command import Command
from archesai_infra.cli.engine.engine import Engine
from archesai_infra.cli.engine.existing_secrets import Lack, wanted
from testbed.cli.projects import project
from testbed.cli.running import run
from testbed.stacks import ROOT, render, shipped

__all__ = ["project"]


def _engine(directory: Path, says: str) -> Path:
    command = directory / "pulumi"
    command.write_text(f"#!/bin/sh\necho '{says}'\n", encoding="utf-8")
    command.chmod(0o755)
    return command


def _passphrase(backend: Path) -> dict[str, str]:
    return {"PULUMI_BACKEND_URL": backend.as_uri(), "PULUMI_CONFIG_PASSPHRASE": ""}


def test_an_old_python_is_a_problem_with_a_cure() -> None:
    found = machine.python(ROOT, (3, 10))
    assert (found.status, found.text) == ("problem", "Python 3.10 is too old")
    assert "3.11" in found.cure


def test_an_environment_that_was_never_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("runtime: {name: python, options: {virtualenv: .venv}}\n", encoding="utf-8")
    found = machine.python(tmp_path)
    assert (found.status, found.text, found.cure) == (
        "problem",
        "the engine's environment .venv is missing",
        "run make setup",
    )


def test_a_machine_without_engine_is_told_what_works_without() -> None:
    found = machine.engine(ROOT, None)
    assert (found.status, "`arches render` works without" in found.cure) == ("problem", True)


@pytest.mark.parametrize(
    ("says", "status"), [("v3.272.0", "ok"), ("v3.214.0", "ok"), ("v3.100.9", "problem"), ("nothing", "problem")]
)
def test_an_engine_must_be_as_new_as_the_project_requires(tmp_path: Path, says: str, status: str) -> None:
    assert machine.engine(ROOT, _engine(tmp_path, says)).status == status


def test_a_missing_plugin_is_a_warning_with_the_way_without_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    found = machine.plugins(_engine(tmp_path, "v3.272.0"))
    assert found.status == "warning"
    assert "pulumi plugin install resource kubernetes v" in found.cure


def test_a_lock_names_who_holds_it_and_how_to_break_it(tmp_path: Path) -> None:
    locks = tmp_path / ".pulumi" / "locks" / "organization" / "archesai" / "dev"
    locks.mkdir(parents=True)
    holder = {"pid": 7, "username": "ann", "hostname": "laptop"}
    (locks / "1.json").write_text(json.dumps(holder), encoding="utf-8")
    found = machine.state("dev", _passphrase(tmp_path))
    assert found.status == "problem"
    assert found.text.endswith("is locked by ann on laptop (pid 7)")
    assert found.cure.endswith("arches cancel --stack dev")
    assert machine.state("prod", _passphrase(tmp_path)).status == "ok"


def test_a_backend_without_its_passphrase_or_directory_is_a_problem(tmp_path: Path) -> None:
    assert "passphrase" in machine.state("dev", {"PULUMI_BACKEND_URL": tmp_path.as_uri()}).text
    (tmp_path / "file").touch()
    assert "cannot be written" in machine.state("dev", _passphrase(tmp_path / "file" / "states")).text
    assert machine.state("dev", _passphrase(tmp_path / "made" / "by" / "up")).status == "ok"


def test_secrets_that_others_make_are_wanted_with_their_keys() -> None:
    assert wanted(render({"database": {"existingSecret": "db"}})) == {
        ("archesai", "db"): {"DATABASE_URL", "POSTGRES_PASSWORD"}
    }
    assert wanted(render()) == {}


def test_production_wants_its_secret_where_velero_is_and_where_a_cron_job_reads_it() -> None:
    assert wanted(shipped("prod")) == {
        ("archesai", "archesai-backups-cloud"): {"cloud"},
        ("velero", "archesai-backups-cloud"): {"cloud"},
    }


def test_secrets_that_only_the_values_of_a_chart_name_are_wanted_where_the_chart_is() -> None:
    monitoring = {"enabled": True, "alerts": {"existingSecret": "alerts"}, "grafana": {"existingSecret": "login"}}
    found = wanted(render({"monitoring": monitoring}))
    assert found == {("monitoring", "alerts"): set(), ("monitoring", "login"): set()}


def test_one_certificate_for_all_hosts_is_wanted_in_each_namespace_that_has_a_host() -> None:
    tls = {"enabled": True, "existingSecret": "wildcard"}
    ingress = {"enabled": True, "tls": tls, "hosts": {"grafana": "grafana"}}
    stack = {"domain": "example.com", "ingress": ingress, "monitoring": {"enabled": True}}
    keys = {"tls.crt", "tls.key"}
    assert wanted(render(stack)) == {("archesai", "wildcard"): keys, ("monitoring", "wildcard"): keys}
    lack = Lack("monitoring", "wildcard", ("tls.crt", "tls.key"))
    assert list(lack.commands("c")) == [
        "kubectl --context c -n monitoring create secret tls wildcard --cert=<file> --key=<file>"
    ]


def test_no_certificate_is_wanted_where_cert_manager_fills_it() -> None:
    tls = {"enabled": True, "issuer": "letsencrypt"}
    assert wanted(render({"domain": "example.com", "ingress": {"enabled": True, "tls": tls}})) == {}


def test_a_broken_stack_file_is_a_finding_among_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  archesai:environment: {\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run("doctor")
    assert result.exit_code == 1
    assert "problem\tstack file\tPulumi.dev.yaml: line 3, column 1: broken YAML" in result.output
    assert "problem\tengine\tthere is no `pulumi` on PATH" in result.output


def test_a_stack_without_a_file_gets_no_cure_for_a_key(project: Path) -> None:
    assert project.is_dir()
    line = next(line for line in run("doctor", "--stack", "prdo").output.splitlines() if "stack file" in line)
    assert line.endswith("no such stack file; stacks here: dev, prod; did you mean prod?")


def test_without_a_kubeconfig_the_doctor_says_so_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    result = run("doctor")
    assert result.exit_code == 1
    assert "problem\tcontext\tthe kubeconfig" in result.output
    assert "arches cluster up" in result.output


@pytest.mark.parametrize(
    ("says", "status", "text"),
    [
        ("echo 'error: incorrect passphrase' >&2; exit 255", "problem", "incorrect passphrase"),
        ("echo '{}'", "ok", "it opens Pulumi.dev.yaml"),
        ("echo \"error: no stack named 'dev' found\" >&2; exit 255", "ok", "the state has no such stack yet"),
    ],
)
def test_a_salt_of_another_passphrase_is_a_problem(says: str, status: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text("encryptionsalt: v1:made-up\n", encoding="utf-8")
    engine = tmp_path / "pulumi"
    engine.write_text(f"#!/bin/sh\n{says}\n", encoding="utf-8")
    engine.chmod(0o755)
    found = machine.passphrase(Command(tmp_path, "dev", Engine(engine), {}))
    assert (found.status, text in found.text) == (status, True)


def test_a_stack_file_without_a_salt_needs_no_passphrase(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n", encoding="utf-8")
    found = machine.passphrase(Command(tmp_path, "dev", Engine(tmp_path / "absent"), {}))
    assert found.status == "ok"
