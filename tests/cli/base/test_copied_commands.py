"""Commands that a person copies from the screen during an incident: each stands whole on one line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archesai_infra.cli.base.console import print_lines
from archesai_infra.cli.base.errors import Exit
from archesai_infra.cli.base.failure import Failure
from archesai_infra.cli.base.tables import print_table
from archesai_infra.cli.base.wrapping import wrapped
from archesai_infra.cli.doctor import examination
from archesai_infra.cli.doctor.report import problem
from archesai_infra.cli.status import show
from archesai_infra.cli.status.report import look
from testbed.cli.answers import Answers
from testbed.cli.screens import screen
from testbed.matrix import EVERYTHING, ON
from testbed.stacks import render

PLACE = "kubectl --context production-cluster-eu --namespace archesai"
COMMANDS = [
    "arches backup restore --from archesai-prod-hourly-20261126170000 --module database --stack prod",
    f"{PLACE} get all,pvc --selector app.kubernetes.io/component=database,app.kubernetes.io/name=archesai",
    f"{PLACE} create secret generic archesai-backups-cloud --from-file=cloud=cloud",
    """arches config set cluster.apiServer '["10.96.0.1/32", "192.0.2.10/32", "192.0.2.11/32"]'""",
    f"{PLACE} exec statefulset/archesai-postgres -- sh -c 'stat -c %u $PGDATA; df (all) `pwd`'",
    'arches config set api.settings.greeting "a text of several words, with a comma"',
    "arches logs api --previous --stack prod",
]
PROSE = st.lists(st.text("abcde", min_size=1, max_size=12), max_size=12).map(" ".join)
WIDTHS = st.sampled_from([80, 120])


@given(st.sampled_from(COMMANDS), PROSE, PROSE, WIDTHS)
def test_no_line_ends_inside_of_a_command(command: str, before: str, after: str, width: int) -> None:
    assert sum(command in line for line in wrapped(f"{before}: {command}; {after}", width)) == 1


@given(st.sampled_from(COMMANDS), PROSE, WIDTHS)
@settings(max_examples=25)
def test_no_printer_ends_a_line_inside_of_a_command(command: str, before: str, width: int) -> None:
    text = f"{before}: {command}; and so on"
    with screen(width) as shown:
        print_lines([text])
        Failure(text, Exit.FOUND).report(json=False)
        examination._print(problem("reachability", text, text))
        for names in (["a", "b"], ["archesai-database-exporter", "PartiallyFailed"]):
            print_table(["Object", "Status", ""], [[*names, text]])
    assert sum(command in line for line in shown.lines) == 6, shown.getvalue()


@pytest.mark.parametrize("columns", [80, 120])
def test_the_names_of_pods_and_images_in_a_table_are_whole(columns: int) -> None:
    pod, image = (
        "archesai-platform-5b58bfbbdb-lxvw8",
        "downloads.unstructured.io/unstructured-io/unstructured-api:0.1.2",
    )
    claim = "PersistentVolumeClaim archesai-database-cluster-data"
    with screen(columns) as shown:
        print_table(["Status", "Module", "Object", ""], [["warning", "database", claim, f"rolling, {image}: {pod}"]])
    words = {word.strip(",:") for line in shown.lines for word in line.split()}
    assert {pod, image, claim.partition(" ")[2]} <= words


@pytest.mark.parametrize("columns", [80, 120])
def test_a_command_that_just_fits_a_table_is_whole_like_one_that_just_does_not(columns: int) -> None:
    for length in range(columns):
        command = f"arches logs api --stack {'x' * length}"
        with screen(columns) as shown:
            print_table(["Object", "Status", ""], [["archesai-api", "problem", f"why: {command}"]])
        assert sum(command in line for line in shown.lines) == 1, shown.getvalue()


@given(PROSE, WIDTHS)
@settings(max_examples=25)
def test_text_without_a_command_fits_the_terminal(text: str, width: int) -> None:
    with screen(width) as shown:
        examination._print(problem("reachability", text, text))
        print_table(["Object", ""], [["api", text]])
    assert all(len(line) <= width for line in shown.lines)


@pytest.mark.parametrize("columns", [80, 120])
def test_what_the_status_suggests_is_copied_in_one_piece(columns: int) -> None:
    evaluation = render(EVERYTHING | {"backups": ON | {"bucket": "elsewhere", "existingSecret": "cloud"}})
    cluster = Answers(list(evaluation.objects))
    lines = [*look(cluster, evaluation, "dev", datetime.now(UTC))]
    suggested = {line.next for line in lines if line.next}
    assert len(suggested) > 5
    with screen(columns, NO_COLOR="1") as shown:
        show._print(cluster, evaluation, "dev", lines)
    assert "\x1b" not in shown.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "")
    missing = {command for command in suggested if not any(line.endswith(command) for line in shown.lines)}
    assert missing == set()
