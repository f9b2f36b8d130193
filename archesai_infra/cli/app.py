"""The `arches` command: a table of sub-commands, each loaded only when it is called."""

from __future__ import annotations

import gc
import os
import sys
from codecs import lookup
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated, Any, NamedTuple, TextIO

import typer
from typer.core import TyperCommand, TyperGroup

LOOK, CHANGE, OPERATE, MOVE_IN = "Look", "Change", "Operate", "Move in"
"""Groups of the help."""


class Entry(NamedTuple):
    """Where a sub-command is defined, and its line in the help."""

    module: str
    """Module of `archesai_infra.cli` whose `register` adds the command."""
    group: str
    help: str
    hidden: bool = False
    """An older name, still accepted."""


COMMANDS = {
    "preview": Entry("preview.command", LOOK, "Show what `up` would do; works without engine and cluster."),
    "status": Entry("status.command", LOOK, "Show how the stack is doing in its cluster, problems first."),
    "doctor": Entry("doctor.command", LOOK, "Check the machine, the stack file and the cluster."),
    "logs": Entry("logs.command", LOOK, "Print the logs of a module's pods."),
    "graph": Entry("graph.command", LOOK, "Draw modules and network flows as Mermaid."),
    "images": Entry("images.command", LOOK, "List and lock the images and charts of a stack."),
    "diff": Entry("diff.command", LOOK, "Compare what two stacks declare."),
    "render": Entry("render.command", LOOK, "Write the stack as Kubernetes manifests."),
    "rbac": Entry("rbac.command", LOOK, "Print the roles that a preview or an `up` needs."),
    "digest": Entry("digest.command", LOOK, "Turn a JSON preview into a pull request comment."),
    "review": Entry("digest.command", LOOK, "Compare rendered stacks as a pull request comment."),
    "init": Entry("init.command", CHANGE, "Create the file of a new stack."),
    "config": Entry("config.command", CHANGE, "Explain, show, set and edit configuration keys."),
    "secrets": Entry("secrets.command", CHANGE, "List, generate and rotate credentials."),
    "up": Entry("up.command", CHANGE, "Apply the stack file to the cluster."),
    "rollback": Entry("up.command", CHANGE, "Apply the stack file of an earlier commit."),
    "destroy": Entry("up.command", CHANGE, "Remove the stack's objects; data is kept."),
    "cancel": Entry("up.command", CHANGE, "Unlock the state after an operation was killed."),
    "backup": Entry("backups.command", OPERATE, "Create, list and restore backups."),
    "upgrade": Entry("upgrade.command", OPERATE, "Move the database to another major version."),
    "move": Entry("move.command", OPERATE, "Move the database from one pod to a cluster."),
    "cluster": Entry("local_cluster.command", OPERATE, "Create or remove a local cluster (k3d or kind)."),
    "adopt": Entry("adopt.command", MOVE_IN, "Take a running deployment into the state."),
    "import-values": Entry("import_values.command", MOVE_IN, "Turn old Helm values into a stack file."),
    "backups": Entry("backups.command", OPERATE, "Old name of `backup list`.", hidden=True),
    "restore": Entry("backups.command", OPERATE, "Short for `backup restore`.", hidden=True),
    "recovery-kit": Entry("backups.command", OPERATE, "Old name of `backup kit`.", hidden=True),
}
"""Every sub-command by name, in the order of the help."""

EPILOG = """\
\b
Exit status:
  0 done                                  4 cluster unreachable, or it refuses
  1 failed, or a check found a problem    5 state unreadable or locked
  2 invalid input                         6 not done in the time given
  3 no Pulumi engine                      130 interrupted

\b
Examples:
  arches preview
  arches config set redis.enabled true
  arches up --stack prod
  arches status --stack prod

ARCHES_DEBUG=1 shows the Python trace of an error. The documentation is in docs/ of the project."""


HELP_OPTIONS = ["-h", "--help"]
_GARBAGE = 100_000
"""Objects that are created before a search for cycles among them."""

Framework = Any
"""A type that Typer uses in its own interface and keeps private."""


