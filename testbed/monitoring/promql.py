"""Taking our own PromQL apart: which series it selects and by which labels it groups."""

from __future__ import annotations

import re

_GROUPING = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"(?<![\w:.\"])([a-zA-Z_:][\w:]*)(\{(?:[^}\"]|\"(?:[^\"\\]|\\.)*\")*\})?(?!\s*\(|[\w:])")
_WORDS = {"and", "or", "unless", "by", "on", "bool", "offset"}


def selectors(expr: str) -> set[str]:
    """Every metric of an expression with its matchers."""
    bare = re.sub(r"\[\d+[smhdw]\]", "", _GROUPING.sub("", expr))
    return {name + (matchers or "") for name, matchers in _SELECTOR.findall(bare) if name not in _WORDS}


def grouping_labels(expr: str) -> set[str]:
    """Every label that an expression groups or joins by."""
    return {label.strip() for group in _GROUPING.findall(expr) for label in group.split(",") if label.strip()}
