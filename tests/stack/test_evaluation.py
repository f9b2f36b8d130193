"""Evaluations of several stacks in one process."""

from __future__ import annotations

from testbed.stacks import shipped


def test_each_evaluation_in_a_process_has_its_own_stack_as_the_parent() -> None:
    for stack in ("prod", "dev"):
        tops = {item.parent for item in shipped(stack).resources if item.type == "archesai:index:Api"}
        assert tops == {f"urn:pulumi:{stack}::archesai::pulumi:pulumi:Stack::archesai-{stack}"}
