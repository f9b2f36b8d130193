"""What no stack file may say, and what production refuses: images, registries, and credentials in plain text."""

from __future__ import annotations

from typing import Any

import pytest

from archesai_infra.stack.config import ConfigError, load
from archesai_infra.stack.posture import FLOATING
from testbed.stacks import DEVELOPMENT, Config, raw, render, shipped_config

PRODUCTION = shipped_config("prod")


def _problems(config: Config) -> list[str]:
    try:
        load(raw(config))
    except ConfigError as error:
        return error.reasons
    return []


def _api(**settings: Any) -> Config:  # noqa: ANN401 - JSON
    return PRODUCTION | {"api": PRODUCTION["api"] | settings}


@pytest.mark.parametrize("tag", FLOATING)
def test_a_tag_that_names_no_version_is_refused_in_production(tag: str) -> None:
    assert (
        f"Pulumi.dev.yaml: api.image.tag: {tag} is refused in production: pin a version, such as v1.0.0"
        in _problems(_api(image={"tag": tag}))
    )
    assert _problems(_api(image={"tag": tag, "digest": "sha256:" + 64 * "a"})) == []


def test_an_image_of_a_registry_that_is_not_listed_is_refused_in_production_with_the_key_that_lists_it() -> None:
    foreign = _api(image={"repository": "evil.example/a", "tag": "v1"})
    assert _problems(foreign) == [
        (
            "Pulumi.dev.yaml: api.image.repository: registry evil.example is not listed: "
            "take an image of a listed one, or add it to security.registries"
        )
    ]
    listed = foreign | {"security": PRODUCTION["security"] | {"registries": ["docker.io", "evil.example"]}}
    assert "api.image" not in "".join(_problems(listed))


def test_a_mirror_is_listed_by_being_set_and_its_objects_say_so_to_the_policies() -> None:
    mirrored = DEVELOPMENT | {"images": {"registry": "mirror.example.com/proxy"}}
    listed = {
        (item["metadata"].get("annotations") or {}).get("archesai.com/registries")
        for item in render(mirrored).objects
        if item["kind"] == "Deployment"
    }
    assert [text for text in listed if text is None or "mirror.example.com" not in text] == []


@pytest.mark.parametrize("name", ["token", "apiKey", "secret", "password", "clientSecret", "access_key"])
def test_a_credential_among_the_apis_settings_is_refused_with_both_ways_out(name: str) -> None:
    found = _problems(_api(settings={"intelligence": {"llm": {name: "made-up-value"}}}))
    assert found == [
        (
            f"Pulumi.dev.yaml: api.settings.intelligence.llm.{name}: is a credential and would be readable in a "
            "ConfigMap: set it in the secret apiSecretSettings, or name a Secret in api.secretSettings"
        )
    ]
    assert "made-up-value" not in "".join(found)


@pytest.mark.parametrize(
    "value", [{"llm": {"endpoint": "https://user:made-up@llm.example.com"}}, {"llm": {"password": "made-up"}}]
)
def test_development_refuses_credentials_in_clear_too(value: Config) -> None:
    assert len(_problems(DEVELOPMENT | {"api": {"settings": {"intelligence": value}}})) == 1


@pytest.mark.parametrize(
    "value", [{"llm": {"maxTokens": "100"}}, {"llm": {"endpoint": "https://llm.example.com"}}, {"llm": {"token": ""}}]
)
def test_what_is_no_credential_is_taken(value: Config) -> None:
    assert _problems(DEVELOPMENT | {"api": {"settings": {"intelligence": value}}}) == []


def test_an_annotation_or_a_parameter_with_a_password_is_refused() -> None:
    url = "https://user:made-up@auth.example.com"
    annotated = PRODUCTION | {"ingress": PRODUCTION["ingress"] | {"annotations": {"a/auth-url": url}}}
    assert len(_problems(annotated)) == 1
    parameters = {"postgres": {"parameters": {"primary_conninfo": "postgresql://user:made-up@other"}}}
    assert len(_problems(PRODUCTION | {"database": PRODUCTION["database"] | parameters})) == 1


def test_production_wants_an_object_storage_that_outlives_a_machine_or_a_word_that_it_need_not() -> None:
    bare = {"storage": {"enabled": True}}
    (problem,) = _problems(PRODUCTION | bare)
    assert problem.startswith("Pulumi.dev.yaml: storage.mode: managed is one pod on one volume, and so one machine")
    assert "storage.acceptSingleNode: true" in problem
    assert _problems(PRODUCTION | {"storage": {"enabled": True, "acceptSingleNode": True}}) == []
    external = {"enabled": True, "mode": "external", "host": "s3.example.com", "existingSecret": "keys"}
    ingress = PRODUCTION["ingress"] | {"hosts": {"api": "api", "platform": "platform"}}
    assert _problems(PRODUCTION | {"storage": external, "ingress": ingress}) == []
    assert _problems(DEVELOPMENT | bare) == []
