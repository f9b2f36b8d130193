"""No message repeats a secret value, wherever the value was put by mistake."""

from __future__ import annotations

import json

import pytest

from archesai_infra.credentials import Credential
from archesai_infra.stack.config import ConfigError, RawConfig, load

VALUE = "Correct_Horse!"


def message(values: dict[str, str], secret: set[str]) -> str:
    with pytest.raises(ConfigError) as caught:
        load(RawConfig("dev", {"environment": "development"} | values, frozenset(secret)))
    return str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"domain": VALUE}, id="in place of a host name"),
        pytest.param({"redis": json.dumps({"size": VALUE})}, id="in place of a quantity"),
        pytest.param({"redis": VALUE}, id="in place of an object"),
        pytest.param({"api": json.dumps({"settings": {"redis.ca": VALUE, VALUE: 1}})}, id="in a free setting"),
        pytest.param({"namespace": "default"}, id="in a valid value that another rule refuses"),
        pytest.param(
            {"api": json.dumps({"autoscaling": {"minReplicas": 7, "maxReplicas": 5}})},
            id="in values that do not fit together",
        ),
        pytest.param({"databasePasword": VALUE}, id="in a misspelt credential"),
    ],
)
def test_a_decrypted_value_in_the_wrong_place_stays_unsaid(values: dict[str, str]) -> None:
    said = message(values, set(values))
    assert next(iter(values)) in said
    assert VALUE not in said
    assert "(got" not in said
    assert "(7)" not in said


@pytest.mark.parametrize("credential", sorted(Credential))
def test_a_credential_in_clear_is_refused_by_name_only(credential: str) -> None:
    said = message({credential: VALUE}, set())
    assert f"Pulumi.dev.yaml: {credential}: is stored in plain text: arches config set {credential}" in said
    assert VALUE not in said


@pytest.mark.parametrize("text", [VALUE, json.dumps([VALUE]), json.dumps({"auth google": VALUE}), '{"a": {"b": 1}}'])
def test_unreadable_secret_settings_say_the_form_they_need(text: str) -> None:
    assert message({"apiSecretSettings": text}, {"apiSecretSettings"}) == (
        "Pulumi.dev.yaml: apiSecretSettings: must be a JSON object of dotted path to text, "
        'such as {"auth.google.secret": "…"}'
    )


def test_a_secret_setting_that_something_else_sets_too_is_named_without_its_value() -> None:
    values = {
        "api": json.dumps(
            {"settings": {"a": {"b": "public"}}, "secretSettings": {"c": {"secret": "mine", "key": "c"}}}
        ),
        "apiSecretSettings": json.dumps({"a.b": VALUE, "c": VALUE, "database.url": VALUE, "d": VALUE}),
    }
    assert message(values, {"apiSecretSettings"}) == (
        "Pulumi.dev.yaml: apiSecretSettings: a.b: is also in api.settings; keep only one\n"
        "Pulumi.dev.yaml: apiSecretSettings: c: is also in api.secretSettings; keep only one\n"
        "Pulumi.dev.yaml: apiSecretSettings: database.url: set by other settings of the stack; remove it here"
    )


def test_the_error_carries_no_cause_that_a_traceback_would_print() -> None:
    with pytest.raises(ConfigError) as caught:
        load(RawConfig("dev", {"domain": "a b"}))
    assert caught.value.__suppress_context__
    assert caught.value.__cause__ is None


def test_a_url_with_another_port_than_the_policies_let_out_is_refused_by_its_port_alone() -> None:
    values = {
        "database": json.dumps({"mode": "external"}),
        "databaseUrl": f"postgresql://archesai:{VALUE}@db.example.com:6432/archesai",
    }
    assert message(values, {"databaseUrl"}) == (
        "Pulumi.dev.yaml: database.port: databaseUrl has another port, which network policies must let out: set 6432"
    )
