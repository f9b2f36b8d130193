"""The roles that the database's start makes, on a real server that another release of the stack has filled."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from archesai_infra.components.backups import scripts
from testbed.backups import rendered
from testbed.backups.postgres_server import Postgres, postgres
from testbed.backups.servers import UNPRIVILEGED, call, mounted, needs, place
from testbed.stacks import ROOT, find, render

SCRIPT = ROOT / "archesai_infra" / "components" / "database" / "scripts" / "sync-password.sh"
BEFORE = """
CREATE SCHEMA billing;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE DOMAIN billing.amount AS numeric CHECK (VALUE >= 0);
CREATE TABLE "Odd name" (id serial PRIMARY KEY, how mood);
CREATE TABLE billing.invoices (id bigint GENERATED ALWAYS AS IDENTITY, total billing.amount) PARTITION BY RANGE (id);
CREATE TABLE billing.invoices_first PARTITION OF billing.invoices FOR VALUES FROM (0) TO (1000);
CREATE VIEW billing.totals AS SELECT sum(total) FROM billing.invoices;
CREATE MATERIALIZED VIEW numbers AS SELECT 1 AS number;
CREATE SEQUENCE lonely;
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2';
CREATE PROCEDURE nothing() LANGUAGE sql AS '';
CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int);
CREATE COLLATION plain FROM "C";
CREATE STATISTICS known ON id, how FROM "Odd name";
CREATE OPERATOR #+ (FUNCTION = int4pl, LEFTARG = int, RIGHTARG = int);
CREATE TEXT SEARCH CONFIGURATION english_too (COPY = english);
SELECT lo_from_bytea(4711, 'large');
INSERT INTO "Odd name" (how) VALUES ('good');
INSERT INTO billing.invoices (total) VALUES (12.5);
ALTER TABLE "Odd name" ENABLE ROW LEVEL SECURITY;
"""
EXTENSIONS = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS fuzzystrmatch;
CREATE EXTENSION IF NOT EXISTS not_in_this_image;
"""
OWNED_BY_THE_SUPERUSER = """
SELECT (pg_identify_object(class, object, 0)).identity FROM (
  SELECT tableoid, oid, relowner FROM pg_class UNION ALL
  SELECT tableoid, oid, typowner FROM pg_type WHERE typcategory <> 'A' UNION ALL
  SELECT tableoid, oid, proowner FROM pg_proc UNION ALL SELECT tableoid, oid, nspowner FROM pg_namespace UNION ALL
  SELECT tableoid, oid, collowner FROM pg_collation UNION ALL SELECT tableoid, oid, oprowner FROM pg_operator UNION ALL
  SELECT tableoid, oid, cfgowner FROM pg_ts_config UNION ALL SELECT tableoid, oid, stxowner FROM pg_statistic_ext
  UNION ALL SELECT tableoid, oid, lomowner FROM pg_largeobject_metadata) AS found (class, object, owner)
WHERE object >= 16384 AND owner = 'admin'::regrole AND (pg_identify_object(class, object, 0)).schema !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = class AND d.objid = object AND d.deptype = 'e')
"""


