from __future__ import annotations

import pytest

from archesai_infra.kube.images import image_pull_policy, image_reference

DIGEST = "sha256:" + "0" * 64
MIRROR = "registry.example.com/mirror"


def test_an_image_is_repository_and_tag() -> None:
    assert image_reference("archesai/api", "v1.0.0", None, None) == "archesai/api:v1.0.0"


def test_a_digest_stands_beside_the_tag() -> None:
    assert image_reference("archesai/api", "v1.0.0", DIGEST, None) == f"archesai/api:v1.0.0@{DIGEST}"


@pytest.mark.parametrize(
    ("repository", "mirrored"),
    [
        ("redis", "redis"),
        ("archesai/api", "archesai/api"),
        ("quay.io/minio/minio", "minio/minio"),
        ("localhost/api", "api"),
        ("registry:5000/team/api", "team/api"),
        ("mcr.microsoft.com/playwright", "playwright"),
    ],
)
def test_a_mirror_replaces_the_registry_and_keeps_the_path(repository: str, mirrored: str) -> None:
    assert image_reference(repository, "1", None, MIRROR) == f"{MIRROR}/{mirrored}:1"


def test_an_image_with_a_digest_is_pulled_once_and_a_tag_each_time() -> None:
    assert image_pull_policy(f"archesai/api:v1.0.0@{DIGEST}") == "IfNotPresent"
    assert image_pull_policy("archesai/api:v1.0.0") == "Always"
