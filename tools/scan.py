"""Scan the rendered production stack with kube-score and checkov; what stays has a reason in scan_exceptions.toml."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from archesai_infra.stack.evaluate import evaluate
from archesai_infra.stack.render import stream
from archesai_infra.stack.stack_file import read
from testbed.programs import parts

ROOT = Path(__file__).resolve().parent.parent
EXCEPTIONS = Path(__file__).with_name("scan_exceptions.toml")
STACK = "prod"
_SECONDS = 300
_CRITICAL = 1
"""The grade that kube-score gives to what it calls critical."""


class ScanError(RuntimeError):
    """A scanner did not do its work, or the file of exceptions is wrong."""


@dataclass(frozen=True)
class Finding:
    """What a scanner holds against an object, named `Kind/name`."""

    scanner: str
    check: str
    item: str
    message: str

    def __str__(self) -> str:
        return f"{self.scanner} {self.check}: {self.item}: {self.message}"


@dataclass(frozen=True)
class Exemption:
    """A finding that stays, and why."""

    scanner: str
    check: str
    item: str
    """`Kind/name`, where `*` stands for any text."""
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Whether it is about this finding."""
        same = (self.scanner, self.check) == (finding.scanner, finding.check)
        return same and fnmatchcase(finding.item, self.item)

    def __str__(self) -> str:
        return f"{self.scanner} {self.check}: {self.item}"


@dataclass(frozen=True)
class Scanner:
    """A program that looks at manifests."""

    find: Callable[[], Path | None]
    """Where it is, if it is installed."""
    advice: str
    arguments: tuple[str, ...]
    """The manifests' path follows them."""
    parse: Callable[[Any], Iterator[Finding]]

    def run(self, program: Path, manifests: Path) -> list[Finding]:
        """What it finds; raises ScanError where it says nothing that can be read."""
        done = subprocess.run(
            [program, *self.arguments, manifests], capture_output=True, text=True, check=False, timeout=_SECONDS
        )
        try:
            return list(self.parse(json.loads(done.stdout)))
        except (ValueError, LookupError, TypeError):
            output = (done.stderr or done.stdout).strip()
            raise ScanError(f"{program.name} ended with status {done.returncode}: {output}") from None


def kube_score_findings(document: Any) -> Iterator[Finding]:  # noqa: ANN401 - JSON
    """Its critical findings."""
    for item in document:
        name = f"{item['type_meta']['kind']}/{item['object_meta']['name']}"
        for check in item["checks"]:
            if check["grade"] == _CRITICAL and not check["skipped"]:
                message = "; ".join(comment["summary"] for comment in check["comments"] or [])
                yield Finding("kube-score", check["check"]["id"], name, message)


def checkov_findings(document: Any) -> Iterator[Finding]:  # noqa: ANN401 - JSON
    """Its failed checks."""
    for failed in document["results"]["failed_checks"]:
        kind, _, name = failed["resource"].split(".", 2)
        yield Finding("checkov", failed["check_id"], f"{kind}/{name}", failed["check_name"])


def _kube_score() -> Path | None:
    if parts.built("kube-score"):
        return parts.executables("kube-score")["kube-score"]
    return _on_path("kube-score")


def _checkov() -> Path | None:
    beside = Path(sys.executable).with_name("checkov")
    return beside if beside.exists() else _on_path("checkov")


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None


SCANNERS = {
    "kube-score": Scanner(
        _kube_score,
        "python -m testbed.programs build kube-score",
        ("score", "--output-format=json", f"--kubernetes-version=v{parts.DEFAULT_MINOR}"),
        kube_score_findings,
    ),
    "checkov": Scanner(
        _checkov,
        "pipx install checkov==3.3.30",
        ("--skip-download", "--framework=kubernetes", "--output=json", "--quiet", "--file"),
        checkov_findings,
    ),
}


def exemptions(text: str) -> list[Exemption]:
    """The exceptions of a file, one for each object; raises ScanError."""
    found: list[Exemption] = []
    for entry in tomllib.loads(text).get("exception", []):
        if entry.keys() != {"scanner", "check", "objects", "reason"} or not entry["reason"].strip():
            raise ScanError(f"an exception needs scanner, check, objects and reason (got {entry})")
        if entry["scanner"] not in SCANNERS:
            raise ScanError(f"an exception names the scanner {entry['scanner']}; there are {', '.join(SCANNERS)}")
        found += [Exemption(entry["scanner"], entry["check"], item, entry["reason"]) for item in entry["objects"]]
    return found


def problems(findings: Sequence[Finding], excepted: Sequence[Exemption]) -> list[str]:
    """Findings without an exception and exceptions without a finding."""
    wrong = [str(finding) for finding in findings if not any(one.covers(finding) for one in excepted)]
    unused = [one for one in excepted if not any(one.covers(finding) for finding in findings)]
    return wrong + [f"{one}: the exception is not needed any more" for one in unused]


def scan(scanner: Scanner, program: Path) -> list[Finding]:
    """What a scanner finds in the rendered stack."""
    with tempfile.TemporaryDirectory() as directory:
        manifests = Path(directory) / f"{STACK}.yaml"
        manifests.write_text(stream(evaluate(read(ROOT, STACK))), encoding="utf-8")
        return scanner.run(program, manifests)


def main() -> int:
    """Exit status 1 where a scanner finds something that no exception covers, or an exception is not needed."""
    status = 0
    try:
        excepted = exemptions(EXCEPTIONS.read_text(encoding="utf-8"))
        for name, scanner in SCANNERS.items():
            program = scanner.find()
            if program is None:
                print(f"{name}: not installed; to have it: {scanner.advice}")
                continue
            findings = scan(scanner, program)
            own = [one for one in excepted if one.scanner == name]
            wrong = problems(findings, own)
            print(f"{name}: {len(findings)} findings, {len(wrong)} problems", *wrong, sep="\n  ")
            status |= bool(wrong)
    except ScanError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
