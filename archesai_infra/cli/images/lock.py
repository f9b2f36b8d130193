"""Digests of a stack's images and charts, and the lock of them in the stack file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ruamel.yaml.comments import CommentedMap

from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.config.edit import edit, put
from archesai_infra.cli.images.listing import Item, Kind
from archesai_infra.cli.images.registry import digest
from archesai_infra.stack.config import PROJECT

_AT_ONCE = 8
LOCKS: dict[str, tuple[Kind, ...]] = {"images": ("image", "chart image"), "charts": ("chart",)}
"""Setting whose `digests` is a lock, to the kinds that it pins."""


def resolved(items: Sequence[Item], *, again: bool) -> list[Item]:
    """The items with the digests that their registries have; with `again` also those that the lock has.

    Raises CommandError with a line for each that cannot be had.
    """

    def ask(item: Item) -> Item | CommandError:
        if item.fixed or (item.digest and not again):
            return item
        try:
            return replace(item, digest=digest(item.repository, item.tag))
        except CommandError as error:
            return error

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(ask, items))
    if errors := [str(answer) for answer in answers if isinstance(answer, CommandError)]:
        raise CommandError("\n".join(dict.fromkeys(errors)), Exit.FOUND)
    return [answer for answer in answers if isinstance(answer, Item)]


def write(items: Sequence[Item], stack: str) -> None:
    """Write the digests of images and charts into the stack file; what the stack no longer uses leaves the lock."""

    def change(document: CommentedMap) -> None:
        for setting, kinds in LOCKS.items():
            wanted = {item.name: item.digest for item in locked(items) if item.kind in kinds}
            held = _held(document, setting)
            if wanted or held:
                put(document, f"{setting}.digests", _updated(held, wanted))

    edit(stack, change)


def locked(items: Sequence[Item]) -> list[Item]:
    """Those of the items that the lock holds."""
    return [item for item in items if item.lockable and not item.fixed]


def _held(document: CommentedMap, setting: str) -> CommentedMap:
    group = document.get("config", {}).get(f"{PROJECT}:{setting}") or {}
    held = group.get("digests")
    return held if isinstance(held, CommentedMap) else CommentedMap()


def _updated(held: CommentedMap, wanted: Mapping[str, str]) -> CommentedMap:
    """The held mapping with new values: entries that stay keep their place and comments."""
    for name in set(held) - set(wanted):
        del held[name]
    for name in sorted(wanted):
        held[name] = wanted[name]
    return held
