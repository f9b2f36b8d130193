"""TLS of a replicated redis: of clients, between the servers, and of the Sentinels."""

from __future__ import annotations

from archesai_infra.components.base.certificates import SERVER_PATH
from archesai_infra.components.base.peers import CA_FILE

CA_PATH = "/run/certificates/redis"
"""Where the proxies find the authority."""
_CLIENT = "valkey-cli "


def tls_lines(port: int) -> str:
    """Configuration of a server or a Sentinel that speaks nothing but TLS at a port, whatever came before it.

    Clients prove who they are by their passwords; the api has no certificate. All of them speak TLS 1.3.
    """
    return (
        "port 0\n"
        f"tls-port {port}\n"
        f"tls-cert-file {SERVER_PATH}/tls.crt\n"
        f"tls-key-file {SERVER_PATH}/tls.key\n"
        f"tls-ca-cert-file {SERVER_PATH}/{CA_FILE}\n"
        "tls-auth-clients no\n"
        "tls-protocols TLSv1.3\n"
        "tls-replication yes\n"
        # A Sentinel has no command that reads a renewed certificate.
        "tls-auto-reload-interval 60\n"
    )


def client_by_tls(script: str) -> str:
    """A script whose client speaks TLS and checks the authority; it knows no check of names."""
    authority = f'"${{REDIS_CERTIFICATES:-{SERVER_PATH}}}/{CA_FILE}"'
    return script.replace(_CLIENT, f"{_CLIENT}--tls --cacert {authority} ")


def checked_by_tls(host: str) -> str:
    """Words of a proxy's server: its checks speak TLS, with the authority and this name; clients' TLS goes through."""
    return f" check-ssl verify required ca-file {CA_PATH}/{CA_FILE} check-sni {host} verifyhost {host}"
