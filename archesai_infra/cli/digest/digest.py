"""`pulumi preview --json` as Markdown for a pull request: what is at risk first, short enough for a phone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from archesai_infra.cli.diff.show import shortened, text_changes
from archesai_infra.cli.digest.changes import OPERATIONS, Change, changes, restarts, totals
from archesai_infra.cli.digest.flows import flow_changes
from archesai_infra.cli.digest.properties import Property
from archesai_infra.cli.digest.risks import lost_with, risks, successor

LIMIT = 65_536
"""Characters that GitHub takes in one comment."""
VIOLATIONS = "policyViolations"
"""Key that `arches preview --policy --json` adds to the engine's document: a list of `policy: what is wrong`."""
REACHABILITY = "clusterReachability"
"""Key that `arches preview --json` adds to the engine's document: whether the cluster answered, in one sentence."""
STATE_ONLY = "The list compares the program with the recorded state only."
NOT_ASKED = f"Cluster: not asked. {STATE_ONLY}"

_SHOWN = 6
"""Properties shown of one resource."""
_LINES = 6
"""Lines shown of a text that differs."""
_VALUE = 120
"""Characters of a value."""
_MESSAGE = 600
"""Characters of one diagnostic."""
_NOT_IN_A_WORD = re.compile(r"[^A-Za-z0-9._-]")
_WORD_LENGTH = 100
_ONLY_THAT = "error: preview failed"
"""The engine's last line, whatever it printed before."""
_AMBIENT = "from $PATH at"
"""The engine's notice about plugins that lie beside it."""


def stack(preview: Mapping[str, Any]) -> str:
    """Name of the stack, from the document or its URNs; empty where there are none."""
    if "stack" in preview:
        return str(preview["stack"])
    urns = [step["urn"] for step in preview.get("steps", [])]
    return urns[0].split("::")[0].rpartition(":")[2] if urns else ""


def mark(stack: str = "") -> str:
    """First line of a comment, about one stack or about all: how a workflow finds the one that it wrote before."""
    return f"<!-- {' '.join(['arches digest', _word(stack)]).strip()} -->"


def digest(preview: Mapping[str, Any], limit: int = LIMIT) -> str:
    """The comment, of at most `limit` characters. Every text that comes from the previewed change is escaped."""
    listed = changes(preview)
    parts = [
        mark(stack(preview)),
        f"### {_word(stack(preview)) or 'Preview'}: {totals(listed)}",
        "",
        _code(str(preview.get(REACHABILITY, NOT_ASKED))),
        *_errors(preview),
        *_violations(preview),
        *_data(listed),
        *_effects(preview, listed),
        *_table(listed),
        *_replacements(listed),
        *_plain(listed, "delete", "Deletes"),
        *_plain(listed, "update", "Updates"),
        *_plain(listed, "revision", "New revisions"),
    ]
    details = list(_plain(listed, "create", "Creates"))
    if details:
        details = ["", "<details><summary>Creates</summary>", *details, "", "</details>"]
    return _fitting([*parts, *details, *_warnings(preview)], limit)


def _effects(preview: Mapping[str, Any], listed: list[Change]) -> Iterator[str]:
    """What restarts, and which network flows open and close."""
    flows = flow_changes(preview)
    effects = {"Restarts": restarts(listed), "Opens": flows.opened, "Closes": flows.closed}
    lines = [f"**{title}:** {', '.join(map(_code, items))}" for title, items in effects.items() if items]
    if lines:
        yield ""
        yield "  \n".join(lines)


def _errors(preview: Mapping[str, Any]) -> Iterator[str]:
    messages = [text for severity, text in _diagnostics(preview) if severity == "error"]
    if messages:
        yield from ["", "> [!CAUTION]", "> **The preview failed; the list below is not complete.**"]
        for text in messages:
            if text != _ONLY_THAT:
                yield f"> {_code(text)}"


def _violations(preview: Mapping[str, Any]) -> Iterator[str]:
    violations = preview.get(VIOLATIONS, [])
    if violations:
        yield from ["", "> [!CAUTION]", "> **Policies that the change breaks**"]
        yield from (f"> - {_code(str(text))}" for text in violations)


def _warnings(preview: Mapping[str, Any]) -> Iterator[str]:
    messages = [text for severity, text in _diagnostics(preview) if severity == "warning" and _AMBIENT not in text]
    if messages:
        yield from ["", "**Warnings**"]
        yield from (f"- {_code(text)}" for text in messages)


def _diagnostics(preview: Mapping[str, Any]) -> list[tuple[str, str]]:
    messages = [(str(item["severity"]), str(item["message"]).strip()) for item in preview.get("diagnostics", [])]
    return list(dict.fromkeys(messages))


