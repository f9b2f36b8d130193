"""`docs/configuration.md`, from the list of all keys."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from archesai_infra.stack.explain import Key, keys
from archesai_infra.stack.settings import Settings

HEAD = """\
# Configuration

Every key of a stack file, from the models in `archesai_infra`; `make goldens` writes this page. Edit
`Pulumi.<stack>.yaml`, or use `arches config set <key> <value> --stack <stack>`. In the file every key begins with the
project's name: `archesai:domain`.

Quantities are Kubernetes' (`500m` of CPU, `512Mi` of memory). A key that is not in this list is refused. `required`
means that a key must be set where its group is used; `[]` stands for each item of a list, `*` for each name in an
object. Text that YAML could take for a number, a date or a boolean must be in quotes: `tag: "1.10"`.
"""


def reference() -> str:
    """The page."""
    every = keys(Settings)
    lines = [HEAD, "## Secrets\n", "Set with `arches config set <key>`; each is a key of its own.\n"]
    lines += ["| key | meaning |", "|---|---|"]
    lines += [f"| `{key.path}` | {_cell(key.description)} |" for key in every if key.secret]
    top = [key for key in every if "." not in key.path and not key.secret]
    lines += ["", "## For the whole stack\n", *_table([key for key in top if not key.group]), ""]
    for group in (key for key in top if key.group):
        lines += _section(group, [key for key in every if key.path.startswith(f"{group.path}.")])
    return "\n".join(lines).rstrip() + "\n"


def _section(group: Key, below: Sequence[Key]) -> Iterator[str]:
    """A group's keys: first those of every form, then each form's own."""
    yield f"## {group.path}\n"
    yield f"{group.description}\n"
    forms = list(dict.fromkeys(key.form for key in below))
    for form in sorted(forms, key=bool):
        if form:
            yield f"### {group.path}, mode {form}\n"
        yield from _table([key for key in below if key.form == form and not key.group])
        yield ""


def _table(rows: Iterable[Key]) -> list[str]:
    return ["| key | type | default | meaning |", "|---|---|---|---|", *map(_row, rows)]


def _row(key: Key) -> str:
    allowed = f"{key.type}: {key.allowed}" if key.allowed else key.type
    meaning = _cell(key.description)
    return f"| `{key.path}` | {_cell(allowed)} | {_default(key)} | {meaning} |"


def _default(key: Key) -> str:
    if key.required:
        return "required"
    return "" if key.default is None else f"`{_cell(json.dumps(key.default, ensure_ascii=False))}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
