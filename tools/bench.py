"""How long the program takes: alone, and where there are an engine and a control plane, beside a flat program."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from tools import bench_engine, bench_offline
from tools.bench_offline import Figure


def table(figures: Sequence[Figure]) -> str:
    """The figures in columns, each with its aim and whether it keeps it."""
    rows = [("stack", "what", "figure", "aim", "")]
    rows += [(one.stack, one.what, f"{one.value:.3g} {one.unit}", one.aim_text, one.verdict) for one in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def main() -> int:
    """Measure and print; a figure over its aim is reported but is no error: machines differ."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="runs of each offline measurement; the median counts")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    parser.add_argument("--offline", action="store_true", help="leave the engine out also where it is there")
    chosen = parser.parse_args()
    figures = list(bench_offline.figures(chosen.runs))
    left_out = "asked for offline figures only" if chosen.offline else bench_engine.reason_against()
    if left_out is None:
        figures += bench_engine.figures(lambda line: print(line, file=sys.stderr, flush=True))
    if chosen.json:
        document = {"figures": [one.document for one in figures], "engine": left_out or "measured"}
        print(json.dumps(document, indent=2))
        return 0
    print(table(figures))
    if left_out is not None:
        print(f"without the engine: {left_out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
