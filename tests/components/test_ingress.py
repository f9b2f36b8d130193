from __future__ import annotations

from typing import Any

import pytest

from archesai_infra.stack.config import ConfigError
from archesai_infra.stack.evaluate import Evaluation
from testbed.components.parts import depends_on, logical_names, resource
from testbed.matrix import ISSUER, ON, TLS
from testbed.stacks import find, render

NGINX = "nginx.ingress.kubernetes.io/"
TRAEFIK = "traefik.ingress.kubernetes.io/"
MIDDLEWARES = {"archesai-rate-limit", "archesai-headers", "archesai-compress"}


def stack(**settings: Any) -> Evaluation:  # noqa: ANN401 - settings as in a stack file
    return render({"domain": "example.com", "ingress": ON | settings})


def annotated(evaluation: Evaluation, name: str = "archesai-api") -> dict[str, str]:
    return find(evaluation, "Ingress", name)["metadata"].get("annotations", {})


def values(evaluation: Evaluation, release: str) -> dict[str, Any]:
    return resource(evaluation, f"ingress-{release}").inputs["values"]


def test_each_module_has_a_host_of_its_own_below_the_domain() -> None:
    spec = find(stack(hosts={"api": "rest", "platform": "app"}), "Ingress", "archesai-api")["spec"]
    assert spec == {
        "ingressClassName": "nginx",
        "rules": [
            {
                "host": "rest.example.com",
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {"service": {"name": "archesai-api", "port": {"number": 3001}}},
                        }
                    ]
                },
            }
        ],
    }


def test_a_module_without_host_stays_inside() -> None:
    inside = stack(hosts={"api": None})
    assert logical_names(inside, "ingress-") == {"ingress-platform"}
    peers = [rule["from"] for rule in find(inside, "NetworkPolicy", "archesai-api")["spec"]["ingress"]]
    assert all("namespaceSelector" not in peer for sources in peers for peer in sources)


def test_nginx_is_told_of_size_rate_and_patience_in_its_own_words() -> None:
    assert annotated(stack()) == {
        f"{NGINX}proxy-body-size": str(50 * 2**20),
        f"{NGINX}proxy-request-buffering": "on",
        f"{NGINX}limit-rps": "10",
        f"{NGINX}limit-burst-multiplier": "2",
        f"{NGINX}proxy-connect-timeout": "10",
        f"{NGINX}proxy-send-timeout": "3600",
        f"{NGINX}proxy-read-timeout": "3600",
        f"{NGINX}ssl-redirect": "false",
    }


def test_what_the_stack_file_says_reaches_nginx_and_its_own_annotations_win() -> None:
    found = annotated(
        stack(
            bodySize="1Gi",
            rateLimit={"requestsPerSecond": 5, "burst": 50},
            timeouts={"read": 300},
            annotations={f"{NGINX}limit-rps": "7", "team": "edge"},
        )
    )
    assert found[f"{NGINX}proxy-body-size"] == str(2**30)
    assert (found[f"{NGINX}limit-rps"], found[f"{NGINX}limit-burst-multiplier"]) == ("7", "10")
    assert (found[f"{NGINX}proxy-read-timeout"], found["team"]) == ("300", "edge")


def test_traefik_is_told_by_middlewares_that_are_there() -> None:
    traefik = stack(className="traefik", rateLimit={"requestsPerSecond": 5, "burst": 50})
    found = annotated(traefik)
    assert set(found[f"{TRAEFIK}router.middlewares"].split(",")) == {
        f"archesai-{name}@kubernetescrd" for name in MIDDLEWARES
    }
    assert found[f"{TRAEFIK}router.entrypoints"] == "web"
    assert find(traefik, "Middleware", "archesai-rate-limit")["spec"] == {
        "rateLimit": {"average": 5, "burst": 50, "period": "1s"}
    }


def test_browsers_are_told_to_stay_with_https_only_where_there_is_some() -> None:
    headers = [
        find(stack(className="traefik", **tls), "Middleware", "archesai-headers")["spec"]["headers"]
        for tls in ({}, {"tls": TLS})
    ]
    assert "stsSeconds" not in headers[0]
    assert headers[1]["stsSeconds"] == 31536000
    assert all(item["contentTypeNosniff"] and item["frameDeny"] for item in headers)


