"""What an object refers to is there: Secrets, ConfigMaps, claims, accounts, volumes, ports, Services."""

from __future__ import annotations

from collections.abc import Iterator

from testbed.invariants.view import (
    CONTROLLERS,
    RUNNERS,
    Check,
    Object,
    Rendered,
    config_map_uses,
    containers,
    pod,
    secret_uses,
    template_claims,
    title,
)


def secrets_of_others(value: object) -> set[str]:
    """Names of Secrets that the configuration says others made."""
    if isinstance(value, dict):
        named = {item for key, item in value.items() if str(key).endswith("secret") and isinstance(item, str)}
        return named.union(*map(secrets_of_others, value.values()))
    return set().union(*map(secrets_of_others, value)) if isinstance(value, list | tuple) else set()


def secrets_exist(rendered: Rendered) -> Iterator[str]:
    """A pod whose Secret or key is missing never starts."""
    existing = secrets_of_others(rendered.settings.model_dump())
    for item in rendered.kinds(*RUNNERS):
        namespace = item["metadata"].get("namespace")
        for name, key in secret_uses(item):
            if rendered.has("Secret", name, namespace):
                secret = rendered.one("Secret", name)
                keys = {**secret.get("stringData", {}), **secret.get("data", {})}
                if key is not None and key not in keys:
                    yield f"{title(item)}: Secret {name} has no key {key}"
            elif name not in existing:
                yield f"{title(item)}: Secret {name} is not there"
        for reference in pod(item).get("imagePullSecrets", []):
            if not rendered.has("Secret", reference["name"], namespace):
                yield f"{title(item)}: pull secret {reference['name']} is not there"


def config_maps_exist(rendered: Rendered) -> Iterator[str]:
    """The same for ConfigMaps; one that nobody reads is a leftover."""
    used: set[str] = set()
    for item in rendered.kinds(*RUNNERS):
        for name, key in config_map_uses(item):
            used.add(name)
            if not rendered.has("ConfigMap", name, item["metadata"].get("namespace")):
                yield f"{title(item)}: ConfigMap {name} is not there"
            elif key is not None and key not in rendered.one("ConfigMap", name)["data"]:
                yield f"{title(item)}: ConfigMap {name} has no key {key}"
    for item in rendered.kinds("ConfigMap"):
        own = item["metadata"].get("namespace") == rendered.settings.namespace
        # Grafana finds its dashboards by label.
        dashboard = "grafana_dashboard" in item["metadata"].get("labels", {})
        if own and not dashboard and item["metadata"]["name"] not in used:
            yield f"{title(item)}: nobody reads it"


def claims_exist(rendered: Rendered) -> Iterator[str]:
    """Every claim that a pod mounts is there, and used by one workload only."""
    users: dict[str, list[str]] = {}
    for item in rendered.kinds(*RUNNERS):
        for volume in pod(item).get("volumes", []):
            if "persistentVolumeClaim" not in volume:
                continue
            name = volume["persistentVolumeClaim"]["claimName"]
            users.setdefault(name, []).append(title(item))
            if not rendered.has("PersistentVolumeClaim", name, item["metadata"].get("namespace")):
                yield f"{title(item)}: claim {name} is not there"
        for name in template_claims(item):
            users.setdefault(name, []).append(title(item))
    for item in rendered.kinds("PersistentVolumeClaim"):
        if not users.get(item["metadata"]["name"]):
            yield f"{title(item)}: nobody mounts it"


def accounts_exist(rendered: Rendered) -> Iterator[str]:
    """Every workload has a ServiceAccount of its own; roles are bound to accounts that exist."""
    users: dict[str, str] = {}
    ingress, backups = rendered.settings.ingress, rendered.settings.backups
    # The charts of the ingress controller and of Velero make theirs.
    charted = {("traefik", ingress.controller.release_namespace), ("velero-server", backups.velero.namespace)}
    watching = rendered.settings.monitoring.namespace
    charted |= {(f"kube-prometheus-stack-{part}", watching) for part in ("operator", "prometheus")}
    for item in rendered.kinds(*RUNNERS):
        name = pod(item).get("serviceAccountName", "default")
        if not rendered.has("ServiceAccount", name, item["metadata"].get("namespace")):
            yield f"{title(item)}: ServiceAccount {name} is not there"
        if name in users:
            yield f"{title(item)}: shares ServiceAccount {name} with {users[name]}"
        users[name] = title(item)
    for item in rendered.kinds("RoleBinding"):
        namespace = item["metadata"].get("namespace")
        if item["roleRef"]["kind"] == "Role" and not rendered.has("Role", item["roleRef"]["name"], namespace):
            yield f"{title(item)}: Role {item['roleRef']['name']} is not there"
        for subject in item.get("subjects", []):
            account = (subject["name"], subject["namespace"])
            if account not in charted and not rendered.has(subject["kind"], *account):
                yield f"{title(item)}: {subject['kind']} {subject['name']} is not there"


def mounts_and_volumes_agree(rendered: Rendered) -> Iterator[str]:
    """The API server refuses a mount of an undeclared volume; a volume nobody mounts is a mistake too."""
    for item in rendered.kinds(*RUNNERS):
        templates = item["spec"].get("volumeClaimTemplates", [])
        declared = [volume["name"] for volume in pod(item).get("volumes", [])]
        declared += [template["metadata"]["name"] for template in templates]
        mounted: set[str] = set()
        for container in containers(item):
            mounts = container.get("volumeMounts", [])
            paths = [mount["mountPath"] for mount in mounts]
            mounted |= {mount["name"] for mount in mounts}
            if len(paths) != len(set(paths)):
                yield f"{title(item)}: container {container['name']} mounts two volumes at one path"
        for name in sorted(mounted - set(declared)):
            yield f"{title(item)}: mounts volume {name}, which is not declared"
        for name in sorted(set(declared) - mounted):
            yield f"{title(item)}: declares volume {name}, which nobody mounts"
        if len(declared) != len(set(declared)):
            yield f"{title(item)}: declares a volume twice"


