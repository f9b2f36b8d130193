"""Commands for a user without name, home or rights, and on a disk without room: a sentence, and nothing is lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from testbed.cli import confined
from testbed.cli.confined import Case, Outcome
from testbed.cli.worlds import STACK_FILE
from testbed.stacks import ROOT

pytestmark = pytest.mark.long

OK, FAILED, CLUSTER = 0, 1, 4
NO_HOME = {"HOME": None}
EDITOR = "printf '# mine\\n' >>\"$1\"\n"

World = Callable[[Path], object]


def _as_it_is(_: Path) -> None:
    """Nothing of the project is closed to the user."""


def _mode(name: str, mode: int) -> World:
    return lambda project: (project / name).chmod(mode)


def _closed(name: str, mode: int) -> World:
    """A directory of this mode."""

    def close(project: Path) -> None:
        (project / name).mkdir()
        (project / name).chmod(mode)

    return close


NAMELESS: dict[str, tuple[World, str, Mapping[str, str | None], int, str]] = {
    "a file that may not be written": (
        _mode(STACK_FILE, 0o444), "config set api.replicas 3", {}, FAILED,
        "make it writable: chmod u+w {}/Pulumi.dev.yaml",
    ),
    "an edit of a file that may not be written": (
        _mode(STACK_FILE, 0o444), "config edit", {"EDITOR": "sh edit.sh"}, FAILED, "make it writable: chmod u+w",
    ),
    "a file that may not be read": (
        _mode(STACK_FILE, 0), "preview --offline", {}, FAILED, f"{STACK_FILE}: permission denied; make it accessible",
    ),
    "a change of a file that may not be read": (
        _mode(STACK_FILE, 0), "config set api.replicas 3", {}, FAILED, f"{STACK_FILE}: permission denied; make it",
    ),
    "a doctor of a file that may not be read": (
        _mode(STACK_FILE, 0), "doctor", {}, FAILED, f"{STACK_FILE}: permission denied; make it accessible",
    ),
    "a directory that may not be written": (
        _mode(".", 0o555), "config set api.replicas 3", {}, FAILED, "{}: permission denied; make it accessible",
    ),
    "a new stack in a directory that may not be written": (
        _mode(".", 0o555), "init fresh", {}, FAILED, "{}: permission denied; make it accessible",
    ),
    "an edit in a directory that may not be written": (
        _mode(".", 0o555), "config edit", {"EDITOR": "sh edit.sh"}, FAILED, "{}: permission denied; make it accessible",
    ),
    "a preview in a directory that may not be written": (_mode(".", 0o555), "preview --offline", {}, OK, ""),
    "manifests into a directory that may not be written": (
        _closed("out", 0o555), "render --output out", {}, FAILED, "out: permission denied; make it accessible",
    ),
    "a doctor of a state that may not be read": (
        _closed(".state", 0), "doctor", {}, FAILED, "permission denied; make it accessible",
    ),
    "a preview without a home": (_as_it_is, "preview --offline", NO_HOME, OK, ""),
    "a doctor without a home": (_as_it_is, "doctor", NO_HOME, FAILED, "the kubeconfig /nowhere cannot be used"),
    "a doctor with a home that may not be written": (
        _closed("home", 0o555), "doctor", {"HOME": "home"}, FAILED, "the kubeconfig /nowhere cannot be used",
    ),
    "a kubeconfig at a home that there is not": (
        lambda project: (project / STACK_FILE).write_text(
            "config: {archesai:environment: development, archesai:cluster: {kubeconfig: ~/config}}", encoding="utf-8"
        ),
        "status", NO_HOME, CLUSTER, "the kubeconfig ~/config cannot be used",
    ),
}  # fmt: skip


def _project(directory: Path) -> Path:
    directory.mkdir()
    for source in ROOT.glob("Pulumi*.yaml"):
        shutil.copy(source, directory)
    (directory / "edit.sh").write_text(EDITOR, encoding="utf-8")
    return directory


def _text(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in directory.iterdir() if path.is_file()}


def _problem(outcome: Outcome, status: int, says: str) -> str:
    """What is wrong with the outcome of a command; nothing where it is as expected."""
    ran = outcome.ran
    if ran.exit_code != status or says not in ran.output + ran.stderr:
        return f"{ran}"
    if "unexpected" in ran.output + ran.stderr or any(
        not line.startswith("error: ") for line in ran.stderr.splitlines()
    ):
        return ran.stderr
    return ""


def test_a_user_without_name_and_rights_gets_a_sentence_and_every_file_stays(tmp_path: Path) -> None:
    if lack := confined.lack():
        pytest.skip(lack)
    cases: list[Case] = []
    before: list[dict[str, str]] = []
    for number, (world, words, variables, _, _) in enumerate(NAMELESS.values()):
        project = _project(tmp_path / str(number))
        world(project)
        before.append(_text(project))
        cases.append(Case(project, words, variables))
    outcomes = confined.outcomes(confined.NAMELESS, cases)
    problems: dict[str, str] = {}
    for name, case, outcome, files in zip(NAMELESS, cases, outcomes, before, strict=True):
        *_, status, says = NAMELESS[name]
        problems[name] = _problem(outcome, status, says.format(case.directory))
        if {path: text for path, text in files.items() if outcome.files.get(path) is not None} != {
            path: text for path, text in outcome.files.items() if text is not None
        }:
            problems[name] += f"{sorted(outcome.files)}"
    assert {name: problem for name, problem in problems.items() if problem} == {}


FILL = "cat /dev/zero >>filler 2>/dev/null || true"
FULL = {
    "an edit": ("config edit", "{}/Pulumi.dev.yaml"),
    "a value": ("config set api.replicas 3", "{}/Pulumi.dev.yaml"),
    "another password": ("secrets rotate databasePassword", "{}/Pulumi.dev.yaml"),
    "a new stack": ("init fresh --from prod", "{}/Pulumi.fresh.yaml"),
    "a password of the engine": ("secrets generate databasePassword", "{}/.state/passphrase"),
    "manifests": ("render --output out", "out/namespace-archesai.yaml"),
    "values of Helm": ("import-values values.yaml --output Pulumi.new.yaml", "Pulumi.new.yaml"),
}
"""Commands, and the file that each cannot write."""


def test_a_full_disk_is_a_sentence_and_leaves_no_half_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, disk, kept = _project(tmp_path / "project"), tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    kept.mkdir()
    if lack := confined.lack(confined.small_disk(disk, project)):
        pytest.skip(lack)
    (project / "values.yaml").write_text("api: {replicas: 1}\n", encoding="utf-8")
    # The disk is full when the editor ends.
    (project / "edit.sh").write_text(f"{EDITOR}{FILL}\n", encoding="utf-8")
    engine = tmp_path / "pulumi"
    engine.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    engine.chmod(0o755)
    monkeypatch.setenv("TMPDIR", str(kept))
    variables = {"EDITOR": "sh edit.sh", "PATH": f"{tmp_path}:/usr/bin:/bin"}
    before = _text(project)
    cases = [Case(disk, words, variables, "" if words == "config edit" else FILL) for words, _ in FULL.values()]
    outcomes = confined.outcomes(confined.small_disk(disk, project), cases)
    for outcome, (_, where) in zip(outcomes, FULL.values(), strict=True):
        assert outcome.ran.exit_code == FAILED, outcome.ran
        assert outcome.ran.stderr.splitlines()[-1] == (
            f"error: {where.format(disk)}: no space left on device; free some space, then run the command again"
        )
        assert {name: text for name, text in outcome.files.items() if name != "filler"} == before, outcome.ran
    (text,) = kept.iterdir()
    assert text.read_text(encoding="utf-8") == before[STACK_FILE] + "# mine\n"
    assert f"Your text is kept in {text}; {STACK_FILE} is as it was." in outcomes[0].ran.stderr