def test_another_class_gets_what_every_class_understands() -> None:
    other = stack(
        className="haproxy",
        controller={"namespace": "haproxy"},
        tls=TLS,
        annotations={"haproxy.org/rate-limit-requests": "10"},
    )
    assert annotated(other) == {
        "haproxy.org/rate-limit-requests": "10",
        "cert-manager.io/cluster-issuer": "letsencrypt-prod",
    }
    assert find(other, "Ingress", "archesai-api")["spec"]["ingressClassName"] == "haproxy"


def test_an_issuer_makes_a_certificate_for_each_host() -> None:
    secure = stack(tls=TLS)
    assert find(secure, "Ingress", "archesai-api")["spec"]["tls"] == [
        {"hosts": ["api.example.com"], "secretName": "archesai-api-tls"}
    ]
    assert find(secure, "Ingress", "archesai-platform")["spec"]["tls"][0]["secretName"] == "archesai-platform-tls"
    assert annotated(secure)["cert-manager.io/cluster-issuer"] == "letsencrypt-prod"
    assert annotated(secure)[f"{NGINX}ssl-redirect"] == "true"
    assert secure.outputs["urls"] == {"api": "https://api.example.com", "platform": "https://platform.example.com"}


def test_the_proof_that_a_host_is_ours_gets_through_to_its_pod() -> None:
    spec = find(stack(tls=TLS), "NetworkPolicy", "archesai-acme-solver")["spec"]
    assert spec["podSelector"]["matchLabels"] == {"acme.cert-manager.io/http01-solver": "true"}
    assert spec["ingress"][0]["ports"] == [{"protocol": "TCP", "port": 8089}]


def test_a_certificate_of_others_needs_neither_issuer_nor_proof() -> None:
    theirs = stack(tls={"enabled": True, "existingSecret": "theirs"})
    assert find(theirs, "Ingress", "archesai-api")["spec"]["tls"][0]["secretName"] == "theirs"
    assert "cert-manager.io/cluster-issuer" not in annotated(theirs)
    assert "ingress-acme-solver" not in logical_names(theirs)


@pytest.mark.parametrize(
    ("issuer", "directory"), [("letsencrypt-prod", "acme-v02"), ("letsencrypt-staging", "acme-staging-v02")]
)
def test_an_issuer_asks_the_directory_of_its_name(issuer: str, directory: str) -> None:
    made = stack(tls=TLS | {"issuer": issuer}, clusterIssuer=ISSUER)
    assert find(made, "ClusterIssuer", issuer)["spec"]["acme"] == {
        "server": f"https://{directory}.api.letsencrypt.org/directory",
        "email": "operations@example.com",
        "privateKeySecretRef": {"name": issuer},
        "solvers": [{"http01": {"ingress": {"ingressClassName": "nginx"}}}],
    }


def test_an_issuer_waits_for_the_cert_manager_that_the_stack_installs() -> None:
    made = stack(tls=TLS, clusterIssuer=ISSUER, certManager=ON_INSTALL)
    assert "ingress-cert-manager" in depends_on(made, "ingress-cluster-issuer")
    assert {"ingress-cluster-issuer", "ingress-cert-manager"} <= depends_on(made, "ingress-api")


ON_INSTALL = {"install": True}


def test_cert_manager_comes_with_its_kinds_and_leaves_them() -> None:
    made = stack(certManager={"install": True, "replicas": 2})
    assert values(made, "cert-manager")["crds"] == {"enabled": True, "keep": True}
    assert values(made, "cert-manager")["webhook"]["replicaCount"] == 2
    assert find(made, "Namespace", "cert-manager")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == (
        "restricted"
    )


