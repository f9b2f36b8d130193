from __future__ import annotations

from typing import Any

import pytest

from archesai_infra.components.ingress.chart import CHART
from archesai_infra.components.ingress.classes import made_classes
from archesai_infra.stack.evaluate import Evaluation
from testbed.matrix import ON
from testbed.stacks import Config, render

OURS: Config = ON | {"controller": {"install": True}}
FORMS: dict[str, Config] = {
    "class nginx": OURS,
    "class traefik": OURS | {"className": "traefik"},
    "a class of another name": OURS | {"className": "arches"},
    "no class, by the stack file": OURS
    | {"className": "arches", "controller": {"install": True, "values": {"ingressClass": {"enabled": False}}}},
    "a name of the stack file": OURS
    | {"className": "arches", "controller": {"install": True, "values": {"ingressClass": {"name": "edge"}}}},
    "Gateway API": OURS | {"api": "gateway"},
    "both": OURS | {"api": "both"},
    "both, class traefik": OURS | {"api": "both", "className": "traefik", "gateway": {"className": "edge"}},
    "somebody else's controller": ON,
    "off": {"enabled": False, "controller": {"install": True}},
}


@pytest.mark.parametrize("form", FORMS)
def test_the_classes_that_settings_tell_are_those_that_the_program_and_its_chart_make(form: str) -> None:
    declared = render({"domain": "example.com", "ingress": FORMS[form]})
    made = list(made_classes(declared.settings.ingress))
    assert {(one.kind, one.name) for one in made if not one.by_chart} == {
        (item["kind"], item["metadata"]["name"])
        for item in declared.objects
        if item["kind"] in {"IngressClass", "GatewayClass"}
    }
    assert [(one.kind, one.name) for one in made if one.by_chart] == _of_the_chart(declared)


def _of_the_chart(declared: Evaluation) -> list[tuple[str, str]]:
    values: list[dict[str, Any]] = [
        one.inputs["values"]["ingressClass"] for one in declared.releases if one.inputs["name"] == CHART
    ]
    return [("IngressClass", one["name"]) for one in values if one["enabled"]]
