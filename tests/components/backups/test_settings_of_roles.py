"""Settings of the database and its roles: a restore brings them back with the rights of whom they are for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from archesai_infra.components.backups import scripts
from testbed.backups import postgres_server, rendered, servers
from testbed.backups.postgres_server import Postgres

pytestmark = pytest.mark.long

SETTINGS = """
ALTER DATABASE archesai SET app.tenant = 'it''s';
ALTER DATABASE archesai SET search_path = "Odd, schema", public;
ALTER ROLE app SET statement_timeout = '7s';
ALTER ROLE app IN DATABASE archesai SET work_mem = '9MB';
ALTER ROLE app SET log_min_duration_statement = 1;
ALTER ROLE admin SET work_mem = '11MB'
"""
FOUND = """SELECT string_agg(concat_ws(' ', nullif(setrole, 0)::regrole, setdatabase <> 0, setting), E'\n'
    ORDER BY setrole::regrole::text, setting)
  FROM pg_db_role_setting, unnest(setconfig) AS setting
  WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory with the volume and the scripts of the dump pod."""
    with servers.place() as path:
        (path / "volume").mkdir()
        if os.geteuid() == 0:
            shutil.chown(path / "volume", servers.UNPRIVILEGED)
        rendered.write_scripts("dump-scripts", path)
        yield path


def _environment(home: Path, url: str, **more: str) -> dict[str, str]:
    container = rendered.container("StatefulSet", "archesai-dump", "postgres")
    own = {"SCRIPTS": str(home / "dump-scripts"), "BACKUP_DIR": str(home / "volume"), "DATABASE_URL": url}
    own["ADMINISTRATOR_PASSWORD"] = postgres_server.Postgres.password
    return rendered.plain_environment(container) | own | more


@pytest.fixture
def dumped(home: Path) -> Iterator[Postgres]:
    """A server with settings, whose database was dumped."""
    with postgres_server.postgres() as server:
        server.sql(f"CREATE ROLE app LOGIN; ALTER DATABASE {server.database} OWNER TO app; CREATE TABLE kept (id int)")
        server.sql(SETTINGS)
        made = servers.call(rendered.hook("database"), _environment(home, server.url))
        assert made.returncode == 0, made.stderr
        yield server


def test_a_restore_in_place_keeps_all_that_the_owner_and_the_roles_may_set(home: Path, dumped: Postgres) -> None:
    before = dumped.sql(FOUND)
    restored = servers.call(scripts.run("restore-database.sh"), _environment(home, dumped.url))
    assert restored.returncode == 0, restored.stderr
    assert dumped.sql(FOUND) == before
    assert 'search_path="Odd, schema", public' in before


def test_on_another_server_what_only_a_superuser_may_set_is_named_and_not_set(home: Path, dumped: Postgres) -> None:
    before = dumped.sql(FOUND).splitlines()
    with postgres_server.postgres() as target:
        restored = servers.call(scripts.run("restore-database.sh"), _environment(home, target.url))
        assert restored.returncode == 0, restored.stderr
        after = target.sql(FOUND).splitlines()
    assert set(before) - set(after) == {"admin f work_mem=11MB", "app f log_min_duration_statement=1"}
    assert "permission denied to set parameter" in restored.stderr
    assert "ALTER ROLE app SET log_min_duration_statement = '1'" in restored.stderr


def test_an_upgrade_sets_all_of_them(home: Path, dumped: Postgres) -> None:
    before = dumped.sql(FOUND)
    with postgres_server.postgres() as target:
        environment = _environment(home, target.url, SETTINGS_RIGHTS="administrator")
        restored = servers.call(scripts.run("restore-database.sh"), environment)
        assert restored.returncode == 0, restored.stderr
        assert target.sql(FOUND) == before
