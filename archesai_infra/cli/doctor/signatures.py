"""Whether the images and charts of a stack carry the signatures that their projects publish."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence

from archesai_infra.cli.base.text import counted
from archesai_infra.cli.doctor.report import Finding, ok, problem, skipped, warning
from archesai_infra.cli.images.cosign import Answer, verify
from archesai_infra.cli.images.listing import Item
from archesai_infra.cli.images.signers import SIGNERS

CHECK = "signatures"
_PAGE = "docs/security.md, Check what you run"


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
    # One after the other: cosign refuses to run while another one has the lock of its cache.
    answers = [verify(program, _reference(item), SIGNERS[item.repository]) for item in signed]
    for item, answer in zip(signed, answers, strict=True):
        if answer.verdict != "verified":
            yield _failed(item, answer)
    verified = [item for item, answer in zip(signed, answers, strict=True) if answer.verdict == "verified"]
    if verified:
        yield ok(CHECK, f"verified: {', '.join(_named(item) for item in verified)}")


def _reference(item: Item) -> str:
    return f"{item.repository}@{item.digest}" if item.digest else item.name


def _named(item: Item) -> str:
    return item.name if item.digest else f"{item.name} (by its tag, which no lock pins)"


def _failed(item: Item, answer: Answer) -> Finding:
    if answer.verdict == "unasked":
        cure = f"run doctor where the registry and sigstore.dev can be reached, or the command of {_PAGE}"
        return warning(CHECK, f"{_reference(item)}: cosign could not ask: {answer.reason}", cure)
    expected = SIGNERS[item.repository].expected
    text = f"{_reference(item)} is NOT verified, expected {expected}: {answer.reason}"
    return problem(CHECK, text, f"deploy only what its project signed; {_PAGE}, has the command")
