"""`arches secrets`: where each credential comes from, and new ones without an outage that surprises."""

from __future__ import annotations

import secrets as randomness
from collections.abc import Sequence
from dataclasses import asdict
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from archesai_infra.cli.base.console import print_json, print_table
from archesai_infra.cli.base.exits import CommandError, Exit, friendly
from archesai_infra.cli.base.options import DEFAULT_STACK, Json, Stack, read_stack

if TYPE_CHECKING:
    from archesai_infra.cli.base.cluster import Cluster
    from archesai_infra.credentials import Credential
    from archesai_infra.stack.config import RawConfig
    from archesai_infra.stack.credential_sources import Source
    from archesai_infra.stack.settings import Settings

BYTES = 24
"""192 bits, 32 characters of URL-safe base64, as the program's own."""


def _names(incomplete: str) -> list[str]:
    from archesai_infra.credentials import Credential

    return [str(credential) for credential in Credential if credential.startswith(incomplete)]


Name = Annotated[str, typer.Argument(help="Credential, such as databasePassword.", autocompletion=_names)]


def register(app: typer.Typer) -> None:
    """Add the command."""
    group = typer.Typer(no_args_is_help=True, help="List where credentials come from, make new ones, rotate them.")
    group.command("list")(listing)
    group.command("generate")(generate)
    group.command("rotate")(rotate)
    group.command("sync")(sync)
    app.add_typer(group, name="secrets")


@friendly
def listing(*, stack: Stack = DEFAULT_STACK, json: Json = False) -> None:
    """Show for each credential whether it is generated, configured or in a Secret that others make. No values."""
    _, _, found = _sources(stack)
    if json:
        print_json([asdict(source) for source in found])
    else:
        rows = ([source.credential, source.origin, source.detail, source.description] for source in found)
        print_table(["Credential", "Source", "", "What it is"], rows)


def _sources(stack: str) -> tuple[RawConfig, Settings, list[Source]]:
    from archesai_infra.stack.config import load
    from archesai_infra.stack.credential_sources import sources

    raw = read_stack(stack)
    settings, _ = load(raw)
    return raw, settings, sources(settings, raw.secret_keys)


