"""What doctor says of signatures, with a stand-in for cosign.

The stand-in takes cosign's arguments and gives the exit codes and lines on stderr that cosign 2.6 and 3.1 have for each
case. It verifies nothing: that the signers of the table sign these images only cosign with a network can show.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from archesai_infra.cli.doctor.report import Finding
from archesai_infra.cli.doctor.signatures import findings
from archesai_infra.cli.images.listing import Item, items
from archesai_infra.cli.images.signers import SIGNERS
from testbed.cli.projects import project
from testbed.cli.running import run
from testbed.stacks import DEVELOPMENT, raw, shipped_config

__all__ = ["project"]

OPERATOR = "quay.io/prometheus-operator/prometheus-operator"
STATE = "registry.k8s.io/kube-state-metrics/kube-state-metrics"
DIGEST = "sha256:" + "5" * 64
Install = Callable[[str], Path]


@pytest.fixture
def cosign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a stand-in alone on PATH; it writes its arguments beside itself, then runs the given lines of a shell."""
    directory = tmp_path / "programs"
    directory.mkdir()

    def install(lines: str) -> Path:
        program = directory / "cosign"
        program.write_text(f'#!/bin/sh\necho "$@" >>{directory}/asked\n{lines}\n', encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{directory}{os.pathsep}/usr/bin{os.pathsep}/bin")
        return directory / "asked"

    return install


def _error(code: int, text: str) -> str:
    """cosign's error on stderr: a warning before it, its log after it."""
    return f"""\
cat >&2 <<'END'
WARNING: Skipping tlog verification is an insecure practice that lacks transparency and auditability verification.
Error: {text}
error during command execution: {text}
END
exit {code}"""


def _item(repository: str, digest: str = DIGEST) -> Item:
    return Item("image", repository, "v1", digest, ("it",), repository)


def _only(listed: Sequence[Item]) -> Finding:
    (found,) = findings(listed)
    return found


def test_an_image_is_verified_by_its_digest_for_the_signer_of_its_project(cosign: Install) -> None:
    asked = cosign("exit 0")
    found = _only([_item(OPERATOR), _item("redis")])
    assert (found.status, found.text) == ("ok", f"verified: {OPERATOR}:v1")
    options = " ".join(SIGNERS[OPERATOR].options)
    assert asked.read_text(encoding="utf-8").splitlines() == [f"verify {options} {OPERATOR}@{DIGEST}"]


def test_an_image_that_no_lock_pins_is_verified_by_its_tag_and_called_so(cosign: Install) -> None:
    asked = cosign("exit 0")
    found = _only([_item(STATE, digest="")])
    assert (found.status, found.text) == ("ok", f"verified: {STATE}:v1 (by its tag, which no lock pins)")
    assert asked.read_text(encoding="utf-8").endswith(f" {STATE}:v1\n")


@pytest.mark.parametrize(
    ("code", "text", "reason"),
    [
        (10, "no signatures found", "no signatures found"),
        (11, "image tag not found: 503", "image tag not found: 503"),
        (
            12,
            "no matching signatures: none of the expected identities matched\n what was in the certificate",
            "no matching signatures: none of the expected identities matched what was in the certificate",
        ),
        (13, "no certificate found on signature", "no certificate found on signature"),
        (1, "no matching attestations: got subjects [dial tcp]", "no matching attestations: got subjects [dial tcp]"),
        (1, "signed by \x1b[2Jnobody", "signed by \\x1b[2Jnobody"),
    ],
)
def test_a_refusal_is_a_problem_with_the_expected_signer_and_cosigns_reason(
    cosign: Install, code: int, text: str, reason: str
) -> None:
    cosign(_error(code, text))
    found = _only([_item(OPERATOR)])
    expected = SIGNERS[OPERATOR].expected
    assert (found.status, found.text) == (
        "problem",
        f"{OPERATOR}@{DIGEST} is NOT verified, expected {expected}: {reason}",
    )


@pytest.mark.parametrize(
    "text",
    [
        'Get "https://quay.io/v2/": dial tcp: lookup quay.io: no such host',
        "GET https://quay.io/v2/x/manifests/v1: TOOMANYREQUESTS: too many requests",
        "getting Rekor public keys: creating cached local store: resource temporarily unavailable",
        "GET https://quay.io/v2/x/manifests/v1: unexpected status code 503 Service Unavailable",
    ],
)
def test_who_cannot_be_asked_is_a_warning_with_the_image_and_the_reason(cosign: Install, text: str) -> None:
    cosign(_error(1, text))
    found = _only([_item(OPERATOR)])
    assert (found.status, found.text) == ("warning", f"{OPERATOR}@{DIGEST}: cosign could not ask: {text}")


def test_each_image_has_an_answer_of_its_own(cosign: Install) -> None:
    cosign(f'case "$*" in *{STATE}*) {_error(10, "no signatures found")};; esac')
    found = {item.status: item.text for item in findings([_item(STATE), _item(OPERATOR)])}
    assert found.keys() == {"problem", "ok"}
    assert STATE in found["problem"]
    assert OPERATOR in found["ok"]


def test_cosign_that_does_not_answer_in_time_is_a_warning(cosign: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archesai_infra.cli.images.cosign.SECONDS", 0.2)
    cosign("exec sleep 600")
    found = _only([_item(OPERATOR)])
    assert (found.status, "no answer within 0.2 s" in found.text) == ("warning", True)


def test_what_slow_registries_leave_no_time_for_is_counted_and_not_asked(
    cosign: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archesai_infra.cli.doctor.signatures.SECONDS", 0.2)
    asked = cosign("sleep 0.3")
    first, last = findings([_item(OPERATOR), _item(STATE)])
    assert (first.status, OPERATOR in first.text) == ("ok", True)
    assert last.status == "warning"
    assert last.text == f"not looked at: 1 signed artifact, as the others took 0.2 s: {STATE}:v1"
    assert len(asked.read_text(encoding="utf-8").splitlines()) == 1


def test_cosign_that_cannot_be_run_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cosign").write_text("#!/absent/shell\n", encoding="utf-8")
    (tmp_path / "cosign").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = _only([_item(OPERATOR)])
    assert (found.status, "cannot be run: No such file or directory" in found.text) == ("warning", True)


def test_without_cosign_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = _only([_item(OPERATOR), _item(STATE)])
    assert found.status == "skipped"
    assert found.text.startswith("2 signed artifacts not verified, as cosign is not on PATH; install cosign 2 or newer")


def test_a_stack_without_a_known_signer_asks_nobody(cosign: Install) -> None:
    asked = cosign("exit 1")
    found = _only(items(raw(DEVELOPMENT), warn=None))
    assert (found.status, found.text) == ("skipped", "no image or chart of the stack has a known signer")
    assert not asked.exists()


def test_a_mirror_is_not_asked_for_the_signatures(cosign: Install) -> None:
    asked = cosign("exit 0")
    mirrored = shipped_config("prod") | {"images": {"registry": "mirror.example.com"}}
    listed = items(raw(mirrored, "prod"), warn=None)
    assert _only(listed).status == "ok"
    lines = asked.read_text(encoding="utf-8").splitlines()
    assert {line.rpartition(" ")[2].rpartition(":")[0] for line in lines} == {
        item.repository for item in listed if item.repository in SIGNERS
    }


def test_doctor_fails_for_an_image_that_is_not_verified(project: Path, cosign: Install) -> None:
    cosign(f'case "$*" in *{STATE}*) {_error(10, "no signatures found")};; esac')
    result = run("doctor", "--stack", "prod")
    lines = [line for line in result.output.splitlines() if "\tsignatures\t" in line]
    assert project.is_dir()
    assert result.exit_code == 1
    assert [line.partition("\t")[0] for line in lines] == ["problem", "ok"]
    assert f"problem\tsignatures\t{STATE}:" in lines[0]
