"""The stack's cluster through the official client: plain JSON in and out, and errors that say what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from kubernetes import client
from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException
from kubernetes.client.rest import RESTResponse
from kubernetes.stream import stream
from urllib3.exceptions import HTTPError
from urllib3.exceptions import SSLError as CertificateError

from archesai_infra.cli.base.kinds import path as path_of
from archesai_infra.cli.base.text import kubectl, one_line

Object = dict[str, Any]
"""A Kubernetes object or a part of one, as JSON."""

TIMEOUT_SECONDS = 10
EXEC_SECONDS = 60
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

_STATUS_CHANNEL = 3
"""Channel on which the server reports how a command in a container ended."""
_ERROR, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 400, 401, 403, 404
_SHOWN = 300
"""Characters shown of an answer that is not one of Kubernetes'."""


class ClusterError(Exception):
    """The cluster cannot be used; the text says why and how to fix it."""

    def __init__(self, problem: str, cure: str, *, status: int = 0) -> None:
        super().__init__(f"{problem}; {cure}" if cure else problem)
        self.problem = problem
        self.cure = cure
        self.status = status
        """HTTP status; 0 where the server was not reached."""


@dataclass(frozen=True)
class Answer:
    """The server's response."""

    body: Object
    date: str
    """The server's clock, as an HTTP date."""


@dataclass(frozen=True)
class Executed:
    """A command that ended in a container."""

    status: int
    output: str
    """Standard output."""
    error: str
    """Standard error."""


