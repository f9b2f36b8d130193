"""Building parts: each once, in a temporary directory, with a sign of life for whoever reads the log."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from testbed.programs import parts, toolchain
from testbed.programs.definitions import Definitions, DownloadError
from testbed.programs.locking import HEARTBEAT_SECONDS, locked, whole_directory
from testbed.programs.part import Log, Part, Program

BUILD_SECONDS = 7200.0
"""Bound on one executable; the API server takes five minutes on two cores and far longer on busy ones."""
_OUTPUT_LINES = 30
_LIST_SECONDS = 60.0


class BuildError(RuntimeError):
    """A part could not be built; the message ends with the compiler's output."""


def ensure(*names: str, log: Log | None = None) -> dict[str, Path]:
    """Build what is missing of these parts (none named: the rig's) and return every executable's path by name."""
    tell = log or logging.getLogger(__name__).info
    wanted = parts.select(*names)
    absent = [part for part in wanted if not part.is_built]
    if absent:
        go = toolchain.find_go(max(part.go_version for part in absent), tell)
        for part in absent:
            build(part, go, tell)
    return {name: path for part in wanted for name, path in part.executables.items()}


def build(part: Part, go: Path, log: Log) -> None:
    """Build one part unless another process did so in the meantime."""
    with locked(part.output, log):
        if part.is_built:
            return
        start = time.monotonic()
        with whole_directory(part.output) as unfinished:
            _fill(unfinished, part, go, log)
        log(f"{part.name} {part.version}: built in {time.monotonic() - start:.0f} s")


def _fill(target: Path, part: Part, go: Path, log: Log) -> None:
    match part:
        case Program():
            log(f"{part.name} {part.version}: building {', '.join(part.packages)}")
            for executable, package in part.packages.items():
                command = [str(go), "build", *part.flags, "-o", str(target / executable), package]
                _compile(command, part, f"{part.name} {part.version}: {executable}", log)
            for module, path in part.files.items():
                _copy(part, go, module, path, target)
        case Definitions():
            log(f"{part.name}: downloading {', '.join(part.modules)}")
            try:
                part.extract(target, go, toolchain.environment())
            except DownloadError as error:
                raise BuildError(f"{part.name}: {error}") from None
        case _:
            raise TypeError(f"no way to make {type(part).__name__}")


def _compile(command: list[str], part: Part, title: str, log: Log) -> None:
    output = part.output.with_name(f"{part.output.name}.log")
    start = time.monotonic()
    with output.open("w", encoding="utf-8") as sink:
        compiler = subprocess.Popen(
            command,
            cwd=part.directory,
            env=toolchain.environment(),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            process_group=0,
        )
        try:
            status = _await(compiler, start, title, log)
        finally:
            _kill(compiler)
    if status:
        lines = output.read_text(encoding="utf-8", errors="replace").splitlines()[-_OUTPUT_LINES:]
        raise BuildError("\n".join([f"{title} failed with status {status}:", *lines]))


def _copy(part: Part, go: Path, module: str, path: str, directory: Path) -> None:
    """Copy a file of a module that the part requires into a directory."""
    command = [go, "list", "-m", "-f", "{{.Dir}}", module]
    found = subprocess.run(
        command,
        cwd=part.directory,
        env=toolchain.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=_LIST_SECONDS,
    )
    source = Path(found.stdout.strip()) / path
    if found.returncode or not source.is_file():
        raise BuildError(f"{part.name} {part.version}: module {module} has no {path}: {found.stderr.strip()}")
    shutil.copyfile(source, directory / source.name)


def _await(compiler: subprocess.Popen[bytes], start: float, title: str, log: Log) -> int:
    while True:
        try:
            return compiler.wait(HEARTBEAT_SECONDS)
        except subprocess.TimeoutExpired:
            elapsed = time.monotonic() - start
            if elapsed > BUILD_SECONDS:
                raise BuildError(f"{title} took longer than {BUILD_SECONDS:.0f} s") from None
            log(f"{title}: still building, {elapsed:.0f} s")


def _kill(compiler: subprocess.Popen[bytes]) -> None:
    """End what is left of the compiler and the programs it started, also after Ctrl-C."""
    if compiler.poll() is None:
        os.killpg(compiler.pid, signal.SIGKILL)
        compiler.wait()
