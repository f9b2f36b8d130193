from __future__ import annotations

from archesai_infra.kube.storage import claim_spec


def test_a_claim_without_class_takes_the_cluster_s_default() -> None:
    assert claim_spec("10Gi", None) == {
        "access_modes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "10Gi"}},
    }


def test_a_claim_may_name_a_class() -> None:
    assert claim_spec("10Gi", "ssd").get("storage_class_name") == "ssd"
