"""Kubernetes quantities as numbers, and back."""

from __future__ import annotations

import re

_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50}
_DECIMAL = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}
_MEMORY = re.compile(r"([0-9]+(?:\.[0-9]+)?)([KMGTP]i|[kMGTP]?)")
_CPU = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m?)")


def memory_bytes(quantity: str) -> int:
    """Bytes of a memory or storage quantity such as `512Mi`; raises ValueError on anything else."""
    match = _MEMORY.fullmatch(quantity)
    if match is None or float(match[1]) == 0:
        raise ValueError("must be a quantity of bytes, such as 512Mi or 10Gi")
    return int(float(match[1]) * (_BINARY | _DECIMAL)[match[2]])


def cpu_cores(quantity: str) -> float:
    """Cores of a CPU quantity such as `250m`; raises ValueError on anything else."""
    match = _CPU.fullmatch(quantity)
    if match is None or float(match[1]) == 0:
        raise ValueError("must be a quantity of CPU, such as 250m or 1")
    return float(match[1]) / (1000 if match[2] else 1)


def mebibytes(count: int) -> str:
    """A quantity of whole mebibytes, rounded down, never below one."""
    return f"{max(1, count // 2**20)}Mi"
