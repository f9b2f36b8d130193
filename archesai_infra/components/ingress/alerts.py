"""Certificates that cert-manager makes for the stack's hosts."""

from __future__ import annotations

from archesai_infra.components.base.watch.alerts import Alert, Group

_DAY = 86400


def group(namespaces: str, days: int) -> Group:
    """The rules on cert-manager's metrics: certificates in these namespaces that end within some days."""
    end = f'certmanager_certificate_expiration_timestamp_seconds{{namespace=~"{namespaces}"}}'
    alert = Alert(
        "CertificateNearExpiry",
        # 0 stands for a certificate that was never made.
        f"({end} > 0) - time() < {days * _DAY}",
        "critical",
        "Certificate {{ $labels.name }} ends in {{ $value | humanizeDuration }} and was not renewed.",
        "15m",
    )
    ready = f'certmanager_certificate_ready_status{{namespace=~"{namespaces}",condition="True"}}'
    never_issued = Alert(
        "CertificateNotReady",
        f"{ready} == 0",
        "critical",
        "Certificate {{ $labels.name }} was not issued: its host serves the controller's own certificate.",
        "30m",
    )
    return Group("archesai-certificates", [alert, never_issued])
