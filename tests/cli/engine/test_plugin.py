"""The Kubernetes plugin is fetched from made-up places and handed to an engine that writes down what it was asked."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from pathlib import Path

import pytest

from archesai_infra.cli.base.errors import CommandError
from archesai_infra.cli.engine import download, plugin, workspace
from archesai_infra.cli.engine.engine import Engine
from archesai_infra.cli.engine.plugin import provide
from testbed.cli.places import served

VERSION = "4.5.6"
ARCHIVE = f"pulumi-resource-kubernetes-v{VERSION}-linux-amd64.tar.gz"
CONTENT = b"the plugin's archive"
ENGINE = """#!/bin/sh
echo "$*" >>asked.txt
shift 7
mkdir -p "$PULUMI_HOME/plugins/resource-kubernetes-v4.5.6"
cat "$1" >"$PULUMI_HOME/plugins/resource-kubernetes-v4.5.6/content"
"""


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """Both places, with an archive that is what its release says."""
    where = tmp_path / "served"
    (where / "archives").mkdir(parents=True)
    (where / "releases" / f"v{VERSION}").mkdir(parents=True)
    (where / "archives" / ARCHIVE).write_bytes(CONTENT)
    _checksums(where).write_text(f"{hashlib.sha256(CONTENT).hexdigest()}  {ARCHIVE}\n", encoding="utf-8")
    monkeypatch.setattr(download.platform, "system", lambda: "Linux")
    monkeypatch.setattr(download.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(plugin, "wanted", lambda: VERSION)
    with served(where) as address:
        monkeypatch.setattr(plugin, "ARCHIVES", f"{address}/archives")
        monkeypatch.setattr(plugin, "RELEASES", f"{address}/releases")
        yield where


def _checksums(places: Path) -> Path:
    return places / "releases" / f"v{VERSION}" / f"pulumi-kubernetes_{VERSION}_checksums.txt"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An engine without plugins."""
    for name in ("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return _program(tmp_path / "bin" / "pulumi", ENGINE.replace("asked.txt", str(tmp_path / "asked.txt")))


def _program(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def _asked(tmp_path: Path) -> list[str]:
    record = tmp_path / "asked.txt"
    return record.read_text(encoding="utf-8").splitlines() if record.exists() else []


@pytest.mark.usefixtures("places")
def test_a_plugin_that_is_what_its_release_says_is_installed_once(
    engine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provide(engine)
    provide(engine)
    (asked,) = _asked(tmp_path)
    assert asked.startswith(f"plugin install resource kubernetes v{VERSION} --exact --file /")
    content = tmp_path / "home" / "plugins" / f"resource-kubernetes-v{VERSION}" / "content"
    assert content.read_bytes() == CONTENT
    assert capsys.readouterr().err == f"Fetching the engine's kubernetes plugin {VERSION} …\n"


def test_a_changed_byte_never_reaches_the_engine(places: Path, engine: Path, tmp_path: Path) -> None:
    (places / "archives" / ARCHIVE).write_bytes(CONTENT + b"\0")
    with pytest.raises(CommandError, match=rf"{VERSION} was not installed: {ARCHIVE} has SHA-256 .*--file <archive>"):
        provide(engine)
    assert _asked(tmp_path) == []


def test_a_list_that_does_not_name_the_archive_is_refused(places: Path, engine: Path, tmp_path: Path) -> None:
    _checksums(places).write_text("", encoding="utf-8")
    with pytest.raises(CommandError, match=rf"_checksums\.txt does not name {ARCHIVE}"):
        provide(engine)
    assert _asked(tmp_path) == []


@pytest.mark.parametrize("missing", ["archives", "releases"])
def test_a_place_that_cannot_be_had_is_named(places: Path, engine: Path, missing: str) -> None:
    (places / missing).rename(places / "gone")
    with pytest.raises(CommandError, match=rf"was not installed: http.*/{missing}/.* cannot be (read|fetched): 404"):
        provide(engine)


@pytest.mark.usefixtures("places")
def test_what_the_engine_says_of_an_archive_that_it_refuses_is_passed_on(engine: Path) -> None:
    _program(engine, "#!/bin/sh\necho 'error: disk quota exceeded' >&2\nexit 255\n")
    with pytest.raises(CommandError, match=rf"refused {ARCHIVE}: error: disk quota exceeded"):
        provide(engine)


@pytest.mark.usefixtures("places")
def test_a_plugin_that_a_killed_installation_left_is_installed_again(engine: Path, tmp_path: Path) -> None:
    name = f"resource-kubernetes-v{VERSION}"
    (tmp_path / "home" / "plugins" / name).mkdir(parents=True)
    (tmp_path / "home" / "plugins" / f"{name}.partial").touch()
    provide(engine)
    assert len(_asked(tmp_path)) == 1


@pytest.mark.parametrize(
    "variables",
    [
        {"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true"},
        {"PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES": "^kubernetes$=https://mirror.example.com"},
    ],
)
def test_an_engine_that_was_told_where_plugins_come_from_is_left_alone(
    engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    provide(engine)
    assert _asked(tmp_path) == []


def test_an_engine_that_brings_its_plugin_is_left_alone(engine: Path, tmp_path: Path) -> None:
    _program(engine.parent / plugin.PROGRAM, "#!/bin/sh\n")
    provide(engine)
    assert _asked(tmp_path) == []


def test_no_stack_is_opened_by_an_engine_without_the_plugin(
    places: Path, engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def open_it(name: str, **_: object) -> None:
        opened.append(name)

    monkeypatch.setattr(workspace.automation, "PulumiCommand", dict)
    monkeypatch.setattr(workspace.automation, "create_or_select_stack", open_it)
    checksums = _checksums(places).rename(places / "away")
    with pytest.raises(CommandError, match="was not installed"):
        workspace.open_stack(tmp_path, "dev", Engine(engine), {})
    assert opened == []
    checksums.rename(_checksums(places))
    workspace.open_stack(tmp_path, "dev", Engine(engine), {})
    assert opened == ["dev"]
