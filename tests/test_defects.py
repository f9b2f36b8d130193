"""Each invariant is seen to fail: a defect is put back into a sound stack, and is found under its name."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cache

import pytest

from archesai_infra.stack.evaluate import Evaluation
from testbed.invariants import CHECKS, violations
from testbed.invariants.view import Object, Rendered, containers, pod, template
from testbed.matrix import PRODUCTION
from testbed.stacks import Config, render

Defect = Callable[[Rendered], object]

API = {"image": {"tag": "v1.0.0"}, "autoscaling": {"enabled": True}}
ASKING: Config = {"api": API | {"kubernetesAccess": True}, "cluster": {"apiServer": ["10.96.0.1/32"], "cilium": True}}
INGRESS = {"enabled": True, "className": "traefik", "tls": {"enabled": True, "issuer": "letsencrypt-prod"}}


def sound() -> Evaluation:
    """A production stack with everything on, on which the defects are put back."""
    return render(PRODUCTION | ASKING | {"ingress": INGRESS, "platform": {"image": {"tag": "v1.0.0"}}}, reveal=True)


def api(rendered: Rendered) -> Object:
    return rendered.one("Deployment", "archesai-api")


def server(rendered: Rendered, kind: str = "Deployment", name: str = "archesai-api") -> Object:
    return containers(rendered.one(kind, name))[0]


def job(rendered: Rendered) -> Object:
    return next(item for item in rendered.kinds("Job") if item["metadata"]["name"].startswith("archesai-migrations"))


def policy(rendered: Rendered, name: str) -> Object:
    return rendered.one("NetworkPolicy", name)["spec"]


def cilium(rendered: Rendered) -> Object:
    return rendered.one("CiliumNetworkPolicy", "archesai-cilium-api")["spec"]


def config_map(rendered: Rendered) -> Object:
    return next(item for item in rendered.kinds("ConfigMap") if item["metadata"]["name"].startswith("archesai-config"))


def drop(rendered: Rendered, kind: str, prefix: str) -> None:
    rendered.objects = [
        item for item in rendered.objects if not (item["kind"] == kind and item["metadata"]["name"].startswith(prefix))
    ]


def change_resource(rendered: Rendered, name: str, **fields: object) -> None:
    rendered.resources = [
        replace(resource, **fields) if resource.name == name else resource for resource in rendered.resources
    ]


def add(rendered: Rendered, like: Object, **fields: object) -> None:
    rendered.objects.append(deepcopy(like) | fields)


def no_volumes(runner: Object) -> None:
    pod(runner)["volumes"] = [volume for volume in pod(runner)["volumes"] if volume["name"] != "tmp"]


def set_env(container: Object, name: str, value: str) -> None:
    container["env"] = [item for item in container["env"] if item["name"] != name] + [{"name": name, "value": value}]


def drop_env(container: Object, name: str) -> None:
    container["env"] = [item for item in container["env"] if item["name"] != name]


def secret_value(rendered: Rendered) -> str:
    return rendered.one("Secret", "archesai-redis")["stringData"]["REDIS_PASSWORD"]


OF_THE_OLD_SYSTEM: dict[str, tuple[Defect, str]] = {
    "the database mounts a volume that is not declared": (
        lambda r: no_volumes(r.one("StatefulSet", "archesai-postgres")),
        "StatefulSet archesai-postgres: mounts volume tmp, which is not declared",
    ),
    "the migrations' Job mounts a volume that is not declared": (
        lambda r: no_volumes(job(r)),
        "Job archesai-migrations-… mounts volume tmp, which is not declared",
    ),
    "the api's file is mounted where it is not searched": (
        lambda r: server(r)["volumeMounts"][0].update(mountPath="/archesai/conf"),
        "Deployment archesai-api: no configuration where the server looks for it",
    ),
    "the database's URL is in a variable that is not read": (
        lambda r: drop_env(server(r), "ARCHES_DATABASE_URL"),
        "Deployment archesai-api: ARCHES_DATABASE_URL is no reference to a Secret",
    ),
    "the migrations get the URL in a variable that is not read": (
        lambda r: drop_env(pod(job(r))["containers"][0], "ARCHES_DATABASE_URL"),
        "Job archesai-migrations-… ARCHES_DATABASE_URL is no reference to a Secret",
    ),
    "the api's ConfigMap is never made": (
        lambda r: drop(r, "ConfigMap", "archesai-config"),
        "Deployment archesai-api: ConfigMap archesai-config-… is not there",
    ),
    "redis' Secret is never made": (
        lambda r: drop(r, "Secret", "archesai-redis"),
        "StatefulSet archesai-redis: Secret archesai-redis is not there",
    ),
    "the storage's Secret is never made": (
        lambda r: drop(r, "Secret", "archesai-storage"),
        "StatefulSet archesai-storage: Secret archesai-storage is not there",
    ),
    "a password is a literal that everyone knows": (
        lambda r: r.one("Secret", "archesai-storage")["stringData"].update(SECRET_KEY="minioadmin"),
        "Secret archesai-storage: SECRET_KEY is a well-known password",
    ),
    "a password stands in an environment variable": (
        lambda r: set_env(server(r, "StatefulSet", "archesai-postgres"), "POSTGRES_PASSWORD", "password"),
        "StatefulSet archesai-postgres: variable POSTGRES_PASSWORD has its value in plain text",
    ),
    "redis' probe is green on a wrong password": (
        lambda r: server(r, "StatefulSet", "archesai-redis")["readinessProbe"].update(
            exec={"command": ["redis-cli", "ping"]}
        ),
        "StatefulSet archesai-redis: readinessProbe of redis is green on a wrong password",
    ),
    "a container has no security context": (
        lambda r: server(r).pop("securityContext"),
        "Deployment archesai-api: container api may gain privileges",
    ),
    "a pod has no security context": (
        lambda r: pod(api(r)).pop("securityContext"),
        "Deployment archesai-api: may run as root",
    ),
    "a server has no budget": (
        lambda r: drop(r, "PodDisruptionBudget", "archesai-postgres"),
        "StatefulSet archesai-postgres: has no budget",
    ),
    "the namespace has no policies": (
        lambda r: drop(r, "NetworkPolicy", ""),
        "Namespace archesai: has no default deny",
    ),
    "the number of pods is fixed beside an autoscaler": (
        lambda r: api(r)["spec"].update(replicas=3),
        "Deployment archesai-api: an autoscaler and itself sets its number of pods",
    ),
    "an autoscaler scales what is not there": (
        lambda r: r.one("HorizontalPodAutoscaler", "archesai-api")["spec"]["scaleTargetRef"].update(name="arches-api"),
        "HorizontalPodAutoscaler archesai-api: Deployment arches-api is not there",
    ),
    "a policy selects labels that no pod carries": (
        lambda r: policy(r, "archesai-api").update(podSelector={"matchLabels": {"app": "archesai-api"}}),
        "NetworkPolicy archesai-api: selects no workload",
    ),
    "a policy opens a port that nobody listens on": (
        lambda r: policy(r, "archesai-api")["ingress"][0]["ports"][0].update(port=8080),
        "NetworkPolicy archesai-api: lets port 8080 in, which nobody listens on",
    ),
    "a policy names pods of a component that there is not": (
        lambda r: policy(r, "archesai-api")["egress"][0]["to"][0]["podSelector"]["matchLabels"].update(
            {"app.kubernetes.io/component": "postgres"}
        ),
        "NetworkPolicy archesai-api: names pods of postgres, and there are none",
    ),
    "there is a PodSecurityPolicy": (
        lambda r: add(r, r.one("Namespace", "archesai"), kind="PodSecurityPolicy", apiVersion="policy/v1beta1"),
        (
            "PodSecurityPolicy archesai: gone since Kubernetes 1.25; "
            "Pod Security labels of the namespace are its successor"
        ),
    ),
}

OF_IDENTITY: dict[str, tuple[Defect, str]] = {
    "two resources are one object": (
        lambda r: add(r, r.one("Service", "archesai-api")),
        "Service archesai-api: declared 2 times",
    ),
    "two resources share a URN": (
        lambda r: r.resources.append(next(item for item in r.resources if item.name == "redis-data")),
        (
            "urn:pulumi:dev::archesai::archesai:index:Redis$kubernetes:core/v1:PersistentVolumeClaim::redis-data: "
            "registered 2 times"
        ),
    ),
    "a label is missing": (
        lambda r: r.one("Service", "archesai-api")["metadata"]["labels"].pop("app.kubernetes.io/part-of"),
        "Service archesai-api: labels lack app.kubernetes.io/part-of",
    ),
    "a component is none": (
        lambda r: r.one("Service", "archesai-api")["metadata"]["labels"].update(
            {"app.kubernetes.io/component": "backend"}
        ),
        "Service archesai-api: labels lack app.kubernetes.io/component",
    ),
    "an object is in the default namespace": (
        lambda r: r.one("Service", "archesai-api")["metadata"].update(namespace="default"),
        "Service archesai-api: in namespace default, which nobody makes",
    ),
    "an object has no namespace": (
        lambda r: r.one("Service", "archesai-api")["metadata"].pop("namespace"),
        "Service archesai-api: wrong scope (namespace None)",
    ),
    "a version is no longer served": (
        lambda r: r.one("Ingress", "archesai-api").update(apiVersion="networking.k8s.io/v1beta1"),
        "Ingress archesai-api: networking.k8s.io/v1beta1 is not served",
    ),
    "the namespace is held to nothing": (
        lambda r: r.one("Namespace", "archesai")["metadata"]["labels"].update(
            {"pod-security.kubernetes.io/enforce": "privileged"}
        ),
        "Namespace archesai: enforces Pod Security privileged, not restricted",
    ),
    "a selector has a version": (
        lambda r: api(r)["spec"]["selector"]["matchLabels"].update({"app.kubernetes.io/version": "v1"}),
        "Deployment archesai-api: does not select its own pods",
    ),
    "a Service selects every pod": (
        lambda r: r.one("Service", "archesai-redis")["spec"].update(selector={"app.kubernetes.io/name": "archesai"}),
        "Service archesai-redis: selects Deployment archesai-api, ",
    ),
    "a Service has neither pods nor addresses": (
        lambda r: r.one("Service", "archesai-redis")["spec"].pop("selector"),
        "Service archesai-redis: selects no workload",
    ),
    "pods may share a node": (
        lambda r: pod(api(r)).pop("topologySpreadConstraints"),
        "Deployment archesai-api: its pods may all run on one node or in one zone",
    ),
    "a changed password rolls nothing": (
        lambda r: template(api(r))["metadata"].pop("annotations"),
        "Deployment archesai-api: a change of its Secrets does not roll its pods",
    ),
}

OF_REFERENCES: dict[str, tuple[Defect, str]] = {
    "a Secret lacks a key": (
        lambda r: r.one("Secret", "archesai-database")["stringData"].pop("DATABASE_URL"),
        "Deployment archesai-api: Secret archesai-database has no key DATABASE_URL",
    ),
    "a pull secret is never made": (
        lambda r: pod(api(r)).update(imagePullSecrets=[{"name": "regcred"}]),
        "Deployment archesai-api: pull secret regcred is not there",
    ),
    "nobody reads a ConfigMap": (
        lambda r: pod(api(r))["volumes"].pop(0),
        "ConfigMap archesai-config-… nobody reads it",
    ),
    "a claim is never made": (
        lambda r: drop(r, "PersistentVolumeClaim", "archesai-redis-data"),
        "StatefulSet archesai-redis: claim archesai-redis-data is not there",
    ),
    "an account is never made": (
        lambda r: drop(r, "ServiceAccount", "archesai-redis"),
        "StatefulSet archesai-redis: ServiceAccount archesai-redis is not there",
    ),
    "two workloads share an account": (
        lambda r: pod(r.one("StatefulSet", "archesai-redis")).update(serviceAccountName="archesai-api"),
        "StatefulSet archesai-redis: shares ServiceAccount archesai-api with Deployment archesai-api",
    ),
    "a role is bound to nobody": (
        lambda r: r.one("RoleBinding", "archesai-role-binding")["subjects"][0].update(name="archesai"),
        "RoleBinding archesai-role-binding: ServiceAccount archesai is not there",
    ),
    "a volume is mounted by nobody": (
        lambda r: server(r)["volumeMounts"].pop(),
        "Deployment archesai-api: declares volume tmp, which nobody mounts",
    ),
    "two volumes are mounted at one path": (
        lambda r: server(r)["volumeMounts"][0].update(mountPath="/tmp"),
        "Deployment archesai-api: container api mounts two volumes at one path",
    ),
    "a Service leads to a closed port": (
        lambda r: r.one("Service", "archesai-platform")["spec"]["ports"][0].update(targetPort=5173),
        "Service archesai-platform: Deployment archesai-platform does not listen on 5173",
    ),
    "a probe asks a closed port": (
        lambda r: server(r)["readinessProbe"]["httpGet"].update(port=8080),
        "Deployment archesai-api: readinessProbe of api asks port 8080",
    ),
    "a governing Service is not headless": (
        lambda r: r.one("Service", "archesai-redis-headless")["spec"].pop("clusterIP"),
        "StatefulSet archesai-redis: Service archesai-redis-headless is not headless",
    ),
    "an Ingress leads nowhere": (
        lambda r: drop(r, "Service", "archesai-api"),
        "Ingress archesai-api: Service archesai-api is not there",
    ),
    "nobody makes a certificate": (
        lambda r: r.one("Ingress", "archesai-api")["metadata"]["annotations"].pop("cert-manager.io/cluster-issuer"),
        "Ingress archesai-api: nobody makes its certificate archesai-api-tls",
    ),
    "a middleware is never made": (
        lambda r: drop(r, "Middleware", "archesai-headers"),
        "Ingress archesai-api: Middleware archesai-headers is not there",
    ),
    "two Ingresses have one host": (
        lambda r: r.one("Ingress", "archesai-platform")["spec"]["rules"][0].update(host="api.example.com"),
        "Ingress archesai-platform: host api.example.com is another's",
    ),
    "a process on the host stands behind a Service with pods": (
        lambda r: r.objects.append(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": "archesai-api-host",
                    "namespace": "archesai",
                    "labels": {"kubernetes.io/service-name": "archesai-api"},
                },
                "ports": [{"name": "http", "port": 4000}],
                "endpoints": [{"addresses": ["172.18.0.1"]}],
            }
        ),
        "EndpointSlice archesai-api-host: Service archesai-api has pods as well",
    ),
}

OF_PODS: dict[str, tuple[Defect, str]] = {
    "a pod shares its node's network": (
        lambda r: pod(api(r)).update(hostNetwork=True),
        "Deployment archesai-api: hostNetwork",
    ),
    "a pod mounts its node's disk": (
        lambda r: pod(api(r))["volumes"].append({"name": "node", "hostPath": {"path": "/"}}),
        "Deployment archesai-api: volume node is a hostPath",
    ),
    "a container keeps a capability": (
        lambda r: server(r)["securityContext"]["capabilities"].update(add=["NET_RAW"]),
        "Deployment archesai-api: container api keeps capabilities",
    ),
    "a container writes to its root": (
        lambda r: server(r)["securityContext"].update(readOnlyRootFilesystem=False),
        "Deployment archesai-api: container api writes to its root file system",
    ),
    "an id is low": (
        lambda r: pod(api(r))["securityContext"].update(runAsUser=999),
        "Deployment archesai-api: runAsUser is 999",
    ),
    "modes are widened at every start": (
        lambda r: pod(r.one("StatefulSet", "archesai-postgres"))["securityContext"].pop("fsGroupChangePolicy"),
        "StatefulSet archesai-postgres: walks its volumes at every start and widens their modes",
    ),
    "a limit is missing": (
        lambda r: server(r)["resources"]["limits"].pop("ephemeral-storage"),
        "Deployment archesai-api: container api has no request and limit of ephemeral-storage",
    ),
    "a request is above its limit": (
        lambda r: server(r)["resources"]["requests"].update(memory="2Gi"),
        "Deployment archesai-api: container api requests more memory than its limit",
    ),
    "a scratch volume has no bound": (
        lambda r: pod(api(r))["volumes"][1].update(emptyDir={}),
        "Deployment archesai-api: scratch volume tmp has no bound",
    ),
    "scratch volumes are larger than the pod may use": (
        lambda r: pod(api(r))["volumes"][1]["emptyDir"].update(sizeLimit="2Gi"),
        "Deployment archesai-api: its scratch volumes are larger than its limit of ephemeral-storage",
    ),
    "a probe is missing": (
        lambda r: server(r).pop("startupProbe"),
        "Deployment archesai-api: container api has no startupProbe",
    ),
    "an outage of the database restarts the api": (
        lambda r: server(r).update(livenessProbe=deepcopy(server(r)["readinessProbe"])),
        "Deployment archesai-api: container api is restarted by what only should take it out of service",
    ),
    "a pod gets a token": (
        lambda r: pod(r.one("Deployment", "archesai-platform")).update(automountServiceAccountToken=True),
        "Deployment archesai-platform: its service account's token is mounted, or is not",
    ),
    "a pod gets all Services as variables": (
        lambda r: pod(api(r)).pop("enableServiceLinks"),
        "Deployment archesai-api: gets the addresses of all Services as environment variables",
    ),
    "a pod has no time to stop": (
        lambda r: pod(api(r)).update(terminationGracePeriodSeconds=5),
        "Deployment archesai-api: has less than 30 s to stop",
    ),
    "an account gives its token away": (
        lambda r: r.one("ServiceAccount", "archesai-api").pop("automountServiceAccountToken"),
        "ServiceAccount archesai-api: gives its token to every pod",
    ),
    "production runs what moves": (
        lambda r: server(r).update(image="archesai/api:latest"),
        "Deployment archesai-api: image archesai/api:latest is not pinned",
    ),
}

OF_SCALING: dict[str, tuple[Defect, str]] = {
    "an autoscaler has no room": (
        lambda r: r.one("HorizontalPodAutoscaler", "archesai-api")["spec"].update(maxReplicas=1),
        "HorizontalPodAutoscaler archesai-api: from 3 to 1 pods",
    ),
    "a rollout takes a pod away first": (
        lambda r: api(r)["spec"]["strategy"]["rollingUpdate"].update(maxUnavailable=1),
        "Deployment archesai-api: has fewer pods while it rolls",
    ),
    "a budget blocks every drain": (
        lambda r: r.one("PodDisruptionBudget", "archesai-redis")["spec"].update(maxUnavailable=0),
        "PodDisruptionBudget archesai-redis: blocks every drain",
    ),
}


def open_namespace(rendered: Rendered) -> None:
    """Make one more namespace, without policies."""
    (own,) = rendered.kinds("Namespace")
    rendered.objects.append({**own, "metadata": {**own["metadata"], "name": "open"}})


OF_THE_NETWORK: dict[str, tuple[Defect, str]] = {
    "a namespace has no policies": (open_namespace, "Namespace open: has no default deny"),
    "a rule has no ports": (
        lambda r: policy(r, "archesai-redis")["ingress"][0].pop("ports"),
        "NetworkPolicy archesai-redis: a rule of its ingress names no peers or no ports",
    ),
    "a store that may ask name servers": (
        lambda r: policy(r, "archesai-dns")["podSelector"]["matchExpressions"][1]["values"].append("storage"),
        "NetworkPolicy archesai-dns: storage may resolve names and opens no connection",
    ),
    "every pod may reach everything": (
        lambda r: policy(r, "archesai-dns")["egress"][0]["ports"].append({"port": 443}),
        "NetworkPolicy archesai-dns: opens more than name resolution to every pod",
    ),
    "redis does not let the api in": (
        lambda r: policy(r, "archesai-redis").update(ingress=[]),
        "StatefulSet archesai-redis: does not let Deployment archesai-api in on 6379",
    ),
    "the api is not let out to redis": (
        lambda r: policy(r, "archesai-api")["egress"].pop(1),
        "Deployment archesai-api: may not open connections to StatefulSet archesai-redis on 6379",
    ),
    "a pod is configured with an address that nothing lets it reach": (
        lambda r: set_env(server(r, name="archesai-platform"), "CACHE", "archesai-redis:6379"),
        "Deployment archesai-platform: may not open connections to StatefulSet archesai-redis on 6379",
    ),
    "a pod is configured with a Service that there is not": (
        lambda r: set_env(server(r, name="archesai-platform"), "ARCHES_SERVER_HOST", "archesai-server:3001"),
        "Deployment archesai-platform: connects to archesai-server:3001, and there is no such Service",
    ),
    "a pod is configured with a wrong port": (
        lambda r: set_env(server(r, name="archesai-platform"), "ARCHES_SERVER_HOST", "archesai-api:8080"),
        "Deployment archesai-platform: connects to archesai-api:8080, and the Service has no such port",
    ),
    "a pod is configured with an address outside that no policy opens": (
        lambda r: set_env(server(r, name="archesai-platform"), "METRICS", "metrics.example.com:4317"),
        "Deployment archesai-platform: connects to metrics.example.com:4317, and no policy lets it out to port 4317",
    ),
    "the controller is not let in": (
        lambda r: policy(r, "archesai-platform").update(ingress=[]),
        "Ingress archesai-platform: its controller is not let in to Deployment archesai-platform",
    ),
    "the browsers reach the cloud's metadata": (
        lambda r: policy(r, "archesai-scraper")["egress"][0]["to"][0]["ipBlock"]["except"].remove("169.254.0.0/16"),
        "NetworkPolicy archesai-scraper: its browsers reach 169.254.0.0/16",
    ),
    "Cilium lets the api out to the internet": (
        lambda r: cilium(r)["egress"][0].update(toEntities=["world"]),
        "CiliumNetworkPolicy archesai-cilium-api: opens more than the API server's ports",
    ),
    "Cilium lets the api out on every port": (
        lambda r: cilium(r)["egress"][0].pop("toPorts"),
        "CiliumNetworkPolicy archesai-cilium-api: opens more than the API server's ports",
    ),
    "Cilium lets everybody in": (
        lambda r: cilium(r).update(ingress=[{"fromEntities": ["all"]}]),
        "CiliumNetworkPolicy archesai-cilium-api: lets more in than Cilium's Ingress to one port",
    ),
    "Cilium's Ingress is let in where nobody asked for it": (
        lambda r: cilium(r).update(ingress=[{"fromEntities": ["ingress"]}]),
        "CiliumNetworkPolicy archesai-cilium-api: ingress.controller.cilium is off",
    ),
    "Cilium denies what others allow": (
        lambda r: cilium(r).update(egressDeny=[{"toEntities": ["all"]}]),
        "CiliumNetworkPolicy archesai-cilium-api: is for more than a way in or out",
    ),
    "Cilium's policy is for no pod": (
        lambda r: cilium(r).update(endpointSelector={"matchLabels": {"app.kubernetes.io/component": "apis"}}),
        "CiliumNetworkPolicy archesai-cilium-api: selects no workload",
    ),
}

OF_SECRETS: dict[str, tuple[Defect, str]] = {
    "a secret value is in a ConfigMap": (
        lambda r: config_map(r)["data"].update(note=f"it is {secret_value(r)}"),
        "ConfigMap archesai-config-… holds a secret value",
    ),
    "a secret value is an argument": (
        lambda r: server(r, "StatefulSet", "archesai-redis").update(args=["--requirepass", secret_value(r)]),
        "StatefulSet archesai-redis: holds a secret value",
    ),
    "a secret value is an output": (
        lambda r: setattr(r, "outputs", {"redis": secret_value(r)}),
        "outputs: hold a secret value",
    ),
    "a secret value is an input of a component": (
        lambda r: change_resource(r, "redis", inputs={"password": secret_value(r)}),
        "archesai:index:Redis redis: holds a secret value",
    ),
    "a Secret is in plain text in the state": (
        lambda r: change_resource(r, "redis-secret", secret_paths=()),
        "Secret redis-secret: REDIS_PASSWORD is in plain text in the state",
    ),
    "a generated value is in plain text in the state": (
        lambda r: change_resource(r, "redis-password", secret_paths=()),
        "Stash redis-password: input is in plain text in the state",
    ),
    "a URL has a password": (
        lambda r: set_env(server(r), "LLM", "https://me:correct-horse@llm.example.com:443"),
        "Deployment archesai-api: container api gets a URL with a password",
    ),
    "the api's file has a password": (
        lambda r: config_map(r)["data"].update({"config.yaml": "auth: {google: {clientSecret: correct-horse}}"}),
        "ConfigMap archesai-config-… auth.google.clientSecret has its value in plain text",
    ),
    "the api's file does not name a variable": (
        lambda r: config_map(r)["data"].update({"config.yaml": "api: {port: 3001}"}),
        "Deployment archesai-api: ARCHES_REDIS_AUTH has no empty setting in the file",
    ),
}

OF_DATA: dict[str, tuple[Defect, str]] = {
    "a claim goes with the stack": (
        lambda r: change_resource(r, "redis-data", retain_on_delete=False),
        "PersistentVolumeClaim redis-data: retainData says otherwise",
    ),
    "production lets a server with data go": (
        lambda r: change_resource(r, "database-stateful-set", protect=False),
        "StatefulSet database-stateful-set: is protected, or is not",
    ),
    "a StatefulSet makes its claims": (
        lambda r: r.one("StatefulSet", "archesai-redis")["spec"].update(
            volumeClaimTemplates=[{"metadata": {"name": "data"}}]
        ),
        "StatefulSet archesai-redis: makes the claim data-archesai-redis-0",
    ),
}

DEFECTS = OF_THE_OLD_SYSTEM | OF_IDENTITY | OF_REFERENCES | OF_PODS | OF_SCALING | OF_THE_NETWORK | OF_SECRETS | OF_DATA


def without_digests(finding: str) -> str:
    """A finding with the digests in names left out: `archesai-config-1b4b1344:` as `archesai-config-…`."""
    return re.sub(r"-[0-9a-f]{8}:?(?= |$|,)", "-…", finding)


@cache
def findings(name: str) -> dict[str, list[str]]:
    """What each check finds in the stack with a defect."""
    rendered = Rendered.of(sound())
    DEFECTS[name][0](rendered)
    return {check.__name__: list(map(without_digests, check(rendered))) for check in CHECKS}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_put_back_is_found(name: str) -> None:
    found = [finding for of_check in findings(name).values() for finding in of_check]
    assert any(finding.startswith(DEFECTS[name][1]) for finding in found), found


def test_the_stack_of_the_defects_is_sound_without_them() -> None:
    assert violations(Rendered.of(sound())) == []


def test_every_check_is_seen_to_fail() -> None:
    seen = {check for name in DEFECTS for check, found in findings(name).items() if found}
    assert {check.__name__ for check in CHECKS} - seen == set()