@dataclass
class Stack:
    """A server and the Secret of its stack."""

    server: Postgres
    secrets: Path
    directory: Path

    def follow(self) -> None:
        """Run the start's hook, as the user that the server runs as."""
        variables = {
            "POSTGRES_USER": "admin",
            "POSTGRES_DB": self.server.database,
            "POSTGRES_PASSWORD_FILE": str(self.secrets / "POSTGRES_PASSWORD"),
            # The image trusts its socket; here the password stands in for it.
            "PGSOCKETS": "127.0.0.1",
            "PGPASSWORD": self.server.password,
            "PGPORT": str(self.server.port),
            "INIT_FILES": str(self.directory),
        }
        done = call(["/bin/sh", str(self.directory / SCRIPT.name)], variables, directory=self.directory)
        assert done.returncode == 0, done.stdout + done.stderr

    def url(self, key: str) -> str:
        """A URL of the Secret, for the server's real port."""
        text = (self.secrets / key).read_text(encoding="utf-8")
        return text.replace("archesai-postgres:5432", f"127.0.0.1:{self.server.port}")

    def ask(self, key: str, statement: str) -> str:
        """The answer of the server to a role."""
        words = ["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.url(key)]
        done = call(words, stdin=statement)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def _give(path: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(path, UNPRIVILEGED)


@pytest.fixture(scope="module")
def stack() -> Generator[Stack]:
    """A database that was initialised by the superuser alone, and filled by an api that logged in as it."""
    needs("psql")
    secret = find(render(reveal=True), "Secret", "archesai-database")["stringData"]
    with postgres() as server, place() as directory:
        mounted(SCRIPT, directory)
        (directory / "10-extensions.sql").write_text(EXTENSIONS, encoding="utf-8")
        server.sql(BEFORE)
        server.sql("CREATE EXTENSION pg_trgm")
        secrets = directory / "secrets"
        secrets.mkdir()
        for key, value in secret.items():
            (secrets / key).write_text(server.password if key == "POSTGRES_PASSWORD" else value, encoding="utf-8")
            (secrets / key).chmod(0o440)
            _give(secrets / key)
        (directory / "127.0.0.1").mkdir()
        _give(directory / "127.0.0.1")
        found = Stack(server, secrets, directory)
        found.follow()
        yield found


def test_the_application_owns_what_it_made_and_is_no_superuser(stack: Stack) -> None:
    assert stack.ask("DATABASE_URL", "SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user") == (
        "arches_app|f"
    )
    assert stack.server.sql(OWNED_BY_THE_SUPERUSER).splitlines() == []
    assert (
        stack.server.sql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'archesai'") == "arches_app"
    )
    assert stack.server.sql("SELECT extowner::regrole FROM pg_extension WHERE extname = 'pg_trgm'") == "admin"
    assert stack.server.sql("SELECT DISTINCT proowner::regrole FROM pg_proc WHERE proname = 'similarity'") == "admin"


def test_a_search_path_of_the_application_leads_no_superuser_to_its_functions(stack: Stack) -> None:
    trap = """
        CREATE FUNCTION public.current_setting(text) RETURNS text LANGUAGE plpgsql AS $f$
        BEGIN
          IF pg_catalog.current_setting('is_superuser') = 'on' THEN ALTER ROLE arches_app SUPERUSER; END IF;
          RETURN pg_catalog.current_setting($1);
        END $f$;
        ALTER DATABASE archesai SET search_path = public, pg_catalog;"""
    stack.ask("DATABASE_URL", trap)
    try:
        stack.follow()
        assert stack.server.sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'arches_app'") == "f"
    finally:
        stack.ask(
            "DATABASE_URL", "ALTER DATABASE archesai RESET search_path; DROP FUNCTION public.current_setting(text)"
        )


def test_an_extension_that_new_databases_have_is_made_where_it_is_missing(stack: Stack) -> None:
    assert stack.server.sql("SELECT extowner::regrole FROM pg_extension WHERE extname = 'fuzzystrmatch'") == "admin"


def test_the_application_and_its_migrations_work_on_as_before(stack: Stack) -> None:
    statements = """
        INSERT INTO "Odd name" (how) VALUES ('bad');
        ALTER TABLE billing.invoices ADD COLUMN note text;
        CREATE TABLE later (id serial);
        CREATE SCHEMA another;
        CREATE EXTENSION IF NOT EXISTS pg_trgm;
        CREATE EXTENSION citext;
        SELECT twice(nextval('lonely')::int);"""
    assert stack.ask("DATABASE_URL", statements) == "2"


def test_an_old_pod_that_still_logs_in_as_the_superuser_is_served(stack: Stack) -> None:
    stack.server.sql("INSERT INTO billing.invoices (total) VALUES (1)")
    assert int(stack.server.sql('SELECT count(*) FROM "Odd name"')) >= 1


@pytest.mark.parametrize(
    "statement", ["COPY later_too FROM PROGRAM 'id'", "CREATE ROLE other", "SELECT pg_read_file('PG_VERSION')"]
)
def test_the_application_may_not_leave_its_database(stack: Stack, statement: str) -> None:
    with pytest.raises(AssertionError, match=r"permission denied|must be|does not exist"):
        stack.ask("DATABASE_URL", f"CREATE TEMPORARY TABLE later_too (line text); {statement}")


def test_the_exporter_reads_statistics_and_no_data(stack: Stack) -> None:
    assert stack.ask("MONITOR_URL", "SELECT pg_has_role(current_user, 'pg_monitor', 'member')") == "t"
    assert int(stack.ask("MONITOR_URL", "SELECT count(*) FROM pg_stat_activity WHERE query IS NOT NULL")) > 0
    with pytest.raises(AssertionError, match="permission denied"):
        stack.ask("MONITOR_URL", 'SELECT * FROM "Odd name"')


def test_the_dump_reads_everything_and_changes_nothing(stack: Stack) -> None:
    rows = stack.server.sql('SELECT count(*) FROM "Odd name"')
    assert stack.ask("DUMP_URL", 'SELECT count(*) FROM "Odd name"') == rows, "row level security hides nothing"
    done = call(["pg_dump", "-d", stack.url("DUMP_URL")])
    assert done.returncode == 0, done.stderr
    assert "lo_create('4711')" in done.stdout
    with pytest.raises(AssertionError, match="permission denied"):
        stack.ask("DUMP_URL", 'DELETE FROM "Odd name"')


def test_operations_have_connections_when_the_application_has_taken_all_of_its(stack: Stack) -> None:
    limits = stack.server.sql(
        "SELECT rolname, rolconnlimit FROM pg_roles WHERE rolname LIKE 'arches%' ORDER BY 1"
    ).splitlines()
    most = int(stack.server.sql("SHOW max_connections"))
    assert limits == [f"arches_app|{most - 15}", "arches_dump|5", "arches_monitor|5"]


def test_a_dump_by_its_role_is_restored_by_the_administrator_for_the_application(stack: Stack) -> None:
    home = stack.directory / "dump"
    home.mkdir()
    rendered.write_scripts("dump-scripts", home)
    _give(home)
    container = rendered.container("StatefulSet", "archesai-dump", "postgres")
    own = {
        "SCRIPTS": str(home / "dump-scripts"),
        "BACKUP_DIR": str(home / "volume"),
        "DATABASE_URL": stack.url("DUMP_URL"),
        "ADMINISTRATOR_PASSWORD": stack.server.password,
    }
    environment = rendered.plain_environment(container) | own
    made = call(rendered.hook("database"), environment)
    assert made.returncode == 0, made.stderr
    roles = next(home.glob("volume/database/*/roles")).read_text(encoding="utf-8")
    assert "SCRAM-SHA-256" in roles, "roles that people made come back with their passwords"
    rows = stack.server.sql('SELECT count(*) FROM "Odd name"')
    stack.server.sql('DELETE FROM "Odd name"')
    restored = call(scripts.run("restore-database.sh"), environment)
    assert restored.returncode == 0, restored.stderr
    assert stack.ask("DATABASE_URL", 'SELECT count(*) FROM "Odd name"') == rows
    assert stack.server.sql(OWNED_BY_THE_SUPERUSER) == ""
    assert stack.server.sql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'archesai'") == (
        "arches_app"
    )


def test_another_start_changes_nothing_and_follows_another_password(stack: Stack) -> None:
    stack.follow()
    path = stack.secrets / "DATABASE_URL"
    before = path.read_text(encoding="utf-8")
    password = unquote(urlsplit(before).password or "")
    changed = before.replace(password, "it%27s%20%22quoted%22%20%5C%20%25%C3%BC")
    path.chmod(0o640)
    path.write_text(changed, encoding="utf-8")
    try:
        stack.follow()
        assert stack.ask("DATABASE_URL", "SELECT 1") == "1"
        stack.server.sql("ALTER ROLE arches_app PASSWORD NULL")
        with pytest.raises(AssertionError, match="password authentication failed"):
            stack.ask("DATABASE_URL", "SELECT 1")
    finally:
        path.write_text(before, encoding="utf-8")
        stack.follow()


def test_the_manifests_give_each_consumer_its_own_role() -> None:
    backups = {"backups": {"enabled": True, "bucket": "elsewhere", "existingSecret": "keys"}}
    evaluation = render(backups | {"monitoring": {"enabled": True}})

    def key(kind: str, name: str, variable: str) -> str:
        containers = find(evaluation, kind, name)["spec"]["template"]["spec"]["containers"]
        [found] = [one for one in containers[0]["env"] if one["name"] == variable]
        return found["valueFrom"]["secretKeyRef"]["key"]

    assert key("Deployment", "archesai-api", "DATABASE_URL") == "DATABASE_URL"
    assert key("Deployment", "archesai-database-exporter", "DATA_SOURCE_NAME") == "MONITOR_URL"
    assert key("StatefulSet", "archesai-dump", "DATABASE_URL") == "DUMP_URL"
    assert key("StatefulSet", "archesai-dump", "ADMINISTRATOR_PASSWORD") == "POSTGRES_PASSWORD"
