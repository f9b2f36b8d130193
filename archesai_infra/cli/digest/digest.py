"""`pulumi preview --json` as Markdown for a pull request: what is at risk first, short enough for a phone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

LIMIT = 65_536
"""Characters that GitHub takes in one comment."""
MARK = "<!-- arches digest -->"
"""First line of every digest: how a workflow finds the comment it wrote before."""

VIOLATIONS = "policyViolations"
"""Key that `arches preview --policy --json` adds to the engine's document: a list of `policy: what is wrong`."""
REACHABILITY = "clusterReachability"
"""Key that `arches preview --json` adds to the engine's document: whether the cluster answered, in one sentence."""
STATE_ONLY = "The list compares the program with the recorded state only."
NOT_ASKED = f"Cluster: not asked. {STATE_ONLY}"

_DATA = {
    "PersistentVolumeClaim": "its volume",
    "PersistentVolume": "it",
    "Namespace": "all that is in it",
    "CustomResourceDefinition": "every object of the kind",
}
"""Kinds that hold data, and what goes with them."""
_OPERATIONS = ("create", "update", "replace", "delete")
_SHOWN = 3
"""Properties named for one resource."""
_MESSAGE = 600
"""Characters of one diagnostic."""
_NOT_IN_A_WORD = re.compile(r"[^A-Za-z0-9._-]")
_WORD_LENGTH = 100
_ONLY_THAT = "error: preview failed"
"""What the engine says last, whatever it said before."""
_AMBIENT = "from $PATH at"
"""The engine's notice about plugins that lie beside it."""


@dataclass(frozen=True)
class Step:
    """A resource that the preview would touch."""

    operation: str
    """`create`, `update`, `replace` or `delete`."""
    module: str
    kind: str
    name: str
    """Name in the cluster, else the logical one; of a replacement the old one's."""
    properties: tuple[str, ...]
    """What differs; for a replacement, what forces it."""
    kept: bool
    """It leaves the stack and stays in the cluster."""
    how: str = ""
    """How a replacement goes."""

    @property
    def label(self) -> str:
        """Kind and name."""
        return f"{_word(self.kind)} {_code(self.name)}"

    @property
    def endangers_data(self) -> bool:
        """Whether data would be lost, or lost sight of."""
        return self.kind in _DATA and self.operation in ("replace", "delete")


def steps(preview: Mapping[str, Any]) -> list[Step]:
    """What the preview would touch, components left out, by module and name."""
    found = [_step(step) for step in preview.get("steps", []) if step.get("op") in _OPERATIONS]
    return sorted((step for step in found if step is not None), key=lambda step: (step.module, step.kind, step.name))


def _step(step: Mapping[str, Any]) -> Step | None:
    chain, _, logical = step["urn"].split("::", 2)[2].rpartition("::")
    old, new = step.get("oldState") or {}, step.get("newState") or {}
    token = str((old or new).get("type", chain.rpartition("$")[2]))
    if token.startswith("archesai:") or token == "pulumi:pulumi:Stack":
        return None
    replaced = step["op"] == "replace"
    properties = tuple((step.get("replaceReasons") if replaced else list(step.get("detailedDiff") or {})) or ())
    return Step(
        operation=str(step["op"]),
        module=_word(_module(chain)),
        kind="Provider" if token.startswith("pulumi:providers:") else token.rpartition(":")[2],
        name=_name(old or new) or logical,
        properties=properties,
        kept=bool(old.get("retainOnDelete")) and step["op"] in ("delete", "replace"),
        how=_how(token, properties, renamed=_name(old) != _name(new)) if replaced else "",
    )


def _how(token: str, properties: tuple[str, ...], *, renamed: bool) -> str:
    if token == "pulumi:index:Stash":
        return "made anew"
    if "metadata.namespace" in properties:
        return "in another namespace"
    return "under a new name, the old one goes last" if renamed else "the old one goes FIRST"


def _module(chain: str) -> str:
    """The component the resource belongs to; what has none serves the whole stack."""
    component = chain.partition("$")[0]
    return component.rpartition(":")[2].lower() if component.startswith("archesai:") else "stack"


def _name(state: Mapping[str, Any]) -> str:
    metadata = (state.get("inputs") or {}).get("metadata") or {}
    return str(metadata.get("name", ""))


def stack(preview: Mapping[str, Any]) -> str:
    """Name of the stack, from the URNs; empty where there are none."""
    urns = [step["urn"] for step in preview.get("steps", [])]
    return urns[0].split("::")[0].rpartition(":")[2] if urns else ""


