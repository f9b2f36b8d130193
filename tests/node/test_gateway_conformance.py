"""Gateway API's own conformance tests against the real Traefik, with the arguments and rights that a stack gives it."""

from __future__ import annotations

import pytest

from testbed.controlplane.fixtures import parts_or_skip
from testbed.node import conformance
from testbed.node.rig import Nodes
from testbed.programs import parts

pytestmark = pytest.mark.node
