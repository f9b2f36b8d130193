"""The upgrade of a database where a GitOps controller applies the stack: the commands, in their order."""

from __future__ import annotations

from functools import partial

from archesai_infra.cli.base.text import kubectl
from archesai_infra.components import database
from archesai_infra.components.api import NAME as API
from archesai_infra.components.backups import dump
from archesai_infra.components.backups.schedules import CONTAINERS


def steps(stack: str, context: str, namespace: str, tag: str, to: int, *, dumps: bool) -> str:
    """What to do, one step a line; docs/production.md has the same with its reasons.

    Args:
        stack: Its name.
        context: The kubeconfig's context of its cluster.
        namespace: Its namespace.
        tag: The image's tag of the new version.
        to: The new major version.
        dumps: Whether the stack has a dump pod.
    """
    claim = f"{database.NAME}-{to}"
    own = partial(kubectl, context, namespace)
    in_dump_pod = own(f"exec {dump.POD} --container {CONTAINERS[database.MODULE]} -- sh -c")
    files = " ".join(
        f"-f rendered/{stack}/{name}.yaml"
        for name in (
            f"persistentvolumeclaim-{claim}",
            f"statefulset-{database.NAME}",
            f"statefulset-{dump.NAME}",
        )
    )
    render = f"arches render --stack {stack} --output rendered/{stack}"
    lines = [
        "gitops.enabled: a controller applies this stack, and the command would work against it. By hand:",
        *([] if dumps else ["  before: backups.enabled, which brings the pod that dumps and restores"]),
        "  1. stop the syncs: argocd app set <app> --sync-policy none, or flux suspend kustomization <name>",
        f"  2. {own(f'scale deployment {API} --replicas=0')}",
        f"  3. {in_dump_pod} 'sh \"$SCRIPTS/dump-database.sh\"'",
        f"  4. arches config set database.image.tag {tag}; arches config set database.claimName {claim}",
        f"     {render}",
        f"  5. {own(f'apply --server-side --force-conflicts {files}')}",
        f"  6. {own(f'rollout status statefulset/{database.NAME}')}",
        f"     {own(f'rollout status statefulset/{dump.NAME}')}",
        f"  7. {in_dump_pod} 'sh \"$SCRIPTS/restore-database.sh\"'   (it counts every table's rows)",
        "  8. commit, push, and start the syncs again: they bring the api back",
        "The old claim stays; the way back is to revert that commit, without what was written since.",
    ]
    return "\n".join(lines)
