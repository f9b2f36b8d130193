"""The stack's cluster through the official client: plain JSON in and out, and errors that say what to do."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from kubernetes import client, config
from kubernetes.client import ApiClient
from kubernetes.client.rest import RESTResponse
from kubernetes.config.config_exception import ConfigException
from kubernetes.stream import stream
from urllib3.exceptions import HTTPError

from archesai_infra.cli.base.exits import CommandError, Exit

Object = dict[str, Any]
"""A Kubernetes object or a part of one, as JSON."""

TIMEOUT_SECONDS = 10
EXEC_SECONDS = 60
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

_STATUS_CHANNEL = 3
"""Where an exec's end is told."""
_ERROR, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 400, 401, 403, 404


class ClusterError(CommandError):
    """The cluster cannot be used; the text says why and what mends it."""

    def __init__(self, problem: str, cure: str, *, status: int = 0) -> None:
        super().__init__(f"{problem}; {cure}" if cure else problem, Exit.CLUSTER)
        self.problem = problem
        self.cure = cure
        self.status = status
        """HTTP status; 0 where the server was not reached."""


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    body: Object
    date: str
    """The server's own clock, as an HTTP date."""


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

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Object:
        """GET a path such as `/api/v1/namespaces/archesai`; raises ClusterError."""
        return self.send("GET", path, query=query).body

    def find(self, path: str, query: Mapping[str, str] | None = None) -> Object | None:
        """The same, None where there is no such object or no such kind."""
        try:
            return self.get(path, query)
        except ClusterError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def list(self, path: str, *, labels: str = "") -> list[Object]:
        """Items of a collection; empty where the server does not know the kind."""
        found = self.find(path, {"labelSelector": labels} if labels else None)
        return list(found["items"]) if found else []

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
        data = json.loads(response.data or b"{}")
        return Answer(data, response.headers.get("Date", ""))

    def lines(self, path: str, query: Mapping[str, str]) -> Iterator[str]:
        """Lines of a stream as they come, such as a pod's log; raises ClusterError."""
        response = self._request("GET", path, None, query, "application/json", stream=True)
        rest = b""
        for chunk in response.response.stream(4096, decode_content=False):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from (line.decode(errors="replace") for line in whole)
        if rest:
            yield rest.decode(errors="replace")

    def allowed(self, verb: str, group: str, resource: str, namespace: str = "") -> bool:
        """Whether the user may do this, by the server's own word (SelfSubjectAccessReview)."""
        attributes = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        answer = self.send("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
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
        try:
            if stdin:
                channel.write_stdin(stdin)
                # Servers before 1.30 cannot be told of the end of the input: the command has to know it by itself.
                channel.close_channel(0)
            channel.run_forever(timeout=seconds)
            output, error = channel.read_stdout(timeout=1) or "", channel.read_stderr(timeout=1) or ""
            ended = json.loads(channel.read_channel(_STATUS_CHANNEL) or "{}")
        finally:
            # Not `close`: after the server's own goodbye it leaves the socket open.
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
            # A stream may be silent for as long as it likes.
            patience = (TIMEOUT_SECONDS, None) if stream else TIMEOUT_SECONDS
            response = self._client.call_api(*serialized, _request_timeout=patience)
            if not stream or response.status >= _ERROR:
                response.read()
        except (HTTPError, OSError) as error:
            raise self._unreachable(error) from None
        if response.status >= _ERROR:
            raise self._refused(response.status, response.data or b"")
        return response

    def _unreachable(self, error: Exception) -> ClusterError:
        reason = str(getattr(error, "reason", None) or error)
        return ClusterError(
            f"context {self.context}: {self.server} cannot be reached ({' '.join(reason.split())})",
            "start the cluster, connect its network (VPN), or name another context with "
            "`pulumi config set --path cluster.context <name>`",
        )

    def _refused(self, status: int, data: bytes) -> ClusterError:
        try:
            said = str(json.loads(data).get("message", ""))
        except (json.JSONDecodeError, AttributeError):
            said = data.decode(errors="replace").strip()
        if status == _UNAUTHORIZED:
            return ClusterError(
                f"context {self.context}: the server does not accept the login",
                "it may have expired: log in again (such as `aws eks update-kubeconfig`, `gcloud container clusters "
                "get-credentials` or `kubectl config set-credentials`)",
                status=status,
            )
        cure = "ask for the missing rights" if status == _FORBIDDEN else ""
        return ClusterError(f"the server answers {status}: {said}", cure, status=status)


def _exit_status(ended: Object) -> int:
    """The command's own status; 1 where the server only says that it failed, or that nothing was heard in time."""
    if ended.get("status") == "Success":
        return 0
    causes = (ended.get("details") or {}).get("causes") or []
    codes = [cause["message"] for cause in causes if cause.get("reason") == "ExitCode"]
    return int(codes[0]) if codes and codes[0].isdecimal() else 1


def connect(context: str | None = None, kubeconfig: str | None = None) -> Cluster:
    """A connection for a context of a kubeconfig, else the current one; raises ClusterError."""
    path = kubeconfig or os.environ.get("KUBECONFIG") or None
    try:
        contexts: list[Object]
        current: Object
        contexts, current = config.list_kube_config_contexts(config_file=path)  # pyright: ignore[reportAssignmentType]
    except (ConfigException, OSError, TypeError) as error:
        raise ClusterError(
            f"there is no usable kubeconfig ({_short(error)})",
            "make one (`arches cluster up` for a local cluster) or name it in $KUBECONFIG or cluster.kubeconfig",
        ) from None
    names = [str(item["name"]) for item in contexts]
    if context is not None and context not in names:
        raise ClusterError(
            f"the kubeconfig has no context {context}; it has {', '.join(sorted(names)) or 'none'}",
            "set cluster.context to one of them, or add the context to the kubeconfig",
        )
    try:
        client = config.new_client_from_config(config_file=path, context=context)
    except (ConfigException, OSError) as error:
        raise ClusterError(f"the kubeconfig cannot be used ({_short(error)})", "make it anew") from None
    # One attempt with a bound: a person waits.
    client.configuration.retries = False
    client.rest_client = type(client.rest_client)(client.configuration)
    return Cluster(client, context or str(current["name"]))


def _short(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
