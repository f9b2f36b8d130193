"""Processor seconds and memory of the program without an engine: each measurement in a process of its own.

None of it waits for anything, so processor seconds are seconds of a machine that has nothing else to do.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from archesai_infra.stack.config import RawConfig
from archesai_infra.stack.stack_file import read
from testbed.engine.configurations import EVERY_MODULE, placeholders
from testbed.stacks import ROOT, raw
from testbed.usage import USED

SECONDS = 120
"""Bound on one process."""

AIMS = {
    ("prod", "evaluation"): 0.4,
    ("prod", "offline preview"): 1.2,
    ("prod", "memory of the offline preview"): 150.0,
}
"""Most that is accepted, in the figure's unit."""

# Imports count as such also where it happens late: modules that only some stacks need are imported by their users.
_PHASES = """
import builtins, json, sys, time

plain, depth, spent = builtins.__import__, 0, 0.0

def timed(*arguments, **options):
    global depth, spent
    depth += 1
    began = time.process_time()
    try:
        return plain(*arguments, **options)
    finally:
        depth -= 1
        if depth == 0:
            spent += time.process_time() - began

def phase(work):
    before, began = spent, time.process_time()
    result = work()
    return result, time.process_time() - began - (spent - before)

builtins.__import__ = timed
from archesai_infra.stack.config import RawConfig, load
from archesai_infra.stack.evaluate import evaluate
from archesai_infra.stack.render import stream

given = json.load(sys.stdin)
raw = RawConfig(given["stack"], given["values"], frozenset(given["secret"]))
_, config = phase(lambda: load(raw))
evaluation, evaluating = phase(lambda: evaluate(raw))
_, rendering = phase(lambda: stream(evaluation))
json.dump({"import": spent, "configuration": config, "evaluation": evaluating, "rendering": rendering}, sys.stdout)
"""

_PREVIEW = """
import json, sys
from archesai_infra.stack.config import RawConfig
from archesai_infra.cli.preview.offline import show_tree
from archesai_infra.stack.evaluate import evaluate

given = json.load(sys.stdin)
raw = RawConfig(given["stack"], given["values"], frozenset(given["secret"]))
show_tree(evaluate(raw), raw.stack, "a measurement")
"""

_PEAK = f"""
{USED}
sys.stderr.write("\\n{{}} {{}}\\n".format(*used()))
"""


@dataclass(frozen=True)
class Figure:
    """One measured figure."""

    stack: str
    what: str
    value: float
    unit: str
    aim: float | None = None
    """Most that is accepted."""

    @property
    def aim_text(self) -> str:
        """The aim, if there is one."""
        return "" if self.aim is None else f"≤ {self.aim:g} {self.unit}"

    @property
    def verdict(self) -> str:
        """Whether the aim is kept."""
        return "" if self.aim is None else "OK" if self.value <= self.aim else "over"

    @property
    def document(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"verdict": self.verdict or None}


def stacks() -> dict[str, RawConfig]:
    """The shipped stacks and one with every module."""
    everything = EVERY_MODULE | placeholders()
    return {"dev": read(ROOT, "dev"), "prod": read(ROOT, "prod"), "everything": raw(everything, "everything")}


def figures(runs: int) -> Iterator[Figure]:
    """Figures of every stack: the median of each measurement over `runs` processes, after one that is not counted."""
    for stack, config in stacks().items():
        yield from measured(stack, config, runs)


def measured(stack: str, config: RawConfig, runs: int) -> Iterator[Figure]:
    """Figures of one stack."""
    times = [json.loads(_run(_PHASES, config)[0]) for _ in range(runs + 1)][1:]
    for what in times[0]:
        yield Figure(stack, what, median(run[what] for run in times), "s CPU", AIMS.get((stack, what)))
    whole = [_run(_PREVIEW, config) for _ in range(min(runs, 3) + 1)][1:]
    for what, unit, peak in (
        ("offline preview", "s CPU", median(run[1] for run in whole)),
        ("memory of the offline preview", "MB", median(run[2] for run in whole)),
    ):
        yield Figure(stack, what, peak, unit, AIMS.get((stack, what)))


def _run(script: str, config: RawConfig) -> tuple[str, float, float]:
    """What a process wrote, its processor seconds, and the most memory that it held, in MB."""
    given = json.dumps({"stack": config.stack, "values": dict(config.values), "secret": sorted(config.secret_keys)})
    done = subprocess.run(
        [sys.executable, "-c", script + _PEAK],
        cwd=ROOT,
        input=given,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"a measurement ended with status {done.returncode}: {done.stderr.strip()}")
    seconds, peak = done.stderr.strip().rpartition("\n")[2].split()
    return done.stdout, float(seconds), float(peak)