def digest(preview: Mapping[str, Any], limit: int = LIMIT) -> str:
    """The comment, of at most `limit` characters. Every text that comes from the previewed change is escaped."""
    found = steps(preview)
    parts = [
        MARK,
        f"### {_word(stack(preview)) or 'Preview'}: {_totals(found)}",
        "",
        _code(str(preview.get(REACHABILITY, NOT_ASKED))),
        *_errors(preview),
        *_violations(preview),
        *_data(found),
        *_table(found),
        *_replacements(found),
        *_plain(found, "delete", "Deletes"),
    ]
    details = [*_plain(found, "update", "Updates"), *_plain(found, "create", "Creates")]
    if details:
        details = ["", "<details><summary>Updates and creates</summary>", *details, "", "</details>"]
    return _fitting([*parts, *details, *_warnings(preview)], limit)


def _totals(found: list[Step]) -> str:
    words = {"create": "to create", "update": "to update", "replace": "to REPLACE", "delete": "to delete"}
    counts = {operation: sum(step.operation == operation for step in found) for operation in _OPERATIONS}
    return ", ".join(f"{counts[name]} {word}" for name, word in words.items() if counts[name]) or "no changes"


def _errors(preview: Mapping[str, Any]) -> Iterator[str]:
    said = [text for severity, text in _diagnostics(preview) if severity == "error"]
    if said:
        yield from ["", "> [!CAUTION]", "> **The preview failed; the list below is not complete.**"]
        for text in said:
            if text != _ONLY_THAT:
                yield f"> {_code(text)}"


def _violations(preview: Mapping[str, Any]) -> Iterator[str]:
    found = preview.get(VIOLATIONS, [])
    if found:
        yield from ["", "> [!CAUTION]", "> **Policies that the change breaks**"]
        yield from (f"> - {_code(str(text))}" for text in found)


def _warnings(preview: Mapping[str, Any]) -> Iterator[str]:
    said = [text for severity, text in _diagnostics(preview) if severity == "warning" and _AMBIENT not in text]
    if said:
        yield from ["", "**Warnings**"]
        yield from (f"- {_code(text)}" for text in said)


def _diagnostics(preview: Mapping[str, Any]) -> list[tuple[str, str]]:
    said = [(str(item["severity"]), str(item["message"]).strip()) for item in preview.get("diagnostics", [])]
    return list(dict.fromkeys(said))


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


def _data(found: list[Step]) -> Iterator[str]:
    endangered = [step for step in found if step.endangers_data]
    lost = [step for step in endangered if not step.kept]
    if lost:
        yield from ["", "> [!CAUTION]", "> **Data at risk**"]
        yield from (
            f"> - {step.operation.upper()}S {step.label} ({step.module}); {_DATA[step.kind]} would be gone{_why(step)}"
            for step in lost
        )
    kept = [step for step in endangered if step.kept]
    if kept:
        yield from ["", "> [!WARNING]", "> **Data that leaves the stack; it stays in the cluster**"]
        yield from (f"> - {_leaving(step)}" for step in kept)


def _leaving(step: Step) -> str:
    successor = ", and a new, EMPTY one takes its place" if step.operation == "replace" else ""
    return f"{step.label} ({step.module}){successor}{_why(step)}"


def _why(step: Step) -> str:
    if not step.properties:
        return ""
    more = len(step.properties) - _SHOWN
    shown = ", ".join(_code(path) for path in step.properties[:_SHOWN])
    return f": {shown}" + (f" and {more} more" if more > 0 else "")


def _table(found: list[Step]) -> Iterator[str]:
    if not found:
        return
    counts: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(_OPERATIONS, 0))
    for step in found:
        counts[step.module][step.operation] += 1
    yield from ["", "| module | + | ~ | REPLACE | - |", "|---|--:|--:|--:|--:|"]
    for module, numbers in counts.items():
        cells = " | ".join(str(numbers[operation] or "") for operation in _OPERATIONS)
        yield f"| {module} | {cells} |"


def _replacements(found: list[Step]) -> Iterator[str]:
    replaced = [step for step in found if step.operation == "replace"]
    if not replaced:
        return
    yield from ["", "**REPLACES**"]
    alike: dict[tuple[str, str, str], list[Step]] = defaultdict(list)
    for step in replaced:
        alike[step.module, step.how, _why(step)].append(step)
    for (module, how, why), own in alike.items():
        yield f"- {module}: {', '.join(step.label for step in own)}; {how}{why}"


def _plain(found: list[Step], operation: str, title: str) -> Iterator[str]:
    chosen = [step for step in found if step.operation == operation]
    if not chosen:
        return
    yield from ["", f"**{title}**"]
    by_module: dict[str, list[Step]] = defaultdict(list)
    for step in chosen:
        by_module[step.module].append(step)
    for module, own in by_module.items():
        if operation == "update":
            yield from (f"- {module}: {step.label}{_why(step)}" for step in own)
        else:
            yield f"- {module}: {', '.join(step.label for step in own)}"


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