def test_our_controller_serves_class_nginx_and_is_the_only_one_let_in() -> None:
    made = stack(controller={"install": True, "replicas": 2, "serviceType": "NodePort"})
    found = values(made, "traefik")
    assert found["providers"]["kubernetesIngressNGINX"] == {"enabled": True, "watchNamespace": "archesai"}
    assert found["providers"]["kubernetesIngress"]["enabled"] is False
    assert found["providers"]["kubernetesCRD"]["namespaces"] == ["archesai"]
    assert found["rbac"] == {"enabled": False}
    assert found["ingressClass"] == {"enabled": False, "isDefaultClass": False}
    assert found["deployment"] == {"replicas": 2}
    assert found["service"]["spec"]["type"] == "NodePort"
    assert found["podDisruptionBudget"] == {"enabled": True, "maxUnavailable": 1}
    assert find(made, "IngressClass", "nginx")["spec"] == {"controller": "k8s.io/ingress-nginx"}
    assert find(made, "Middleware", "archesai-headers")["spec"]["headers"]["frameDeny"] is True
    assert "--entrypoints.web.http.middlewares=archesai-archesai-headers@kubernetescrd" in found["additionalArguments"]
    assert {item["topologyKey"] for item in found["topologySpreadConstraints"]} == {
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    }
    assert let_in(made) == ("ingress", {"app.kubernetes.io/name": "traefik"})


def test_our_controller_for_traefik_brings_its_own_class() -> None:
    made = stack(className="traefik", controller=ON_INSTALL)
    assert values(made, "traefik")["providers"]["kubernetesIngressNGINX"]["enabled"] is False
    assert values(made, "traefik")["ingressClass"] == {"enabled": True, "isDefaultClass": False, "name": "traefik"}
    assert "ingress-class-nginx" not in logical_names(made)
    assert "ingress-traefik" in depends_on(made, "ingress-headers")


def test_our_controller_sends_plain_requests_to_https() -> None:
    made = stack(tls=TLS, controller=ON_INSTALL)
    entry_point = values(made, "traefik")["ports"]["web"]["http"]["redirections"]["entryPoint"]
    assert entry_point == {"to": "websecure", "scheme": "https", "permanent": True}
    assert "ports" not in values(stack(controller=ON_INSTALL), "traefik")


@pytest.mark.parametrize(
    ("settings", "namespace", "labels"),
    [
        ({}, "ingress-nginx", {"app.kubernetes.io/name": "ingress-nginx"}),
        ({"className": "traefik"}, "traefik", {"app.kubernetes.io/name": "traefik"}),
        ({"className": "haproxy", "controller": {"namespace": "edge"}}, "edge", {"app.kubernetes.io/name": "haproxy"}),
        ({"controller": {"namespace": "edge", "podLabels": {"app": "edge"}}}, "edge", {"app": "edge"}),
    ],
)
def test_just_the_controllers_pods_are_let_in(settings: dict[str, Any], namespace: str, labels: dict[str, str]) -> None:
    assert let_in(stack(**settings)) == (namespace, labels)


@pytest.mark.parametrize("name", ["gce", "alb", "cilium"])
def test_a_class_that_does_not_tell_who_lets_requests_in_is_asked_for_it(name: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"class {name} does not tell .* set controller.namespace .* controller.cidrs"
    ):
        stack(className=name)


def let_in(evaluation: Evaluation) -> tuple[str, dict[str, str]]:
    """The namespace and the labels of the pods from outside that the platform lets in."""
    (rule,) = find(evaluation, "NetworkPolicy", "archesai-platform")["spec"]["ingress"]
    (peer,) = rule["from"]
    return (
        peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"],
        peer["podSelector"]["matchLabels"],
    )


def test_pages_and_objects_are_never_limited_and_objects_have_any_size() -> None:
    made = render(
        {
            "domain": "example.com",
            "storage": ON,
            "ingress": ON | {"hosts": {"storage": "storage"}, "rateLimit": {"hosts": ["api"]}},
        }
    )
    assert f"{NGINX}limit-rps" in annotated(made, "archesai-api")
    assert f"{NGINX}limit-rps" not in annotated(made, "archesai-platform")
    storage = annotated(made, "archesai-storage")
    (rule,) = find(made, "Ingress", "archesai-storage")["spec"]["rules"]
    assert [path["path"] for path in rule["http"]["paths"]] == ["/arches"]
    assert f"{NGINX}limit-rps" not in storage
    assert (storage[f"{NGINX}proxy-body-size"], storage[f"{NGINX}proxy-request-buffering"]) == ("0", "off")
    traefik = stack(className="traefik")
    assert annotated(traefik, "archesai-platform")[f"{TRAEFIK}router.middlewares"] == (
        "archesai-archesai-headers@kubernetescrd,archesai-archesai-compress@kubernetescrd"
    )


