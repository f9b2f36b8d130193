"""Run tests by tier, on the Kubernetes minor that `K8S_VERSION` names.

python -m tools.tiers quick     every tier that can run as things are; builds nothing
python -m tools.tiers cluster   build what the control plane lacks, then tier cluster
python -m tools.tiers engine    the same for tier engine; says so and succeeds where there is no Pulumi CLI
python -m tools.tiers all       build what is missing, then every tier

`ARCHESAI_TIERS=unit` leaves the others out of `quick`. What follows the name goes to pytest.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tests.controlplane import parts
from tests.controlplane.building import BuildError, ensure
from tests.controlplane.toolchain import ToolchainError
from tests.tiers import CHOSEN, CLUSTER, ENGINE, UNIT, UnknownTierError, chosen, lack

ROOT = Path(__file__).resolve().parent.parent
MOST_WORKERS = 4
"""Each worker that runs tests of tier cluster starts a control plane of its own."""
PARTS = {
    CLUSTER: (*parts.RIG, "minio", "velero", "velero-plugin-for-aws"),
    ENGINE: parts.RIG,
}
"""What the tests of a tier run, besides what the package sources of the machine offer."""
RUNS: dict[str, tuple[str, ...]] = {
    "quick": (UNIT, CLUSTER, ENGINE),
    "cluster": (CLUSTER,),
    "engine": (ENGINE,),
    "all": (UNIT, CLUSTER, ENGINE),
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
        elif arguments.run == "engine" and (why := lack(ENGINE, built=True)):
            print(f"tier {ENGINE} did not run: {why}")
            return 0
        else:
            build(wanted)
    except (UnknownTierError, parts.UnknownPartError, BuildError, ToolchainError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return run(wanted, more)


def build(tiers: tuple[str, ...]) -> None:
    """Build what these tiers lack, telling how it goes; raises BuildError and ToolchainError."""
    names = dict.fromkeys(name for tier in tiers if lack(tier, built=True) is None for name in PARTS.get(tier, ()))
    if names and parts.missing(*names):
        print(f"Building {', '.join(parts.missing(*names))}: once, into {parts.cache_directory()}", flush=True)
        ensure(*names, log=lambda line: print(line, flush=True))


def run(tiers: tuple[str, ...], more: list[str]) -> int:
    """Run these tiers in one pytest, whose closing line is the last."""
    workers = min(os.cpu_count() or 1, MOST_WORKERS)
    command = [sys.executable, "-m", "pytest", f"--numprocesses={workers}", "--dist=loadfile", *more]
    return subprocess.run(command, cwd=ROOT, env=os.environ | {CHOSEN: ",".join(tiers)}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
