"""The tiers of the tests: which run, which do not and why, and how each came out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping

import pytest

from testbed import own_network
from testbed.engine import engines
from testbed.node import images, lacks
from testbed.programs import parts

TIERS = {"unit": "make test", "cluster": "make test-cluster", "engine": "make test-engine", "node": "make test-node"}
"""Name of each tier and the command that runs it; a test without a marker belongs to the first."""
UNIT, CLUSTER, ENGINE, NODE = TIERS
CHOSEN = "ARCHESAI_TIERS"
"""Environment variable that names the tiers to run, with commas between them; all where it is not set."""
LATER = "ARCHESAI_TIERS_LATER"
"""Environment variable that names the tiers that the same command runs after these: the summary leaves them out."""
QUICK = "ARCHESAI_QUICK"
"""Environment variable that leaves out the tests marked as long."""
LONG = "long"
"""Marker of tests that take more than five seconds and need nothing built."""
MOST_REASONS = 5
"""How many reasons for skipping the summary lists, the most frequent first; `pytest -rs` lists them all."""
_OUTCOMES = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")


class UnknownTierError(ValueError):
    """A tier was asked for that there is not."""


def chosen(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The tiers to run; raises UnknownTierError."""
    names = tuple(name for name in environment.get(CHOSEN, "").split(",") if name)
    if unknown := set(names) - set(TIERS):
        raise UnknownTierError(f"{CHOSEN}: no tier is called {', '.join(sorted(unknown))}; tiers: {', '.join(TIERS)}")
    return names or tuple(TIERS)


def lack(tier: str) -> str | None:
    """What this machine lacks to run a tier, with the way to get it."""
    if tier == NODE and os.environ.get(lacks.KUBECONFIG_VARIABLE):
        return None
    if tier == NODE and (why := lacks.lack()):
        return why
    if tier == UNIT or os.environ.get("ARCHESAI_BUILD_PARTS") == "1":
        return None
    absent = parts.missing(*needed(tier))
    if tier == NODE:
        absent += [f"image {name}" for name in images.missing(*lacks.IMAGES)]
    return f"not built: {', '.join(absent)}; {TIERS[tier]} builds and runs this" if absent else None


def needed(tier: str) -> tuple[str, ...]:
    """The parts that a tier cannot do without; none of the engine's where PATH has one."""
    if tier == UNIT:
        return ()
    own = lacks.PARTS if tier == NODE else parts.RIG
    return (*own, *parts.ENGINE) if tier in (ENGINE, NODE) and not engines.on_path() else own


def tier_of(item: pytest.Item) -> str:
    """The tier of a test, from its markers."""
    return next((tier for tier in (NODE, ENGINE, CLUSTER) if item.get_closest_marker(tier)), UNIT)


def unavailable(tier: str) -> str | None:
    """Why no test of a tier runs, if none does."""
    return lack(tier) if tier in chosen() else f"not asked for; {TIERS[tier]} runs it"


def pytest_configure() -> None:
    """Let no test depend on where it runs: `CI` makes commands refuse a state on the machine, and `make` passes on its
    own variables."""
    for name in ("CI", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        os.environ.pop(name, None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tiers that are not asked for; skip those that cannot run here, with the reason."""
    wanted = chosen()
    kept: dict[str, list[pytest.Item]] = {tier: [] for tier in TIERS}
    for item in items:
        kept[tier_of(item)].append(item)
        # Reports carry this from a worker to the summary.
        item.user_properties.append(("tier", tier_of(item)))
    left_out = [item for item in items if tier_of(item) not in wanted or _too_long(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if tier_of(item) in wanted and not _too_long(item)]
    for tier in wanted:
        if why := lack(tier):
            for item in kept[tier]:
                item.add_marker(pytest.mark.skip(reason=why))
    if not own_network.isolated():
        for item in items:
            if item.get_closest_marker(own_network.MARKER):
                item.add_marker(pytest.mark.skip(reason="needs a network of its own; make test-all runs it in one"))


def _too_long(item: pytest.Item) -> bool:
    return os.environ.get(QUICK) == "1" and item.get_closest_marker(LONG) is not None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """One line for each tier and each reason for skipping within one, right before pytest's closing line."""
    yield
    counts = {tier: Counter[str]() for tier in TIERS}
    for outcome in _OUTCOMES:
        for report in terminalreporter.stats.get(outcome, []):
            counts[_tier_of_report(report)][outcome] += 1
    terminalreporter.section("tiers")
    for tier, count in counts.items():
        counts = ", ".join(f"{count[outcome]} {outcome}" for outcome in _OUTCOMES if count[outcome])
        where = f" on Kubernetes {parts.kubernetes().version}" if tier != UNIT and count["passed"] else ""
        why = unavailable(tier)
        if tier not in os.environ.get(LATER, "").split(","):
            terminalreporter.line(
                f"tier {tier}{where}: {'; '.join(part for part in (counts, why) if part) or 'no tests'}"
            )
    if os.environ.get(QUICK) == "1":
        terminalreporter.line("tests that take long were left out; make test-all runs them")
    for line in _skips(terminalreporter.stats.get("skipped", [])):
        terminalreporter.line(line)


def _skips(reports: Iterable[pytest.TestReport | pytest.CollectReport]) -> Iterator[str]:
    """Why single tests skipped; where a whole tier did, its own line says so."""
    reasons = Counter(_reason(report) for report in reports if not unavailable(_tier_of_report(report)))
    shown = reasons.most_common(MOST_REASONS)
    yield from (f"{count} skipped: {reason}" for reason, count in shown)
    if others := len(reasons) - len(shown):
        rest = reasons.total() - sum(count for _, count in shown)
        yield f"{rest} skipped for {others} other reasons: pytest -rs lists them"


def _tier_of_report(report: pytest.TestReport | pytest.CollectReport) -> str:
    return str(dict(getattr(report, "user_properties", ())).get("tier", UNIT))


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """What a skip says, on one line."""
    where = report.longrepr
    text = where[2] if isinstance(where, tuple) else str(where)
    return " ".join(text.removeprefix("Skipped: ").split())
