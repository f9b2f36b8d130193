from __future__ import annotations

from pathlib import Path

import pytest

from tools import bench_engine, bench_offline


@pytest.mark.long
def test_every_figure_of_a_stack_is_measured_without_an_engine() -> None:
    figures = {figure.what: figure.value for figure in bench_offline.measured("dev", bench_offline.stacks()["dev"], 1)}
    assert list(figures) == [
        "import",
        "configuration",
        "evaluation",
        "rendering",
        "offline preview",
        "memory of the offline preview",
    ]
    assert all(value > 0 for value in figures.values())


def test_a_missing_part_is_a_reason_with_the_command_that_builds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("ARCHESAI_PARTS_DIR", str(tmp_path / "parts"))
    monkeypatch.delenv("K8S_VERSION", raising=False)
    assert bench_engine.reason_against() == (
        "not built: etcd, kubernetes-1.36, kwok, definitions, pulumi, pulumi-kubernetes; "
        "make test-engine builds and runs this"
    )
