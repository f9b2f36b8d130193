"""What a recovery to a moment writes into the stack file, and where it must not begin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from archesai_infra.cli.backups.recovery_plan import planned
from archesai_infra.cli.backups.recovery_run import refuse_others
from archesai_infra.cli.base.errors import CommandError
from archesai_infra.cli.base.stacks import checked_stack
from archesai_infra.stack.config import load
from testbed.cli.projects import project, set_keys

__all__ = ["project"]

Object = dict[str, Any]
MOMENT = "2026-05-04T10:30:00Z"
ARCHIVED: Object = {
    "cluster": {"apiServer": ["10.96.0.1/32"]},
    "backups": {"enabled": True, "bucket": "archives", "endpoint": "https://s3.example.com", "existingSecret": "keys"},
    "database": {"mode": "cluster", "cluster": {"archive": {"enabled": True, "existingSecret": "archive-keys"}}},
}


def _cluster(**changed: object) -> Object:
    own = ARCHIVED["database"]["cluster"] | changed
    return {"database": ARCHIVED["database"] | {"cluster": own}}


def _written(text: str) -> Object:
    return yaml.safe_load(text)["config"]["archesai:database"]["cluster"]


def test_the_new_cluster_begins_beside_the_present_one_and_then_takes_its_place(project: Path) -> None:
    set_keys(project, ARCHIVED)
    settings = load(checked_stack("dev"))[0]
    plan = planned("dev", settings, MOMENT, None)
    beside = _written(plan.beside_text)
    assert beside["beside"] == 2
    assert beside["recovered"] == [{"generation": 2, "source": "archesai-db-1-1", "targetTime": MOMENT}]
    (project / "Pulumi.dev.yaml").write_text(plan.beside_text, encoding="utf-8")
    again = planned("dev", load(checked_stack("dev"))[0], MOMENT, None)
    assert (again.begun, again.generation) == (True, 2)
    over = _written(again.over_text)
    assert (over["generation"], over["beside"]) == (2, 1)
    (project / "Pulumi.dev.yaml").write_text(again.over_text, encoding="utf-8")
    with pytest.raises(CommandError, match="archesai-db-1 runs beside the present one"):
        planned("dev", load(checked_stack("dev"))[0], "latest", None)


def test_each_recovery_has_a_number_that_no_earlier_one_had(project: Path) -> None:
    earlier = {"generation": 3, "source": "archesai-db-1-1"}
    set_keys(
        project, ARCHIVED | _cluster(generation=2, recovered=[earlier, {"generation": 2, "source": "archesai-db-1-1"}])
    )
    plan = planned("dev", load(checked_stack("dev"))[0], "latest", "archesai-db-1-1")
    written = _written(plan.beside_text)
    assert written["beside"] == 4
    assert written["recovered"][0] == earlier
    assert written["recovered"][-1] == {"generation": 4, "source": "archesai-db-1-1"}


@pytest.mark.parametrize(
    ("config", "moment", "reason"),
    [
        ({"database": {}}, MOMENT, "only database.mode: cluster"),
        ({"database": {"mode": "cluster"}}, MOMENT, "archive is not enabled"),
        ({"database": ARCHIVED["database"] | {"pooler": {}}}, MOMENT, "remove database.pooler"),
        ({"database": ARCHIVED["database"] | {"singlePod": "serving"}}, MOMENT, "the single pod still serves"),
        ({}, "yesterday", "targetTime"),
    ],
)
def test_what_cannot_be_recovered_is_refused_with_the_reason(
    project: Path, config: Object, moment: str, reason: str
) -> None:
    set_keys(project, ARCHIVED | config)
    with pytest.raises(CommandError, match=reason):
        planned("dev", load(checked_stack("dev"))[0], moment, None)


def test_options_of_another_restore_are_refused() -> None:
    with pytest.raises(CommandError, match="--module: is no option of --to"):
        refuse_others({"--into": None, "--module": "redis"})
