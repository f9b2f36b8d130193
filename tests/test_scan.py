from __future__ import annotations

import pytest

from testbed.controlplane.fixtures import parts_or_skip
from tools.scan import (
    EXCEPTIONS,
    SCANNERS,
    Exemption,
    Finding,
    ScanError,
    Scanner,
    checkov_findings,
    exemptions,
    kube_score_findings,
    main,
    problems,
    scan,
)

ROOT_USER = Finding("checkov", "CKV_K8S_40", "Deployment/archesai-scraper", "Containers should run as a high UID")
EXEMPT = Exemption("checkov", "CKV_K8S_40", "Deployment/archesai-*", "their home")
ENTRY = """
[[exception]]
scanner = "checkov"
check = "CKV_K8S_40"
objects = ["Deployment/a", "Job/b-*"]
reason = "because"
"""


def test_a_finding_without_an_exception_is_a_problem() -> None:
    message = "checkov CKV_K8S_40: Deployment/archesai-scraper: Containers should run as a high UID"
    assert problems([ROOT_USER], []) == [message]
    assert problems([ROOT_USER], [EXEMPT]) == []


@pytest.mark.parametrize(
    "other",
    [
        Exemption("kube-score", "CKV_K8S_40", "Deployment/archesai-scraper", "another scanner"),
        Exemption("checkov", "CKV_K8S_41", "Deployment/archesai-scraper", "another check"),
        Exemption("checkov", "CKV_K8S_40", "Job/archesai-scraper", "another kind"),
        Exemption("checkov", "CKV_K8S_40", "Deployment/scraper", "another name"),
    ],
)
def test_an_exception_covers_its_scanner_check_and_objects_only_and_must_be_needed(other: Exemption) -> None:
    assert problems([ROOT_USER], [EXEMPT, other]) == [f"{other}: the exception is not needed any more"]
    assert len(problems([ROOT_USER], [other])) == 2


def test_exceptions_are_read_one_for_each_object() -> None:
    assert exemptions(ENTRY) == [
        Exemption("checkov", "CKV_K8S_40", "Deployment/a", "because"),
        Exemption("checkov", "CKV_K8S_40", "Job/b-*", "because"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ENTRY.replace('"checkov"', '"oracle"'), "names the scanner oracle; there are kube-score, checkov"),
        (ENTRY.replace('"because"', '" "'), "needs scanner, check, objects and reason"),
        (ENTRY.replace("reason", "why"), "needs scanner, check, objects and reason"),
    ],
)
def test_an_exception_names_a_scanner_and_a_reason(text: str, message: str) -> None:
    with pytest.raises(ScanError, match=message):
        exemptions(text)


def test_kube_score_reports_its_critical_findings() -> None:
    def check(name: str, grade: int, *, skipped: bool = False) -> dict[str, object]:
        return {"check": {"id": name}, "grade": grade, "skipped": skipped, "comments": [{"summary": "so"}]}

    checks = [check("critical", 1), check("warning", 5), check("fine", 10), check("skipped", 1, skipped=True)]
    document = [{"type_meta": {"kind": "Job"}, "object_meta": {"name": "j"}, "checks": checks}]
    assert list(kube_score_findings(document)) == [Finding("kube-score", "critical", "Job/j", "so")]


def test_checkov_reports_its_failed_checks() -> None:
    failed = {"check_id": "CKV_K8S_1", "check_name": "so", "resource": "ConfigMap.space.a.dotted.name"}
    document = {"results": {"failed_checks": [failed]}}
    assert list(checkov_findings(document)) == [Finding("checkov", "CKV_K8S_1", "ConfigMap/a.dotted.name", "so")]


def test_a_scanner_that_is_not_there_is_named_with_the_way_to_have_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = {
        name: Scanner(lambda: None, scanner.advice, scanner.arguments, scanner.parse)
        for name, scanner in SCANNERS.items()
    }
    monkeypatch.setattr("tools.scan.SCANNERS", absent)
    assert main() == 0
    assert capsys.readouterr().out.splitlines() == [
        "kube-score: not installed; to have it: python -m testbed.programs build kube-score",
        "checkov: not installed; to have it: pipx install checkov==3.3.30",
    ]


def test_kube_score_finds_nothing_critical_in_production_that_has_no_written_reason() -> None:
    program = parts_or_skip("kube-score")["kube-score"]
    findings = scan(SCANNERS["kube-score"], program)
    excepted = [one for one in exemptions(EXCEPTIONS.read_text(encoding="utf-8")) if one.scanner == "kube-score"]
    assert len(findings) >= len(excepted)
    assert problems(findings, excepted) == []
