"""Restores of one module's content while the application runs and writes to that module."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from testbed.engine.stack import Outcome
from testbed.node.content import count, damage, digest
from testbed.node.deployed import DeployedStack
from testbed.node.rig import Nodes

SECONDS = 300.0
"""Bound on the restore, and on the writes."""
_PROCESS = "/tmp/writer.pid"


@dataclass(frozen=True)
class ModuleRestore:
    """What a restore of one module did to a stack that was in use."""

    outcome: Outcome
    damaged: bool
    """Whether content was missing when it began."""
    whole: bool
    """Whether everything that the backup holds is there again."""
    restarted: bool
    """Whether a pod of the application was replaced or started again."""


def restore_in_use(nodes: Nodes, stack: DeployedStack, backup: str, module: str) -> ModuleRestore:
    """Lose content of a module, and restore it under writes; one writer must go on writing to the end and after it."""
    good, application = digest(nodes, stack, module), _application(stack)
    with _writing(nodes, stack, module):
        damage(nodes, stack, module)
        damaged = digest(nodes, stack, module) != good
        chosen = ("--from", backup, "--module", module, "--confirm", stack.namespace, f"--timeout={SECONDS:.0f}")
        outcome = stack.deployment.start_arches("backup", "restore", *chosen).wait(SECONDS + 60)
        _wait_for_writes(nodes, stack, module)
    whole = digest(nodes, stack, module) == good
    return ModuleRestore(outcome, damaged, whole, _application(stack) != application)


@contextmanager
def _writing(nodes: Nodes, stack: DeployedStack, module: str) -> Generator[None]:
    """A process of the api's image that writes to a module until the end of the context."""
    pod = stack.pod("api")["metadata"]["name"]
    script = f"echo $$ >{_PROCESS}; exec archesai write -seconds={SECONDS} -workers=1 {module}"
    process = stack.cluster.beside("exec", f"--namespace={stack.namespace}", pod, "--", "sh", "-c", script)
    try:
        _wait_for_writes(nodes, stack, module)
        yield
        assert process.poll() is None, "the writer has ended"
    finally:
        # The process in the pod outlives the connection to it.
        stack.cluster.exec(stack.namespace, pod, "sh", "-c", f"kill $(cat {_PROCESS})")
        process.kill()
        process.communicate()


def _wait_for_writes(nodes: Nodes, stack: DeployedStack, module: str) -> None:
    """Wait until a module holds more than it does now."""
    before = count(nodes, stack, module)
    stack.cluster.wait_for(
        f"writes reach {module}", lambda: [] if count(nodes, stack, module) > before else [f"{before} as before"]
    )


def _application(stack: DeployedStack) -> dict[str, int]:
    """How often each pod of the api and the platform was started."""
    return {
        pod["metadata"]["uid"]: sum(one["restartCount"] for one in pod["status"]["containerStatuses"])
        for component in ("api", "platform")
        for pod in stack.pods(component)
    }
