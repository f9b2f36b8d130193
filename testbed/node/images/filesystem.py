"""Root file systems of images, filled from packages and files."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from testbed.node.images import packages
from testbed.programs.part import Log

_MERGED = ("bin", "sbin", "lib", "lib64")
_UNUSED = (
    *(f"usr/share/{name}" for name in ("bash-completion", "doc", "info", "lintian", "locale", "man", "zoneinfo")),
    *(f"usr/lib/{name}" for name in ("systemd", "udev")),
)
_USERS = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
_GROUPS = "root:x:0:\nnogroup:x:65534:\n"


@dataclass(frozen=True)
class Filesystem:
    """A directory that becomes an image's root; every path is relative to it."""

    root: Path
    log: Log

    def standard(self) -> None:
        """Every distribution's directories, with /bin and /lib merged into /usr, and the users root and nobody."""
        for name in ("tmp", "etc", "proc", "sys", "dev", "run", "var", *(f"usr/{name}" for name in _MERGED)):
            (self.root / name).mkdir(parents=True)
        for name in _MERGED:
            (self.root / name).symlink_to(f"usr/{name}")
        (self.root / "tmp").chmod(0o1777)
        self.text("etc/passwd", _USERS, 0o644)
        self.text("etc/group", _GROUPS, 0o644)

    def debian(self, *names: str) -> None:
        """Unpack Debian packages with the libraries they need, without documentation; no script of them runs."""
        for archive in packages.debian(names, self.log):
            content = subprocess.run(
                ["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE, check=True, timeout=120
            )
            # `dpkg -x` would replace the links of the merged directories by directories.
            extract = ["tar", "-x", "--keep-directory-symlink", "--no-same-owner", "-C", self.root]
            subprocess.run(extract, input=content.stdout, check=True, timeout=120)
        for name in _UNUSED:
            shutil.rmtree(self.root / name, ignore_errors=True)

    def busybox(self) -> None:
        """Alpine's commands as far as Debian's BusyBox has them; not the static one, which cannot resolve names."""
        self.debian("busybox")
        (self.root / "usr/bin/sh").unlink(missing_ok=True)
        listed = subprocess.run(
            [self.root / "usr/bin/busybox", "--list"], capture_output=True, text=True, check=True, timeout=30
        )
        for applet in listed.stdout.split():
            path = self.root / "usr/bin" / applet
            if not path.exists() and not path.is_symlink():
                path.symlink_to("busybox")

    def text(self, path: str, content: str, mode: int = 0o755) -> None:
        """Write a file."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
        target.chmod(mode)

    def program(self, source: Path, path: str) -> None:
        """Copy an executable."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(0o755)

    def tree(self, source: Path, path: str) -> None:
        """Copy a directory's content, links as links."""
        shutil.copytree(source, self.root / path, symlinks=True, dirs_exist_ok=True)

    def shared(self, paths: Iterable[str]) -> None:
        """Make directories that every user may write to, as images do for users they do not know."""
        for path in paths:
            (self.root / path).mkdir(parents=True, exist_ok=True)
            (self.root / path).chmod(0o1777)
