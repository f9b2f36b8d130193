"""Dumps of a database whose owner means harm: restores run none of its code with more rights than it has."""

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

ESCALATION = """
CREATE FUNCTION escalate(id int) RETURNS boolean LANGUAGE plpgsql AS $f$
BEGIN
  IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    EXECUTE 'ALTER ROLE app SUPERUSER';
    EXECUTE 'COPY (SELECT 1) TO PROGRAM ''touch {proof}''';
  END IF;
  RETURN true;
END $f$;
CREATE TABLE trap (id int CHECK (public.escalate(id)));
INSERT INTO trap VALUES (1);
CREATE INDEX ON trap ((public.escalate_index(id)));
"""
INDEX_FUNCTION = """
CREATE FUNCTION escalate_index(id int) RETURNS int LANGUAGE sql IMMUTABLE
  AS 'SELECT CASE WHEN public.escalate(id) THEN id END';
"""
NAMES = (
    "$name$",
    r"x$name$; \! touch {proof} #",
    'quo"ted',
    "line\nend",
    "a|b",
    "tab\tbed",
    r"back\slash",
    "CO FROM stdin;",
)


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory with the volume and the scripts of both pods."""
    with servers.place() as path:
        for name in ("volume", "scratch"):
            (path / name).mkdir()
            if os.geteuid() == 0:
                shutil.chown(path / name, servers.UNPRIVILEGED)
        for part in ("dump-scripts", "drill-scripts"):
            rendered.write_scripts(part, path)
        # Both the scripts' user and the server's could write the proof here.
        path.chmod(0o777)
        yield path


@pytest.fixture
def hostile(home: Path) -> Iterator[Postgres]:
    """A server whose application, which is no superuser, has set traps."""
    with postgres_server.postgres() as server:
        server.sql(f"CREATE ROLE app LOGIN PASSWORD 'app'; ALTER DATABASE {server.database} OWNER TO app")
        traps = ESCALATION.format(proof=home / "proof")
        function, _, rest = traps.partition("CREATE TABLE trap")
        server.sql(f"SET ROLE app; {function}{INDEX_FUNCTION}CREATE TABLE trap{rest}")
        for name in NAMES:
            table = '"' + name.replace("{proof}", str(home / "proof")).replace('"', '""') + '"'
            server.sql("; ".join(["SET ROLE app", f"CREATE TABLE {table} AS SELECT generate_series(1, 2) AS id"]))
        yield server


def _environment(home: Path, url: str) -> dict[str, str]:
    container = rendered.container("StatefulSet", "archesai-dump", "postgres")
    own = {"SCRIPTS": str(home / "dump-scripts"), "BACKUP_DIR": str(home / "volume"), "DATABASE_URL": url}
    own["ADMINISTRATOR_PASSWORD"] = postgres_server.Postgres.password
    return rendered.plain_environment(container) | own


def test_neither_a_restore_nor_a_drill_runs_the_application_s_code_as_a_superuser(
    home: Path, hostile: Postgres
) -> None:
    servers.needs("pg_amcheck")
    made = servers.call(rendered.hook("database"), _environment(home, hostile.url))
    assert made.returncode == 0, made.stderr
    with postgres_server.postgres() as target:
        target.sql("CREATE ROLE app LOGIN")
        restored = servers.call(scripts.run("restore-database.sh"), _environment(home, target.url))
        assert restored.returncode == 0, restored.stderr
        assert target.sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'app'") == "f"
        assert target.sql("SELECT count(*) FROM trap") == "1"
        assert target.sql('SELECT count(*) FROM "line\nend"') == "2"
        assert target.sql("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'archesai_restore%'") == "0"
    container = rendered.container("CronJob", "archesai-backups-drill", "drill")
    own = {name: str(home / place) for name, place in
           (("SCRIPTS", "drill-scripts"), ("BACKUP_DIR", "volume"), ("SCRATCH", "scratch"))}  # fmt: skip
    drilled = servers.call(container["command"], rendered.plain_environment(container) | own)
    assert drilled.returncode == 0, drilled.stderr
    assert not (home / "proof").exists()


def test_a_search_path_of_the_application_leads_no_superuser_to_its_functions(home: Path, hostile: Postgres) -> None:
    for name in ("current_setting(text)", "format(text, name)", "format(text, text)", "pg_get_userbyid(oid)"):
        hostile.sql(
            f"""SET ROLE app; CREATE FUNCTION public.{name} RETURNS text LANGUAGE plpgsql AS $f$
            BEGIN PERFORM public.escalate(1); RETURN ''; END $f$"""
        )
    hostile.sql(f"ALTER DATABASE {hostile.database} SET search_path = public, pg_catalog")
    environment = _environment(home, hostile.url)
    made = servers.call(rendered.hook("database"), environment)
    assert made.returncode == 0, made.stderr
    restored = servers.call(scripts.run("restore-database.sh"), environment)
    assert restored.returncode == 0, restored.stderr
    assert hostile.sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'app'") == "f"
    assert not (home / "proof").exists()


def test_a_missing_row_is_found_in_a_table_of_any_name(home: Path, hostile: Postgres) -> None:
    assert servers.call(rendered.hook("database"), _environment(home, hostile.url)).returncode == 0
    (tables,) = (home / "volume").glob("database/*/tables")
    text = tables.read_text()
    assert "\n2\tpublic\tline\\nend\n" in f"\n{text}"
    tables.write_text(text.replace("2\tpublic\tline\\nend", "3\tpublic\tline\\nend"))
    with postgres_server.postgres() as target:
        restored = servers.call(scripts.run("restore-database.sh"), _environment(home, target.url))
    assert restored.returncode != 0
    assert "rows differ in public.line\nend: 3 in the dump, 2 restored" in restored.stderr


def test_a_restore_that_would_fill_the_volume_is_refused_before_it_writes(home: Path, hostile: Postgres) -> None:
    assert servers.call(rendered.hook("database"), _environment(home, hostile.url)).returncode == 0
    (size,) = (home / "volume").glob("database/*/bytes")
    assert int(size.read_text()) > 1_000_000
    size.write_text(str(10**16))
    before = hostile.sql("SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database")
    restored = servers.call(scripts.run("restore-database.sh"), _environment(home, hostile.url))
    assert restored.returncode == 65
    assert "set a larger database.size; nothing was changed" in restored.stderr
    assert hostile.sql("SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database") == before


def test_the_database_comes_back_with_its_locale_provider_and_privileges(home: Path) -> None:
    with postgres_server.postgres() as source:
        if source.sql("SELECT count(*) > 0 FROM pg_collation WHERE collprovider = 'i'") != "t":
            pytest.skip("this PostgreSQL is built without ICU")
        source.sql(
            "CREATE DATABASE sorted TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de-u-kn-true'",
            database="postgres",
        )
        source.sql("CREATE TABLE names (name text)", database="sorted")
        source.sql("INSERT INTO names VALUES ('a10'), ('a9')", database="sorted")
        source.sql(
            "CREATE ROLE reader; REVOKE ALL ON DATABASE sorted FROM PUBLIC; GRANT CONNECT ON DATABASE sorted TO reader",
            database="postgres",
        )
        named = Postgres(source.directory, source.port, source.password, "sorted")
        made = servers.call(rendered.hook("database"), _environment(home, named.url))
        assert made.returncode == 0, made.stderr
    with postgres_server.postgres() as target:
        restored = servers.call(scripts.run("restore-database.sh"), _environment(home, target.url))
        assert restored.returncode == 0, restored.stderr
        assert target.sql("SELECT string_agg(name, ' ' ORDER BY name) FROM names") == "a9 a10"
        assert target.sql("SELECT datlocprovider FROM pg_database WHERE datname = current_database()") == "i"
        assert target.sql("SELECT has_database_privilege('reader', current_database(), 'CONNECT')") == "t"
        assert (
            target.sql("CREATE ROLE stranger; SELECT has_database_privilege('stranger', current_database(), 'CONNECT')")
            == "f"
        )


def test_an_older_client_than_the_server_is_refused_with_the_setting(home: Path, hostile: Postgres) -> None:
    programs = home / "programs"
    programs.mkdir()
    (programs / "pg_dump").write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 12.22 (Debian 12.22-1)'\n")
    (programs / "pg_dump").chmod(0o755)
    path = {"PATH": f"{programs}{os.pathsep}{servers.search_path()}"}
    done = servers.call(rendered.hook("database"), _environment(home, hostile.url) | path)
    assert done.returncode == 69
    assert "tools are of version 12 and the server is of 15" in done.stderr
    assert "set backups.dump.image" in done.stderr
