"""PromQL that the alerts and panels of all components share."""

from __future__ import annotations


def job(name: str, namespace: str) -> str:
    """Matchers of what a scrape job of the stack delivers."""
    return f'job="{name}",namespace="{namespace}"'


def recorded(record: str, namespace: str) -> str:
    """A recorded series of the stack."""
    return f'{record}{{namespace="{namespace}"}}'


def any_of(*names: str) -> str:
    """A regular expression that matches each of these names, once each and in their order."""
    return "|".join(dict.fromkeys(names))
