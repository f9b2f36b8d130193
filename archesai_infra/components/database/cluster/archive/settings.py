"""Settings of the archive, and of clusters that begin from one."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from archesai_infra.components.base import settings as workload
from archesai_infra.components.base.settings import Image, Resources
from archesai_infra.model import Model
from archesai_infra.types import CronSchedule, DnsLabel


class Archive(Model):
    """Base backups and the write-ahead log in the backups' bucket, below `postgres/`."""

    enabled: bool = False
    """Archive; it needs `backups` with its bucket, and cert-manager for the plugin's certificates."""
    accept_loss: bool = False
    """Accept a production without an archive: what was written since the newest dump is lost with the volumes."""
    generation: int = Field(default=1, ge=1)
    """Number at the end of the archive's name. Raise it with each major version of PostgreSQL and when a cluster of the
    same name begins again: an archive takes the log of one history only."""
    retention: str = Field(default="30d", pattern=r"^[1-9][0-9]*[dwm]$")
    """How far back a recovery reaches: days (`30d`), weeks or months."""
    cron: CronSchedule = "15 2 * * *"
    """When base backups are made, in UTC; the first one follows the cluster's start."""
    existing_secret: DnsLabel | None = None
    """Secret with the keys `ACCESS_KEY` and `SECRET_KEY` of the bucket; `backupsAccessKey` and `backupsSecretKey` where
    it is not set."""
    role_arn: str | None = Field(default=None, pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/\S+$")
    """AWS role of the instances' service account, in place of keys."""
    resources: Resources = workload.resources(("50m", "128Mi"), ("1", "512Mi"))
    """CPU and memory of the container beside each instance that reads and writes the archive."""
    plugin: Literal["install", "existing"] = "install"
    """`existing` uses the Barman Cloud plugin that is in the operator's namespace."""
    plugin_image: Image = Image()
    """Image of the plugin that the stack installs."""
    sidecar_image: Image = Image()
    """Image of the container beside each instance."""


class Recovery(Model):
    """A cluster that begins from an archive instead of empty."""

    generation: int = Field(ge=1)
    """Generation of the new cluster."""
    source: DnsLabel
    """Name of the archive, as `arches backup list` shows it, such as `archesai-db-1-1`."""
    target_time: str | None = Field(
        default=None, pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$"
    )
    """Moment to recover, such as `2026-05-04T10:30:00Z`; the end of the archive where it is not set."""
