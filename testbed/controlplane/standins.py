"""The loop that plays the controllers a real cluster has and a bare control plane lacks."""

from __future__ import annotations

import threading
import traceback
from pathlib import Path

import urllib3

from testbed.controlplane.addresses import publish_addresses
from testbed.controlplane.api import Api, ApiError
from testbed.controlplane.volumes import NOTHING, Backing, serve_claims

_INTERVAL_SECONDS = 0.3


class StandIns:
    """Runs in a thread of the test process and so ends with it, whatever ends it."""

    def __init__(self, api: Api, log: Path, *, addresses: bool, backing: Backing = NOTHING) -> None:
        self._backing = backing
        self._addresses = addresses
        self._publishing = threading.Lock()
        self._api = api
        self._log = log
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stand-ins", daemon=True)

    @property
    def addresses(self) -> bool:
        """Whether ingresses and load balancers get addresses."""
        return self._addresses

    @addresses.setter
    def addresses(self, on: bool) -> None:
        # A pass under way ends first: after the switch nothing more is published.
        with self._publishing:
            self._addresses = on

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the loop; a request that hangs on a paused server is left to its own time limit."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._ending.wait(_INTERVAL_SECONDS):
            try:
                serve_claims(self._api, self._backing)
                with self._publishing:
                    if self._addresses:
                        publish_addresses(self._api)
            except (ApiError, urllib3.exceptions.HTTPError):
                # Objects change between look and act, and tests stop the server: the next pass sees what is true then.
                self._note()
            except Exception:
                self._note()
                raise

    def _note(self) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(traceback.format_exc())
