"""Run tests by tier, on the Kubernetes minor that `K8S_VERSION` names.

python -m tools.tiers quick     every tier that can run as things are, without the long tests; builds nothing
python -m tools.tiers cluster   build what the control plane lacks, then tier cluster
python -m tools.tiers engine    the same for tier engine, with the Pulumi engine where PATH has none
python -m tools.tiers node      build what nodes lack, make their images, then tier node
python -m tools.tiers all       build what is missing, then every tier

All but `quick` run the tests that want a network of their own, in one, where the machine lets them make it: beside
the others, for they mostly wait, but what they say comes first. Tier node comes last and by itself, one test after the
other, for its tests share nodes and measure time.
`ARCHESAI_TIERS=unit` leaves the others out of `quick`. What follows the name goes to pytest.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from testbed import own_network
from testbed.engine import engines
from testbed.node import images, lacks
from testbed.programs import parts
from testbed.programs.building import BuildError, ensure
from testbed.programs.part import cache_directory
from testbed.programs.toolchain import ToolchainError
from testbed.tiers import CHOSEN, CLUSTER, ENGINE, LATER, NODE, QUICK, UNIT, UnknownTierError, chosen, lack

ROOT = Path(__file__).resolve().parent.parent
MOST_WORKERS = 4
"""Each worker that runs tests of tier cluster starts a control plane of its own."""
NOTHING_COLLECTED = 5
"""Status of a pytest that was given files without a test for it."""
PARTS: tuple[str, ...] = (
    *parts.RIG,
    "minio",
    "velero",
    "velero-plugin-for-aws",
    "traefik",
    "kube-score",
    "crane",
    "helm",
)
"""What tests run, besides what the package sources of the machine offer."""
LOOK_SECONDS = 0.2
"""Seconds between two reads of the output of a run beside this one."""
RUNS: dict[str, tuple[str, ...]] = {
    "quick": (UNIT, CLUSTER, ENGINE, NODE),
    "cluster": (CLUSTER,),
    "engine": (ENGINE,),
    "node": (NODE,),
    "all": (UNIT, CLUSTER, ENGINE, NODE),
}


def main() -> int:
    """Exit status of pytest; 1 where something could not be built."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", choices=RUNS)
    arguments, more = parser.parse_known_args()
    wanted = RUNS[arguments.run]
    try:
        if arguments.run == "quick":
            wanted = tuple(tier for tier in wanted if tier in chosen())
            os.environ[QUICK] = "1"
        else:
            build(wanted)
    except (UnknownTierError, parts.UnknownPartError, BuildError, ToolchainError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return run_all(wanted, more, apart=arguments.run != "quick")


def run_all(tiers: tuple[str, ...], more: list[str], *, apart: bool) -> int:
    """Run the tiers, that of the nodes after the others where it can run; `apart` says whether networks are made."""
    later = (NODE,) if NODE in tiers and lack(NODE) is None else ()
    first = tuple(tier for tier in tiers if tier not in later)
    found: set[int] = set()
    if first:
        os.environ[LATER] = ",".join(later)
        found.add(run_apart(first, more) if apart and first != (NODE,) else run(first, more))
        os.environ[LATER] = ",".join(first)
    if later:
        heading(f"tests of tier {NODE}")
        found.add(run(later, ["--numprocesses=0", *more]))
    return max(found - {NOTHING_COLLECTED} or {NOTHING_COLLECTED})


def build(tiers: tuple[str, ...]) -> None:
    """Build what these tiers lack, telling how it goes; raises BuildError and ToolchainError."""
    wanted = list(PARTS)
    if {ENGINE, NODE} & set(tiers) and not engines.on_path():
        wanted += parts.ENGINE
    on_nodes = NODE in tiers and not os.environ.get(lacks.KUBECONFIG_VARIABLE) and lacks.lack() is None
    if on_nodes:
        wanted += lacks.PARTS
    if absent := parts.missing(*wanted):
        print(f"Building {', '.join(absent)}: once, into {cache_directory()}", flush=True)
        ensure(*wanted, log=tell)
    if on_nodes:
        images.ensure(tell)


def run_apart(tiers: tuple[str, ...], more: list[str]) -> int:
    """Run the tests that want a network of their own, then the others; says why where the first cannot be."""
    heading(f"tests of tier {', '.join(tiers)} that want a network of their own")
    if why := own_network.lack():
        print(f"did not run: {why}", flush=True)
        heading("all other tests")
        return run(tiers, more)
    with TemporaryDirectory() as directory:
        output = Path(directory, "output")
        with output.open("wb") as file, start(tiers, ["-m", f"not {own_network.MARKER}", *more], file) as process:
            # One after the other among themselves: they use the same ports.
            apart = run(tiers, ["--numprocesses=0", "-m", own_network.MARKER, *more], own_network.command())
            heading("all other tests")
            others = follow(process, output)
    found = {apart, others} - {NOTHING_COLLECTED} or {NOTHING_COLLECTED}
    if apart not in (0, NOTHING_COLLECTED):
        print(f"tests that want a network of their own failed with status {apart}: see above")
    return max(found)


def tell(line: str) -> None:
    """A line of a log that somebody watches, also through a pipe."""
    print(line, flush=True)


def heading(text: str) -> None:
    """A line that stands out."""
    print(f"\n==== {text} ====", flush=True)


def run(tiers: tuple[str, ...], more: list[str], within: Sequence[str] = ()) -> int:
    """Run these tiers in one pytest, whose closing line is the last; `within` is what puts it into its network."""
    with start(tiers, more, within=within) as process:
        return process.wait()


def start(
    tiers: tuple[str, ...], more: list[str], output: IO[bytes] | None = None, within: Sequence[str] = ()
) -> subprocess.Popen[bytes]:
    """Start these tiers in one pytest, which writes to `output` where that is given."""
    workers = min(os.cpu_count() or 1, MOST_WORKERS)
    command = [*within, sys.executable, "-m", "pytest", f"--numprocesses={workers}", "--dist=loadfile", *more]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {CHOSEN: ",".join(tiers)},
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
    )


def follow(process: subprocess.Popen[bytes], output: Path) -> int:
    """Show what a process writes to a file, until it ends; returns its status."""
    with output.open("rb") as file:
        while True:
            # Asked first, so that its last words are still read.
            status = process.poll()
            sys.stdout.buffer.write(file.read())
            sys.stdout.buffer.flush()
            if status is not None:
                return status
            time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
