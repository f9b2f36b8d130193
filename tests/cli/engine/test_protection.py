"""What protected production data stops, read from the engine's words."""

from __future__ import annotations

from archesai_infra.cli.engine.running import protected

URN = "urn:pulumi:prod::archesai::archesai:index:Redis$kubernetes:{}::{}"
CLAIM = URN.format("core/v1:PersistentVolumeClaim", "redis-data")
SERVER = URN.format("apps/v1:StatefulSet", "redis-stateful-set")


def test_every_refused_resource_is_named_once() -> None:
    said = f"""
  kubernetes:apps/v1:StatefulSet (redis-stateful-set):
    error: resource "{SERVER}" cannot be deleted
    because it is protected. To unprotect the resource, either remove the `protect` flag
  kubernetes:core/v1:PersistentVolumeClaim (redis-data):
    error: unable to replace resource "{CLAIM}"
    as it is currently marked for protection. To unprotect the resource, remove the `protect` flag
    error: resource "{SERVER}" cannot be deleted
    """
    assert protected(said) == ["PersistentVolumeClaim redis-data", "StatefulSet redis-stateful-set"]


def test_another_failure_is_none_of_protection() -> None:
    assert protected(f'error: resource "{SERVER}" was not successfully created by the Kubernetes API server') == []
