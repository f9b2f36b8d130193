"""What the scripts of jobs make of a URL: nothing secret on a command line, and no character lost."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from archesai_infra.components.backups import scripts

SOURCE = Path(scripts.__file__).parent / "scripts" / "connection.sh"
SHOW = '. "$1"; connect "$2"; printf "%s\\n%s" "$url" "$PGPASSWORD"'
SERVER = "postgresql://arches{}@db.example.com:5432/archesai{}"


def connected(url: str) -> subprocess.CompletedProcess[str]:
    """The URL that libpq gets, and the password in the environment, a line each."""
    return subprocess.run(["sh", "-c", SHOW, "sh", SOURCE, url], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("user", "query", "left", "password"),
    [
        (":a%41%2F", "?sslmode=require", "?sslmode=require", "aA/"),
        ("", "?password=a%26b&sslmode=require", "?sslmode=require", "a&b"),
        ("", "?sslmode=require&password=%24(id)%60", "?sslmode=require", "$(id)`"),
        (":first", "?password=second", "", "second"),
        ("", "", "", ""),
    ],
)
def test_a_password_is_moved_from_wherever_it_stands_in_the_url_and_kept_as_it_is(
    user: str, query: str, left: str, password: str
) -> None:
    done = connected(SERVER.format(user, query))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n") == [SERVER.format("", left), password]


@pytest.mark.parametrize("escape", ["%00", "%0A", "%0d", "%1f", "%7F"])
def test_control_characters_of_a_password_are_refused_and_not_lost(escape: str) -> None:
    for url in (SERVER.format(f":a{escape}b", ""), SERVER.format("", f"?password=a{escape}b")):
        done = connected(url)
        assert done.returncode != 0
        assert "control character" in done.stderr
        assert done.stdout == ""
