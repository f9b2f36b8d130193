"""Custom resource definitions of the operators that a stack uses, taken from the Go modules of their projects."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from testbed.programs.part import Part

DOWNLOAD_SECONDS = 900


class DownloadError(RuntimeError):
    """A module could not be downloaded, or is not what go.sum says."""


class Folder(NamedTuple):
    """Where a project keeps its definitions."""

    module: str
    path: str
    names: tuple[str, ...]
    """Kinds that are copied; projects define many more, and the server takes a while for each."""


FOLDERS = (
    Folder("github.com/argoproj/argo-cd/v3", "manifests/crds", ("applications.argoproj.io",)),
    Folder(
        "github.com/cert-manager/cert-manager",
        "deploy/crds",
        ("certificates.cert-manager.io", "clusterissuers.cert-manager.io", "issuers.cert-manager.io"),
    ),
    Folder(
        "github.com/cloudnative-pg/cloudnative-pg",
        "config/crd/bases",
        (
            "backups.postgresql.cnpg.io",
            "clusters.postgresql.cnpg.io",
            "databases.postgresql.cnpg.io",
            "poolers.postgresql.cnpg.io",
            "scheduledbackups.postgresql.cnpg.io",
        ),
    ),
    Folder("github.com/cloudnative-pg/plugin-barman-cloud", "config/crd/bases", ("objectstores.barmancloud.cnpg.io",)),
    Folder(
        "github.com/external-secrets/external-secrets",
        "config/crds/bases",
        (
            "clustersecretstores.external-secrets.io",
            "externalsecrets.external-secrets.io",
            "secretstores.external-secrets.io",
        ),
    ),
    Folder(
        "github.com/prometheus-operator/prometheus-operator",
        "example/prometheus-operator-crd",
        (
            "podmonitors.monitoring.coreos.com",
            "prometheusrules.monitoring.coreos.com",
            "servicemonitors.monitoring.coreos.com",
        ),
    ),
    Folder(
        "github.com/vmware-tanzu/velero",
        "config/crd/v1/bases",
        (
            "backups.velero.io",
            "backupstoragelocations.velero.io",
            "restores.velero.io",
            "schedules.velero.io",
            "volumesnapshotlocations.velero.io",
        ),
    ),
    Folder(
        "github.com/traefik/traefik/v3",
        "docs/content/reference/dynamic-configuration",
        (
            "ingressroutes.traefik.io",
            "ingressroutetcps.traefik.io",
            "ingressrouteudps.traefik.io",
            "middlewares.traefik.io",
            "middlewaretcps.traefik.io",
            "serverstransports.traefik.io",
            "serverstransporttcps.traefik.io",
            "tlsoptions.traefik.io",
            "tlsstores.traefik.io",
            "traefikservices.traefik.io",
        ),
    ),
    Folder(
        "github.com/envoyproxy/gateway",
        "charts/gateway-crds-helm/templates/generated",
        ("backendtrafficpolicies.gateway.envoyproxy.io",),
    ),
    Folder(
        "sigs.k8s.io/gateway-api",
        "config/crd/standard",
        # Traefik's provider starts only where it finds all of them.
        (
            "backendtlspolicies.gateway.networking.k8s.io",
            "gatewayclasses.gateway.networking.k8s.io",
            "gateways.gateway.networking.k8s.io",
            "grpcroutes.gateway.networking.k8s.io",
            "httproutes.gateway.networking.k8s.io",
            "referencegrants.gateway.networking.k8s.io",
            "tlsroutes.gateway.networking.k8s.io",
        ),
    ),
)


@dataclass(frozen=True)
class Definitions(Part):
    """Files `<plural>.<group>.yaml`, each as its project publishes it."""

    folders: tuple[Folder, ...] = FOLDERS

    @property
    def version(self) -> str:
        return f"{len(self.folders)}-projects"

    @property
    def recipe(self) -> tuple[str, ...]:
        return (repr(self.folders),)

    @property
    def modules(self) -> list[str]:
        """Each module with its pinned version, as `go mod download` takes it."""
        return [f"{folder.module}@v{self.pinned(folder.module)}" for folder in self.folders]

    def extract(self, target: Path, go: Path, environment: dict[str, str]) -> None:
        """Download the modules and copy the definitions; raises DownloadError.

        The command compares each download with go.sum. It needs none of the modules' own requirements.
        """
        roots = self._download(go, environment)
        for folder in self.folders:
            published = dict(_published(roots[folder.module] / folder.path))
            for name in folder.names:
                if name not in published:
                    raise DownloadError(f"{folder.module} {self.pinned(folder.module)} defines no {name}")
                lines = published[name].read_text(encoding="utf-8").splitlines(keepends=True)
                # Inside a chart a definition stands between two lines of its template.
                text = "".join(line for line in lines if not line.startswith("{{"))
                (target / f"{name}.yaml").write_text(text, encoding="utf-8")

    def _download(self, go: Path, environment: dict[str, str]) -> dict[str, Path]:
        """Directory of each module by its path."""
        done = subprocess.run(
            [go, "mod", "download", "-json", *self.modules],
            cwd=self.directory,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=DOWNLOAD_SECONDS,
        )
        answers = list(_documents(done.stdout))
        wrong = [str(answer["Error"]) for answer in answers if "Error" in answer]
        if done.returncode or wrong:
            raise DownloadError("\n".join(wrong) or done.stderr.strip())
        return {str(answer["Path"]): Path(answer["Dir"]) for answer in answers}


def _published(folder: Path) -> Iterator[tuple[str, Path]]:
    """Name of the definition in each file of a folder; read as text because parsing takes seconds."""
    for path in sorted(folder.glob("*.yaml")):
        lines = path.read_text(encoding="utf-8").splitlines()
        yield from ((line.partition(":")[2].strip(), path) for line in lines if line.startswith("  name: "))


def _documents(text: str) -> Iterator[dict[str, Any]]:
    """The JSON documents of a stream, which no comma separates."""
    decoder = json.JSONDecoder()
    rest = text.lstrip()
    while rest:
        document, end = decoder.raw_decode(rest)
        yield document
        rest = rest[end:].lstrip()
