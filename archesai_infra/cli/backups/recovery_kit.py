"""What has to be kept outside the cluster and outside this machine, in one file."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import typer

from archesai_infra.cli.backups.store import Store, open_store
from archesai_infra.cli.base import files
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.git import work_tree
from archesai_infra.cli.base.kinds import path as path_of
from archesai_infra.cli.base.project import STATE, root
from archesai_infra.components.backups import keys as access
from archesai_infra.components.monitoring import grafana
from archesai_infra.credentials import Credential
from archesai_infra.stack.credential_sources import in_secrets
from archesai_infra.stack.render import to_yaml

HOW = """\
A lost cluster, or a cluster and the state:
  1. Put `stackFile` back as Pulumi.<stack>.yaml and name the new cluster in cluster.context.
     Omit the line `encryptionsalt` if the passphrase is lost. If the lost cluster's state still exists, remove it:
     pulumi stack rm --force --preserve-config
  2. arches config set <key>, for each key of `credentials` (it asks for the value): backups need the old password.
  3. arches config set restoring true, then arches up: the namespace and Velero, nothing else.
  4. arches restore --from latest, a minute later: Velero has to find the bucket's backups first. Secrets come from the
     values that were set in 2.
  5. arches config unset restoring, then arches up --take-over: it takes over what was restored.
The state alone is lost: 1 and 2, then delete Helm's release Secrets of the stack (`helm list -A` names the releases):
  kubectl --namespace velero delete secret --selector owner=helm,name=velero
and arches up --take-over.
Whoever has this file and the bucket's keys has all data. Keep it where neither the cluster nor the bucket is.
"""


def write_kit(stack: str, output: Path) -> None:
    """Write the kit of a stack into a new file; raises CommandError."""
    with open_store(stack) as store:
        write(collect(store, root()), output)
    typer.echo(f"{output}: keep it where neither the cluster nor the bucket is; it opens all data")


def collect(store: Store, root: Path) -> str:
    """The kit as YAML; raises CommandError where the repository's password cannot be read."""
    settings = store.settings
    password = _secret(store, store.namespace, access.REPOSITORY_SECRET, access.REPOSITORY_KEY)
    if password is None:
        raise CommandError(
            f"namespace {store.namespace} has no Secret {access.REPOSITORY_SECRET}: run `arches up` first", Exit.FOUND
        )
    backups = settings.backups
    kit = {
        "stack": store.stack,
        "namespace": settings.namespace,
        "bucket": {
            "name": backups.bucket,
            "region": backups.region,
            "endpoint": backups.endpoint,
            "velero": backups.path("velero"),
            "objects": backups.path("objects"),
        },
        "credentials": {str(Credential.BACKUPS_REPOSITORY_PASSWORD): password, **_credentials(store)},
        "passphrase": _passphrase(root),
        "stackFile": (root / f"Pulumi.{store.stack}.yaml").read_text(encoding="utf-8"),
        "how": HOW,
    }
    return to_yaml(kit, sort_keys=False)


def write(text: str, path: Path) -> None:
    """Write the kit, readable by its owner only; raises CommandError where the file exists or would be committed."""
    tree = work_tree(path.resolve().parent)
    if tree is not None:
        raise CommandError(
            f"{path} is inside the Git work tree {tree}, where one `git add` publishes every password; "
            "name a file elsewhere",
            Exit.INPUT,
        )
    try:
        files.create(path, text.encode(), 0o600)
    except FileExistsError:
        raise CommandError(f"{path} already exists; name another file", Exit.INPUT) from None


def _credentials(store: Store) -> dict[str, str]:
    """The passwords that the data was made with, as the cluster has them."""
    settings = store.settings
    passwords: dict[str, str] = {}
    for credential, held in in_secrets(settings):
        # Grafana's too: a kept volume of Grafana knows its own password only.
        namespace = settings.monitoring.namespace if held.secret == grafana.SECRET else settings.namespace
        if value := _secret(store, namespace, held.secret, held.key):
            passwords[str(credential)] = value
    return passwords


def _secret(store: Store, namespace: str, name: str, key: str) -> str | None:
    secret = store.cluster.find(path_of("Secret", namespace, name))
    value = secret.get("data", {}).get(key) if secret else None
    return base64.b64decode(value).decode() if value else None


def _passphrase(root: Path) -> str | None:
    """The passphrase of the state's secrets, where this machine has it."""
    if given := os.environ.get("PULUMI_CONFIG_PASSPHRASE"):
        return given
    named = os.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE")
    path = Path(named) if named else root / STATE / "passphrase"
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None
