"""What an upgrade of the database changes in the stack file, and when it must not begin."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.stacks import checked_stack
from archesai_infra.cli.config.drafts import changed, parsed
from archesai_infra.cli.upgrade.by_hand import steps
from archesai_infra.components import database
from archesai_infra.components.database.major import major, system
from archesai_infra.stack.config import load
from archesai_infra.stack.evaluate import Evaluation, evaluate
from archesai_infra.stack.settings import Settings

TAG, CLAIM = "database.image.tag", "database.claimName"
"""Keys that an upgrade writes."""


@dataclass(frozen=True)
class Plan:
    """An upgrade of one stack."""

    stack: str
    settings: Settings
    """The stack's present ones."""
    before: Evaluation
    after: Evaluation
    text: str
    """The stack file after it."""
    version: int
    """The major version that the database gets."""

    @property
    def namespace(self) -> str:
        """The stack's namespace."""
        return self.settings.namespace

    @property
    def old_claim(self) -> str:
        """Claim with the present data."""
        return managed(self.settings).claim

    @property
    def new_claim(self) -> str:
        """Claim that the copy is on."""
        return managed(self.after.settings).claim


def planned(stack: str, to: int | None, tag: str | None) -> Plan:
    """The plan of an upgrade; raises CommandError where there is none, and ConfigError for an invalid stack file."""
    if to is None:
        raise CommandError("--to: the major version is missing, such as --to 17", Exit.INPUT)
    raw = checked_stack(stack)
    settings, _ = load(raw)
    own = movable(settings)
    _refuse_version(own.tag, tag, to)
    new_tag = tag or _tag(own.tag, to)
    if major(f":{new_tag}") != str(to):
        raise CommandError(f"--tag {new_tag}: does not name PostgreSQL {to}", Exit.INPUT)
    if not settings.retain_data:
        raise CommandError(
            f"retainData is false: the switch would delete claim {own.claim} with the way back; set it to true and run "
            "`arches up` first",
            Exit.INPUT,
        )
    if settings.gitops.enabled:
        context = settings.cluster.context or "<context>"
        by_hand = steps(stack, context, settings.namespace, new_tag, to, dumps=settings.backups.enabled)
        raise CommandError(by_hand, Exit.INPUT)
    text = changed(stack, {TAG: new_tag, CLAIM: _claim(own.tag, new_tag, to)})
    return Plan(stack, settings, evaluate(raw), evaluate(parsed(stack, text)), text, to)


def movable(settings: Settings) -> database.ManagedDatabase:
    """The settings of a database that the command can move; raises CommandError with the way for others."""
    own = settings.database
    if isinstance(own, database.ClusterDatabase):
        raise CommandError(
            "database.mode is cluster: its operator raises the version in place: set database.cluster.image.tag, then "
            "run `arches up`",
            Exit.INPUT,
        )
    if not isinstance(own, database.ManagedDatabase):
        raise CommandError(
            f"database.mode is {own.mode}: only a managed database is moved here; upgrade the server where it runs",
            Exit.INPUT,
        )
    if not own.runs_pods:
        raise CommandError("the stack runs no database in the cluster", Exit.INPUT)
    return own


def managed(settings: Settings) -> database.ManagedDatabase:
    """The settings of a managed database."""
    own = settings.database
    if not isinstance(own, database.ManagedDatabase):
        raise CommandError("the stack's database is not managed", Exit.INPUT)
    return own


def _claim(tag: str, new_tag: str, to: int) -> str:
    """Name of the new claim: with the system of the image where that alone changes."""
    same_version = major(f":{tag}") == str(to)
    parts = [database.NAME, str(to), *((system(new_tag) or "").lower().split()[-1:] if same_version else [])]
    return "-".join(parts)


def _refuse_version(tag: str, new_tag: str | None, to: int) -> None:
    """Raise CommandError for a version that is no move; the same version on another system is one."""
    present = major(f":{tag}")
    if present == str(to) and (new_tag is None or system(new_tag) in (None, system(tag))):
        raise CommandError(
            f"--to {to}: the stack file has this version already ({tag}); after an upgrade that was cut off, --undo "
            "puts the stack file back",
            Exit.INPUT,
        )
    if present is not None and int(present) > to:
        raise CommandError(
            f"--to {to}: the database has version {present}, whose dumps an older server does not read; --undo goes "
            "back to the claim before an upgrade",
            Exit.INPUT,
        )


def _tag(tag: str, to: int) -> str:
    """The tag of another version, by the part `pg16` of the present one; raises CommandError where it has none."""
    found, count = re.subn(r"\bpg\d+", f"pg{to}", tag)
    if not count:
        raise CommandError(f"the tag of PostgreSQL {to} does not follow from {tag}: name it with --tag", Exit.INPUT)
    return found
