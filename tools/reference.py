"""`docs/configuration.md`, from the settings models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from archesai_infra.credentials import DESCRIPTIONS
from archesai_infra.stack.descriptions import described_schema
from archesai_infra.stack.settings import Settings

HEAD = """\
# Configuration

Every key of a stack file, from the models in `archesai_infra`; `make goldens` writes this page. Keys are set by editing
`Pulumi.<stack>.yaml` or with `pulumi config set --path <key> <value> --stack <stack>`; the namespace `archesai:` is the
project's and may be left out on the command line.

Quantities are Kubernetes' (`500m` of CPU, `512Mi` of memory). What is not listed does not exist: unknown keys are
refused.
"""


def reference() -> str:
    """The page."""
    schema = described_schema(Settings)
    definitions: dict[str, Any] = schema["$defs"]
    lines = [HEAD, "## Secrets\n", "Set with `pulumi config set --secret <key>`; each is a key of its own.\n"]
    lines += ["| key | meaning |", "|---|---|", *(f"| `{key}` | {text} |" for key, text in DESCRIPTIONS.items()), ""]
    plain = {name: field for name, field in schema["properties"].items() if not _forms(field, definitions)}
    lines += ["## For the whole stack\n", *_table(_rows(plain, definitions, "")), ""]
    for name, field in schema["properties"].items():
        for form in _forms(field, definitions):
            lines += list(_section(name, form, definitions))
    return "\n".join(lines).rstrip() + "\n"


def _section(name: str, form: dict[str, Any], definitions: dict[str, Any]) -> Iterator[str]:
    mode = form["properties"].get("mode", {}).get("const")
    yield f"## {name}" + (f" ({mode})" if mode else "") + "\n"
    yield f"{form.get('description', '')}\n"
    yield from _table(_rows(form["properties"], definitions, f"{name}.", set(form.get("required", []))))
    yield ""


def _table(rows: Iterator[tuple[str, str, str, str]]) -> list[str]:
    return ["| key | type | default | meaning |", "|---|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]


def _rows(
    properties: dict[str, Any], definitions: dict[str, Any], prefix: str, required: set[str] | None = None
) -> Iterator[tuple[str, str, str, str]]:
    for name, field in properties.items():
        forms = _forms(field, definitions)
        if forms:
            for form in forms:
                nested = set(form.get("required", []))
                yield from _rows(form["properties"], definitions, f"{prefix}{name}.", nested)
            continue
        default = "required" if "default" not in field and name in (required or {name}) else _default(field)
        yield f"`{prefix}{name}`", _type(field, definitions), default, _cell(field.get("description", ""))


def _default(field: dict[str, Any]) -> str:
    if "default" not in field:
        return ""
    return f"`{_cell(json.dumps(field['default'], ensure_ascii=False))}`"


def _forms(field: dict[str, Any], definitions: dict[str, Any]) -> list[dict[str, Any]]:
    """The models that a field holds directly; both forms of a data module."""
    options: list[dict[str, Any]] = field.get("oneOf") or field.get("anyOf") or [field]
    references = [option["$ref"].rpartition("/")[2] for option in options if "$ref" in option]
    return [definitions[name] for name in references if "properties" in definitions[name]]


def _type(field: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "anyOf" in field:
        parts = [_type(option, definitions) for option in field["anyOf"]]
        return " or ".join(part for part in parts if part != "null")
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}), definitions)}"
    if "$ref" in field:
        return "object"
    bounds = [
        f"≥ {field['minimum']}" if "minimum" in field else "",
        f"≤ {field['maximum']}" if "maximum" in field else "",
    ]
    return " ".join([str(field.get("type", "any")), *filter(None, bounds)])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
