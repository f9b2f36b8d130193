"""Asking cosign whether an image or a chart carries the signature of its project."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from typing import Literal

from archesai_infra.cli.base.text import one_line, printable
from archesai_infra.cli.images.signers import Signer

SECONDS = 20
"""Longest wait for an answer."""
_REFUSALS = range(10, 14)
"""Exit codes for no signature, no such image, no signature of this signer, no certificate.

cmd/cosign/errors/exit_codes.go of cosign 2 and 3; some refusals exit with 1 as everything else does.
"""
_UNREACHED = re.compile(
    r"dial tcp|no such host|i/o timeout|connection re(fused|set)|network is unreachable|proxyconnect"
    r"|resource temporarily unavailable"
    r"|TLS handshake timeout|deadline exceeded|Client\.Timeout|TOOMANYREQUESTS|\b(429|50[0234])\b"
)
"""What Go, registries and the lock of the cache say where there was no answer; anything else is a refusal."""
_COMPARED = "no matching"
"""cosign had signatures and found none of this signer; what follows may quote a certificate of anybody."""
_ERROR = re.compile(r"^Error: (.*?)^[^\n]*error during command execution", re.MULTILINE | re.DOTALL)
"""cosign prints an error twice, after its warnings: so, then in a line of its log."""
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Answer:
    """What cosign says of an image."""

    verdict: Literal["verified", "refused", "unasked"]
    reason: str = ""


def verify(program: str, reference: str, signer: Signer) -> Answer:
    """Whether the signer signed the image at `repository:tag` or `repository@digest`."""
    command = [program, "verify", *signer.options, reference]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return Answer("unasked", f"no answer within {SECONDS} s")
    except OSError as error:
        return Answer("unasked", f"{program} cannot be run: {error.strerror}")
    if done.returncode == 0:
        return Answer("verified")
    reason = _reason(done.stderr) or f"cosign exits with {done.returncode} and gives no reason"
    compared = done.returncode in _REFUSALS or _COMPARED in reason
    unreached = not compared and _UNREACHED.search(reason)
    return Answer("unasked" if unreached else "refused", reason[:_LONGEST_REASON])


def _reason(text: str) -> str:
    """The error among cosign's warnings, in one line."""
    error = _ERROR.search(text)
    return printable(one_line(error[1] if error else text))
