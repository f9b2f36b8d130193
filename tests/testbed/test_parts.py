from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from testbed.programs import part, parts
from testbed.programs.__main__ import main
from testbed.programs.definitions import Definitions


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARCHESAI_PARTS_DIR", str(tmp_path / "parts"))
    monkeypatch.delenv("K8S_VERSION", raising=False)
    return tmp_path / "parts"


def test_without_a_choice_the_default_minor_is_selected() -> None:
    assert parts.kubernetes().name == f"kubernetes-{parts.DEFAULT_MINOR}"


@pytest.mark.parametrize("chosen", ["1.34", "1.34.4", "v1.34.4"])
def test_the_environment_chooses_the_minor(monkeypatch: pytest.MonkeyPatch, chosen: str) -> None:
    monkeypatch.setenv("K8S_VERSION", chosen)
    assert parts.kubernetes().version == "1.34.4"
    assert [part.name for part in parts.select()] == ["etcd", "kubernetes-1.34", "kwok", "definitions"]


def test_an_argument_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_VERSION", "1.34")
    assert parts.kubernetes("1.37").version == "1.37.2"


@pytest.mark.parametrize("chosen", ["1.3", "1.36.9", "latest", "1.99"])
def test_an_unknown_version_is_refused_with_the_known_ones(monkeypatch: pytest.MonkeyPatch, chosen: str) -> None:
    monkeypatch.setenv("K8S_VERSION", chosen)
    with pytest.raises(parts.UnknownPartError) as refusal:
        parts.select("kubernetes")
    assert str(refusal.value) == (
        f"Kubernetes {chosen} is not pinned here; known versions: 1.34.4, 1.36.3, 1.37.2 (or their minors)"
    )


def test_an_unknown_part_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        parts.UnknownPartError,
        match=r"no part is called kubelet; known parts: kubernetes, argocd-sync, cni, containerd, coredns, crane, ",
    ):
        parts.select("kubelet")


def test_the_command_line_refuses_an_unknown_part_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "kubelet"]) == 1
    assert capsys.readouterr().err.startswith("no part is called kubelet")


def test_nothing_is_built_in_an_empty_cache(empty_cache: Path) -> None:
    assert parts.missing() == ["etcd", "kubernetes-1.36", "kwok", "definitions"]
    assert not parts.built("helm")
    assert not empty_cache.exists()


def test_a_part_counts_as_built_once_its_directory_is_there() -> None:
    (etcd,) = parts.select("etcd")
    etcd.output.mkdir(parents=True)
    assert parts.built("etcd")
    assert parts.missing() == ["kubernetes-1.36", "kwok", "definitions"]


def test_executables_are_named_after_what_they_are() -> None:
    found = parts.executables("kubernetes", "helm")
    assert list(found) == ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "helm"]
    assert all(path.name == name for name, path in found.items())


def _programs() -> list[part.Program]:
    return [program for program in parts.catalogue().values() if isinstance(program, part.Program) and program.source]


def _definitions() -> Definitions:
    (definitions,) = (item for item in parts.catalogue().values() if isinstance(item, Definitions))
    return definitions


@pytest.mark.parametrize("program", _programs(), ids=lambda program: program.name)
def test_a_pin_states_a_full_version_and_is_complete(program: part.Program) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+(-0\.\d{14}-[0-9a-f]{12}|-\d{14}-[0-9a-f]{12})?", program.version)
    assert f"{program.source} v{program.version} h1:" in program.read("go.sum")


def test_go_sum_has_the_hash_of_each_module_that_defines_resources() -> None:
    sums = _definitions().read("go.sum")
    missing = [module for module in _definitions().modules if f"{module.replace('@', ' ')} h1:" not in sums]
    assert not missing
    assert len(_definitions().modules) == len(sums.splitlines()) / 2


@pytest.mark.parametrize("minor", parts.kubernetes_minors())
def test_every_staging_module_of_kubernetes_has_the_version_of_its_release(minor: str) -> None:
    part = parts.kubernetes(minor)
    replaced = re.findall(r"^\s(\S+) => (\S+) v(\S+)$", (part.directory / "go.mod").read_text("utf-8"), re.MULTILINE)
    assert len(replaced) > 30
    assert {version for _, _, version in replaced} == {f"0.{part.version.removeprefix('1.')}"}
    assert all(module == replacement for module, replacement, _ in replaced)


def test_the_api_server_is_stamped_with_its_version() -> None:
    stamps = parts.kubernetes("1.34").flags[-1]
    assert "-X k8s.io/component-base/version.gitVersion=v1.34.4" in stamps
    assert "-X k8s.io/component-base/version.gitMinor=34" in stamps


def test_another_hash_in_go_sum_is_another_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = tmp_path / "go"
    shutil.copytree(part.GO_DIRECTORY / "etcd", copied / "etcd")
    monkeypatch.setattr(part, "GO_DIRECTORY", copied)
    before = parts.catalogue()["etcd"].output
    with (copied / "etcd" / "go.sum").open("a", encoding="utf-8") as sums:
        sums.write("example.org/more v1.0.0 h1:x\n")
    assert parts.catalogue()["etcd"].output != before


@pytest.mark.parametrize(("name", "file"), [("pause", "main.go"), ("pulumi", "language-python/host.go")])
def test_another_line_in_a_program_of_the_repository_is_another_directory(
    name: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = tmp_path / "go"
    shutil.copytree(part.GO_DIRECTORY / name, copied / name)
    monkeypatch.setattr(part, "GO_DIRECTORY", copied)
    before = parts.catalogue()[name].output
    with (copied / name / file).open("a", encoding="utf-8") as program:
        program.write("// more\n")
    assert parts.catalogue()[name].output != before


def test_a_nodes_programs_have_the_version_of_the_default_control_plane() -> None:
    node = parts.catalogue()["kubernetes-node"]
    assert node.version == parts.kubernetes(parts.DEFAULT_MINOR).version
    assert list(node.executables) == ["kubelet", "kube-proxy"]


def test_the_cache_follows_the_desktop_convention(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARCHESAI_PARTS_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert part.cache_directory() == Path("/somewhere/archesai-infra/parts")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert part.cache_directory() == Path("~/.cache/archesai-infra/parts").expanduser()
