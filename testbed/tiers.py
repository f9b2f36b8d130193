"""The tiers of the tests: which run, which do not and why, and how each came out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator, Mapping

import pytest

from testbed import own_network
from testbed.engine import engines
from testbed.programs import parts

TIERS = {"unit": "make test", "cluster": "make test-cluster", "engine": "make test-engine"}
"""Name of each tier and the command that runs it; a test without a marker belongs to the first."""
UNIT, CLUSTER, ENGINE = TIERS
CHOSEN = "ARCHESAI_TIERS"
"""Environment variable that names the tiers to run, with commas between them; all where it is not set."""
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
    if tier == UNIT or os.environ.get("ARCHESAI_BUILD_PARTS") == "1":
        return None
    absent = parts.missing(*needed(tier))
    return f"not built: {', '.join(absent)}; {TIERS[tier]} builds and runs this" if absent else None


def needed(tier: str) -> tuple[str, ...]:
    """The parts that a tier cannot do without; none of the engine's where PATH has one."""
    if tier == UNIT:
        return ()
    return (*parts.RIG, *parts.ENGINE) if tier == ENGINE and not engines.on_path() else parts.RIG


def tier_of(item: pytest.Item) -> str:
    """The tier of a test, from its markers."""
    return next((tier for tier in (ENGINE, CLUSTER) if item.get_closest_marker(tier)), UNIT)


def pytest_report_header() -> list[str]:
    """Say at once what will not run."""
    return [f"tier {tier}: {why}" for tier in TIERS if (why := unavailable(tier))]


def unavailable(tier: str) -> str | None:
    """Why no test of a tier runs, if none does."""
    return lack(tier) if tier in chosen() else f"not asked for; {TIERS[tier]} runs it"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tiers that are not asked for; skip those that cannot run here, with the reason."""
    wanted = chosen()
    kept: dict[str, list[pytest.Item]] = {tier: [] for tier in TIERS}
    for item in items:
        kept[tier_of(item)].append(item)
        # Reports carry this from a worker to the summary.
        item.user_properties.append(("tier", tier_of(item)))
    left_out = [item for tier in TIERS if tier not in wanted for item in kept[tier]]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if tier_of(item) in wanted]
    for tier in wanted:
        if why := lack(tier):
            for item in kept[tier]:
                item.add_marker(pytest.mark.skip(reason=why))
    if not own_network.isolated():
        for item in items:
            if item.get_closest_marker(own_network.MARKER):
                why = f"needs a network of its own; {TIERS[tier_of(item)]} runs it in one"
                item.add_marker(pytest.mark.skip(reason=why))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """One line for each tier, right before pytest's closing line."""
    yield
    counts = {tier: Counter[str]() for tier in TIERS}
    for outcome in _OUTCOMES:
        for report in terminalreporter.stats.get(outcome, []):
            properties = dict(getattr(report, "user_properties", ()))
            counts[properties.get("tier", UNIT)][outcome] += 1
    terminalreporter.section("tiers")
    for tier, count in counts.items():
        said = ", ".join(f"{count[outcome]} {outcome}" for outcome in _OUTCOMES if count[outcome])
        where = f" on Kubernetes {parts.kubernetes().version}" if tier != UNIT and count["passed"] else ""
        terminalreporter.line(
            f"tier {tier}{where}: {'; '.join(part for part in (said, unavailable(tier)) if part) or 'no tests'}"
        )
