"""What an exported state shows of a killed run, against what the stack declares."""

from __future__ import annotations

from archesai_infra.cli.engine.leftovers import find
from testbed.cli.answers import Answers
from testbed.stacks import render


def test_what_a_killed_run_began_and_nothing_declares_is_named_but_for_data() -> None:
    names = [("ClusterRole", ""), ("Service", "archesai"), ("PersistentVolumeClaim", "archesai")]
    operations = [
        {
            "type": "creating",
            "resource": {"urn": kind, "inputs": {"kind": kind, "metadata": {"name": "begun", "namespace": namespace}}},
        }
        for kind, namespace in names
    ]
    stack = render({})
    found = find({"pending_operations": operations}, stack, Answers([]), "dev")
    assert found.pending == ("ClusterRole", "Service", "PersistentVolumeClaim")
    # A command needs some namespace, also for what is in none.
    assert found.undeclared == ((stack.settings.namespace, "clusterrole/begun"), ("archesai", "service/begun"))
