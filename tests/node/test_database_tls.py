"""A database that takes connections by TLS alone: its certificate in the pod, its clients, and a renewal."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from archesai_infra.components import database
from archesai_infra.components.backups import dump
from archesai_infra.components.backups.schedules import CONTAINERS
from archesai_infra.components.base.certificates import SERVER_PATH
from testbed.controlplane.certificates import CertificateAuthority
from testbed.node import server_certificate
from testbed.node.rig import Nodes
from testbed.node.stack import LiveStack

pytestmark = pytest.mark.node

_CONNECT = '. "$SCRIPTS/connection.sh"; connect "$DATABASE_URL"'
_ENCRYPTED = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


@pytest.fixture
def stack(running: Callable[[str], LiveStack]) -> LiveStack:
    """A stack whose database requires TLS."""
    return running("everything")


def _dump_pod(stack: LiveStack, script: str) -> tuple[int, str]:
    """Status and output of a script in the dump pod, which knows the scripts' functions."""
    words = ("/bin/sh", "-c", f"{_CONNECT}; {script}")
    done = stack.cluster.exec(stack.namespace, dump.POD, *words, container=CONTAINERS["database"])
    return done.returncode, done.stdout + done.stderr


def test_the_server_reads_a_key_that_the_kubelet_gave_its_group_as_the_user_of_the_manifest(stack: LiveStack) -> None:
    pod = stack.pod("database")
    user = pod["spec"]["securityContext"]["runAsUser"]
    assert stack.exec("database", "id", "-u").strip() == str(user)
    group = pod["spec"]["securityContext"]["fsGroup"]
    key = stack.exec("database", "stat", "-L", "-c", "%a %u %g", f"{SERVER_PATH}/tls.key").strip()
    assert key == f"440 0 {group}"
    assert stack.sql("SHOW ssl") == "on"


def test_dumps_and_the_api_check_the_certificate_and_speak_encrypted(stack: LiveStack) -> None:
    assert _dump_pod(stack, f'echo "$query"; ask "{_ENCRYPTED}"') == (0, "?sslmode=verify-full&connect_timeout=5\nt\n")
    pod = stack.pod("api")["metadata"]["name"]
    assert "sslmode=verify-full" in stack.exec("api", "sh", "-c", 'echo "$ARCHES_DATABASE_URL"')
    assert stack.cluster.exec(stack.namespace, pod, "archesai", "check").returncode == 0
    # An authority that did not sign it.
    other = "PGSSLROOTCERT=/var/run/secrets/nothing.crt"
    assert stack.cluster.exec(stack.namespace, pod, "env", other, "archesai", "check").returncode != 0
    status, said = _dump_pod(stack, "PGSSLROOTCERT=/etc/ssl/nothing.crt ask 'SELECT 1'")
    assert (status != 0, "nothing.crt" in said) == (True, True), said
    clear = (
        "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE client_addr IS NOT NULL AND NOT ssl"
    )
    assert stack.sql(clear) == "0"


def test_a_connection_in_clear_text_is_refused(stack: LiveStack) -> None:
    status, said = _dump_pod(stack, "url=${url%%\\?*}?sslmode=disable; ask 'SELECT 1'")
    assert status != 0
    assert "no encryption" in said


def test_a_renewed_certificate_is_served_without_a_restart(
    stack: LiveStack, nodes: Nodes, authority: CertificateAuthority
) -> None:
    pod = stack.pod("database")
    before = list(_served(stack, nodes))
    nodes.apply([server_certificate.secret(authority, stack.namespace, "renewed")]).check()
    # The kubelet looks at a pod that has changed at once, and at others by and by.
    nodes.api.patch(pod, {"metadata": {"annotations": {"tests": "look"}}})
    nodes.wait_for("the renewed certificate", lambda: [] if list(_served(stack, nodes)) != before else ["the old one"])
    assert stack.pod("database")["metadata"]["uid"] == pod["metadata"]["uid"]
    assert not [name for name in stack.restarts() if name.startswith(database.NAME)]
    assert _dump_pod(stack, f'ask "{_ENCRYPTED}"') == (0, "t\n")


def _served(stack: LiveStack, nodes: Nodes) -> Iterator[str]:
    """The certificate that the server presents."""
    address = f"{stack.pod('database')['status']['podIP']}:{database.PORT}"
    asking = ("openssl", "s_client", "-starttls", "postgres", "-connect", address)
    done = nodes.in_pod_network(stack.pod("api"), "sh", "-c", f"{' '.join(asking)} </dev/null 2>/dev/null")
    lines = done.stdout.splitlines()
    assert "-----BEGIN CERTIFICATE-----" in lines, done
    yield from lines[lines.index("-----BEGIN CERTIFICATE-----") : lines.index("-----END CERTIFICATE-----")]
