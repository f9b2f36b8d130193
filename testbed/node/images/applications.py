"""Doubles of Arches' api and platform, of the document service and of the browser server: one program, `archesai`.

What they do not prove stands in the program: nothing of what Arches does, only what the manifests give it.
"""

from __future__ import annotations

from archesai_infra import versions
from archesai_infra.components import scraper, unstructured
from archesai_infra.versions import ImageVersion
from testbed.node.images.archive import Run
from testbed.node.images.filesystem import Filesystem
from testbed.node.images.recipe import Programs, Recipe, local, reference

BROKEN_RELEASE = "v1.2.0"
"""A release whose migration fails half way."""
RELEASES = {"v1.0.0": 1, "v1.1.0": 2, BROKEN_RELEASE: 3, "v1.2.1": 3}
"""Releases of the api after `latest`, and the version of the schema that each migrates to."""
_PROGRAM = "usr/local/bin/archesai"


def _alpine(image: Filesystem, programs: Programs) -> None:
    image.standard()
    image.busybox()
    image.program(programs["archesai"], _PROGRAM)


def _platform(image: Filesystem, programs: Programs) -> None:
    _alpine(image, programs)
    image.text("usr/local/bin/serve", "#!/bin/sh\nexec archesai serve 3000 /\n")


def _unstructured(image: Filesystem, programs: Programs) -> None:
    _alpine(image, programs)
    image.debian("bash")
    image.text("usr/local/bin/uvicorn", f"#!/bin/sh\nexec archesai serve {unstructured.PORT} /healthcheck\n")


def _scraper(image: Filesystem, programs: Programs) -> None:
    _alpine(image, programs)
    image.debian("bash")
    image.text("usr/local/bin/playwright", f"#!/bin/sh\nexec archesai serve {scraper.PORT} /\n")
    image.shared(("home/pwuser",))


def _api(release: str, schema: int, tags: tuple[str, ...]) -> Recipe:
    environment = {"ARCHESAI_RELEASE": release, "ARCHESAI_SCHEMA": str(schema)}
    if release == BROKEN_RELEASE:
        environment["ARCHESAI_BROKEN_MIGRATION"] = "true"
    run = Run(command=["archesai"], environment=environment)
    return Recipe(f"api-{release}", tags, _alpine, run, ("doubles",))


def _tagged(version: ImageVersion, tag: str) -> str:
    return reference(version._replace(tag=tag))


def _recipes() -> tuple[Recipe, ...]:
    platforms = tuple(_tagged(versions.PLATFORM, tag) for tag in (versions.PLATFORM.tag, *RELEASES))
    return (
        _api(versions.API.tag, 1, (reference(versions.API),)),
        *(_api(release, schema, (_tagged(versions.API, release),)) for release, schema in RELEASES.items()),
        Recipe("platform", platforms, _platform, Run(command=["serve"]), ("doubles",)),
        Recipe("unstructured", (reference(versions.UNSTRUCTURED),), _unstructured, Run(user="1000"), ("doubles",)),
        Recipe("scraper", (reference(versions.SCRAPER),), _scraper, Run(command=["bash"]), ("doubles",)),
        Recipe("tools", (local("tools"),), _alpine, Run(command=["sh"]), ("doubles",)),
    )


RECIPES = _recipes()