class LazyGroup(TyperGroup):
    """A group that imports a command's module when the command is called; help needs none of them."""

    def __init__(self, **attributes: Framework) -> None:
        super().__init__(**attributes)
        # Suggestions for a mistyped command, help and completion read these; `get_command` gives the real ones.
        self.commands = {
            name: TyperCommand(name, help=entry.help, hidden=entry.hidden) for name, entry in COMMANDS.items()
        }

    def format_commands(self, ctx: Framework, formatter: Framework) -> None:  # noqa: ARG002 - the group's protocol
        """The sub-commands in their groups."""
        for group in dict.fromkeys(entry.group for entry in COMMANDS.values()):
            with formatter.section(group):
                shown = [(name, entry) for name, entry in COMMANDS.items() if not entry.hidden]
                formatter.write_dl([(name, entry.help) for name, entry in shown if entry.group == group])

    def resolve_command(self, ctx: Framework, args: list[str]) -> Framework:
        """The command that was called, from its own module."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(name) if name and command else command, rest

    def parse_args(self, ctx: Framework, args: list[str]) -> Framework:
        """Parse the options before the sub-command; the help of a sub-command needs none of them."""
        if len(args) > 1 and args[0] in self.commands and args[-1] in HELP_OPTIONS:
            _print_help(ctx, args[0], load(args[0]), args[1:])
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Framework) -> Framework:
        """Run a command; every expected error becomes a line on standard error and an exit status."""
        with _failures(json="--json" in ctx.args):
            result = super().invoke(ctx)
            sys.stdout.flush()
        return result

    def make_context(self, info_name: str | None, args: list[str], *above: Framework, **extra: Framework) -> Framework:
        """Parse the options before the sub-command; what is wrong with them ends like every other error."""
        with _failures(json="--json" in args):
            return super().make_context(info_name, args, *above, **extra)


@contextmanager
def _failures(*, json: bool) -> Generator[None]:
    """The one place where an error becomes a line on standard error and an exit status."""
    try:
        yield
    except (typer.Exit, BrokenPipeError):
        raise
    except (Exception, KeyboardInterrupt) as error:
        # What describes other errors loads the libraries that they come from.
        usage = import_module("archesai_infra.cli.base.usage") if isinstance(error, typer.TyperException) else None
        if usage and usage.is_help(error):
            raise
        failure = usage.failure_of(error) if usage else _described(error)
        failure.report(json=json)
        raise typer.Exit(failure.code) from error


def _described(error: BaseException) -> Framework:
    try:
        return import_module("archesai_infra.cli.base.failures").failure_of(error)
    except OSError as unusable:
        # The SDK writes a file while it is loaded.
        failure, errors = (import_module(f"archesai_infra.cli.base.{name}") for name in ("failure", "errors"))
        text = f"{unusable.strerror or unusable}; free some space, or name a directory in TMPDIR"
        return failure.Failure(text, errors.Exit.FOUND)


def _print_help(above: Framework, name: str, command: Framework, rest: list[str]) -> None:
    """Print a command's help and end, where nothing but help is asked for.

    Parsing the option would load what checks values, which takes longer than all of the rest.
    """
    context = type(above)(command, info_name=name, parent=above, help_option_names=HELP_OPTIONS)
    if isinstance(command, TyperGroup) and rest[0] in command.commands:
        _print_help(context, rest[0], command.commands[rest[0]], rest[1:])
    elif len(rest) == 1 and rest[0] in HELP_OPTIONS:
        typer.echo(command.get_help(context))
        raise typer.Exit


def load(name: str) -> TyperCommand | TyperGroup:
    """A command or a group of commands, from the `register` of its module."""
    holder = typer.Typer(rich_markup_mode=None)
    import_module(f"archesai_infra.cli.{COMMANDS[name].module}").register(holder)
    # A module may register several commands; each that is built costs time.
    holder.registered_commands = [command for command in holder.registered_commands if command.name == name]
    holder.registered_groups = [group for group in holder.registered_groups if group.name == name]
    # A Typer with one command is that command; with a callback it stays a group.
    holder.callback()(lambda: None)
    return typer.main.get_group(holder).commands[name]  # pyright: ignore[reportReturnType]


app = typer.Typer(
    name="arches",
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": HELP_OPTIONS},
    epilog=EPILOG,
)


def _print_version(value: object) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"arches {version('archesai-infra')}")
        raise typer.Exit


@app.callback()
def arches(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Deploy and operate Arches on Kubernetes."""


def main() -> None:
    """Entry point of the `arches` command."""
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison] - Python's value for a closed descriptor
        sys.exit("error: standard output is closed")
    _print_every_character(sys.stdout)
    _start_fast()
    app()


def _print_every_character(stream: TextIO) -> None:
    """Print what the terminal's encoding lacks as an escape; with ASCII print UTF-8, as Typer does too."""
    if isinstance(stream, TextIOWrapper):
        if lookup(stream.encoding).name == "ascii":
            stream.reconfigure(encoding="utf-8")
        elif stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def _start_fast() -> None:
    """Leave out what takes time and gives a command nothing."""
    # A command keeps nearly all that its imports create: with the interpreter's threshold, an eighth of an offline
    # preview is a search for cycles. Commands that follow logs still collect.
    gc.set_threshold(_GARBAGE)
    # Reading the metadata of every installed package for plugins, of which the program uses none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
