"""Certificates that cert-manager makes for the stack's hosts."""

from __future__ import annotations

from archesai_infra.components.monitoring.rules.model import Alert, Group
from archesai_infra.components.monitoring.watched import Watched

_DAY = 86400


def groups(scope: Watched) -> list[Group]:
    """The rules on cert-manager's metrics; none where others bring the certificates."""
    if not scope.certificates:
        return []
    end = f'certmanager_certificate_expiration_timestamp_seconds{{namespace=~"{scope.namespaces}"}}'
    days = scope.settings.alerts.certificate_days
    alert = Alert(
        "CertificateNearExpiry",
        # 0 stands for a certificate that was never made.
        f"({end} > 0) - time() < {days * _DAY}",
        "critical",
        "Certificate {{ $labels.name }} ends in {{ $value | humanizeDuration }} and was not renewed.",
        "15m",
    )
    ready = f'certmanager_certificate_ready_status{{namespace=~"{scope.namespaces}",condition="True"}}'
    never_issued = Alert(
        "CertificateNotReady",
        f"{ready} == 0",
        "critical",
        "Certificate {{ $labels.name }} was not issued: its host serves the controller's own certificate.",
        "30m",
    )
    return [Group("archesai-certificates", [alert, never_issued])]
