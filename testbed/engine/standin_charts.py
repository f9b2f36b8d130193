"""Stand-ins for the Helm charts of a stack: same name and version, and all they install is a record of their values.

Tests may add templates: those that take time run Jobs as hooks before each install and upgrade, for which Helm waits,
and a server.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from archesai_infra.stack.evaluate import Resource
from testbed.controlplane import crds
from testbed.controlplane.api import Object

_RECORD = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-recorded-values
data:
  values.json: {{ .Values | toJson | quote }}
"""

_HOOKS = """\
{{- range $step := until 3 }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ $.Release.Name }}-hook-{{ $step }}
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-weight: {{ $step | quote }}
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  template:
    spec: {{ include "pod" "Never" | nindent 6 }}
{{- end }}
"""
_SERVER = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-server
spec:
  selector: {matchLabels: {server: {{ .Release.Name }}}}
  template:
    metadata: {labels: {server: {{ .Release.Name }}}}
    spec: {{ include "pod" "Always" | nindent 6 }}
"""
_HELPERS = """\
{{- define "pod" }}
restartPolicy: {{ . }}
securityContext: {runAsNonRoot: true, runAsUser: 10001, seccompProfile: {type: RuntimeDefault}}
containers:
  - name: stand-in
    image: registry.example/stand-in:1
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
    resources:
      requests: {cpu: 1m, memory: 1Mi, ephemeral-storage: 1Mi}
      limits: {cpu: 1m, memory: 1Mi, ephemeral-storage: 1Mi}
{{- end }}
"""
_TAKING_TIME = {
    "templates/hooks.yaml": _HOOKS,
    "templates/server.yaml": _SERVER,
    "templates/_helpers.tpl": _HELPERS,
}
Templates = Callable[[str], Mapping[str, str]]
"""Further files of a chart, by the chart's name."""
_GROUPS = {
    "cert-manager": "cert-manager.io",
    "cloudnative-pg": "postgresql.cnpg.io",
    "prometheus-operator-crds": "monitoring.coreos.com",
    "velero": "velero.io",
}
"""The API group whose kinds a chart defines."""


def only_records(chart: str) -> Mapping[str, str]:
    """No further templates."""
    del chart
    return {}


def taking_time(chart: str) -> Mapping[str, str]:
    """Hooks and a server, the same for each chart."""
    del chart
    return _TAKING_TIME


def write_charts(releases: Iterable[Resource], templates: Templates) -> None:
    """A package for each release, at the path where the release looks for it."""
    for release in releases:
        path = Path(release.inputs["chart"])
        version = str(release.inputs["version"])
        path.parent.mkdir(parents=True, exist_ok=True)
        name = path.name.removesuffix(f"-{version}.tgz")
        _write(path, name, version, templates(name))


def _write(path: Path, name: str, version: str, more: Mapping[str, str]) -> None:
    metadata = {"apiVersion": "v2", "name": name, "version": version}
    files = {"Chart.yaml": yaml.safe_dump(metadata), "values.yaml": "{}\n", "templates/record.yaml": _RECORD}
    files |= more
    if name == "traefik":
        files |= {f"crds/{path.name}": path.read_text(encoding="utf-8") for path in crds.files("traefik.io")}
    elif (group := _GROUPS.get(name)) and not any(path.startswith("crds/") for path in more):
        files |= {f"crds/{path.name}": path.read_text(encoding="utf-8") for path in crds.files(group)}
    with tarfile.open(path, "w:gz") as archive:
        for inside, text in files.items():
            member = tarfile.TarInfo(f"{name}/{inside}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))


def recorded(config_map: Object) -> Any:  # noqa: ANN401 - JSON
    """The values that a stand-in was installed with."""
    return json.loads(config_map["data"]["values.json"])


def without_nulls(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Values as Helm hands them to templates: null takes a key away."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in _items(value) if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def _items(value: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    return value.items()
