"""The words of class nginx."""

from __future__ import annotations

from archesai_infra.components.ingress.settings import IngressSettings
from archesai_infra.quantities import memory_bytes


def ingress_annotations(settings: IngressSettings) -> dict[str, str]:
    """Limits, timeouts and the redirect as annotations of ingress-nginx."""
    limit = settings.rate_limit
    values = {
        "proxy-body-size": str(memory_bytes(settings.body_size)),
        "limit-rps": str(limit.requests_per_second),
        "limit-burst-multiplier": str(max(1, round(limit.burst / limit.requests_per_second))),
        "proxy-connect-timeout": str(settings.timeouts.connect),
        "proxy-send-timeout": str(settings.timeouts.send),
        "proxy-read-timeout": str(settings.timeouts.read),
        "ssl-redirect": str(settings.tls.enabled).lower(),
    }
    return {f"nginx.ingress.kubernetes.io/{name}": value for name, value in values.items()}
