"""What holds for every module with pods."""

from __future__ import annotations

import pytest

from testbed.components.parts import resource
from testbed.matrix import EVERYTHING, PRODUCTION
from testbed.stacks import render


@pytest.mark.parametrize("name", ["api-deployment", "platform-deployment"])
def test_a_new_pod_of_production_proves_itself_before_an_old_one_goes(name: str) -> None:
    assert resource(render(PRODUCTION), name).inputs["spec"]["minReadySeconds"] == 5


@pytest.mark.parametrize("name", ["api-deployment", "platform-deployment"])
def test_an_up_of_development_does_not_wait_for_a_pod_that_is_ready(name: str) -> None:
    assert "minReadySeconds" not in resource(render(EVERYTHING), name).inputs["spec"]
