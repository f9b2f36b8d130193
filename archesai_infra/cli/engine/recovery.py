"""Going on after a run that was killed: its lock, its unfinished creations, and its records of Helm releases."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

import typer
from pulumi.automation import CommandError as EngineError
from pulumi.automation import Stack

from archesai_infra.cli.adopt.cluster import read, take_fields
from archesai_infra.cli.base.cluster import Cluster
from archesai_infra.cli.base.confirm import confirm
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.kinds import path as path_of
from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.base.text import counted
from archesai_infra.cli.engine import leftovers
from archesai_infra.cli.engine.classes import require_free
from archesai_infra.cli.engine.command import Command
from archesai_infra.cli.engine.existing_secrets import lacking, made_for
from archesai_infra.cli.engine.leftovers import Leftovers
from archesai_infra.cli.engine.returning import kept
from archesai_infra.components import migrations
from archesai_infra.components.backups.keys import KEPT_RESOURCE, KEPT_SECRET, REPOSITORY_KEY
from archesai_infra.credentials import Credential
from archesai_infra.kube.labels import COMPONENT
from archesai_infra.stack.config import RawConfig
from archesai_infra.stack.evaluate import Evaluation, evaluate

ADOPTING = {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true"}
"""With these the engine takes over an object that exists, where its other fields do not conflict."""
Result = TypeVar("Result")


def recover(stack: Stack, raw: RawConfig, command: Command, *, yes: bool, take_over: bool) -> Leftovers:
    """Clear what a killed run left, after asking, and adopt what that run or a destroyed stack left for good.

    Args:
        stack: The opened stack.
        raw: Its configuration.
        command: The engine's own command on the stack; sets a kept password in the stack file.
        yes: Whether to clear without asking.
        take_over: Whether a stack whose state is lost is to be taken over.

    Raises:
        CommandError: The engine cannot continue with what exists: records that the user wants to keep, a namespace of
            another stack, a class of somebody else, or a stack that the state does not know.
        ClusterError: The cluster does not show its Secrets.
    """
    declared = evaluate(raw, application=True)
    with connect(declared.settings.cluster.context, declared.settings.cluster.kubeconfig) as cluster:
        deployment = stack.export_stack().deployment or {}
        found = leftovers.find(deployment, declared, cluster, raw.stack)
        _check(found, raw.stack, declared, take_over=take_over)
        require_free(cluster, declared.settings, raw.stack)
        require_secrets(cluster, declared)
        require_no_running_migration(cluster, declared)
        known = [str(one["urn"]) for one in deployment.get("resources") or []]
        adopting = _namespaces_to_take(cluster, declared, raw.stack, known)
        if found.records:
            _clear_records(found, lambda: found.clear(cluster), yes=yes)
        if found.unnamed or take_over:
            _name_managers(cluster, declared)
        if Credential.BACKUPS_REPOSITORY_PASSWORD not in raw.values:
            password = kept_password(deployment, declared, cluster)
            if password is not None:
                typer.echo(f"The backups' repository password comes from Secret {KEPT_SECRET} into the stack file.")
                command.run("config", "set", "--secret", Credential.BACKUPS_REPOSITORY_PASSWORD, stdin=password)
    _report(found, adopting, cluster)
    if found.returning:
        _keep_returning(command, declared)
    if found.pending or found.returning or adopting:
        stack.workspace.env_vars = {**stack.workspace.env_vars, **ADOPTING}
    return found


def _keep_returning(command: Command, declared: Evaluation) -> None:
    """Write the state without the marks by which the engine would delete what the stack declares again.

    Secrets stay encrypted: the Automation API would write them to a file in clear.
    """
    exported = json.loads(command.run("stack", "export"))
    text = json.dumps(exported | {"deployment": kept(exported["deployment"], declared)})
    _once_more(lambda: command.run("stack", "import", stdin=text), lambda: command.run("cancel", "--yes"))


def _report(found: Leftovers, adopting: Collection[str], cluster: Cluster) -> None:
    """Say what an `up` does about what was found, and what is left to the user."""
    created = len(found.pending) - len(found.undeclared)
    if created:
        typer.echo(f"An earlier run was killed while it created {counted(created, 'object')}; they are taken over.")
    if found.changing:
        changed = counted(len(found.changing), "object")
        typer.echo(f"An earlier run was killed while it changed {changed}; the cluster is read first.")
    if found.undeclared:
        typer.echo("An earlier run was killed while it created what the stack file does not have now. To remove it:")
    for namespace, what in found.undeclared:
        typer.echo(f"  {cluster.kubectl(namespace, f'delete --ignore-not-found {what}')}")
    if found.returning:
        names = ", ".join(found.returning)
        typer.echo(f"An earlier run did not come to delete what the stack file asks for again; it is kept: {names}.")
    if adopting:
        typer.echo(f"Namespaces that were made for the stack's Secrets are taken over: {', '.join(adopting)}.")


def require_secrets(cluster: Cluster, declared: Evaluation) -> None:
    """Raise CommandError for Secrets that pods would wait for until the engine gives up; raises ClusterError too."""
    missing = [lack for lack in lacking(cluster, declared) if not lack.exists and not lack.is_certificate]
    if missing:
        names = ", ".join(f"{lack.namespace}/{lack.name}" for lack in missing)
        commands = "\n".join(f"  {command}" for lack in missing for command in lack.commands(cluster.context))
        raise CommandError(
            f"Secrets of the stack file do not exist: {names}; make them, then run the command again:\n{commands}",
            Exit.INPUT,
        )


def require_no_running_migration(cluster: Cluster, declared: Evaluation) -> None:
    """Raise CommandError while the Job of an interrupted run migrates: the engine would replace it half-way."""
    namespace = declared.settings.namespace
    for job in cluster.list(path_of("Job", namespace), labels=f"{COMPONENT}={migrations.MODULE}"):
        name = str(job["metadata"]["name"])
        if job.get("status", {}).get("active") and _has_begun(cluster, namespace, name):
            raise CommandError(
                f"Job {name} of an earlier run still migrates the database, and an up would delete it half-way; wait "
                f"for its end, then run the command again: kubectl --context {cluster.context} -n {namespace} wait "
                f"--for=condition=complete --timeout=1h job/{name}",
                Exit.FOUND,
            )


def _has_begun(cluster: Cluster, namespace: str, job: str) -> bool:
    """Whether a pod of a Job runs its container; one that waits for its image or its server has changed nothing."""
    pods = cluster.list(path_of("Pod", namespace), labels=f"batch.kubernetes.io/job-name={job}")
    statuses = [status for pod in pods for status in pod.get("status", {}).get("containerStatuses") or []]
    return any("running" in status.get("state", {}) for status in statuses)


def _namespaces_to_take(cluster: Cluster, declared: Evaluation, stack: str, known: Collection[str]) -> list[str]:
    """Namespaces that exist only for the stack's Secrets; raises CommandError where more would be taken with them."""
    fitting, others = made_for(cluster, declared, stack, known)
    if fitting and others:
        raise CommandError(
            f"{', '.join(others)} exist already and are not this stack's: let the stack use them "
            "(ingress.controller.install, ingress.certManager.install, backups.velero.install: false) or remove them",
            Exit.INPUT,
        )
    return fitting


