"""Seconds of the engine: the program beside an empty and a flat one of the same objects, on fresh control planes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median

from archesai_infra.stack.evaluate import evaluate
from testbed.controlplane.rig import ControlPlane
from testbed.engine import engines
from testbed.engine.configurations import DEV, PROD
from testbed.engine.deployment import Deployment
from testbed.engine.project import snapshot
from testbed.engine.stack import Stack
from testbed.engine.standin_charts import only_records, write_charts
from testbed.programs import parts
from testbed.stacks import Config, raw
from testbed.tiers import ENGINE, TIERS, needed
from tools.bench_flat import EMPTY, flat_program, write_program
from tools.bench_offline import Figure

RUNS = 3
"""Previews and no-change deployments; the median counts. A first deployment is first only once."""
AIMS = {"preview": 1.15, "first up": 0.6}
"""Most that is accepted, as a multiple of the flat program's time."""
_CLASS = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx"}}

Times = dict[str, float]
Make = Callable[[Path, Mapping[str, str]], Stack]
"""Makes a stack in a directory, with variables for its engine."""


def reason_against() -> str | None:
    """Why the engine cannot be measured here, if so."""
    absent = parts.missing(*needed(ENGINE))
    return f"not built: {', '.join(absent)}; {TIERS[ENGINE]} builds and runs this" if absent else None


def figures(say: Callable[[str], None]) -> list[Figure]:
    """Preview, first `up` and no-change `up` of each program, in one run."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        return list(_figures(Path(directory), say))


def _figures(directory: Path, say: Callable[[str], None]) -> Iterator[Figure]:
    source = snapshot(directory / "source")
    say("measuring an empty program")
    yield from _seconds("empty program", _measured(directory / "empty", _flat(source, EMPTY)))
    for name, config in {"dev": DEV, "prod": PROD}.items():
        own = config | {"namespace": f"bench-{name}", "charts": {"directory": str(directory / f"charts-{name}")}}
        declared = evaluate(raw(own, name), reveal=True)
        write_charts(declared.releases, only_records)
        say(f"measuring {name} as a flat program")
        flat = _measured(directory / f"flat-{name}", _flat(source, flat_program(declared)))
        say(f"measuring {name}")
        ours = _measured(directory / f"ours-{name}", _ours(source, own))
        yield from _seconds(f"{name} as a flat program", flat)
        yield from _seconds(name, ours)
        for what, seconds in ours.items():
            yield Figure(name, f"{what} to the flat program's", seconds / flat[what], "x", AIMS.get(what))


def _seconds(stack: str, times: Times) -> Iterator[Figure]:
    return (Figure(stack, what, seconds, "s") for what, seconds in times.items())


def _ours(source: Path, config: Config) -> Make:
    return lambda directory, environment: Deployment(source, directory, config, environment)


def _flat(source: Path, text: str) -> Make:
    return lambda directory, environment: Stack(
        write_program(directory / "project", source / ".venv", text), environment
    )


def _measured(directory: Path, make: Make) -> Times:
    """The times of a program on a control plane of its own."""
    with ControlPlane(directory / "cluster") as rig:
        # A stack that installs a controller brings its class.
        rig.api.delete(_CLASS)
        stack = make(directory / "stack", {"KUBECONFIG": str(rig.admin_kubeconfig), **_engine(directory / "pulumi")})
        preview = _median(stack, "preview")
        first = _once(stack, "up", "--yes", "--skip-preview")
        return {"preview": preview, "first up": first, "no-change up": _median(stack, "up", "--yes", "--skip-preview")}


def _engine(home: Path) -> Mapping[str, str]:
    """Variables of the engine, which is there."""
    engine = engines.find()
    if engine is None:
        raise LookupError(reason_against())
    return engine.variables(home)


def _median(stack: Stack, *arguments: str) -> float:
    # The first of its kind fills caches.
    return median([_once(stack, *arguments) for _ in range(RUNS + 1)][1:])


def _once(stack: Stack, *arguments: str) -> float:
    return stack.run(*arguments).check().seconds