def test_no_limit_is_a_choice() -> None:
    assert f"{NGINX}limit-rps" not in annotated(stack(rateLimit=None))
    assert "ingress-rate-limit" not in logical_names(stack(className="traefik", rateLimit=None))


def test_our_controller_keeps_the_clients_addresses_and_takes_the_clouds_words() -> None:
    assert values(stack(controller=ON_INSTALL), "traefik")["service"] == {
        "spec": {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}
    }
    service = {
        "annotations": {"service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing"},
        "loadBalancerClass": "service.k8s.aws/nlb",
        "sourceRanges": ["198.51.100.0/24"],
        "address": "203.0.113.7",
    }
    assert values(stack(controller=ON_INSTALL | {"service": service}), "traefik")["service"] == {
        "annotations": service["annotations"],
        "spec": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": "Local",
            "loadBalancerClass": "service.k8s.aws/nlb",
            "loadBalancerIP": "203.0.113.7",
            "loadBalancerSourceRanges": ["198.51.100.0/24"],
        },
    }
    inside = stack(controller=ON_INSTALL | {"serviceType": "ClusterIP"})
    assert values(inside, "traefik")["service"] == {"spec": {"type": "ClusterIP"}}


@pytest.mark.parametrize(
    ("proxies", "argument"),
    [
        ({}, "forwardedheaders.trustedips=10.0.0.0/8,fd00::/8"),
        ({"proxyProtocol": True}, "proxyprotocol.trustedips=10.0.0.0/8,fd00::/8"),
    ],
)
def test_our_controller_believes_the_proxies_that_are_named(proxies: dict[str, Any], argument: str) -> None:
    controller = ON_INSTALL | {"trustedProxies": ["10.0.0.0/8", "fd00::/8"]} | proxies
    made = stack(className="traefik", controller=controller)
    found = values(made, "traefik")["additionalArguments"]
    assert {f"--entrypoints.web.{argument}", f"--entrypoints.websecure.{argument}"} <= set(found)
    assert not any(
        "trustedips" in item for item in values(stack(controller=ON_INSTALL), "traefik")["additionalArguments"]
    )
    limit = find(made, "Middleware", "archesai-rate-limit")["spec"]["rateLimit"]
    expected = {} if proxies else {"sourceCriterion": {"ipStrategy": {"excludedIPs": ["10.0.0.0/8", "fd00::/8"]}}}
    assert limit == {"average": 10, "burst": 20, "period": "1s"} | expected


def test_our_controller_receives_long_and_ends_gently() -> None:
    found = values(stack(controller=ON_INSTALL, timeouts={"request": 1200}), "traefik")["additionalArguments"]
    assert "--entrypoints.websecure.transport.respondingtimeouts.readtimeout=1200s" in found
    assert "--entrypoints.web.transport.lifecycle.requestacceptgracetimeout=10s" in found
    assert "--accesslog=true" in found
    quiet = values(stack(controller=ON_INSTALL | {"accessLog": False}), "traefik")["additionalArguments"]
    assert "--accesslog=true" not in quiet


def test_another_class_of_our_own_stands_beside_a_traefik_that_is_there() -> None:
    made = stack(className="arches", controller=ON_INSTALL)
    found = values(made, "traefik")
    assert found["ingressClass"] == {"enabled": True, "isDefaultClass": False, "name": "arches"}
    served = {"enabled": True, "ingressClass": "arches", "namespaces": ["archesai", "ingress"]}
    assert found["providers"]["kubernetesIngress"] == served
    assert f"{TRAEFIK}router.middlewares" in annotated(made)
    assert let_in(made) == ("ingress", {"app.kubernetes.io/name": "traefik"})


def test_values_of_the_stack_file_win_over_ours() -> None:
    more = {"tolerations": [{"operator": "Exists"}], "deployment": {"kind": "DaemonSet"}}
    found = values(stack(controller=ON_INSTALL | {"values": more}), "traefik")
    assert found["tolerations"] == [{"operator": "Exists"}]
    assert found["deployment"] == {"replicas": 1, "kind": "DaemonSet"}