def _credential(name: str) -> Credential:

    from archesai_infra.credentials import Credential

    try:
        return Credential(name)
    except ValueError:
        near = get_close_matches(name, list(Credential), n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise CommandError(f"{name}: no credential{hint}", Exit.INPUT) from None


@friendly
def generate(name: Name, *, stack: Stack = DEFAULT_STACK) -> None:
    """Put a new random value into the stack file, encrypted. It takes effect with the next `arches up`."""
    credential = _credential(name)
    _refuse_fixed(credential)
    _, _, found = _sources(stack)
    if _of(found, credential).origin == "existing Secret":
        _made_by_others(_of(found, credential))
    _set_secret(credential, stack)
    typer.echo(f"{credential} is set in Pulumi.{stack}.yaml, encrypted. Next: arches up --stack {stack}")


@friendly
def rotate(name: Name, *, stack: Stack = DEFAULT_STACK) -> None:
    """Have a credential made anew by the next `arches up`, whichever source it has; say what that restarts."""
    from archesai_infra.stack.credential_sources import PLACES

    credential = _credential(name)
    _refuse_fixed(credential)
    _, settings, found = _sources(stack)
    source = _of(found, credential)
    if source.origin == "existing Secret":
        _made_by_others(source)
    if source.origin == "generated":
        version = _number(settings, source.detail) + 1
        _pulumi(stack, ["config", "set", "--path", source.detail, str(version)])
        typer.echo(f"{source.detail} is {version} in Pulumi.{stack}.yaml.")
    elif source.origin == "configuration":
        _set_secret(credential, stack)
        typer.echo(f"{credential} has a new value in Pulumi.{stack}.yaml, encrypted.")
    else:
        raise CommandError(f"{credential}: {source.origin} ({source.detail or 'by this stack'})", Exit.FOUND)
    place = PLACES.get(credential)
    typer.echo(f"Next: arches up --stack {stack}" + (f"   # {place.follows}" if place else ""))


class Keeper(NamedTuple):
    """A server that keeps a password in data of its own: a new Secret alone does not change it."""

    title: str
    namespace: str
    labels: str
    """Selector of its pod."""
    container: str
    script: str
    """What the container runs: the password goes from its Secret to the server and is on no command line or log."""


@friendly
def sync(*, stack: Stack = DEFAULT_STACK) -> None:
    """Give the running PostgreSQL, and a Grafana with a volume, the password that its Secret holds.

    PostgreSQL's pod does so itself whenever it starts; Grafana's does not.
    """
    from archesai_infra.cli.base.cluster import connect

    _, settings, _ = _sources(stack)
    found = keepers(settings, stack)
    if not found:
        raise CommandError("no server of this stack keeps a password of its own", Exit.FOUND)
    cluster = connect(settings.cluster.context, settings.cluster.kubeconfig)
    for keeper in found:
        pod = keepers_pod(cluster, keeper)
        sync_password(cluster, pod, keeper)
        typer.echo(f"{keeper.title} in {pod} has the password of its Secret.")


def keepers(settings: Settings, stack: str) -> list[Keeper]:
    """The servers of a stack that keep a password."""
    from archesai_infra.components.base.scripts import script
    from archesai_infra.components.database.server import PACKAGE
    from archesai_infra.components.monitoring.prometheus_stack import GRAFANA_PODS, SYNC_LOGIN

    found: list[Keeper] = []
    database = settings.database
    if database.enabled and database.mode == "managed" and database.run_on_host is None:
        labels = f"app.kubernetes.io/instance={stack},app.kubernetes.io/component=database"
        found.append(Keeper("PostgreSQL", settings.namespace, labels, "postgres", script(PACKAGE, "sync-password.sh")))
    if settings.monitoring.installs and settings.monitoring.grafana.size is not None:
        labels = ",".join(f"{key}={value}" for key, value in GRAFANA_PODS.items())
        found.append(Keeper("Grafana", settings.monitoring.namespace, labels, "grafana", SYNC_LOGIN))
    return found


def keepers_pod(cluster: Cluster, keeper: Keeper) -> str:
    """Name of the pod that a server runs in; raises CommandError where there is none."""
    found = cluster.list(f"/api/v1/namespaces/{keeper.namespace}/pods", labels=keeper.labels)
    if not found:
        raise CommandError(f"no pod of {keeper.title} is in namespace {keeper.namespace}", Exit.FOUND)
    return str(found[0]["metadata"]["name"])


def sync_password(cluster: Cluster, pod: str, keeper: Keeper) -> None:
    """Run a server's script in its pod; raises CommandError with what it said."""
    done = cluster.execute(keeper.namespace, pod, ["sh", "-c", keeper.script], container=keeper.container)
    if done.status != 0:
        reason = " ".join((done.error or done.output).split()) or f"status {done.status}"
        raise CommandError(f"{pod}: {keeper.title} did not take the password: {reason}", Exit.FOUND)


def _of(found: list[Source], credential: Credential) -> Source:
    return next(source for source in found if source.credential == credential)


def _refuse_fixed(credential: Credential) -> None:
    from archesai_infra.stack.credential_sources import FIXED

    if credential in FIXED:
        raise CommandError(f"{credential}: {FIXED[credential]}", Exit.FOUND)


def _made_by_others(source: Source) -> None:
    raise CommandError(
        f"{source.credential}: Secret {source.detail} is made by others; change it there, then restart what reads it",
        Exit.FOUND,
    )


def _number(settings: Settings, path: str) -> int:
    tree: Any = settings.model_dump(by_alias=True)
    for part in path.split("."):
        tree = tree[part]
    return int(tree)


def _set_secret(credential: Credential, stack: str) -> None:
    # Through standard input: a command line can be read by everyone on the machine.
    _pulumi(stack, ["config", "set", "--secret", credential], stdin=randomness.token_urlsafe(BYTES))


def _pulumi(stack: str, arguments: Sequence[str], *, stdin: str = "") -> None:
    """Run the engine on the project's stack; raises CommandError with what it said."""
    from archesai_infra.cli.base.project import root
    from archesai_infra.cli.engine.command import Command
    from archesai_infra.cli.engine.engine import needed
    from archesai_infra.cli.engine.state import environment

    directory = root()
    Command(directory, stack, needed(directory), environment(directory)).run(*arguments, stdin=stdin)
