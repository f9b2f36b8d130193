"""A stack as it runs on the control plane."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from kubernetes.client import ApiClient

from archesai_infra.stack.evaluate import Evaluation
from archesai_infra.stack.render import ordered
from testbed.cluster.scenarios import Scenario
from testbed.controlplane.api import APPLY_PATCH, ApiError, Object, label, warning_text
from testbed.controlplane.apply import Applied, Outcome
from testbed.controlplane.rig import ControlPlane
from testbed.stacks import Config

MANAGER = "arches"
READY_SECONDS = 120.0
_MOVING = ("resourceVersion", "managedFields", "uid", "creationTimestamp")
"""What says nothing about an object's content."""


@dataclass(frozen=True)
class Deployed:
    """A stack that was applied once; `outcome` is the API server's answer."""

    rig: ControlPlane
    scenario: Scenario
    evaluation: Evaluation
    outcome: Outcome

    @property
    def namespace(self) -> str:
        """Namespace of the stack."""
        return self.scenario.namespace

    @property
    def items(self) -> list[Object]:
        """The stack's objects, in the order in which they were applied."""
        return ordered(self.evaluation)

    def of_kind(self, *kinds: str) -> list[Object]:
        """The stack's objects of some kinds."""
        return [item for item in self.items if item["kind"] in kinds]

    def apply_cluster_wide(self) -> Outcome:
        """Apply the objects of the stack and of its surroundings that are in no namespace."""
        self.rig.apply(self.scenario.others).check()
        items = [item for item in self.items if "namespace" not in item["metadata"] and item["kind"] != "Namespace"]
        make_room(self.rig, items)
        return apply(self.rig, items)

    def jobs_of_cron_jobs(self) -> list[Object]:
        """What `kubectl create job --from` makes of each CronJob, under names that no other caller gets."""
        run = secrets.token_hex(3)
        return [
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": item["metadata"] | {"name": f"{item['metadata']['name']}-{run}"},
                "spec": item["spec"]["jobTemplate"]["spec"],
            }
            for item in self.of_kind("CronJob")
        ]

    def contents(self) -> dict[str, Object]:
        """Every object as the API server holds it, without what moves by itself."""
        found = {label(item): self.rig.api.read(item) for item in self.items}
        return {name: content(item) for name, item in found.items() if item is not None}

    def pods(self, component: str) -> list[Object]:
        """The pods of a component that are there to stay."""
        labels = f"app.kubernetes.io/component={component}"
        found = self.rig.api.list("v1", "Pod", self.namespace, labels=labels)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def wait_for_pods(self, name: str, wanted: int) -> None:
        """Wait until a Deployment has this many pods, all of them available."""
        deployment = self.one("Deployment", name)

        def differs() -> list[str]:
            status = (self.rig.api.read(deployment) or {}).get("status", {})
            found = {counter: status.get(counter, 0) for counter in ("replicas", "availableReplicas")}
            return [] if set(found.values()) == {wanted} else [f"{name} has {found}, wanted {wanted}"]

        self.rig.wait_for(f"{wanted} pods of {name}", differs)

    def one(self, kind: str, name: str) -> Object:
        """The object of the stack with this kind and name."""
        return next(item for item in self.of_kind(kind) if item["metadata"]["name"] == name)

    def warnings(self) -> list[str]:
        """What controllers complained about in the stack's namespace, as `reason: message`."""
        events = self.rig.api.list("v1", "Event", self.namespace)
        return [f"{event['reason']}: {event['message']}" for event in events if event["type"] == "Warning"]

    def refused_pods(self) -> list[str]:
        """What the API server refused to controllers; where two writers of a quota met, they try again."""
        failed = [line for line in self.warnings() if line.startswith("FailedCreate")]
        return [line for line in failed if "the object has been modified" not in line]


def deploy(rig: ControlPlane, scenario: Scenario, change: Config | None = None) -> Deployed:
    """Apply a scenario, from nothing or over what is there; the caller looks at the outcome."""
    evaluation = scenario.evaluation(change)
    rig.apply(scenario.others).check()
    make_room(rig, evaluation.objects)
    return Deployed(rig, scenario, evaluation, apply(rig, ordered(evaluation)))


def make_room(rig: ControlPlane, items: Iterable[Object]) -> None:
    """Delete each class of the control plane's stand-in that a stack brings; its controller cannot be changed."""
    for item in items:
        if item["kind"] == "IngressClass" and (found := rig.api.read(item)) and found["spec"] != item["spec"]:
            rig.api.delete(found)


def apply(rig: ControlPlane, items: Iterable[Object], *, force: bool = True) -> Outcome:
    """Apply on the server with strict validation, by the official client."""
    client = rig.client()
    return Outcome(tuple(_apply(client, rig.api.path_of(item), item, force=force) for item in items))


def _apply(client: ApiClient, path: str, item: Object, *, force: bool) -> Applied:
    query = urlencode({"fieldManager": MANAGER, "fieldValidation": "Strict", "force": str(force).lower()})
    headers = {"Content-Type": APPLY_PATCH, "Accept": "application/json"}
    # The generated methods hide the warnings; the one below them does not.
    answer = client.call_api("PATCH", f"{client.configuration.host}{path}?{query}", headers, json.dumps(item))
    body = json.loads(answer.read())
    if answer.status >= HTTPStatus.BAD_REQUEST:
        return Applied(item, None, error=ApiError(answer.status, body.get("reason", ""), body.get("message", "")))
    return Applied(item, body, tuple(warning_text(header) for header in answer.headers.getlist("Warning")))


def content(item: Object) -> Object:
    """An object without its status and what else moves by itself."""
    kept = {key: value for key, value in deepcopy(item).items() if key != "status"}
    kept["metadata"] = {key: value for key, value in kept["metadata"].items() if key not in _MOVING}
    if "namespace" not in kept["metadata"]:
        # Stacks share these; the name of the last one that applied is on them.
        kept["metadata"]["labels"].pop("app.kubernetes.io/instance")
    return kept
