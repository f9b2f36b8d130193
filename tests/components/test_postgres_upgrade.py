"""Moving to another major version by the documented way: the dump of one real server, restored on a newer one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager

from archesai_infra.components.backups import scripts
from testbed.backups import rendered, servers
from testbed.replication.programs import postgres_programs


@contextmanager
def _newest() -> Generator[tuple[servers.Postgres, str]]:
    """A server of the newest major version that the node's images are made of, and PATH with its tools."""
    with postgres_programs(18) as programs, servers.postgres(programs) as server:
        yield server, f"{programs}{os.pathsep}{servers.search_path()}"


def test_a_verified_dump_of_an_older_server_moves_to_a_newer_one_with_its_content() -> None:
    with servers.postgres() as old, _newest() as (new, path), servers.place() as home:
        old.sql("CREATE TABLE kept AS SELECT id, repeat('x', 100) AS text FROM generate_series(1, 1000) AS id")
        old.sql("CREATE INDEX ON kept (text); CREATE MATERIALIZED VIEW total AS SELECT sum(id) FROM kept")
        rendered.write_scripts("dump-scripts", home)
        (home / "volume").mkdir()
        if os.geteuid() == 0:
            shutil.chown(home / "volume", servers.UNPRIVILEGED)
        container = rendered.container("StatefulSet", "archesai-dump", "postgres")
        own = {"SCRIPTS": str(home / "dump-scripts"), "BACKUP_DIR": str(home / "volume")}
        own["ADMINISTRATOR_PASSWORD"] = servers.Postgres.password
        environment = rendered.plain_environment(container) | own
        made = servers.call(rendered.hook("database"), environment | {"DATABASE_URL": old.url})
        assert made.returncode == 0, made.stderr
        newer = environment | {"DATABASE_URL": new.url, "PATH": path}
        restored = servers.call(scripts.run("restore-database.sh"), newer)
        assert restored.returncode == 0, restored.stderr
        versions = [int(server.sql("SHOW server_version_num")) // 10000 for server in (old, new)]
        assert versions[0] < versions[1]
        content = "SELECT count(*), sum(id), md5(string_agg(text, '' ORDER BY id)) FROM kept"
        assert new.sql(content) == old.sql(content)
        assert new.sql("SELECT * FROM total") == old.sql("SELECT * FROM total")
