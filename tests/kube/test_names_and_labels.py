from __future__ import annotations

from archesai_infra.kube.labels import labels, selector
from archesai_infra.kube.names import content_name, object_name


def test_objects_are_named_after_the_application_and_their_part() -> None:
    assert object_name("api") == "archesai-api"


def test_a_name_of_content_is_the_same_on_every_machine() -> None:
    assert content_name("config", {"a": "1", "b": "2"}) == "archesai-config-0e09eeab"
    assert content_name("config", {"b": "2", "a": "1"}) == "archesai-config-0e09eeab"


def test_another_content_is_another_name() -> None:
    names = {content_name("config", {"a": value}) for value in ("1", "2", "12", "")}
    assert len(names) == 4


def test_a_selector_is_name_component_and_instance() -> None:
    assert selector("redis", "dev") == {
        "app.kubernetes.io/name": "archesai",
        "app.kubernetes.io/component": "redis",
        "app.kubernetes.io/instance": "dev",
    }


def test_labels_are_the_selector_and_who_looks_after_it() -> None:
    assert labels("redis", "dev") == selector("redis", "dev") | {
        "app.kubernetes.io/part-of": "archesai",
        "app.kubernetes.io/managed-by": "pulumi",
    }
