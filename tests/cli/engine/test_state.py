from __future__ import annotations

from pathlib import Path

import pytest

from archesai_infra.cli.base.errors import CommandError
from archesai_infra.cli.engine.state import environment, refuse_throw_away_state
from archesai_infra.cli.engine.workspace import unchanged


@pytest.fixture(autouse=True)
def no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PULUMI_BACKEND_URL", "PULUMI_ACCESS_TOKEN", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))


def test_ci_changes_nothing_with_a_state_that_ends_with_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "")
    with pytest.raises(CommandError, match="would be lost with this machine; log in to a shared state"):
        refuse_throw_away_state("dev", production=False, allowed=True)
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://states")
    refuse_throw_away_state("prod", production=True, allowed=False)


def test_production_wants_a_shared_state_unless_a_local_one_is_accepted() -> None:
    with pytest.raises(CommandError, match="--local-state accepts it"):
        refuse_throw_away_state("prod", production=True, allowed=False)
    refuse_throw_away_state("prod", production=True, allowed=True)
    refuse_throw_away_state("dev", production=False, allowed=False)


def test_a_look_makes_no_state_and_no_passphrase(tmp_path: Path) -> None:
    variables = environment(tmp_path, create=False)
    assert variables["PULUMI_BACKEND_URL"].startswith("file://")
    assert not (tmp_path / ".state").exists()


def test_the_salt_of_a_throw_away_passphrase_does_not_stay_in_the_stack_file(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text("config: {}\n", encoding="utf-8")
    with unchanged(file):
        file.write_text("encryptionsalt: made-up\nconfig: {}\n", encoding="utf-8")
    assert file.read_text(encoding="utf-8") == "config: {}\n"
