"""What the server in its pod does with a certificate."""

from __future__ import annotations

from archesai_infra.components.base.certificates import SERVER_PATH
from archesai_infra.components.database.settings import DatabasePod, ManagedDatabase, ServerTls


def settings_of(settings: DatabasePod) -> ServerTls | None:
    """The TLS of a server's pod, where it has any."""
    return settings.tls if isinstance(settings, ManagedDatabase) else None


def tls_parameters(settings: DatabasePod, scripts_path: str) -> dict[str, str]:
    """Parameters of a server with a certificate; none of one without."""
    tls = settings_of(settings)
    if tls is None:
        return {}
    files = {"ssl": "on", "ssl_cert_file": f"{SERVER_PATH}/tls.crt", "ssl_key_file": f"{SERVER_PATH}/tls.key"}
    return files | ({"hba_file": f"{scripts_path}/pg_hba.conf"} if tls.required else {})