CLUSTER = {"service": {"externalTrafficPolicy": "Cluster"}}
WITHOUT_EFFECT: dict[str, tuple[dict[str, Any], str]] = {
    "a body size that would stop streams": (
        {"className": "traefik", "bodySize": "1Mi"},
        r"bodySize cannot be expressed for class traefik: .*holds every answer back",
    ),
    "a body size for an unknown class": (
        {"className": "haproxy", "controller": {"namespace": "h"}, "bodySize": "1Mi"},
        "bodySize cannot be expressed for class haproxy: use nginx, or annotations",
    ),
    "a burst that no multiplier says": (
        {"rateLimit": {"requestsPerSecond": 10, "burst": 25}},
        r"rateLimit.burst must be a multiple .* \(got 25 and 10\)",
    ),
    "a rate limit for whole nodes": (
        {"controller": {"install": True} | CLUSTER},
        r"externalTrafficPolicy: Cluster hides: set it to Local, name controller.trustedProxies",
    ),
    "a rate limit for a whole load balancer": (
        {"controller": {"install": True, "trustedProxies": ["10.0.0.0/8"]}},
        r"those come from controller.trustedProxies: set controller.proxyProtocol, use class traefik",
    ),
    "a read timeout for traefik": (
        {"className": "traefik", "timeouts": {"read": 60}},
        "timeouts.read cannot be expressed for class traefik: use nginx, or annotations",
    ),
    "a time for requests of an existing controller": (
        {"timeouts": {"request": 60}},
        "timeouts.request is for the controller that the stack installs",
    ),
    "PROXY protocol from everybody": (
        {"controller": {"install": True, "proxyProtocol": True}},
        "proxyProtocol needs trustedProxies",
    ),
    "limited pages": ({"rateLimit": {"hosts": ["platform"]}}, "rateLimit.hosts"),
}


@pytest.mark.parametrize("fault", WITHOUT_EFFECT)
def test_a_setting_without_effect_is_refused_with_the_reason(fault: str) -> None:
    settings, message = WITHOUT_EFFECT[fault]
    with pytest.raises(ConfigError, match=message):
        stack(**settings)


def test_without_a_rate_limit_clients_may_be_unknown() -> None:
    made = stack(controller=ON_INSTALL | CLUSTER, rateLimit=None)
    assert values(made, "traefik")["service"]["spec"]["externalTrafficPolicy"] == "Cluster"


def test_a_mirror_serves_the_charts_images_too() -> None:
    made = render(
        {
            "images": {"registry": "registry.example.com/mirror"},
            "ingress": ON | {"controller": ON_INSTALL, "certManager": ON_INSTALL},
        }
    )
    assert values(made, "traefik")["image"] == {"registry": "registry.example.com/mirror"}
    assert values(made, "cert-manager")["imageRegistry"] == "registry.example.com/mirror"


def test_charts_come_from_a_mirror_or_a_directory() -> None:
    def chart(**charts: str) -> str:
        made = render({"charts": charts, "ingress": ON | {"certManager": ON_INSTALL}})
        return resource(made, "ingress-cert-manager").inputs["chart"]

    assert chart() == "oci://quay.io/jetstack/charts/cert-manager"
    assert chart(mirror="oci://registry.example.com/charts") == "oci://registry.example.com/charts/cert-manager"
    assert chart(directory="charts").startswith("charts/cert-manager-")


def test_a_release_that_did_not_come_up_is_rolled_back_in_production_only() -> None:
    pinned = {"image": {"tag": "v1.0.0"}}
    production = {"environment": "production", "domain": "example.com", "api": pinned, "platform": pinned}
    found = [
        resource(render(change | {"ingress": ON | {"controller": ON_INSTALL}}), "ingress-traefik").inputs
        for change in ({}, production)
    ]
    assert [item["atomic"] for item in found] == [False, True]
    assert all(item["maxHistory"] == 5 and item["cleanupOnFail"] and item["timeout"] == 900 for item in found)
