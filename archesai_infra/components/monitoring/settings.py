"""What a stack can set about its monitoring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from archesai_infra import versions
from archesai_infra.components.api.objectives import Objectives
from archesai_infra.components.base.peers import Egress
from archesai_infra.components.base.settings import Module, PodImages, Resources, resources
from archesai_infra.components.base.watch.exporter import Exporter
from archesai_infra.credentials import Credential
from archesai_infra.kube.network import NamespacePods
from archesai_infra.model import Model
from archesai_infra.quantities import memory_bytes
from archesai_infra.types import BucketName, DnsLabel, Hostname, HostPort, HttpUrl, MemoryQuantity, Text
from archesai_infra.types import Email as EmailAddress

MODULE = "monitoring"
NOTIFICATIONS = (Credential.ALERT_WEBHOOK_URL, Credential.ALERT_SLACK_URL, Credential.ALERT_EMAIL_PASSWORD)
"""Credentials that make a receiver of alerts each."""


class Metrics(Model):
    """Prometheus."""

    retention_days: int = Field(default=90, ge=1)
    """Days that metrics are kept."""
    size: MemoryQuantity = "20Gi"
    """Size of the volume; the oldest metrics go early when it is nearly full."""
    storage_class: DnsLabel | None = None
    """StorageClass of the volumes of Prometheus and Alertmanager; the cluster's default where it is not set."""
    resources: Resources = resources(("200m", "512Mi"), ("2", "2Gi"))
    """CPU and memory."""
    api: bool = False
    """Scrape the api's own `/metrics`, which released versions do not serve yet. Its errors and response times are
    counted by the ingress controller otherwise."""
    nodes: bool = False
    """Measure the nodes too: node-exporter, in a privileged namespace of its own."""

    @property
    def retention_size(self) -> str:
        """Most that the metrics take, in Prometheus's units: 85 % of the volume, the rest is for its journal."""
        return f"{memory_bytes(self.size) * 85 // 100 // 2**20}MB"


class Logs(Model):
    """Loki, and Alloy that brings it the pods' logs."""

    retention_days: int = Field(default=30, ge=1)
    """Days that logs are kept."""
    storage: Literal["filesystem", "objectStorage"] = "filesystem"
    """Where logs are kept: a volume of their own, or a bucket in the stack's object storage."""
    bucket: BucketName = "arches-logs"
    """Bucket for `objectStorage`; made where the stack runs the storage."""
    existing_secret: DnsLabel | None = None
    """Existing Secret in the monitoring namespace with the keys `ACCESS_KEY` and `SECRET_KEY` for `objectStorage`;
    required where the external storage uses an existing Secret too."""
    size: MemoryQuantity = "20Gi"
    """Size of the volume; with `objectStorage` it only holds what is not yet written there."""
    storage_class: DnsLabel | None = None
    """StorageClass of the volume; the cluster's default where it is not set."""
    resources: Resources = resources(("100m", "256Mi"), ("1", "1Gi"))
    """CPU and memory of Loki."""


class Oidc(Model):
    """Sign-in at Grafana by an identity provider that speaks OpenID Connect."""

    name: Text = "single sign-on"
    """Name of the provider on the sign-in page."""
    client_id: Text
    """Client that the provider knows Grafana as."""
    existing_secret: DnsLabel
    """Secret in the monitoring namespace with the client's secret as `clientSecret`."""
    auth_url: HttpUrl
    """The provider's authorization endpoint."""
    token_url: HttpUrl
    """The provider's token endpoint."""
    api_url: HttpUrl
    """The provider's user information endpoint."""
    scopes: tuple[Text, ...] = ("openid", "profile", "email", "groups")
    """What Grafana asks the provider for."""
    role_attribute_path: Text
    """JMESPath expression over the claims that gives `Viewer`, `Editor` or `Admin`; who gets none may not sign in."""
    allowed_domains: tuple[Hostname, ...] = ()
    """Domains of the e-mail addresses that may sign in; every domain where none is named."""
    only: bool = False
    """Show no form for a user name and a password."""


class Grafana(Model):
    """Grafana."""

    oidc: Oidc | None = None
    """Sign-in by an identity provider; the administrator's password works besides."""
    size: MemoryQuantity | None = None
    """Size of a volume for what people change in Grafana; without one a restart forgets it."""
    storage_class: DnsLabel | None = None
    """StorageClass of the volume; the cluster's default where it is not set."""
    existing_secret: DnsLabel | None = None
    """Existing Secret in the monitoring namespace with the keys `admin-user` and `admin-password`."""
    egress: tuple[Egress, ...] = ()
    """More addresses or pods that Grafana may reach, where `cluster.apiServer` or `cluster.cilium` closes its namespace
    outward: an identity provider in a private network, a data source of yours."""
    password_version: int = Field(default=1, ge=1)
    """Raise it to regenerate a generated password."""
    resources: Resources = resources(("100m", "256Mi"), ("500m", "512Mi"))
    """CPU and memory."""