def listened(runner: Object) -> set[int | str]:
    """Ports that a workload's containers listen on, by number and by name."""
    ports = [port for container in containers(runner) for port in container.get("ports", [])]
    return {port["containerPort"] for port in ports} | {port["name"] for port in ports if "name" in port}


def service_ports_are_listened_on(rendered: Rendered) -> Iterator[str]:
    """A Service leads to a port that a container of its pods has."""
    for item in rendered.kinds("Service"):
        for runner in rendered.selected(item["spec"].get("selector", {"": ""}), item["metadata"].get("namespace")):
            for port in item["spec"]["ports"]:
                if port["targetPort"] not in listened(runner):
                    yield f"{title(item)}: {title(runner)} does not listen on {port['targetPort']}"


def probe_ports_are_listened_on(rendered: Rendered) -> Iterator[str]:
    """A probe asks a port of its own container."""
    for item in rendered.kinds(*RUNNERS):
        for container in containers(item):
            ports = {port["containerPort"] for port in container.get("ports", [])}
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                handler = container.get(probe, {})
                asked = handler.get("httpGet", handler.get("tcpSocket", {})).get("port")
                if asked is not None and asked not in ports:
                    yield f"{title(item)}: {probe} of {container['name']} asks port {asked}"


def governing_services_are_headless(rendered: Rendered) -> Iterator[str]:
    """A StatefulSet's pod gets its name from a headless Service that exists."""
    for item in rendered.kinds("StatefulSet"):
        name = item["spec"]["serviceName"]
        if not rendered.has("Service", name, item["metadata"].get("namespace")):
            yield f"{title(item)}: Service {name} is not there"
        elif rendered.one("Service", name)["spec"].get("clusterIP") != "None":
            yield f"{title(item)}: Service {name} is not headless"


def ingresses_lead_somewhere(rendered: Rendered) -> Iterator[str]:
    """Backends, certificates, middlewares: all there; and one host once."""
    hosts: set[str] = set()
    for item in rendered.kinds("Ingress"):
        namespace = item["metadata"].get("namespace")
        for rule in item["spec"]["rules"]:
            if rule["host"] in hosts:
                yield f"{title(item)}: host {rule['host']} is another's"
            hosts.add(rule["host"])
            for path in rule["http"]["paths"]:
                yield from _backend(rendered, item, path["backend"]["service"])
        annotations = item["metadata"].get("annotations", {})
        for entry in item["spec"].get("tls", []):
            existing = secrets_of_others(rendered.settings.model_dump())
            if "cert-manager.io/cluster-issuer" not in annotations and entry["secretName"] not in existing:
                yield f"{title(item)}: nobody makes its certificate {entry['secretName']}"
        for middleware in annotations.get("traefik.ingress.kubernetes.io/router.middlewares", "").split(","):
            name = middleware.removeprefix(f"{namespace}-").removesuffix("@kubernetescrd")
            if name and not rendered.has("Middleware", name, namespace):
                yield f"{title(item)}: Middleware {name} is not there"


def _backend(rendered: Rendered, ingress: Object, backend: Object) -> Iterator[str]:
    namespace = ingress["metadata"].get("namespace")
    if not rendered.has("Service", backend["name"], namespace):
        if namespace == rendered.settings.namespace:
            yield f"{title(ingress)}: Service {backend['name']} is not there"
        return
    ports = rendered.one("Service", backend["name"])["spec"]["ports"]
    if backend["port"]["number"] not in [port["port"] for port in ports]:
        yield f"{title(ingress)}: Service {backend['name']} has no port {backend['port']['number']}"


def host_endpoints_belong_to_services(rendered: Rendered) -> Iterator[str]:
    """Addresses of the developer's machine stand behind a port of a Service that has no pods."""
    for item in rendered.kinds("EndpointSlice"):
        name = item["metadata"]["labels"]["kubernetes.io/service-name"]
        if not rendered.has("Service", name, item["metadata"].get("namespace")):
            yield f"{title(item)}: Service {name} is not there"
            continue
        spec = rendered.one("Service", name)["spec"]
        if "selector" in spec:
            yield f"{title(item)}: Service {name} has pods as well"
        if {port["name"] for port in item["ports"]} != {port["name"] for port in spec["ports"]}:
            yield f"{title(item)}: its ports are not those of Service {name}"


def scaled_workloads_exist(rendered: Rendered) -> Iterator[str]:
    """An autoscaler scales something that is there."""
    for item in rendered.kinds("HorizontalPodAutoscaler"):
        target = item["spec"]["scaleTargetRef"]
        known = target["kind"] in CONTROLLERS
        if not known or not rendered.has(target["kind"], target["name"], item["metadata"].get("namespace")):
            yield f"{title(item)}: {target['kind']} {target['name']} is not there"


CHECKS: tuple[Check, ...] = (
    secrets_exist,
    config_maps_exist,
    claims_exist,
    accounts_exist,
    mounts_and_volumes_agree,
    service_ports_are_listened_on,
    probe_ports_are_listened_on,
    governing_services_are_headless,
    ingresses_lead_somewhere,
    host_endpoints_belong_to_services,
    scaled_workloads_exist,
)
