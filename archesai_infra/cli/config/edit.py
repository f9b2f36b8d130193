"""`arches config set` and `unset`: edits of the stack file that keep its comments and its order.

Plain values need no engine. A secret is encrypted by the engine, in a copy of the project, and only the encrypted
value is taken over.
"""

from __future__ import annotations

import copy
import re
import shutil
from collections.abc import Callable
from io import StringIO
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from archesai_infra.cli.base import files, project
from archesai_infra.cli.base.confirm import ask_secret
from archesai_infra.cli.base.console import print_lines
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.stacks import read_stack
from archesai_infra.cli.engine import state
from archesai_infra.cli.engine.command import Command
from archesai_infra.cli.engine.engine import needed
from archesai_infra.credentials import Credential
from archesai_infra.stack.config import PROJECT, ConfigError, load
from archesai_infra.stack.explain import keys
from archesai_infra.stack.settings import Settings
from archesai_infra.stack.stack_file import read

KeyPath = list[str | int]
_PART = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|\.?([^.\[\]"]+)')
_POSITION = re.compile(r":\d+:\d+(?=: )")
"""Line and column in a message: an edit above moves them."""
_SALT = "encryptionsalt"


def set_value(key: str, value: str | None, stack: str, *, secret: bool) -> None:
    """Set a key; a credential is asked for where no value is given. Raises CommandError and ConfigError."""
    key = key.removeprefix(f"{PROJECT}:")
    _check_text(key, value or "")
    read_stack(stack)
    if secret or key in set(Credential):
        set_secret(key, _not_empty(key, ask_secret(key) if value is None else value), stack)
    elif value is None:
        raise CommandError(f"{key}: the value is missing: arches config set {key} <value>", Exit.INPUT)
    else:
        write_key(key, typed(key, value), stack)
    print_lines([f"{key} is set in Pulumi.{stack}.yaml; see what it changes: arches preview --stack {stack}"])


def _check_text(*arguments: str) -> None:
    """Raise CommandError for bytes of the command line that are no text: no file could hold them."""
    for argument in arguments:
        if any("\ud800" <= character <= "\udfff" for character in argument):
            raise CommandError(f"{argument}: must be UTF-8 text", Exit.INPUT)


def _not_empty(key: str, value: str) -> str:
    """The value of a secret; raises CommandError for none, which standard input has at its end."""
    if not value:
        raise CommandError(f"{key}: the value is empty: type it, or pipe it into the command", Exit.INPUT)
    return value


def unset_value(key: str, stack: str) -> None:
    """Remove a key, so that its default applies; raises CommandError where the file does not set it."""
    key = key.removeprefix(f"{PROJECT}:")
    path = parsed(key)

    def remove(document: CommentedMap) -> None:
        parents: list[tuple[Any, str | int]] = []
        node: Any = document.get("config")
        for part in [f"{PROJECT}:{path[0]}", *path[1:]]:
            if not _has(node, part):
                raise CommandError(f"{key}: Pulumi.{stack}.yaml does not set it", Exit.INPUT)
            parents.append((node, part))
            node = _own(node, part)
        for node, part in reversed(parents):
            del node[part]
            if node or node is document["config"]:
                break

    edit(stack, remove)
    print_lines([f"{key} is no longer in Pulumi.{stack}.yaml; see what it changes: arches preview --stack {stack}"])


def write_key(key: str, value: object, stack: str) -> None:
    """Write a plain value into the stack file; raises ConfigError, with the file as it was, for an invalid one."""
    edit(stack, lambda document: put(document, key, value))


def put(document: CommentedMap, key: str, value: object) -> None:
    """Put a value into a stack file's document; a mapping in the place of one keeps the comments of what stays.

    Raises CommandError where the document has another kind of value on the way.
    """
    path = parsed(key)
    if not isinstance(document.get("config"), CommentedMap):
        document["config"] = CommentedMap()
    node: Any = document["config"]
    parts: KeyPath = [f"{PROJECT}:{path[0]}", *path[1:]]
    for part, following in pairwise(parts):
        if not _has(node, part) or node[part] is None:
            _put(node, part, [] if isinstance(following, int) else CommentedMap(), key)
        node = _own(node, part)
    _put(node, parts[-1], value, key)


def set_secret(key: str, value: str, stack: str) -> None:
    """Encrypt a value and write it into the stack file; raises CommandError where there is no engine."""
    root = project.root()
    engine, variables = needed(root), state.environment(root)
    names = (f"Pulumi.{stack}.yaml", "Pulumi.yaml")
    with TemporaryDirectory(prefix="arches-") as directory:
        for name in names:
            shutil.copy(root / name, directory)
        copy = Command(Path(directory), stack, engine, variables)
        # Through standard input: every user of the machine can read a command line.
        copy.run("config", "set", "--secret", f"{PROJECT}:{key}", stdin=value)
        written = yaml.safe_load((Path(directory) / names[0]).read_text(encoding="utf-8"))
    if f"{PROJECT}:{key}" not in written.get("config", {}):
        raise CommandError(f"{engine.command} is not a working Pulumi engine: it encrypted nothing", Exit.ENGINE)

    def write(document: CommentedMap) -> None:
        for name in (_SALT, "secretsprovider", "encryptedkey"):
            if name in written:
                document[name] = written[name]
        document["config"][f"{PROJECT}:{key}"] = written["config"][f"{PROJECT}:{key}"]

    edit(stack, write)


def parsed(key: str) -> KeyPath:
    """A dotted key as its parts: `api.egress[0].cidr`, `security.quota.hard["requests.cpu"]`; raises CommandError."""
    parts: KeyPath = []
    position = 0
    while position < len(key):
        match = _PART.match(key, position)
        if match is None:
            raise CommandError(
                f'{key}: cannot be read as a key; such as api.replicas, api.egress[0].cidr or a["b.c"]', Exit.INPUT
            )
        quoted, index, name = match.groups()
        parts.append(int(index) if index is not None else quoted if quoted is not None else name)
        position = match.end()
    if not parts or not isinstance(parts[0], str):
        raise CommandError("the key is empty", Exit.INPUT)
    return parts


def typed(key: str, value: str) -> object:
    """A value from the command line as YAML holds it: text stays text where the key is text, such as a tag `1.10`."""
    plain = re.sub(r"\[[^\]]*\]", "", key)
    kinds = [item.type for item in keys(Settings) if item.path == plain]
    around = [item.type for item in keys(Settings) if plain == item.path or plain.startswith(f"{item.path}.")]
    if any(kind.startswith("text") for kind in kinds) or "object of text to text" in around:
        return value
    try:
        return YAML(typ="safe", pure=True).load(value)
    except YAMLError:
        return value


def _has(node: object, part: str | int) -> bool:
    if isinstance(part, int):
        return isinstance(node, list) and part < len(node)
    return isinstance(node, dict) and part in node


def _own(node: Any, part: str | int) -> Any:  # noqa: ANN401 - any YAML
    """What is below a part; a copy in its place where an anchor shares it with other keys, which stay as they are."""
    below = node[part]
    if isinstance(below, CommentedMap | CommentedSeq) and below.yaml_anchor() is not None:
        below = copy.deepcopy(below)
        below.yaml_set_anchor(None)
        node[part] = below
    return below


def _put(node: object, part: str | int, value: object, key: str) -> None:
    if isinstance(part, int) and isinstance(node, list) and part <= len(node):
        node[part : part + 1] = [value]
    elif isinstance(part, str) and isinstance(node, dict):
        node[part] = value
    else:
        raise CommandError(f"{key}: the stack file has another kind of value at [{part}]", Exit.INPUT)


def edit(stack: str, change: Callable[[CommentedMap], None]) -> None:
    """Change the stack file in one step; raises ConfigError, with the file as it was, where the result is worse."""
    read_stack(stack)
    path = project.root() / f"Pulumi.{stack}.yaml"
    document = loaded(path.read_text(encoding="utf-8"))
    change(document)
    text = dumped(document)
    if new := new_mistakes(text, stack):
        raise CommandError("\n".join(new), Exit.INPUT)
    replace_file(path, text)


def loaded(text: str) -> CommentedMap:
    """A stack file with its comments."""
    document = _round_trip().load(text)
    return document if isinstance(document, CommentedMap) else CommentedMap()


def dumped(document: CommentedMap) -> str:
    """The same as text."""
    output = StringIO()
    _round_trip().dump(document, output)
    return output.getvalue()


def _round_trip() -> YAML:
    round_trip = YAML()
    round_trip.preserve_quotes = True
    round_trip.width = 4096
    round_trip.indent(mapping=2, sequence=4, offset=2)
    return round_trip


def new_mistakes(text: str, stack: str) -> list[str]:
    """What is wrong with a text for a stack file that is not wrong with the file itself."""
    before = mistakes((project.root() / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"), stack)
    old = {_POSITION.sub("", reason, count=1) for reason in before}
    return [reason for reason in mistakes(text, stack) if _POSITION.sub("", reason, count=1) not in old]


def mistakes(text: str, stack: str) -> list[str]:
    """What is wrong with a text for a stack file."""
    with TemporaryDirectory(prefix="arches-") as directory:
        (Path(directory) / f"Pulumi.{stack}.yaml").write_text(text, encoding="utf-8")
        try:
            load(read(Path(directory), stack))
        except ConfigError as error:
            return error.reasons
    return []


def replace_file(path: Path, text: str) -> None:
    """Write a file in one step, with its mode and its line ends; a link stays one. Raises CommandError and OSError."""
    content = text.encode()
    files.replace(path, content.replace(b"\n", b"\r\n") if b"\r\n" in path.read_bytes() else content)
