"""The lock reaches the images that charts name by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import reduce
from typing import Any

import pytest

from archesai_infra import versions
from archesai_infra.cli.images.chart_images import images_in
from archesai_infra.components.base.chart_images import CHART_IMAGES, ChartImage, Pin, images_of
from archesai_infra.stack.evaluate import Evaluation
from archesai_infra.stack.images import used_images
from archesai_infra.versions import ChartVersion
from testbed.monitoring import charts
from testbed.stacks import Config, render
from tests.components.test_placement import EVERY_CHART

DIGEST = "sha256:" + "5a" * 32
PINNED_CHARTS = {
    chart.address: chart
    for name, chart in vars(versions).items()
    if name.endswith("_CHART") and chart not in (versions.GATEWAY_API_CHART, versions.PROMETHEUS_CRDS_CHART)
}
"""Two of the charts have definitions only."""
PINS = [
    pytest.param(address, image, id=f"{address.rpartition('/')[2]} {image.path}")
    for address, known in CHART_IMAGES.items()
    for image in known.images
]


def _locked(config: Config) -> Evaluation:
    own = {image.locked_as(default) for image, default in used_images(render(config).settings).values()}
    inside = {image.locked_as for known in CHART_IMAGES.values() for image in known.images}
    return render(config | {"images": {"digests": dict.fromkeys(own | inside, DIGEST)}})


def _values(stack: Evaluation, address: str) -> dict[str, Any]:
    (values,) = (item.inputs["values"] for item in stack.releases if item.inputs["chart"] == address)
    return values


def _described(stack: Evaluation, address: str, path: str) -> dict[str, Any]:
    return reduce(lambda inner, part: inner.get(part, {}), path.split("."), _values(stack, address))


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - YAML
    if isinstance(value, str):
        yield value
    else:
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from _texts(item)


@pytest.mark.parametrize(("address", "known"), CHART_IMAGES.items(), ids=lambda item: str(item).rpartition("/")[2])
def test_the_images_of_a_chart_are_those_of_its_pinned_version(address: str, known: Any) -> None:  # noqa: ANN401
    assert known.version == PINNED_CHARTS[address].version, "read the images of the new version"


def test_the_images_of_another_version_are_not_taken_for_granted() -> None:
    assert images_of(versions.LOKI_CHART)
    assert images_of(ChartVersion(versions.LOKI_CHART.address, "99.0.0")) == ()


@pytest.mark.parametrize(("address", "image"), PINS)
def test_the_lock_reaches_the_values_of_every_image(address: str, image: ChartImage) -> None:
    expected = DIGEST.removeprefix("sha256:") if image.pin is Pin.HEX_SHA else DIGEST
    assert _described(_locked(EVERY_CHART), address, image.path)[image.pin.key] == expected
    assert image.pin.key not in _described(render(EVERY_CHART), address, image.path)


def test_a_digest_does_not_follow_an_image_that_the_stack_replaces() -> None:
    controller = {"install": True, "values": {"image": {"tag": "v3.8.0"}}}
    stack = _locked(EVERY_CHART | {"ingress": {**EVERY_CHART["ingress"], "controller": controller}})
    assert _described(stack, versions.TRAEFIK_CHART.address, "image") == {"tag": "v3.8.0"}


@pytest.mark.parametrize("chart", PINNED_CHARTS.values(), ids=lambda chart: chart.address.rpartition("/")[2])
def test_the_rendered_chart_names_no_other_image_and_pulls_each_by_the_lock(chart: ChartVersion) -> None:
    name = chart.address.rpartition("/")[2]
    stack = render(EVERY_CHART)
    rendered = {image for item in charts.render(stack, name) for image in images_in(item)}
    own = {image.locked_as(default) for image, default in used_images(stack.settings).values()}
    assert rendered <= own | {image.locked_as for image in images_of(chart)}

    repositories = "|".join(re.escape(image.rpartition(":")[0]) for image in rendered)
    reference = re.compile(rf"(?:{repositories})[:@]\S+")
    documents = charts.render(_locked(EVERY_CHART), name)
    found = {text for item in documents for text in _texts(item) for text in reference.findall(text)}
    assert {text for text in found if not text.endswith(f"@{DIGEST}")} == set()
    assert len(found) >= len(rendered)