def _code(text: str) -> str:
    """The first line of a text as code: in a code span GitHub renders no markup, no HTML and no mention.

    Control characters and backticks, which would end the span or its line, are replaced.
    """
    line = text.strip().splitlines()[0] if text.strip() else ""
    short = line if len(line) <= _MESSAGE else f"{line[:_MESSAGE]} …"
    printable = "".join(letter if letter.isprintable() else " " for letter in short)
    return f"`{printable.replace('`', chr(39)) or ' '}`"


def _word(text: str) -> str:
    """A text of which only letters, digits, dots, dashes and underscores are kept: a module, a kind or a stack."""
    return _NOT_IN_A_WORD.sub("", text)[:_WORD_LENGTH]


def _data(listed: list[Change]) -> Iterator[str]:
    lost, kept = risks(listed)
    if lost:
        yield from ["", "> [!CAUTION]", "> **Data at risk**"]
        yield from (
            f"> - {change.operation.upper()}S {_label(change)} ({_word(change.module)}); "
            f"{lost_with(change)} would be gone{_why(change)}"
            for change in lost
        )
    if kept:
        yield from ["", "> [!WARNING]", "> **Data that leaves the stack; it stays in the cluster**"]
        yield from (
            f"> - {_label(change)} ({_word(change.module)}){successor(change)}{_why(change)}" for change in kept
        )


def _label(change: Change) -> str:
    return f"{_word(change.kind)} {_code(change.name)}"


def _why(change: Change) -> str:
    """What forces a replacement, on one line."""
    shown = ", ".join(_one_line(item) for item in change.properties[:_SHOWN])
    return f": {shown}{_more(len(change.properties) - _SHOWN)}" if shown else ""


def _one_line(item: Property) -> str:
    path = _code(item.path)
    if not item.shown or any(isinstance(side, str) and "\n" in side for side in (item.old, item.new)):
        return path
    return f"{path}: {_side(item.old)} → {_side(item.new)}"


def _side(value: object) -> str:
    return "not set" if value is None else _code(shortened(value, _VALUE))


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


def _with_properties(change: Change) -> Iterator[str]:
    """A changed resource, and below it each property with its old and new value."""
    yield f"- {_word(change.module)}: {_label(change)}"
    for item in change.properties[:_SHOWN]:
        yield f"  - {_one_line(item)}"
        if item.shown and isinstance(item.old, str) and isinstance(item.new, str):
            yield from (f"    - {line}" for line in _changed_lines(item.old, item.new))
    if len(change.properties) > _SHOWN:
        yield f"  - {_more(len(change.properties) - _SHOWN).strip()}"


def _changed_lines(old: str, new: str) -> Iterator[str]:
    """The lines in which two texts of several lines differ."""
    if "\n" not in old + new:
        return
    changed = text_changes(old, new)
    yield from (_code(line) for line in changed[:_LINES])
    if len(changed) > _LINES:
        yield f"{_more(len(changed) - _LINES).strip()} lines"


def _table(listed: list[Change]) -> Iterator[str]:
    if not listed:
        return
    counts: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(OPERATIONS, 0))
    for change in listed:
        counts[change.module][change.operation] += 1
    yield from ["", "| module | + | ~ | new revision | REPLACE | - |", "|---|--:|--:|--:|--:|--:|"]
    for module, numbers in counts.items():
        cells = " | ".join(str(numbers[operation] or "") for operation in OPERATIONS)
        yield f"| {_word(module)} | {cells} |"


def _replacements(listed: list[Change]) -> Iterator[str]:
    replaced = [change for change in listed if change.operation == "replace"]
    if not replaced:
        return
    yield from ["", "**REPLACES**"]
    alike: dict[tuple[str, str, str], list[Change]] = defaultdict(list)
    for change in replaced:
        alike[change.module, change.how, _why(change)].append(change)
    for (module, how, why), items in alike.items():
        yield f"- {_word(module)}: {', '.join(map(_label, items))}; {how}{why}"


def _plain(listed: list[Change], operation: str, title: str) -> Iterator[str]:
    chosen = [change for change in listed if change.operation == operation]
    if not chosen:
        return
    yield from ["", f"**{title}**"]
    by_module: dict[str, list[Change]] = defaultdict(list)
    for change in chosen:
        by_module[change.module].append(change)
    for module, items in by_module.items():
        if operation in ("update", "revision"):
            for change in items:
                yield from _with_properties(change)
        else:
            yield f"- {_word(module)}: {', '.join(map(_label, items))}"


def _fitting(lines: list[str], limit: int) -> str:
    """The lines, the longest lists cut at the end where all would not fit into one comment."""
    text = "\n".join(lines) + "\n"
    if len(text) <= limit:
        return text
    note = "\n… cut here: the comment has no more room; see the preview's own output.\n"
    tail = "\n</details>\n" if "</details>" in text else ""
    room = limit - len(note) - len(tail)
    head = text[:room].rpartition("\n")[0]
    open_details = "<details>" in head and "</details>" not in head
    return f"{head}\n{note}{tail if open_details else ''}"
