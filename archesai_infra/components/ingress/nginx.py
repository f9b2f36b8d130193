"""The words of class nginx."""

from __future__ import annotations

from archesai_infra.components.ingress.limits import BODY_SIZE
from archesai_infra.components.ingress.settings import IngressSettings
from archesai_infra.quantities import memory_bytes


def ingress_annotations(settings: IngressSettings, module: str) -> dict[str, str]:
    """Limits, timeouts and the redirect of a module's host as annotations of ingress-nginx."""
    values = {
        "proxy-connect-timeout": str(settings.timeouts.connect),
        "proxy-send-timeout": str(settings.timeouts.send),
        "proxy-read-timeout": str(settings.timeouts.read),
        "ssl-redirect": str(settings.tls.enabled).lower(),
    }
    if module == "storage":
        # Objects have any size, and S3 clients read the server's own refusals.
        values |= {"proxy-body-size": "0", "proxy-request-buffering": "off"}
    else:
        # Traefik knows the limit only where it receives the whole request first, as ingress-nginx does anyway.
        size = memory_bytes(settings.body_size or BODY_SIZE)
        values |= {"proxy-body-size": str(size), "proxy-request-buffering": "on"}
    limit = settings.rate_limit
    if limit is not None and module in limit.hosts:
        values |= {
            "limit-rps": str(limit.requests_per_second),
            "limit-burst-multiplier": str(limit.burst // limit.requests_per_second),
        }
    return {f"nginx.ingress.kubernetes.io/{name}": value for name, value in values.items()}
