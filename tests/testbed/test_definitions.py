from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from testbed.controlplane import crds
from testbed.programs import part
from testbed.programs.building import BuildError, build
from testbed.programs.definitions import Definitions, Folder

PIN = "module archesai.test/made-up\n\ngo 1.26\n\nrequire example.org/made-up v1.2.3\n"
FOLDER = Folder("example.org/made-up", "crds", ("things.example.org",))
PUBLISHED = "kind: CustomResourceDefinition\nmetadata:\n  annotations: {}\n  name: {name}\nspec: {}\n"


@pytest.fixture
def definitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Definitions:
    """A project of which one definition is wanted, and a `go` beside it that answers with the file `answer`."""
    monkeypatch.setattr(part, "GO_DIRECTORY", tmp_path)
    monkeypatch.setenv("ARCHESAI_PARTS_DIR", str(tmp_path / "parts"))
    (tmp_path / "made-up").mkdir()
    (tmp_path / "made-up" / "go.mod").write_text(PIN, encoding="utf-8")
    (tmp_path / "made-up" / "go.sum").touch()
    (tmp_path / "go").write_text(
        textwrap.dedent(f"""\
        #!/bin/sh
        [ "$*" = "mod download -json example.org/made-up@v1.2.3" ] || exit 3
        cat {tmp_path}/answer
        grep -q Error {tmp_path}/answer && exit 1 || exit 0
        """),
        encoding="utf-8",
    )
    (tmp_path / "go").chmod(0o755)
    return Definitions("made-up", (FOLDER,))


def publish(directory: Path, name: str) -> None:
    """Put a definition into the downloaded module."""
    (directory / "module" / "crds").mkdir(parents=True)
    (directory / "module" / "crds" / "x.yaml").write_text(PUBLISHED.replace("{name}", name), encoding="utf-8")
    answer = {"Path": "example.org/made-up", "Dir": str(directory / "module")}
    (directory / "answer").write_text(json.dumps(answer), encoding="utf-8")


def test_a_wanted_definition_is_copied_under_its_own_name(definitions: Definitions, tmp_path: Path) -> None:
    publish(tmp_path, "things.example.org")
    build(definitions, tmp_path / "go", print)
    assert [path.name for path in definitions.output.iterdir()] == ["things.example.org.yaml"]


def test_a_definition_that_the_project_does_not_publish_is_an_error(definitions: Definitions, tmp_path: Path) -> None:
    publish(tmp_path, "others.example.org")
    with pytest.raises(BuildError, match=r"^made-up: example\.org/made-up 1\.2\.3 defines no things\.example\.org$"):
        build(definitions, tmp_path / "go", print)
    assert not definitions.is_built


def test_a_download_that_go_sum_does_not_vouch_for_is_an_error(definitions: Definitions, tmp_path: Path) -> None:
    answer = {"Path": "example.org/made-up", "Error": "verifying example.org/made-up@v1.2.3: checksum mismatch"}
    (tmp_path / "answer").write_text(json.dumps(answer), encoding="utf-8")
    with pytest.raises(BuildError, match="checksum mismatch"):
        build(definitions, tmp_path / "go", print)
    assert not definitions.is_built


@pytest.mark.cluster
def test_every_wanted_definition_is_there_and_has_the_name_of_its_file() -> None:
    names = [path.name.removesuffix(".yaml") for path in crds.files()]
    assert [item["metadata"]["name"] for item in crds.custom_resource_definitions()] == names
    assert len(names) > 20
