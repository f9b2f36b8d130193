"""A stack file means what is written in it, or is refused with the line and the cure."""

from __future__ import annotations

import json
from contextvars import copy_context
from pathlib import Path

import pulumi
import pytest

from archesai_infra.stack.config import ConfigError, RawConfig, load
from archesai_infra.stack.stack_file import from_engine
from archesai_infra.stack.strict_yaml import UnreadableError, parse
from testbed.stack_files import DEVELOPMENT, placed_reasons, settings, write

HEAD = "config:\n  archesai:environment: development\n"


def wrong(directory: Path, text: str) -> list[str]:
    """What is wrong with a file of the development stack with these lines more."""
    (directory / "Pulumi.dev.yaml").write_text(HEAD + text, encoding="utf-8")
    return [reason.removeprefix("Pulumi.dev.yaml") for reason in placed_reasons(directory)]


@pytest.mark.parametrize(
    "written",
    ["0123", "0o17", "0x1f", "0b11", "2024_10", "12:30:45", "1e3", "123456e7", "089", ".5", "+5", "-0", ".inf", ".nan"],
)
def test_a_number_that_readers_rewrite_is_refused_with_the_cure(written: str, tmp_path: Path) -> None:
    assert wrong(tmp_path, f"  archesai:api: {{image: {{tag: {written}}}}}\n") == [
        f':3:26: api.image.tag: is a number that readers of YAML rewrite: write it in quotes: "{written}"'
    ]


def test_a_decimal_number_is_no_tag_and_is_shown_as_it_is_written(tmp_path: Path) -> None:
    assert wrong(tmp_path, "  archesai:api:\n    image:\n      tag: 1.10\n") == [
        ':5:7: api.image.tag: is a number to YAML: write it in quotes: "1.10"'
    ]


@pytest.mark.parametrize("written", ["2024-01-15", "2024-1-5", "2024-01-15T10:00:00Z"])
def test_a_date_is_no_tag(written: str, tmp_path: Path) -> None:
    assert wrong(tmp_path, f"  archesai:api: {{image: {{tag: {written}}}}}\n") == [
        f':3:26: api.image.tag: is a date: write it in quotes: "{written}"'
    ]


@pytest.mark.parametrize("written", ["yes", "No", "on", "OFF", "True", "FALSE", "y"])
def test_words_that_only_some_readers_take_for_a_boolean_are_refused(written: str, tmp_path: Path) -> None:
    assert wrong(tmp_path, f"  archesai:redis: {{enabled: {written}}}\n") == [
        f':3:20: redis.enabled: write true or false, or text in quotes: "{written}"'
    ]


