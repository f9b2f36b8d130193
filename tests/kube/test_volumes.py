"""Volumes of pods, as plain dicts."""

from __future__ import annotations

from archesai_infra.kube.volumes import Mount, claim, config_files, scratch, secret_files


def test_a_scratch_volume_has_a_bound() -> None:
    assert scratch("tmp", "/tmp", "64Mi") == Mount("tmp", "/tmp", {"name": "tmp", "empty_dir": {"size_limit": "64Mi"}})


def test_a_scratch_volume_may_be_in_memory() -> None:
    assert scratch("run", "/run", "1Mi", memory=True).volume == {
        "name": "run",
        "empty_dir": {"size_limit": "1Mi", "medium": "Memory"},
    }


def test_files_of_a_config_map_are_read_only() -> None:
    mount = config_files("config", "/etc/archesai", "archesai-config")
    assert mount.volume == {"name": "config", "config_map": {"name": "archesai-config", "default_mode": 0o444}}
    assert mount.read_only


def test_files_of_a_secret_are_for_the_pods_own_group_only() -> None:
    mount = secret_files("password", "/run/secrets", "archesai-redis", ["REDIS_PASSWORD"])
    assert mount.volume == {
        "name": "password",
        "secret": {
            "secret_name": "archesai-redis",
            "default_mode": 0o440,
            "items": [{"key": "REDIS_PASSWORD", "path": "REDIS_PASSWORD"}],
        },
    }
    assert mount.read_only


def test_a_claim_is_mounted_by_name() -> None:
    assert claim("data", "/data", "archesai-redis-data").volume == {
        "name": "data",
        "persistent_volume_claim": {"claim_name": "archesai-redis-data"},
    }
