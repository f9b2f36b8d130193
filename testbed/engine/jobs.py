"""Jobs of commands on a control plane without kubelets: a test says what becomes of their pods."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager

from testbed.controlplane.rig import ControlPlane


@contextmanager
def no_kubelet(plane: ControlPlane) -> Generator[None]:
    """Without a kubelet: kwok would call the pod of every Job done at once."""
    kubelet = plane.pids()["kwok"]
    os.kill(kubelet, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(kubelet, signal.SIGCONT)
