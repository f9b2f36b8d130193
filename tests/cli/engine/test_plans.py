"""Saved plans: what is compared before the first change, and what is refused."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from archesai_infra.cli.base.errors import CommandError
from archesai_infra.cli.engine import plans
from testbed.cli.projects import no_engine, project
from testbed.cli.running import run

__all__ = ["no_engine", "project"]

DEPLOYMENT = "urn:pulumi:dev::archesai::archesai:index:Api$kubernetes:apps/v1:Deployment::api-deployment"
PASSWORD = "urn:pulumi:dev::archesai::archesai:index:Redis$pulumi:index:Stash::redis-password"
SECRET = "4dabf18193072939515e22adb298388d"


def _plan(
    replicas: int = 2, *, ciphertext: str = "one", seed: str = "a", steps: tuple[str, ...] = ("update",)
) -> plans.Plan:
    updates = {"spec": {"replicas": replicas}, "token": {SECRET: "1b47061264138c4ac30d75fd1eb44270", "c": ciphertext}}
    goal = {"inputDiff": {"updates": updates}, "outputDiff": {"updates": {"time": seed}}, "dependencies": [seed]}
    return {"resourcePlans": {DEPLOYMENT: {"steps": list(steps), "goal": goal, "seed": seed}}}


def test_a_plan_is_the_same_whatever_its_encryption_and_its_seeds() -> None:
    plans.require_same(_plan(), _plan(ciphertext="two", seed="b"), "dev")


@pytest.mark.parametrize("now", [_plan(3), _plan(steps=("same",)), {"resourcePlans": {}}])
def test_a_plan_that_would_do_something_else_now_is_refused_by_the_names_of_what_differs(now: plans.Plan) -> None:
    with pytest.raises(CommandError, match=r"nothing was changed: Deployment api-deployment; .* --save-plan <file>"):
        plans.require_same(_plan(), now, "dev")


@pytest.mark.parametrize("step", ["create", "create-replacement"])
def test_a_plan_that_generates_a_value_is_refused_with_the_command_that_applies_the_change(step: str) -> None:
    with pytest.raises(CommandError, match="Stash redis-password; apply it without a plan: arches up --stack dev"):
        plans.require_repeatable({"resourcePlans": {PASSWORD: {"steps": [step]}}}, "dev")
    plans.require_repeatable({"resourcePlans": {PASSWORD: {"steps": ["same"]}}}, "dev")


def test_a_plan_is_its_owners_alone_and_takes_its_place_only_when_it_is_good(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    with plans.new_file(path, "dev") as new:
        new.write_text(json.dumps(_plan()))
        assert not path.exists()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    good = path.read_bytes()
    with pytest.raises(CommandError, match="generates values"), plans.new_file(path, "dev") as new:
        new.write_text(json.dumps({"resourcePlans": {PASSWORD: {"steps": ["create"]}}}))
    assert path.read_bytes() == good
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "problem"),
    [("no", "is not JSON"), ("[]", "holds no plan"), ("{}", "holds no plan"), ("\x00", "is not JSON")],
)
def test_a_file_that_is_no_plan_is_refused_with_what_writes_one(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "plan").write_text(text)
    with pytest.raises(CommandError, match=f"{problem}; it must be a file that `arches preview --save-plan` wrote"):
        plans.read(tmp_path / "plan")


@pytest.mark.usefixtures("project", "no_engine")
@pytest.mark.parametrize("option", [["--save-plan", "plan.json"], ["--refresh"]])
def test_without_an_engine_a_preview_cannot_do_what_only_the_engine_can(option: list[str]) -> None:
    result = run("preview", *option)
    assert (result.exit_code, f"{option[0]} needs the engine" in result.stderr) == (3, True)
    assert not Path("plan.json").exists()