def _name_managers(cluster: Cluster, declared: Evaluation) -> None:
    """Hand the fields that a provider set under a random name to the one that sets them now."""
    live = read(cluster, declared.settings.namespace)
    if live is None:
        return
    for item in declared.objects:
        standing = live.get(item["kind"], item["metadata"]["name"])
        if standing is not None and item["metadata"].get("namespace") in (None, live.namespace):
            take_fields(cluster, standing, ())


def kept_password(deployment: Mapping[str, Any], declared: Evaluation, cluster: Cluster) -> str | None:
    """The password of the backups of an earlier stack, where this one has none yet; raises ClusterError."""
    wanted = {one.name for one in declared.resources} & {KEPT_RESOURCE}
    if not wanted or any(one["urn"].endswith(f"::{KEPT_RESOURCE}") for one in deployment.get("resources") or []):
        return None
    found = cluster.find(f"/api/v1/namespaces/{declared.settings.namespace}/secrets/{KEPT_SECRET}")
    return b64decode(found["data"][REPOSITORY_KEY]).decode() if found else None


def _check(found: Leftovers, stack: str, declared: Evaluation, *, take_over: bool) -> None:
    if found.foreign:
        raise CommandError("\n".join(f"Pulumi.{stack}.yaml: {line}" for line in found.foreign), Exit.INPUT)
    if found.forgotten and not take_over:
        raise CommandError(
            f"the state does not know stack {stack}, which runs in namespace {declared.settings.namespace}: log in "
            f"where its state is, or, if that is lost, run `arches up --stack {stack} --take-over`",
            Exit.STATE,
        )


def _clear_records(found: Leftovers, clear: Callable[[], None], *, yes: bool) -> None:
    typer.echo(
        "An earlier run was killed while Helm worked. Helm refuses to continue while these release Secrets exist:"
    )
    for record in found.records:
        typer.echo(f"  {record.line}")
    if not yes:
        confirm("Delete these release Secrets? What the releases installed stays.")
    clear()


def unlocking(stack: Stack, operation: Callable[[], object]) -> Callable[[], object]:
    """The operation, which once more begins without the lock that a killed process of this machine left."""
    return lambda: _once_more(operation, stack.cancel)


def find_unlocking(command: Command, *arguments: str) -> str | None:
    """What the engine's own command prints, as `Command.find`, once more without such a lock; raises CommandError."""
    return _once_more(lambda: command.find(*arguments), lambda: command.run("cancel", "--yes"))


def _once_more(operation: Callable[[], Result], unlock: Callable[[], object]) -> Result:
    """The result of an operation; where such a lock refuses it, the lock is removed and the operation runs again."""
    try:
        return operation()
    except (CommandError, EngineError) as error:
        if not leftovers.abandoned(str(error)):
            raise
        typer.echo("The process that locked the state has ended without unlocking it: the lock is removed.")
        unlock()
        return operation()
