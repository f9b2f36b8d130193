"""The shape of the program: what may know what, and which names are state."""

from __future__ import annotations

import ast
import importlib
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from archesai_infra import versions
from archesai_infra.components.base.component import Component
from archesai_infra.model import Model
from archesai_infra.stack.settings import Settings
from testbed.matrix import EVERYTHING
from testbed.stacks import ROOT, render

PACKAGE = ROOT / "archesai_infra"
# Files for pods, among them Python, are no part of the package.
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent.name != "scripts")
COMPONENTS = [path for path in FILES if path.is_relative_to(PACKAGE / "components")]
FLOORS = ("kube", "components", "stack", "cli")
"""The floors of the package from the bottom to the top; each may import those below it and the ground."""
GROUND = ("model", "types", "cron", "quantities", "credentials", "versions", "process")
"""Modules below the floors, which every floor but `kube` may import."""
FROM_THE_TERMINAL = ("cli",)
"""What runs for a person: only here the environment of the process counts."""
GIVES_UP = "process.py"
"""Takes variables out of the program's own environment."""
DUMPED = {"Toleration": "goes to Kubernetes as it is"}
"""Models whose fields nobody reads one by one, and why."""
URNS = {
    "security-namespace": "archesai:index:Security$kubernetes:core/v1:Namespace::security-namespace",
    "database-data": "archesai:index:Database$kubernetes:core/v1:PersistentVolumeClaim::database-data",
    "database-password": "archesai:index:Database$pulumi:index:Stash::database-password",
    "database-secret": "archesai:index:Database$kubernetes:core/v1:Secret::database-secret",
    "database-stateful-set": "archesai:index:Database$kubernetes:apps/v1:StatefulSet::database-stateful-set",
    "redis-data": "archesai:index:Redis$kubernetes:core/v1:PersistentVolumeClaim::redis-data",
    "redis-password": "archesai:index:Redis$pulumi:index:Stash::redis-password",
    "redis-stateful-set": "archesai:index:Redis$kubernetes:apps/v1:StatefulSet::redis-stateful-set",
    "storage-data": "archesai:index:Storage$kubernetes:core/v1:PersistentVolumeClaim::storage-data",
    "storage-access-key": "archesai:index:Storage$pulumi:index:Stash::storage-access-key",
    "storage-secret-key": "archesai:index:Storage$pulumi:index:Stash::storage-secret-key",
    "storage-stateful-set": "archesai:index:Storage$kubernetes:apps/v1:StatefulSet::storage-stateful-set",
    "api-jwt-secret": "archesai:index:Api$pulumi:index:Stash::api-jwt-secret",
    "fingerprint-key": "pulumi:pulumi:Stack$pulumi:index:Stash::fingerprint-key",
}
"""What would be lost or recreated under another name."""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> set[str]:
    """Modules that a file imports, and the names that it imports from them."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def module_name(path: Path) -> str:
    """Dotted name of a file of the package."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def ours(path: Path) -> set[str]:
    """Parts of the package that a file imports: `types`, `kube`, …"""
    return {name.split(".")[1] for name in imports(path) if name.startswith("archesai_infra.")}


