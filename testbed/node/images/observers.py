"""Programs around the stack: exporters, Prometheus and a web server, all Debian's; Velero and its plugin, built.

They do not prove the versions that manifests and charts name: Debian's are older. The web server is a double of an
ingress controller: it proves who may connect to whom, not how a controller reads Ingresses.
"""

from __future__ import annotations

from collections.abc import Callable

from archesai_infra import versions
from testbed.node.images.archive import Run
from testbed.node.images.filesystem import Filesystem
from testbed.node.images.recipe import Programs, Recipe, local, reference


def _debian(*packages: str) -> Callable[[Filesystem, Programs], None]:
    def fill(image: Filesystem, _: Programs) -> None:
        image.standard()
        image.busybox()
        image.debian(*packages)

    return fill


def _nginx(image: Filesystem, programs: Programs) -> None:
    _debian("nginx-light", "nginx-common")(image, programs)
    image.shared(("var/lib/nginx", "var/log/nginx"))


def _prometheus(image: Filesystem, programs: Programs) -> None:
    _debian("prometheus")(image, programs)
    (image.root / "usr/bin/promtool").unlink()
    image.shared(("prometheus",))


def _velero(image: Filesystem, programs: Programs) -> None:
    image.standard()
    image.debian("ca-certificates")
    for name in ("velero", "velero-helper", "velero-restore-helper"):
        image.program(programs[name], name)
    with (image.root / "etc/passwd").open("a", encoding="utf-8") as users:
        users.write("cnb:x:1002:1000::/home/cnb:/bin/false\n")
    # The server keeps the configuration of its repositories there.
    image.shared(("home/cnb",))


def _velero_plugin(image: Filesystem, programs: Programs) -> None:
    image.program(programs["cp-plugin"], "bin/cp-plugin")
    image.program(programs["velero-plugin-for-aws"], "plugins/velero-plugin-for-aws")


RECIPES = (
    Recipe(
        "postgres-exporter",
        (reference(versions.POSTGRES_EXPORTER),),
        _debian("prometheus-postgres-exporter"),
        Run(entrypoint=["prometheus-postgres-exporter"], user="nobody"),
    ),
    Recipe(
        "redis-exporter",
        (reference(versions.REDIS_EXPORTER),),
        _debian("prometheus-redis-exporter"),
        Run(entrypoint=["prometheus-redis-exporter"], user="59000:59000"),
    ),
    Recipe("nginx", (local("nginx"),), _nginx, Run(command=["nginx", "-g", "daemon off;"], stop_signal="SIGQUIT")),
    Recipe(
        "prometheus",
        (local("prometheus"),),
        _prometheus,
        Run(entrypoint=["prometheus"], user="nobody", directory="/prometheus"),
    ),
    Recipe(
        "velero",
        (reference(versions.VELERO),),
        _velero,
        Run(entrypoint=["/velero"], user="1002:1000"),
        ("velero",),
    ),
    Recipe(
        "velero-plugin-for-aws",
        (reference(versions.VELERO_PLUGIN),),
        _velero_plugin,
        Run(
            entrypoint=["cp-plugin", "/plugins/velero-plugin-for-aws", "/target/velero-plugin-for-aws"],
            user="65532:65532",
        ),
        ("velero-plugin-for-aws",),
    ),
)
