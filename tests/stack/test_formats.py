"""Images that would misread the data of the ones before."""

from __future__ import annotations

import pytest

from archesai_infra.credentials import Credentials
from archesai_infra.stack.deploy import deploy
from archesai_infra.stack.formats import (
    FORMATS,
    MAJORS,
    formats,
    majors,
    recorded_formats,
    require_readable,
    require_same_formats,
)
from archesai_infra.stack.protection import ProtectedError
from archesai_infra.stack.recorded import from_outputs
from testbed.stacks import Config, render

NEWER = {"database": {"image": {"tag": "0.8.6-pg17-bookworm"}}}
REDIS: Config = {"redis": {"enabled": True}}
CLUSTER: Config = {
    "cluster": {"apiServer": ["10.96.0.1/32"]},
    "database": {"mode": "cluster"},
}


def _redis(repository: str | None, tag: str) -> Config:
    return {"redis": {"enabled": True, "image": {"repository": repository, "tag": tag}}}


def _database(tag: str) -> Config:
    return {"database": {"image": {"tag": tag}}}


def _judge(before: Config, after: Config) -> None:
    require_same_formats(recorded_formats(render(before).outputs), formats(render(after).settings))


def test_a_stack_records_what_wrote_its_data() -> None:
    outputs = render(REDIS).outputs
    assert outputs[FORMATS] == {"archesai-postgres-data": "Debian bookworm", "archesai-redis-data": "redis 7.4"}
    assert render(CLUSTER).outputs[FORMATS] == {"archesai-db-1": "Debian trixie"}
    replicated = render({"redis": {"enabled": True, "mode": "replicated"}}).outputs[FORMATS]
    assert replicated["archesai-redis-replicated"] == "valkey 9.1"


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({}, _database("0.8.6-pg16-trixie"), r"archesai-postgres-data .* Debian bookworm, and Debian trixie sorts"),
        (_database("pg16-alpine3.20"), {}, r"C library of Alpine, and Debian bookworm sorts"),
        (CLUSTER, CLUSTER | {"database": {"mode": "cluster", "cluster": {"image": {"tag": "16.15-standard-bookworm"}}}},
         r"archesai-db-1 .* Debian trixie, and Debian bookworm sorts .* by a dump"),
        (REDIS, _redis(None, "7.2.5"), r"archesai-redis-data were written by redis 7.4, and redis 7.2 does not read"),
        (REDIS, _redis("valkey/valkey", "8.1.0"), r"written by redis 7.4, and valkey 8.1 does not read them"),
    ],
)  # fmt: skip
def test_an_image_that_would_misread_the_data_is_refused_with_the_way(
    before: Config, after: Config, reason: str
) -> None:
    with pytest.raises(ProtectedError, match=reason):
        _judge(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, _database("0.9.1-pg16-bookworm")),
        (_database("pg16-alpine3.20"), _database("pg16-alpine3.21")),
        ({}, {"database": {"image": {"tag": "0.8.6-pg16-trixie"}, "claimName": "archesai-postgres-16-trixie"}}),
        ({}, _database("16.4")),
        (REDIS, _redis(None, "8.2.1-alpine")),
        (REDIS, _redis("registry.example.com/cache", "1.0")),
        (_redis("docker.io/valkey/valkey", "8.1"), _redis("mirror.example.com:5000/valkey", "9.0")),
    ],
)
def test_images_that_read_the_data_are_taken_and_so_are_those_that_do_not_say(before: Config, after: Config) -> None:
    _judge(before, after)


def test_a_stack_of_a_release_that_recorded_nothing_is_judged_by_its_images() -> None:
    outputs = {key: value for key, value in render(REDIS).outputs.items() if key != FORMATS}
    assert recorded_formats(outputs) == render(REDIS).outputs[FORMATS]
    assert recorded_formats({}) == {}


def test_the_program_itself_refuses_another_system_before_it_declares_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulumi.runtime.is_dry_run", lambda: True)
    after = render(_database("0.8.6-pg16-trixie")).settings
    with pytest.raises(ProtectedError, match="sorts otherwise"):
        deploy(after, Credentials(), "dev", before=from_outputs(render().outputs))


def test_what_was_recorded_of_other_claims_stays() -> None:
    before = from_outputs(render(REDIS).outputs)
    moved = {"database": {"image": {"tag": "0.8.6-pg16-trixie"}, "claimName": "archesai-postgres-16-trixie"}}
    kept = {**before.formats, **formats(render(moved).settings)}
    assert kept == {
        "archesai-postgres-data": "Debian bookworm",
        "archesai-postgres-16-trixie": "Debian trixie",
        "archesai-redis-data": "redis 7.4",
    }


def test_another_major_version_of_postgres_is_refused_over_the_data_of_the_first() -> None:
    before = from_outputs(render().outputs)
    assert before.majors == {"archesai-postgres-data": "16"}
    require_readable(before.majors, majors(render({"database": {"image": {"tag": "0.9.1-pg16-bookworm"}}}).settings))
    with pytest.raises(ProtectedError, match=r"holds data of PostgreSQL 16, which version 17 does not read.*new claim"):
        require_readable(before.majors, majors(render(NEWER).settings))


def test_another_claim_takes_another_major_version_and_the_way_back_stays_open() -> None:
    first = from_outputs(render().outputs)
    moved = render({"database": NEWER["database"] | {"claimName": "archesai-postgres-17"}})
    require_readable(first.majors, majors(moved.settings))
    after = {**first.majors, **majors(moved.settings)}
    assert after == {"archesai-postgres-data": "16", "archesai-postgres-17": "17"}
    require_readable(after, majors(render().settings))


def test_a_stack_of_a_release_that_recorded_no_version_is_judged_by_its_image() -> None:
    recorded = {key: value for key, value in render().outputs.items() if key != MAJORS}
    with pytest.raises(ProtectedError, match="holds data of PostgreSQL 16"):
        require_readable(from_outputs(recorded).majors, majors(render(NEWER).settings))


def test_the_program_itself_refuses_another_major_version_before_it_declares_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pulumi.runtime.is_dry_run", lambda: True)
    with pytest.raises(ProtectedError, match="does not read"):
        deploy(render(NEWER).settings, Credentials(), "dev", before=from_outputs(render().outputs))
