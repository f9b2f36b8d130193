"""Every image and chart of a stack, with what the lock says of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from archesai_infra.cli.base.errors import CommandError
from archesai_infra.cli.images.chart_images import chart_images
from archesai_infra.components.base.chart_images import images_of
from archesai_infra.components.base.charts import location
from archesai_infra.kube.images import image_reference, registry
from archesai_infra.stack.config import RawConfig, load
from archesai_infra.stack.evaluate import Resource, evaluate
from archesai_infra.stack.images import used_images
from archesai_infra.stack.settings import Settings
from archesai_infra.versions import ChartVersion

Kind = Literal["image", "chart", "chart image"]


@dataclass(frozen=True)
class Item:
    """An image or a chart."""

    kind: Kind
    """`chart image` for one that a chart's own values choose."""
    repository: str
    """Without the stack's mirror."""
    tag: str
    digest: str
    """The image's own or that of the lock; empty where nothing pins it."""
    used_by: tuple[str, ...]
    """Keys of images, names of releases."""
    target: str
    """Where the stack's nodes or Helm pull it; without a mirror its own place."""
    fixed: bool = False
    """Whether the digest is stated at the image itself, in the stack file or in the chart."""
    lockable: bool = True
    """Whether the lock pins it."""

    @property
    def name(self) -> str:
        """`repository:tag`, as the lock has it; the repository alone where a chart names no tag."""
        return f"{self.repository}:{self.tag}" if self.tag else self.repository


def items(raw: RawConfig, warn: Callable[[str], None] | None) -> list[Item]:
    """Images and charts of a stack; `warn` gets a line for each chart that cannot be rendered. Raises ConfigError.

    Without `warn` no chart is rendered: of its images those are listed that `components.base.chart_images` names.
    """
    settings, _ = load(raw)
    listed = {item.name: item for item in _own_images(settings)}
    by_digest = {item.digest: item.name for item in listed.values() if item.digest}
    releases = evaluate(_as_published(raw, settings)).releases
    for release in releases:
        for item in _chart_images(release, settings, warn):
            name = by_digest.get(item.digest, item.name) if item.fixed else item.name
            known = listed.get(name, item)
            listed[name] = replace(known, used_by=tuple(dict.fromkeys((*known.used_by, *item.used_by))))
    return [*listed.values(), *(_chart(release, settings) for release in releases)]


def _as_published(raw: RawConfig, settings: Settings) -> RawConfig:
    """The same stack without mirrors and lock, so that charts name images by their own registries and tags."""
    security: dict[str, Any] = json.loads(raw.values.get("security", "{}"))
    hosts = {registry(item.repository) for item in _own_images(settings)}
    security["registries"] = [*settings.security.registries, *sorted(hosts - {*settings.security.registries})]
    images: dict[str, Any] = json.loads(raw.values.get("images", "{}"))
    for key in ("registry", "digests"):
        images.pop(key, None)
    values = {key: value for key, value in raw.values.items() if key != "charts"}
    return replace(raw, values={**values, "images": json.dumps(images), "security": json.dumps(security)})


def _own_images(settings: Settings) -> Iterator[Item]:
    users: dict[tuple[str, str, str], list[str]] = {}
    for key, (image, default) in used_images(settings).items():
        place = (image.repository or default.repository, image.tag_or(default), image.digest or "")
        users.setdefault(place, []).append(key)
    for (repository, tag, digest), keys in users.items():
        locked = settings.images.digests.get(f"{repository}:{tag}", "")
        target = image_reference(repository, tag, None, settings.images.registry)
        yield Item("image", repository, tag, digest or locked, tuple(keys), target, fixed=bool(digest))


def _chart_images(release: Resource, settings: Settings, warn: Callable[[str], None] | None) -> Iterator[Item]:
    chart = _version(release)
    known = {item.locked_as for item in images_of(chart)}
    references = known if warn is None else _rendered(release, chart, settings, known, warn)
    for reference in sorted(references):
        name, _, digest = reference.partition("@")
        host, slash, rest = name.rpartition("/")
        repository, _, tag = rest.partition(":")
        repository = f"{host}{slash}{repository}"
        target = image_reference(repository, tag, None, settings.images.registry).removesuffix(":")
        pinned = digest or settings.images.digests.get(name, "")
        users = (str(release.inputs["name"]),)
        yield Item(*("chart image", repository, tag, pinned, users, target), fixed=bool(digest), lockable=name in known)


def _rendered(
    release: Resource, chart: ChartVersion, settings: Settings, known: set[str], warn: Callable[[str], None]
) -> set[str]:
    """References in the rendered chart; the known ones, with a warning, where it cannot be rendered."""
    try:
        return chart_images(release, location(chart, settings.charts))
    except CommandError as error:
        listed = "every image that it can run is listed" if known else "its own images are not listed"
        warn(f"{chart.address} {chart.version}: cannot be rendered, {listed}: {error}")
        return known


def _chart(release: Resource, settings: Settings) -> Item:
    chart = _version(release)
    repository = chart.address.removeprefix("oci://")
    digest = settings.charts.digests.get(chart.locked_as, "")
    target = location(chart, settings.charts).partition("@")[0].removeprefix("oci://")
    vendored = settings.charts.directory is not None
    target = target if vendored else f"{target}:{chart.version}"
    return Item("chart", repository, chart.version, digest, (str(release.inputs["name"]),), target)


def _version(release: Resource) -> ChartVersion:
    return ChartVersion(str(release.inputs["chart"]), str(release.inputs["version"]))