class Cluster:
    """A connection to one context's API server; nothing is sent before the first request."""

    def __init__(self, client: ApiClient, context: str) -> None:
        self._client = client
        self.context = context
        self.server = str(client.configuration.host)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that are kept for the next request."""
        self._client.rest_client.pool_manager.clear()

    def kubectl(self, namespace: str, words: str) -> str:
        """A command for a person, which reaches this cluster whatever the current context is."""
        return kubectl(self.context, namespace, words)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Object:
        """GET a path such as `/api/v1/namespaces/archesai`; raises ClusterError."""
        document = self.send("GET", path, query=query).body
        if "kind" not in document:
            raise self._foreign(json.dumps(document))
        return document

    def version(self) -> str:
        """The server's version, such as `v1.36.3`; raises ClusterError."""
        document = self.send("GET", "/version").body
        if "gitVersion" not in document:
            raise self._foreign(json.dumps(document))
        return str(document["gitVersion"])

    def find(self, path: str, query: Mapping[str, str] | None = None) -> Object | None:
        """The same, None where there is no such object or no such kind."""
        try:
            return self.get(path, query)
        except ClusterError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def list(self, path: str, *, labels: str = "", fields: str = "") -> list[Object]:
        """Items of a collection by label and field selectors; empty where the server does not know the kind."""
        selectors = {"labelSelector": labels, "fieldSelector": fields}
        collection = self.find(path, {key: value for key, value in selectors.items() if value})
        if collection is None:
            return []
        if not isinstance(collection.get("items"), list):
            raise self._foreign(json.dumps(collection))
        return collection["items"]

    def send(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        """One request, bounded in time; raises ClusterError."""
        response = self._request(method, path, body, query, content_type)
        return Answer(self._document(response.data or b""), response.headers.get("Date", ""))

    def delete(self, path: str) -> None:
        """Delete an object, and in the background what it owns; one that is gone is no error. Raises ClusterError."""
        try:
            self.send("DELETE", path, query={"propagationPolicy": "Background"})
        except ClusterError as error:
            if error.status != _NOT_FOUND:
                raise

    def lines(self, path: str, query: Mapping[str, str]) -> Iterator[str]:
        """Lines of a stream as they come, such as a pod's log; raises ClusterError."""
        response = self._request("GET", path, None, query, "application/json", stream=True)
        rest = b""
        for chunk in response.response.stream(4096, decode_content=False):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from (line.decode(errors="replace") for line in whole)
        if rest:
            yield rest.decode(errors="replace")

    def text(self, path: str) -> str:
        """An answer that is no JSON, such as what a pod has logged so far, bounded in time; raises ClusterError."""
        response = self._request("GET", path, None, None, "application/json")
        return (response.data or b"").decode(errors="replace")

    def allowed(self, verb: str, group: str, resource: str, namespace: str = "") -> bool:
        """Whether the server allows the user to do this (SelfSubjectAccessReview)."""
        attributes = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        answer = self.send("POST", path_of("SelfSubjectAccessReview"), review)
        return bool(answer.body["status"]["allowed"])

    def execute(
        self,
        namespace: str,
        pod: str,
        command: Sequence[str],
        *,
        stdin: str = "",
        container: str = "",
        seconds: float = EXEC_SECONDS,
    ) -> Executed:
        """Run a command in a pod; what goes to its standard input never stands on a command line."""
        try:
            channel = stream(
                client.CoreV1Api(self._client).connect_get_namespaced_pod_exec,
                pod,
                namespace,
                command=list(command),
                container=container or None,
                stdin=bool(stdin),
                stdout=True,
                stderr=True,
                tty=False,
                _preload_content=False,
            )
        except ApiException as error:
            raise self._exec_refused(namespace, pod, error) from None
        try:
            if stdin:
                channel.write_stdin(stdin)
                # Servers before 1.30 cannot signal the end of the input: the command has to know its length.
                channel.close_channel(0)
            channel.run_forever(timeout=seconds)
            output, error = channel.read_stdout(timeout=1) or "", channel.read_stderr(timeout=1) or ""
            ended = json.loads(channel.read_channel(_STATUS_CHANNEL) or "{}")
        finally:
            # Not `close`: it leaves the socket open after the server has closed its side.
            channel.sock.shutdown()
        return Executed(_exit_status(ended), output, error)

    def _request(
        self,
        method: str,
        path: str,
        body: Object | None,
        query: Mapping[str, str] | None,
        content_type: str,
        *,
        stream: bool = False,
    ) -> RESTResponse:

        serialized = self._client.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Accept": "application/json", "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            # A stream may be silent for any time.
            bound = (TIMEOUT_SECONDS, None) if stream else TIMEOUT_SECONDS
            response = self._client.call_api(*serialized, _request_timeout=bound)
            if not stream or response.status >= _ERROR:
                response.read()
        except (HTTPError, OSError, ApiException) as error:
            raise self._unreachable(error) from None
        if response.status >= _ERROR:
            raise self._refused(response.status, response.data or b"")
        return response

    def _document(self, data: bytes) -> Object:
        """The JSON of an answer; a proxy or a login page in front of the server answers with something else."""
        try:
            document = json.loads(data)
        except ValueError:
            document = None
        if isinstance(document, dict):
            return document
        raise self._foreign(data.decode(errors="replace"))

    def _foreign(self, answer: str) -> ClusterError:
        begin = one_line(answer)[:_SHOWN] or "an empty answer"
        return ClusterError(
            f"context {self.context}: {self.server} does not answer like a Kubernetes API server ({begin})",
            "a proxy or a login page answers instead: check the server's address in the kubeconfig, HTTPS_PROXY and "
            "the VPN",
        )

    def _exec_refused(self, namespace: str, pod: str, error: ApiException) -> ClusterError:
        reason = one_line(str(error.reason or error).partition("-+-+-")[0])
        return ClusterError(
            f"context {self.context}: the server refuses to run a command in pod {namespace}/{pod} ({reason})",
            "it takes the right `create pods/exec` in the namespace, a pod that runs, and proxies that pass WebSockets",
            status=int(error.status or 0),
        )

    def _unreachable(self, error: Exception) -> ClusterError:
        reason = one_line(getattr(error, "reason", None) or error)
        if isinstance(error, CertificateError) or "CERTIFICATE_VERIFY_FAILED" in reason:
            return ClusterError(
                f"context {self.context}: the certificate of {self.server} is not trusted ({reason})",
                "correct certificate-authority-data or the server's address in the kubeconfig; "
                "behind an inspecting proxy add the proxy's CA",
            )
        return ClusterError(
            f"context {self.context}: {self.server} cannot be reached ({reason})",
            "start the cluster, connect to its network (VPN), or name another context: "
            "arches config set cluster.context <name>",
        )

    def _refused(self, status: int, data: bytes) -> ClusterError:
        try:
            message = str(json.loads(data).get("message", ""))
        except (ValueError, AttributeError):
            message = one_line(data.decode(errors="replace"))[:_SHOWN]
        if status == _UNAUTHORIZED:
            return ClusterError(
                f"context {self.context}: the server does not accept the credentials",
                "it may have expired: log in again (such as `aws eks update-kubeconfig`, `gcloud container clusters "
                "get-credentials` or `kubectl config set-credentials`)",
                status=status,
            )
        cure = "ask the cluster's administrator for the missing rights" if status == _FORBIDDEN else ""
        return ClusterError(f"the server answers {status}: {message}", cure, status=status)


def _exit_status(ended: Object) -> int:
    """The command's own status; 1 where the server only says that it failed, or that nothing was heard in time."""
    if ended.get("status") == "Success":
        return 0
    causes = (ended.get("details") or {}).get("causes") or []
    codes = [cause["message"] for cause in causes if cause.get("reason") == "ExitCode"]
    return int(codes[0]) if codes and codes[0].isdecimal() else 1