@pytest.mark.parametrize(
    ("value", "kept"), [('"1.10"', "1.10"), ("'0123'", "0123"), ("v1.0", "v1.0"), ("7", "7"), ("!!str 1.10", "1.10")]
)
def test_text_stays_as_it_is_written(value: str, kept: str, tmp_path: Path) -> None:
    assert settings(tmp_path, DEVELOPMENT, f"archesai:api: {{image: {{tag: {value}}}}}").api.image.tag == kept


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "  archesai:redis: {enabled: true}\n  archesai:redis: {size: 3Gi}\n",
            ":4:3: redis: stands twice; the first is in line 3",
        ),
        (
            "  archesai:api:\n    replicas: 3\n    replicas: 1\n",
            ":5:5: api.replicas: stands twice; the first is in line 4",
        ),
        ("config: {}\n", ":3:1: config: stands twice; the first is in line 1"),
        ("  archesai:api: &api {settings: {x: *api}}\n", ":3:17: api.settings.x: an alias refers to what contains it"),
        (
            "  archesai:api: {settings: {on: 1}}\n",
            ':3:29: api.settings.on: the key is not text to YAML: write it in quotes: "on"',
        ),
        ("  archesai:api: {settings: {[a]: 1}}\n", ":3:29: api.settings: a key must be text"),
        ("  archesai:api: {<<: 5}\n", ":3:22: api: << takes the keys of a mapping; this is not a mapping"),
        (
            "  archesai:domain: 'arches\r.example.com'\n",
            ":3:3: domain: spans several lines, which YAML joins with spaces: write it in one line",
        ),
        ("  archesai:namespace: 1.10\n", ':3:3: namespace: is a number to YAML: write it in quotes: "1.10"'),
        ("confg: {}\n", ":3:1: confg: unknown key; did you mean config?"),
        (
            "  kubernetes:context: staging\n",
            ": config.kubernetes:context: has no effect here: remove it and set archesai:cluster: {context: …}",
        ),
        (
            "  archesai:api: {kubernetesAccess: 1}\n",
            ":3:18: api.kubernetesAccess: must be true or false (got 1)",
        ),
        ("  archesai:api: {replicas: true}\n", ":3:18: api.replicas: must be a whole number (got true)"),
        (
            "  archesai:api: {scheduling: {nodeSelector: {zone: 5}}}\n",
            ':3:46: api.scheduling.nodeSelector.zone: must be text: write it in quotes: "5"',
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_its_place(text: str, message: str, tmp_path: Path) -> None:
    assert wrong(tmp_path, text) == [message]


def test_an_environment_of_pulumi_esc_is_refused(tmp_path: Path) -> None:
    (reason,) = wrong(tmp_path, "environment: [acme-prod]\n")
    assert reason.startswith(":3:1: environment: Pulumi ESC environments are not supported")


def test_a_missing_key_has_the_place_of_its_group(tmp_path: Path) -> None:
    reasons = wrong(tmp_path, "  archesai:storage:\n    enabled: true\n    mode: external\n")
    assert reasons == [":3:3: storage.host: is required"]


def test_merge_keys_bring_what_the_group_does_not_set(tmp_path: Path) -> None:
    write(tmp_path, DEVELOPMENT)
    built = settings(
        tmp_path,
        DEVELOPMENT,
        "archesai:api: &base {replicas: 2, logLevel: warn}",
        "archesai:platform: {replicas: 3}",
        "archesai:scraper: {enabled: false}",
        "archesai:unstructured: {<<: {replicas: 4, enabled: true}, replicas: 2}",
    )
    assert (built.unstructured.enabled, built.unstructured.replicas) == (True, 2)


def test_other_programs_values_may_be_written_in_any_way(tmp_path: Path) -> None:
    assert wrong(tmp_path, "  aws:profile: 0123\n  other:since: 2024-01-15\nencryptionsalt: v1:abc\n") == []


@pytest.mark.parametrize("stack", ["Prod", "team.a", "a" * 41, "-x"])
def test_a_stack_name_that_kubernetes_would_refuse_is_refused(stack: str) -> None:
    with pytest.raises(ConfigError, match="the stack's name must be lower-case letters"):
        load(RawConfig(stack, {"environment": "development"}))


def test_another_project_name_is_refused_where_the_keys_would_not_be_found(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: infra\nruntime: python\n", encoding="utf-8")
    assert wrong(tmp_path, "") == [
        ": Pulumi.yaml: name must be archesai, by which the engine finds the keys (now infra)"
    ]


@pytest.mark.parametrize("text", ["[" * 5000, "a: *b", "a: b: c", "\x07", "%", "a: 'x"])
def test_text_that_is_not_yaml_is_one_error(text: str) -> None:
    with pytest.raises(UnreadableError):
        parse(text)


def test_aliases_cannot_grow_without_bounds() -> None:
    levels = "\n".join(f"k{n}: &k{n} [{', '.join([f'*k{n - 1}'] * 9)}]" for n in range(1, 9))
    with pytest.raises(UnreadableError, match="more than 100000 values"):
        parse(f"k0: &k0 [x, x, x, x, x, x, x, x, x]\n{levels}\n")


@pytest.mark.parametrize(
    ("line", "handed", "message"),
    [
        ("archesai:api: {image: {tag: 0123}}", '{"image":{"tag":83}}', "api.image.tag: is a number that readers"),
        ("archesai:api: {image: {tag: 1.10}}", '{"image":{"tag":1.1}}', 'write it in quotes: "1.10"'),
    ],
)
def test_the_engine_is_told_the_same_about_a_file_although_it_hands_over_another_number(
    line: str, handed: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, DEVELOPMENT, line)
    (offline,) = placed_reasons(tmp_path)
    monkeypatch.chdir(tmp_path)
    config = {"archesai:environment": "development", "archesai:api": handed}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(config))
    monkeypatch.setattr("pulumi.get_stack", lambda: "dev")

    def as_the_language_host() -> None:
        pulumi.runtime.set_all_config(config, [])
        load(from_engine())

    with pytest.raises(ConfigError) as refused:
        copy_context().run(as_the_language_host)
    assert refused.value.reasons == [offline]
    assert message in offline
