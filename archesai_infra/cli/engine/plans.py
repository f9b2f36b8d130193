"""Saved plans, and the checks that the engine's own lack.

`pulumi up --plan` (tried with 3.274) refuses a resource whose operation or inputs the plan does not hold, but only when
it comes to it: what came before is changed by then. It does not look at the plan's configuration, and a plan that
generates a password never holds, because each run generates another. So a plan is compared with a new preview before
the first change, and one that generates values is not made.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp
from typing import Any

from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.digest.properties import masked

_GENERATED = "pulumi:index:Stash"
_MAKING = {"create", "create-replacement"}
_PLANS = "resourcePlans"
_SHOWN = 6
"""Resources named in a message."""

Plan = Mapping[str, Any]


@contextmanager
def new_file(path: Path, stack: str) -> Generator[Path]:
    """A file beside `path` for the engine to write a plan to; it takes the place of `path` once the plan is good.

    It is for its owner alone: a plan holds the whole configuration, secrets encrypted like those of the state. Raises
    CommandError where it cannot be written, and for a plan that cannot be applied.
    """
    try:
        descriptor, name = mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise CommandError(f"--save-plan {path}: {(error.strerror or str(error)).lower()}", Exit.INPUT) from None
    os.close(descriptor)
    written = Path(name)
    try:
        yield written
        require_repeatable(read(written), stack)
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)


def read(path: Path) -> Plan:
    """A saved plan; raises CommandError where the file is none."""
    how = "it must be a file that `arches preview --save-plan` wrote"
    try:
        plan = json.loads(path.read_bytes())
    except OSError as error:
        raise CommandError(f"--plan {path}: {(error.strerror or str(error)).lower()}; {how}", Exit.INPUT) from None
    except ValueError:
        raise CommandError(f"--plan {path}: is not JSON; {how}", Exit.INPUT) from None
    if not isinstance(plan, dict) or not isinstance(plan.get(_PLANS), dict):
        raise CommandError(f"--plan {path}: holds no plan; {how}", Exit.INPUT)
    return plan


def require_repeatable(plan: Plan, stack: str) -> None:
    """Raise CommandError for a plan that generates values: a second run generates others."""
    made = [urn for urn, item in plan[_PLANS].items() if _GENERATED in _type(urn) and _MAKING & set(_steps(item))]
    if made:
        raise CommandError(
            f"this change generates values, and no plan can hold them: {_named(made)}; apply it without a plan: "
            f"arches up --stack {stack}",
            Exit.FOUND,
        )


def require_same(plan: Plan, now: Plan, stack: str) -> None:
    """Raise CommandError where a saved plan is not what a new one does."""
    before, after = ({urn: _essence(item) for urn, item in one[_PLANS].items()} for one in (plan, now))
    differing = sorted(urn for urn in {*before, *after} if before.get(urn) != after.get(urn))
    if differing:
        raise CommandError(
            f"the plan no longer holds, and nothing was changed: {_named(differing)}; the stack file, the program or "
            f"the state has changed since. Look again: arches preview --stack {stack} --save-plan <file>",
            Exit.FOUND,
        )


def _essence(item: Mapping[str, Any]) -> object:
    """What a plan does with a resource, without what differs from run to run: encryption, seeds and reported states."""
    return _steps(item), masked((item.get("goal") or {}).get("inputDiff"))


def _steps(item: Mapping[str, Any]) -> list[str]:
    return list(item.get("steps") or ())


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _named(urns: list[str]) -> str:
    names = [f"{_type(urn).rpartition(':')[2]} {urn.rpartition('::')[2]}" for urn in urns[:_SHOWN]]
    return ", ".join(names) + (f" and {len(urns) - _SHOWN} more" if len(urns) > _SHOWN else "")