class Email(Model):
    """Alerts by e-mail; the password is `alertEmailPassword`."""

    to: EmailAddress
    """Who gets the mails."""
    sender: EmailAddress
    """Address they come from."""
    server: HostPort
    """Mail server as `host:port`; it must speak TLS."""
    username: str | None = None
    """User at the mail server; the sender where it is not set."""


class Alerts(Model):
    """Where alerts go: `alertWebhookUrl`, `alertSlackUrl` and `email` are a receiver each."""

    email: Email | None = None
    """A receiver by e-mail."""
    slack_channel: str | None = None
    """Slack channel, such as `#alerts`, where the webhook's own is not meant."""
    existing_secret: DnsLabel | None = None
    """Secret in the monitoring namespace with Alertmanager's whole configuration as `alertmanager.yaml`."""
    egress: tuple[Egress, ...] = ()
    """More addresses or pods that Alertmanager may reach, where `cluster.apiServer` or `cluster.cilium` closes its
    namespace outward: a receiver in a private network or in the cluster."""
    unattended: bool = False
    """Accept in production that alerts notify nobody: they then appear in Grafana only."""
    runbooks: HttpUrl = "https://github.com/archesai/archesai-infra/blob/main/docs/operations.md"
    """Page that holds the section of each alert."""
    certificate_days: int = Field(default=14, ge=1)
    """Days before a certificate's end that it counts as near."""


class MonitoringSettings(Module):
    """Metrics, logs, dashboards and alerts."""

    operator: Literal["install", "existing"] = "install"
    """`existing` leaves Prometheus, Grafana and Loki to others and adds the stack's monitors, rules and dashboards."""
    namespace: DnsLabel = "monitoring"
    """Namespace of the releases and of nothing else, as it is held to restricted Pod Security and kept with its
    volumes; or the namespace of the existing Prometheus."""
    labels: dict[str, Text] = Field(default_factory=dict)
    """More labels for monitors, rules and dashboards, such as `release`, which an existing operator may select by."""
    prometheus_labels: dict[str, Text] = Field(default_factory=lambda: {"app.kubernetes.io/name": "prometheus"})
    """Labels of Prometheus's pods: the only pods that the network policies let at metrics."""
    metrics: Metrics = Metrics()
    """Prometheus."""
    logs: Logs = Logs()
    """Loki and Alloy."""
    grafana: Grafana = Grafana()
    """Grafana."""
    alerts: Alerts = Alerts()
    """Where alerts go."""
    objectives: Objectives = Objectives()
    """The api's service level objectives."""
    database_exporter: Exporter = Exporter()
    """postgres-exporter."""
    redis_exporter: Exporter = Exporter()
    """redis-exporter."""

    @property
    def pod_images(self) -> PodImages:
        """Images of the exporters."""
        if not self.enabled:
            return {}
        return {
            "databaseExporter.image": (self.database_exporter.image, versions.POSTGRES_EXPORTER),
            "redisExporter.image": (self.redis_exporter.image, versions.REDIS_EXPORTER),
        }

    @property
    def installs(self) -> bool:
        """Whether the module runs Prometheus, Grafana and Loki itself."""
        return self.enabled and self.operator == "install"

    @property
    def logs_in_object_storage(self) -> bool:
        """Whether Loki needs a bucket."""
        return self.installs and self.logs.storage == "objectStorage"

    @property
    def prometheus_pods(self) -> NamespacePods:
        """Prometheus, as network policies see it."""
        return NamespacePods(self.namespace, tuple(sorted(self.prometheus_labels.items())))

    @property
    def loki_pods(self) -> NamespacePods:
        """Loki, as network policies see it."""
        return NamespacePods(self.namespace, (("app.kubernetes.io/name", "loki"),))


def requirements(settings: MonitoringSettings, given: Mapping[Credential, object]) -> list[str]:
    """What the credentials lack or have too much of, each as `key: problem and cure`."""
    found: list[str] = []
    alerts = settings.alerts
    routes = [key for key in NOTIFICATIONS if key in given]
    if settings.grafana.existing_secret and Credential.GRAFANA_ADMIN_PASSWORD in given:
        found.append("monitoring.grafana.existingSecret: grafanaAdminPassword is also set; keep only one")
    if alerts.existing_secret and (routes or alerts.email):
        other = routes[0] if routes else "monitoring.alerts.email"
        found.append(f"monitoring.alerts.existingSecret: {other} is also set; keep only one")
    elif (alerts.email is not None) != (Credential.ALERT_EMAIL_PASSWORD in given):
        if alerts.email is None:
            found.append("alertEmailPassword: needs the address it belongs to: set monitoring.alerts.email")
        else:
            found.append("monitoring.alerts.email: needs its password: arches config set alertEmailPassword")
    if alerts.existing_secret and Credential.ALERT_HEARTBEAT_URL in given:
        found.append("monitoring.alerts.existingSecret: alertHeartbeatUrl is also set; keep only one")
    if alerts.slack_channel and Credential.ALERT_SLACK_URL not in given:
        found.append("monitoring.alerts.slackChannel: needs its URL: arches config set alertSlackUrl")
    return found
