from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from archesai_infra.cli.base.errors import CommandError
from archesai_infra.cli.engine.state import environment, refuse_throw_away_state
from archesai_infra.cli.engine.workspace import unchanged
from testbed.cli.worlds import room_for


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


def test_a_stack_file_that_cannot_be_put_back_is_not_emptied(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_bytes(b"#" * 5000)

    def look(full: ExitStack) -> None:
        with unchanged(file):
            file.write_bytes(b"written by the engine")
            full.enter_context(room_for(1000))

    with ExitStack() as full, pytest.raises(OSError, match="Pulumi"):
        look(full)
    assert file.read_bytes() == b"written by the engine"


def test_a_disk_without_room_leaves_no_empty_passphrase(tmp_path: Path) -> None:
    with room_for(10), pytest.raises(OSError, match="passphrase"):
        environment(tmp_path)
    assert not (tmp_path / ".state" / "passphrase").exists()
    assert Path(environment(tmp_path)["PULUMI_CONFIG_PASSPHRASE_FILE"]).stat().st_size == 43


def test_an_empty_passphrase_encrypts_nothing(tmp_path: Path) -> None:
    passphrase = Path(environment(tmp_path)["PULUMI_CONFIG_PASSPHRASE_FILE"])
    passphrase.write_bytes(b"")
    with pytest.raises(CommandError, match="passphrase: is empty, so it would encrypt secrets with nothing; remove it"):
        environment(tmp_path)
