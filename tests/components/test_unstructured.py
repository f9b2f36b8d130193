from __future__ import annotations

import shlex

from archesai_infra.quantities import memory_bytes
from testbed.components.parts import container, template, variables, volume
from testbed.matrix import ON
from testbed.stacks import ALONE, render

NAME = "archesai-unstructured"
STACK = ALONE | {"unstructured": ON}


def test_the_server_is_the_containers_first_process_and_so_hears_the_signal_to_stop() -> None:
    command = container(render(STACK), "Deployment", NAME)["command"]
    assert command[:2] == ["bash", "-c"]
    assert command[2].startswith("exec uvicorn prepline_general.api.app:app ")
    assert command[2].endswith("--port 8000")


def test_the_server_listens_on_every_address_ipv6_included() -> None:
    words = shlex.split(container(render(STACK), "Deployment", NAME)["command"][2])
    # uvicorn hands it to asyncio, where `0.0.0.0` would be IPv4 alone and no host is every address of both.
    assert words[words.index("--host") + 1] == ""


def test_documents_are_processed_by_the_user_whom_the_models_belong_to() -> None:
    security = template(render(STACK), "Deployment", NAME)["spec"]["securityContext"]
    assert (security["runAsUser"], security["fsGroup"]) == (1000, 1000)


def test_the_home_directory_stays_the_images_own_and_writable() -> None:
    server = container(render(STACK), "Deployment", NAME)
    assert server["securityContext"]["readOnlyRootFilesystem"] is False
    assert [mount["mountPath"] for mount in server["volumeMounts"]] == ["/tmp"]


def test_large_documents_have_room_on_disk() -> None:
    assert memory_bytes(volume(render(STACK), "Deployment", NAME, "/tmp")["emptyDir"]["sizeLimit"]) >= 2**30


def test_documents_are_not_refused_for_memory_of_the_node_unless_asked_for() -> None:
    name = "UNSTRUCTURED_MEMORY_FREE_MINIMUM_MB"
    assert variables(container(render(STACK), "Deployment", NAME))[name] == "0"
    asked = ALONE | {"unstructured": ON | {"memoryFreeMinimum": 2048}}
    assert variables(container(render(asked), "Deployment", NAME))[name] == "2048"


def test_a_long_document_takes_the_pod_out_of_service_and_does_not_end_it() -> None:
    server = container(render(STACK), "Deployment", NAME)
    assert server["readinessProbe"]["httpGet"] == {"path": "/healthcheck", "port": 8000}
    assert server["livenessProbe"]["tcpSocket"] == {"port": 8000}
    assert template(render(STACK), "Deployment", NAME)["spec"]["terminationGracePeriodSeconds"] == 120
