"""YAML whose values are what is written: whatever two YAML readers could take differently is a problem, not a guess.

The engine reads stack files with Go's yaml.v3, this program with PyYAML. They disagree on octal and sexagesimal
numbers, `yes` and `no`, dates and exponents, and both drop the zero of `1.10`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml.resolver import Resolver

Path = tuple[str | int, ...]
"""Keys and indices from the document's root to a value."""

MOST_VALUES: Final = 100_000
"""Values that one document may hold, aliases included; far more than any stack file has."""

_NULL = {"", "~", "null", "Null", "NULL"}
_BOOLEAN = {"true": True, "false": False}
_LIKE_BOOLEAN = {"true", "false", "yes", "no", "on", "off", "y", "n"}
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,14}")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_LIKE_NUMBER = re.compile(
    r"[-+]?(0[bB][01_]+|0[oO][0-7_]+|0[xX][0-9a-fA-F_]+|[0-9][0-9_]*(:[0-5]?[0-9])*(\.[0-9_]*)?([eE][-+]?[0-9]+)?"
    r"|\.[0-9][0-9_]*([eE][-+]?[0-9]+)?|\.(inf|Inf|INF))|\.(nan|NaN|NAN)"
)
_LIKE_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?")
_MERGE = "tag:yaml.org,2002:merge"
_TEXT = "tag:yaml.org,2002:str"
_RESOLVER = Resolver()


@dataclass(frozen=True)
class Place:
    """Position of a value in the file, counted from one, and its text there; empty for a list or mapping."""

    line: int
    column: int
    text: str = ""


@dataclass(frozen=True)
class Problem:
    """What is wrong at a place."""

    path: Path
    place: Place
    message: str
    structural: bool = False
    """Whether it is about the document's structure, whoever reads the value."""


class UnreadableError(Exception):
    """The text is not YAML; the message has line and column where they are known."""


@dataclass
class Document:
    """A document's value, the place of each value in it, and what is wrong."""

    value: Any = None
    places: dict[Path, Place] = field(default_factory=dict[Path, Place])
    problems: list[Problem] = field(default_factory=list[Problem])


def parse(text: str) -> Document:
    """Read one document; raises UnreadableError where there is none to be made out."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        document = Document()
        if root is not None:
            document.value = _Reader(document).value(root, ())
    except yaml.YAMLError as error:
        raise UnreadableError(_broken(error)) from None
    except RecursionError:
        raise UnreadableError("broken YAML: nested too deeply") from None
    return document


def _broken(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    return f"{where}broken YAML: {problem}"


class _Reader:
    """Turns the nodes of a document into values and notes places and problems."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._open: set[int] = set()
        self._count = 0

    def value(self, node: Any, path: Path) -> Any:  # noqa: ANN401 - PyYAML's nodes carry no types
        """The value of a node."""
        self._count += 1
        if self._count > MOST_VALUES:
            raise UnreadableError(f"more than {MOST_VALUES} values, aliases included")
        self._document.places[path] = _place(node)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._open:
            self._problem(node, path, "an alias refers to what contains it", structural=True)
            return None
        self._open.add(id(node))
        if isinstance(node, yaml.MappingNode):
            result: Any = self._mapping(node, path)
        else:
            result = [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        self._open.remove(id(node))
        return result

    def _mapping(self, node: Any, path: Path) -> dict[str, Any]:  # noqa: ANN401 - likewise
        merged: dict[str, Any] = {}
        values: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merged = self._inherited(value_node, path) | merged
                continue
            key = self._key(key_node, path)
            if key is None:
                continue
            line = key_node.start_mark.line + 1
            if key in lines:
                message = f"stands twice; the first is in line {lines[key]}"
                self._problem(key_node, (*path, key), message, structural=True)
                continue
            lines[key] = line
            values[key] = self.value(value_node, (*path, key))
            # An editor jumps to the key, also where its value begins in the next line.
            self._document.places[*path, key] = _place(key_node, _place(value_node).text)
        return merged | values

    def _inherited(self, node: Any, path: Path) -> dict[str, Any]:  # noqa: ANN401 - likewise
        """What `<<` brings: the keys of a mapping, or of several, of which the first one wins."""
        inherited: dict[str, Any] = {}
        for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(source, yaml.MappingNode):
                self._problem(source, path, "<< takes the keys of a mapping; this is not a mapping", structural=True)
                continue
            inherited = self.value(source, path) | inherited
        return inherited

    def _key(self, node: Any, path: Path) -> str | None:  # noqa: ANN401 - likewise
        if not isinstance(node, yaml.ScalarNode):
            self._problem(node, path, "a key must be text", structural=True)
            return None
        text = str(node.value)
        if node.style is None and node.tag != _TEXT:
            self._problem(node, (*path, text), f'the key is not text to YAML: write it in quotes: "{text}"')
        return text

    def _scalar(self, node: Any, path: Path) -> Any:  # noqa: ANN401 - likewise
        text = str(node.value)
        if node.style in ("'", '"') and node.start_mark.line != node.end_mark.line:
            self._problem(node, path, "spans several lines, which YAML joins with spaces: write it in one line")
        implied = _RESOLVER.resolve(yaml.ScalarNode, text, (node.style is None, node.style is not None))
        if node.tag == _TEXT:
            return text if implied != _TEXT else self._plain(node, text, path)
        if node.tag != implied:
            self._problem(node, path, "tags are not supported: write text in quotes, and all else without a tag")
        return self._plain(node, text, path)

    def _plain(self, node: Any, text: str, path: Path) -> Any:  # noqa: ANN401 - likewise
        if node.style is not None:
            return text
        if text in _NULL:
            return None
        if text in _BOOLEAN:
            return _BOOLEAN[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        if _DECIMAL.fullmatch(text):
            return float(text)
        if text.lower() in _LIKE_BOOLEAN:
            self._problem(node, path, f'write true or false, or text in quotes: "{text}"')
        elif _LIKE_NUMBER.fullmatch(text) or _LIKE_DATE.fullmatch(text):
            kind = "date" if _LIKE_DATE.fullmatch(text) else "number that readers of YAML rewrite"
            self._problem(node, path, f'is a {kind}: write it in quotes: "{text}"')
        return text

    def _problem(self, node: Any, path: Path, message: str, *, structural: bool = False) -> None:  # noqa: ANN401
        self._document.problems.append(Problem(path, _place(node), message, structural))


def _place(node: Any, text: str | None = None) -> Place:  # noqa: ANN401 - likewise
    written = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
    return Place(node.start_mark.line + 1, node.start_mark.column + 1, written if text is None else text)
