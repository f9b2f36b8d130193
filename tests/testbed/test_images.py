"""The images of pods on real nodes: their names, their archives, their entrypoint."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from functools import partial
from pathlib import Path

import pytest
import yaml

from testbed.node import archive as archives
from testbed.node.images import archive, building, catalogue, packages
from testbed.node.images.archive import Run
from testbed.node.images.catalogue import UnknownImageError
from testbed.node.images.filesystem import Filesystem
from testbed.node.images.recipe import Programs, Recipe

ROOT = Path(__file__).parents[2]
RENDERED = ROOT / "rendered"
ENTRYPOINT = ROOT / "testbed/node/images/files/postgres-entrypoint.sh"


def rendered_images() -> set[str]:
    """Every image that a pod of the shipped stacks asks for."""
    found: set[str] = set()

    def look(value: object) -> None:
        if isinstance(value, dict):
            if isinstance(image := value.get("image"), str) and "name" in value:
                found.add(image)
            for item in value.values():
                look(item)
        elif isinstance(value, list):
            for item in value:
                look(item)

    for path in RENDERED.rglob("*.yaml"):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            look(document)
    return found


def test_every_image_of_the_shipped_stacks_can_be_made() -> None:
    made = {tag for recipe in catalogue.recipes() for tag in recipe.tags}
    assert len(rendered_images()) > 10
    assert rendered_images() - made == set()


def test_no_two_images_have_the_same_name() -> None:
    tags = [tag for recipe in catalogue.recipes() for tag in recipe.tags]
    assert sorted(tags) == sorted(set(tags))


def test_an_unknown_image_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownImageError, match=r"no image is called mysql; known images: .*postgres"):
        catalogue.recipes("postgres", "mysql")


def test_an_archive_is_what_the_registry_of_the_nodes_reads(tmp_path: Path) -> None:
    root = tmp_path / "root"
    Filesystem(root, print).text("etc/motd", "hello", 0o444)
    run = Run(entrypoint=["/bin/serve"], user="10001", environment={"A": "b"}, stop_signal="SIGINT")
    archive.write(root, run, ["redis:7", "redis:8"], tmp_path / "image.tar")
    (image,) = archives.read(tmp_path / "image.tar")
    assert image.names == ("redis:7", "redis:8")
    assert archive.tags(tmp_path / "image.tar") == ["redis:7", "redis:8"]
    config = json.loads(b"".join(image.config.blocks()))
    assert config["config"]["Entrypoint"] == ["/bin/serve"]
    assert config["config"]["StopSignal"] == "SIGINT"
    assert "A=b" in config["config"]["Env"]
    with tarfile.open(tmp_path / "image.tar") as tar:
        layer = tar.extractfile(image.layers[0].member)
        with tarfile.open(fileobj=layer) as content:
            member = content.getmember("etc/motd")
    assert (member.mode, member.uid, member.mtime) == (0o444, 0, 0)


def recipes_of(tag: str) -> list[Recipe]:
    """A catalogue of one small image."""

    def fill(image: Filesystem, _: Programs) -> None:
        image.text("etc/motd", "hello")

    return [Recipe("greeting", (tag,), fill, Run())]


def test_an_image_is_made_once_and_again_only_under_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setenv("ARCHESAI_PARTS_DIR", str(tmp_path))
    for tag in ("greeting:1", "greeting:1", "greeting:2"):
        monkeypatch.setattr(catalogue, "recipes", partial(recipes_of, tag))
        directory = building.ensure(lines.append)
        assert archive.tags(directory / "greeting.tar") == [tag]
    assert len(lines) == 2
    assert not list(tmp_path.rglob("*.part-*"))


def test_a_failing_package_manager_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("apt-cache", "apt-get", "dpkg-deb"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'E: No packages found' >&2; exit 100\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(packages.PackageError, match=r"(?s)apt-cache depends .* failed:.*No packages found"):
        packages.debian(["no-such-package"], print)


def entrypoint(directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the database's entrypoint before any database exists, as the user that manifests name."""
    directory.chmod(0o777)
    script = shutil.copy(ENTRYPOINT, directory / "entrypoint.sh")
    user = ["setpriv", "--reuid=10001", "--regid=10001", "--clear-groups"] if os.geteuid() == 0 else []
    return subprocess.run(
        [*user, "bash", script, "postgres"],
        env={"PATH": os.environ["PATH"], "PGDATA": str(directory / "data"), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "no superuser password is specified"),
        ({"POSTGRES_PASSWORD": "a", "POSTGRES_PASSWORD_FILE": "/dev/null"}, "are set (but are exclusive)"),
    ],
)
def test_the_databases_entrypoint_refuses_what_the_official_one_refuses(
    variables: dict[str, str], message: str
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        done = entrypoint(Path(directory), **variables)
    assert done.returncode == 1
    assert message in done.stderr
