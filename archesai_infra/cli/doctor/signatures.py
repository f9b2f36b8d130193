"""Whether the images and charts of a stack carry the signatures that their projects publish."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence

from archesai_infra.cli.base.text import counted
from archesai_infra.cli.doctor.report import Finding, ok, problem, skipped, warning
from archesai_infra.cli.images.cosign import Answer, verify
from archesai_infra.cli.images.listing import Item
from archesai_infra.cli.images.signers import SIGNERS

CHECK = "signatures"
SECONDS = 60
"""No further artifact is looked at after this time, which registries that swallow packets use up in a few."""
_PAGE = "docs/security.md, Check what you run"
_ELSEWHERE = f"run doctor where the registry and sigstore.dev can be reached, or the command of {_PAGE}"


def findings(listed: Sequence[Item]) -> Iterator[Finding]:
    """What cosign says of each image with a known signer; it asks the registries themselves, not a mirror."""
    signed = [item for item in listed if item.repository in SIGNERS]
    if not signed:
        yield skipped(CHECK, "no image or chart of the stack has a known signer")
        return
    program = shutil.which("cosign")
    if program is None:
        count = counted(len(signed), "signed artifact")
        install = "install cosign 2 or newer, https://docs.sigstore.dev/cosign/system_config/installation"
        yield skipped(CHECK, f"{count} not verified, as cosign is not on PATH; {install}")
        return
    answers = list(_answers(program, signed))
    for item, answer in answers:
        if answer.verdict != "verified":
            yield _failed(item, answer)
    verified = [item for item, answer in answers if answer.verdict == "verified"]
    if verified:
        yield ok(CHECK, f"verified: {', '.join(_named(item) for item in verified)}")
    unasked = signed[len(answers) :]
    if unasked:
        names = ", ".join(_named(item) for item in unasked)
        text = f"not looked at: {counted(len(unasked), 'signed artifact')}, as the others took {SECONDS} s: {names}"
        yield warning(CHECK, text, _ELSEWHERE)


def _answers(program: str, signed: Sequence[Item]) -> Iterator[tuple[Item, Answer]]:
    """What cosign says, from the first on, as far as the time goes.

    One after the other: cosign refuses to run while another one has the lock of its cache.
    """
    deadline = time.monotonic() + SECONDS
    for item in signed:
        if time.monotonic() >= deadline:
            return
        yield item, verify(program, _reference(item), SIGNERS[item.repository])


def _reference(item: Item) -> str:
    return f"{item.repository}@{item.digest}" if item.digest else item.name


def _named(item: Item) -> str:
    return item.name if item.digest else f"{item.name} (by its tag, which no lock pins)"


def _failed(item: Item, answer: Answer) -> Finding:
    if answer.verdict == "unasked":
        return warning(CHECK, f"{_reference(item)}: cosign could not ask: {answer.reason}", _ELSEWHERE)
    expected = SIGNERS[item.repository].expected
    text = f"{_reference(item)} is NOT verified, expected {expected}: {answer.reason}"
    return problem(CHECK, text, f"deploy only what its project signed; {_PAGE}, has the command")
