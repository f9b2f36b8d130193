"""Generated stack files: never a traceback, never a value other than the one written.

`ARCHESAI_EXAMPLES=10000` tries as many files of each kind; the default is enough for every change.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from archesai_infra.stack.config import ConfigError, load
from archesai_infra.stack.explain import Key, keys
from archesai_infra.stack.settings import Settings
from archesai_infra.stack.stack_file import read

EXAMPLES = int(os.environ.get("ARCHESAI_EXAMPLES", "100"))
"""Files of each kind."""
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
TRIES = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=_SLOW)
FORMS: dict[str, dict[str, Any]] = {
    "database external": {"mode": "external", "host": "db.example.com", "existingSecret": "database"},
    "redis external": {"mode": "external", "host": "redis.example.com", "existingSecret": "redis"},
    "storage external": {"mode": "external", "host": "s3.example.com", "existingSecret": "storage"},
}
"""What a module's form needs beside the key that is tried."""
SCALARS = [
    *["1.10", "0123", "2024_10", "12:30:45", "1e3", "0x1f", "0o17", "7.40", "080", "1_000", "-0", "+1", ".5", "1."],
    *["yes", "No", "on", "off", "true", "True", "false", "null", "~", "", "y", "N", ".nan", "-.inf", "<<", "=", "!x y"],
    *["2024-01-15", "2024-1-5 10:00", "10.0.0.0/8", "10.0.0.1", "::1", "0 * * * *", "61 * * * *", "@daily", "@never"],
    *[
        "720h",
        "0h",
        "1h30m",
        "512Mi",
        "1.50",
        "0.5",
        "250m",
        "10Q",
        "1Gi",
        "0",
        "1",
        "65535",
        "65536",
        "-1",
        "99999999",
    ],
    *["a..b", "my-bucket", "192.168.1.1", "example.com", "mail.example.com:587", "mail.example.com:99999", "always"],
    *[
        "https://example.com:70000/",
        "https://example.com",
        "v1.0.0",
        "latest",
        "managed",
        "external",
        "job",
        "archesai",
    ],
]
"""What people write, and what YAML readers make something else of."""
QUOTES: tuple[Callable[[str], str], ...] = (str, json.dumps, lambda text: "'" + text.replace("'", "''") + "'")
"""Ways to write a value: plain, and in both kinds of quotes."""
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
YAML_PIECES = st.sampled_from(
    [*"\n\n\n   :-?#&*!|>'\"%@`{}[],~", "archesai:", "config:", "environment", "development", "api", "image", "tag",
    "{",
     "}", "  ", "\t", "<<: ", "- ", "\u2028", "\x85", "\ufeff", "é", "0", "1.0", "secure", "null", "&a ", "*a"]
)  # fmt: skip


@cache
def leaves() -> tuple[Key, ...]:
    """Keys of plain values and lists of them."""
    return tuple(key for key in keys(Settings) if not (key.group or key.item or key.secret or "object" in key.type))


def reasons_or_settings(text: str) -> Settings | None:
    """The settings of a stack file, or None where it is refused; anything but a ConfigError is a defect."""
    with TemporaryDirectory() as directory:
        (Path(directory) / "Pulumi.dev.yaml").write_text(text, encoding="utf-8")
        try:
            return load(read(Path(directory), "dev"))[0]
        except ConfigError:
            return None


def stack_file(key: Key, written: str) -> str:
    """A file that sets one key, and what the form of its module needs."""
    module, *inside = key.path.split(".")
    if not inside:
        return f"config:\n  archesai:environment: development\n  archesai:{module}: {written}\n"
    needed = {name: value for name, value in FORMS.get(f"{module} {key.form}", {}).items() if [name] != inside}
    lines = ["config:", "  archesai:environment: development", f"  archesai:{module}:"]
    lines += [f"    {name}: {value}" for name, value in needed.items()]
    lines += [f"{'  ' * (depth + 2)}{name}:" for depth, name in enumerate(inside)]
    return "\n".join(lines) + f" {written}\n"


def value_of(built: Settings, path: str) -> Any:  # noqa: ANN401 - JSON
    value: Any = built.model_dump(by_alias=True, mode="json")
    for part in path.split("."):
        value = value[part]
    return value


def means(value: object, text: str, *, plain: bool) -> bool:
    """Whether a value is what was written."""
    if value is None:
        return plain and text in ("", "~", "null")
    if isinstance(value, bool):
        return text == str(value).lower()
    if isinstance(value, int):
        return text == str(value)
    if isinstance(value, float):
        return float(text) == value
    return value == text or _same_number(str(value), text) or _same_network(str(value), text)


def _same_number(value: str, text: str) -> bool:
    """For quantities: `1.50` and `1.5` are the same amount of CPU, which an image tag or a password never is."""
    try:
        return float(value) == float(text) and "_" not in text
    except ValueError:
        return False


def _same_network(value: str, text: str) -> bool:
    try:
        return ipaddress.ip_network(value) == ipaddress.ip_network(text)
    except ValueError:
        return False


@TRIES
@given(st.sampled_from(range(len(leaves()))), st.sampled_from(SCALARS) | TEXT, st.sampled_from(range(len(QUOTES))))
def test_a_value_is_taken_as_it_is_written_or_refused(index: int, text: str, quotes: int) -> None:
    key = leaves()[index]
    written = QUOTES[quotes](text)
    is_list = key.type.startswith("list")
    built = reasons_or_settings(stack_file(key, f"[{written}]" if is_list else written))
    if built is None:
        return
    value = value_of(built, key.path)
    if quotes == 0 and not _is_one_scalar(text):
        return
    quantity = "quantity" in key.allowed
    for item in value if is_list else [value]:
        assert means(item, text, plain=quotes == 0), (key.path, written, value)
        assert quantity or not isinstance(item, str) or not _same_number(item, text) or item == text, (
            key.path,
            written,
        )


def _is_one_scalar(text: str) -> bool:
    """Whether plain text is one scalar: without comments, structure, quotes or space around it, which YAML drops."""
    return text == text.strip() and text.isprintable() and not set(text) & set("#:{}[],&*!|>'\"%@`?-\\") and bool(text)


@TRIES
@given(st.lists(YAML_PIECES | TEXT, max_size=40).map("".join))
@example("config:\n  archesai:api: &a {x: *a}\n")
@example("config:\n  ? [a]\n  : b\n")
@example("config:\n  archesai:databasePassword: {secure: {a: b}}\n")
@example("config:\n  archesai:api: {secure: x}\n  archesai:database: [{secure: x}]\n")
def test_no_text_is_more_than_a_clear_refusal(text: str) -> None:
    built = reasons_or_settings(text)
    assert built is None or built.environment in ("development", "production")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@TRIES
@given(st.sampled_from(range(len(keys(Settings)))), JSON)
def test_no_structure_in_place_of_a_value_is_more_than_a_clear_refusal(index: int, value: object) -> None:
    key = keys_of_all()[index]
    built = reasons_or_settings(stack_file(key, json.dumps(value)))
    assert built is None or built.environment in ("development", "production")


@cache
def keys_of_all() -> tuple[Key, ...]:
    """All keys, once: each test names one by its index, because a key's text is long."""
    return tuple(keys(Settings))
