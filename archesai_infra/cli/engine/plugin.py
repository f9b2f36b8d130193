"""The engine's Kubernetes plugin: where it is, and its installation from an archive that was compared first.

Left to itself the engine fetches a plugin that it lacks and compares nothing. The list of digests is the one that
GoReleaser publishes with each release of pulumi-kubernetes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.files import home
from archesai_infra.cli.base.project import root
from archesai_infra.cli.base.text import one_line
from archesai_infra.cli.engine.download import DOWNLOADS, DownloadError, fetch, machine
from archesai_infra.cli.engine.engine import needed

PROGRAM = "pulumi-resource-kubernetes"
ARCHIVES = f"https://{DOWNLOADS}/releases/plugins"
RELEASES = "https://github.com/pulumi/pulumi-kubernetes/releases/download"
INSTALL_SECONDS = 300
"""Longest time that the engine may take to unpack the archive, some 50 MB."""
_PLATFORMS = {
    ("Linux", "x86_64"): "linux-amd64",
    ("Linux", "aarch64"): "linux-arm64",
    ("Darwin", "x86_64"): "darwin-amd64",
    ("Darwin", "arm64"): "darwin-arm64",
}


def wanted() -> str:
    """The version that the engine asks for: that of the SDK."""
    return version("pulumi-kubernetes")


def comes_with(engine: Path) -> bool:
    """Whether the plugin lies beside the engine's command or on PATH, where the engine takes it in any version."""
    return (engine.parent / PROGRAM).is_file() or shutil.which(PROGRAM) is not None


def installed() -> bool:
    """Whether the engine's own directory has the wanted version, as a whole."""
    plugins = Path(os.environ.get("PULUMI_HOME") or home() / ".pulumi") / "plugins"
    name = f"resource-kubernetes-v{wanted()}"
    # The engine marks a directory that it has not finished by a file beside it.
    return (plugins / name).is_dir() and not (plugins / f"{name}.partial").exists()


def require_engine() -> None:
    """Have an engine with its plugin before anything is asked or changed; raises CommandError where there is none."""
    provide(needed(root()).command)


def provide(engine: Path) -> None:
    """Install the plugin where the engine would fetch it; raises CommandError where that fails.

    Nothing is done where the plugin is there, or where the engine was told not to fetch plugins or to fetch them from
    another place: they are then the user's own.
    """
    if comes_with(engine) or installed() or _left_to_the_user():
        return
    typer.echo(f"Fetching the engine's kubernetes plugin {wanted()} …", err=True)
    try:
        _install(engine)
    except DownloadError as error:
        raise CommandError(
            f"the kubernetes plugin {wanted()} was not installed: {error}; with an archive that you have checked: "
            f"{by_hand()}",
            Exit.ENGINE,
        ) from None


def by_hand() -> str:
    """The command that installs the plugin from an archive."""
    return f"pulumi plugin install resource kubernetes v{wanted()} --file <archive>"


def _left_to_the_user() -> bool:
    disabled = os.environ.get("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "").lower() in ("1", "true")
    return disabled or bool(os.environ.get("PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES"))


def _install(engine: Path) -> None:
    archive = f"{PROGRAM}-v{wanted()}-{machine(_PLATFORMS)}.tar.gz"
    checksums = f"{RELEASES}/v{wanted()}/pulumi-kubernetes_{wanted()}_checksums.txt"
    with TemporaryDirectory(prefix="arches-") as directory:
        path = Path(directory) / archive
        fetch(f"{ARCHIVES}/{archive}", path, checksums)
        # Without --exact a newer version of another project would do for this command, and not for the run.
        words = ["plugin", "install", "resource", "kubernetes", f"v{wanted()}", "--exact", "--file", str(path)]
        try:
            done = subprocess.run(
                [engine, *words],
                cwd=directory,
                env=os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"},
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=INSTALL_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DownloadError(one_line(error)) from error
    if done.returncode:
        raise DownloadError(f"{engine} refused {archive}: {one_line(done.stderr) or f'status {done.returncode}'}")
