from __future__ import annotations

from archesai_infra.components.base.component import FIELD_MANAGER
from testbed.matrix import EVERYTHING, ON
from testbed.stacks import render

BACKUPS = ON | {"bucket": "backups", "endpoint": "https://s3.example.com", "existingSecret": "keys"}


def test_every_object_of_a_stack_is_set_under_the_stacks_own_name() -> None:
    config = EVERYTHING | {"monitoring": ON, "backups": BACKUPS}
    objects = [one for one in render(config, stack="blue").resources if one.is_object]
    managers = {one.name: one.inputs["metadata"]["annotations"].get(FIELD_MANAGER) for one in objects}
    assert len(objects) > 80
    assert set(managers.values()) == {"archesai-blue"}