def floor_violations(path: Path) -> set[str]:
    """Parts of the package that a file imports although they are above it."""
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if part not in FLOORS:
        return ours(path) - set(GROUND)
    below = set(FLOORS[: FLOORS.index(part) + 1])
    return ours(path) - below - (set[str]() if part == "kube" else set(GROUND))


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Import circles, each as the modules on it."""
    found: list[list[str]] = []
    done: set[str] = set()

    def visit(name: str, above: list[str]) -> None:
        if name in above:
            found.append([*above[above.index(name) :], name])
        elif name not in done:
            for target in sorted(edges[name]):
                visit(target, [*above, name])
            done.add(name)

    for name in sorted(edges):
        visit(name, [])
    return found


def module_of(path: Path) -> str:
    """The component that a file belongs to."""
    return path.relative_to(PACKAGE / "components").parts[0].removesuffix(".py")


@cache
def classes() -> list[type[Any]]:
    """Every class that the files of the components define."""
    found: list[type[Any]] = []
    for path in COMPONENTS:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        module = importlib.import_module(name)
        found += [item for item in vars(module).values() if isinstance(item, type) and item.__module__ == name]
    return found


def models(model: type[BaseModel]) -> set[type[BaseModel]]:
    """A model and all models inside it."""

    def inside(annotation: object) -> set[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return models(annotation)
        return set[type[BaseModel]]().union(*map(inside, get_args(annotation)))

    return {model}.union(*(inside(field.annotation) for field in model.model_fields.values()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_file_imports_only_from_its_floor_and_those_below(path: Path) -> None:
    assert floor_violations(path) == set()


def test_an_import_of_a_higher_floor_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.test_architecture.PACKAGE", tmp_path)
    for floor, line in (
        ("stack", "from archesai_infra.cli.base import exits"),
        ("components", "from archesai_infra.stack.settings import Settings"),
        ("kube", "from archesai_infra import types"),
    ):
        (tmp_path / floor).mkdir()
        planted = tmp_path / floor / "planted.py"
        planted.write_text(line, encoding="utf-8")
        assert floor_violations(planted) != set()


def watchers(paths: list[Path]) -> set[str]:
    """Components besides the monitoring that import it: what is to be known of them is theirs to bring."""
    monitoring = "archesai_infra.components.monitoring"
    return {module_of(path) for path in paths if any(name.startswith(monitoring) for name in imports(path))} - {
        "monitoring"
    }


def test_no_component_knows_the_monitoring() -> None:
    assert watchers(COMPONENTS) == set()


def test_the_monitoring_knows_of_no_server_but_the_storage_of_its_logs() -> None:
    owners = {"api", "backups", "database", "migrations", "platform", "redis", "scraper", "storage", "unstructured"}
    known = {
        name.split(".")[2]
        for path in COMPONENTS
        if module_of(path) == "monitoring"
        for name in imports(path)
        if name.startswith("archesai_infra.components.") and len(name.split(".")) > 2
    }
    assert known & owners == {"api", "storage"}


def test_the_package_has_no_import_circle() -> None:
    names = {module_name(path): path for path in FILES}
    assert circles({name: imports(path) & set(names) - {name} for name, path in names.items()}) == []


def test_an_import_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [["b", "c", "b"]]


def test_only_builders_components_and_the_composition_root_know_the_provider() -> None:
    creating = {
        path.relative_to(PACKAGE).parts[0]
        for path in FILES
        if any(name.split(".")[0] == "pulumi_kubernetes" for name in imports(path))
    }
    assert creating == {"kube", "components", "stack"}


def test_configuration_is_read_in_one_place() -> None:
    readers = {
        path.relative_to(PACKAGE).as_posix()
        for path in FILES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in ("pulumi.Config", "pulumi.get_stack", "pulumi.runtime.config", "pulumi.get_project")
    }
    assert readers == {"stack/stack_file.py"}


def test_the_environment_counts_only_at_the_terminal() -> None:
    readers = {
        path.relative_to(PACKAGE).parts[0]
        for path in FILES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv")
    }
    assert readers - {GIVES_UP} <= set(FROM_THE_TERMINAL)


def test_the_program_itself_only_gives_variables_up_and_asks_for_the_debug_lines() -> None:
    used = [
        ast.unparse(node)
        for node in ast.walk(tree(PACKAGE / GIVES_UP))
        if isinstance(node, ast.Attribute) and ast.unparse(node).startswith("os.")
    ]
    assert sorted(used) == ["os.environ", "os.environ", "os.environ.get", "os.environ.pop"]


def test_every_settings_model_of_a_component_can_be_set() -> None:
    defined = {item for item in classes() if issubclass(item, Model)}
    # The base classes of libraries are set through them.
    bases = {base for item in models(Settings) for base in item.__mro__}
    assert {item.__name__ for item in defined - bases} == set()


def test_every_setting_is_read_by_someone() -> None:
    read = {node.attr for path in FILES for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)}
    unread = {
        f"{model.__name__}.{name}"
        for model in models(Settings)
        if model.__name__ not in DUMPED
        for name in model.model_fields
        if name not in read
    }
    assert unread == set()


def test_every_component_is_built_by_the_composition_root_or_by_another() -> None:
    called = {
        ast.unparse(node.func).rpartition(".")[2]
        for path in [*COMPONENTS, PACKAGE / "stack" / "deploy.py"]
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
    }
    bases = {base for item in classes() for base in item.__mro__[1:]}
    built = {item.__name__ for item in classes() if issubclass(item, Component) and item not in bases}
    assert {"Api", "Database", "Redis"} <= built
    assert built - called == set()


def test_every_component_has_tests_of_its_name() -> None:
    tests = ROOT / "tests"
    with_module = {
        module_of(path)
        for path in COMPONENTS
        if any(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MODULE" for node in tree(path).body)
    }
    untested = {
        name
        for name in with_module
        if not (tests / "components" / f"test_{name}.py").is_file()
        and not any((tests / "components" / name).glob("test_*.py"))
    }
    assert untested == set()


def test_the_program_is_a_few_lines() -> None:
    lines = (ROOT / "__main__.py").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) <= 15


def test_no_version_moves_but_the_applications_own_in_development() -> None:
    moving = {name for name, value in vars(versions).items() if getattr(value, "tag", "") == "latest"}
    assert moving == {"API", "PLATFORM"}


@pytest.mark.parametrize("name", URNS)
def test_what_holds_state_keeps_its_urn(name: str) -> None:
    (found,) = (resource.urn for resource in render(EVERYTHING).resources if resource.name == name)
    assert found == f"urn:pulumi:dev::archesai::{URNS[name]}"


def test_names_of_resources_follow_from_no_configuration_but_digests_of_content() -> None:
    other = EVERYTHING | {
        "namespace": "team-a",
        "domain": "example.org",
        "storage": {"enabled": True, "bucket": "team"},
    }
    renamed = render(other, stack="team")
    names = [{item.lasting_urn.rpartition("::")[2] for item in one.resources} for one in (renamed, render(EVERYTHING))]
    assert names[0] == names[1]
