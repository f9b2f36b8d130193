"""The software bill of materials: everything that is pinned, under the name that scanners look for."""

from __future__ import annotations

import re

from archesai_infra import versions
from testbed.stacks import ROOT
from tools.sbom import document, packages


def _purls() -> set[str]:
    return {item["purl"] for item in document("v1.2.3")["components"]}


def test_every_pinned_package_is_listed_once_by_its_version() -> None:
    pins = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE)
    assert len(pins) > 10
    assert {f"pkg:pypi/{name.lower()}@{version}" for name, version in pins} - _purls() == set()


def test_images_and_charts_are_listed_with_their_registry_and_tag() -> None:
    purls = _purls()
    assert any(
        purl.startswith("pkg:oci/velero?repository_url=docker.io%2Fvelero%2Fvelero&") and versions.VELERO.tag in purl
        for purl in purls
    )
    assert any(purl.startswith("pkg:oci/traefik?repository_url=ghcr.io%2Ftraefik") for purl in purls)


def test_a_hash_is_given_where_a_package_has_one_file_only() -> None:
    one, two = (
        f"a==1 \\\n    --hash=sha256:{'a' * 64}\n",
        f"b==2 \\\n    --hash=sha256:{'b' * 64} \\\n    --hash=sha256:{'c' * 64}\n",
    )
    found = {item["name"]: item.get("hashes") for item in packages(one + two)}
    assert found == {"a": [{"alg": "SHA-256", "content": "a" * 64}], "b": None}


def test_the_document_names_the_program_and_its_version() -> None:
    assert document("v1.2.3")["metadata"]["component"] == {
        "type": "application",
        "name": "archesai-infra",
        "version": "v1.2.3",
    }
