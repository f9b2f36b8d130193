"""Every mistake has a message that names the key, the problem and the cure, and all mistakes are said at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.stack_files import DEVELOPMENT, PRODUCTION, reasons, write

SECRET = "{secure: AAABAMdV7dXnzq0=}"

TYPOS = {
    "at the top": ("archesai:redsi: {enabled: true}", "redsi: unknown key; did you mean redis?"),
    "in a credential": (
        f"archesai:databasePasword: {SECRET}",
        "databasePasword: unknown key; did you mean databasePassword?",
    ),
    "in a module": ("archesai:redis: {enabeld: true}", "redis.enabeld: unknown key; did you mean redis.enabled?"),
    "in a managed form": (
        "archesai:database: {siez: 1Gi}",
        "database.siez: unknown key; did you mean database.size?",
    ),
    "in an external form": (
        "archesai:database: {mode: external, existingSecret: mine, hots: db.example.com}",
        "database.hots: unknown key; did you mean database.host?",
    ),
    "a key of the other form": (
        "archesai:redis: {enabled: true, mode: external, host: redis.example.com, size: 5Gi}",
        (
            "redis.size: only redis.mode managed or replicated takes this key: remove it, or change the mode "
            "(now external)"
        ),
    ),
    "a key of the external form": (
        "archesai:storage: {enabled: true, host: s3.example.com}",
        "storage.host: only storage.mode external takes this key: remove it, or change the mode (now managed)",
    ),
    "three levels down": (
        "archesai:api: {autoscaling: {enabled: true, minReplica: 2}}",
        "api.autoscaling.minReplica: unknown key; did you mean api.autoscaling.minReplicas?",
    ),
    "in an item of a list": (
        "archesai:api: {egress: [{cidr: 10.0.0.0/8, ports: [443]}, {cidr: 10.0.0.0/8, ports: [443], port: 1}]}",
        "api.egress[1].port: unknown key; did you mean api.egress[1].ports?",
    ),
    "in a value of a mapping": (
        "archesai:api: {secretSettings: {auth.secret: {secret: google, key: secret, kay: x}}}",
        "api.secretSettings.auth.secret.kay: unknown key; did you mean api.secretSettings.auth.secret.key?",
    ),
    "snake case": ("archesai:redis: {max_memory: 1Mi}", "redis.max_memory: unknown key; did you mean redis.maxMemory?"),
    "a path without --path": (
        'archesai:redis.enabled: "true"',
        "redis.enabled: unknown key; write it inside redis: arches config set redis.enabled <value>",
    ),
    "like no other key": (
        "archesai:images: {kubernetes: 1}",
        "images.kubernetes: unknown key; the keys here are digests, pullPolicy, registry",
    ),
    "no project": (
        "domain: example.com",
        "config.domain: keys begin with the project's name: archesai:domain",
    ),
    "in the project": (
        "archesia:domain: example.com",
        "config.archesia:domain: unknown namespace archesia; did you mean archesai:domain?",
    ),
}

WRONG_VALUES = {
    "an environment that is none": (
        "archesai:environment: prod",
        "environment: must be development or production (got prod)",
    ),
    "a mode that is none": (
        "archesai:redis: {mode: extern}",
        "redis.mode: must be managed or replicated or external (got extern)",
    ),
    "an object as a switch": (
        "archesai:redis: true",
        "redis: must be an object: arches config set redis.enabled true (got true)",
    ),
    "an object as text": (
        "archesai:cluster: kind-kind",
        "cluster: must be an object: arches config set cluster.context <value>",
    ),
    "an object as a list": (
        "archesai:api: [enabled]",
        "api: must be an object: arches config set api.enabled true",
    ),
    "an object of nothing": (
        "archesai:api:",
        "api: must be an object: arches config set api.enabled true",
    ),
    "a nested object of nothing": ("archesai:api: {image: null}", "api.image: must be an object"),
    "a list as text": (
        "archesai:migrations: {command: archesai migrate}",
        "migrations.command: must be a list (got archesai migrate)",
    ),
    "a command of nothing": ("archesai:migrations: {command: []}", "migrations.command: must have at least 1 item"),
    "a switch": ("archesai:redis: {enabled: maybe}", "redis.enabled: must be true or false (got maybe)"),
    "a number in words": (
        "archesai:api: {replicas: three}",
        "api.replicas: must be a whole number (got three)",
    ),
    "half a pod": ("archesai:api: {replicas: 1.5}", "api.replicas: must be a whole number (got 1.5)"),
    "no pod": ("archesai:api: {replicas: 0}", "api.replicas: must be at least 1 (got 0)"),
    "a port": (
        "archesai:redis: {mode: external, host: redis.example.com, port: 70000}",
        "redis.port: must be at most 65535 (got 70000)",
    ),
    "a percentage": (
        "archesai:api: {autoscaling: {cpu: 120}}",
        "api.autoscaling.cpu: must be at most 100 (got 120)",
    ),
    "connections": (
        "archesai:database: {postgres: {maxConnections: 5}}",
        "database.postgres.maxConnections: must be at least 10 (got 5)",
    ),
    "bytes": (
        "archesai:database: {size: 10GB}",
        "database.size: must be a quantity of bytes, such as 512Mi or 10Gi (got 10GB)",
    ),
    "cores": (
        """\
        archesai:api:
          resources:
            requests: {cpu: lots, memory: 1Gi}
            limits: {cpu: "1", memory: 1Gi}
        """,
        "api.resources.requests.cpu: must be a quantity of CPU, such as 250m or 1 (got lots)",
    ),
    "a network": (
        "archesai:api: {egress: [{cidr: 10.0.0.1/8, ports: [443]}]}",
        "api.egress[0].cidr: must be a network in CIDR notation, such as 10.0.0.0/8 (got 10.0.0.1/8)",
    ),
    "an address": (
        "archesai:api: {runOnHost: {ip: my-laptop, port: 3001}}",
        "api.runOnHost.ip: must be an IP address, such as 172.18.0.1 (got my-laptop)",
    ),
    "a URL as domain": (
        "archesai:domain: https://example.com",
        "domain: must be a host name in lower case, such as example.com (got https://example.com)",
    ),
    "a namespace": (
        "archesai:namespace: My_Space",
        "namespace: must be a DNS label: lower-case letters, digits and '-', at most 63 characters (got My_Space)",
    ),
    "a tag": (
        "archesai:api: {image: {tag: release 1}}",
        "api.image.tag: must be an image tag, such as v1.0.0 (got release 1)",
    ),
    "a tag in the repository": (
        "archesai:api: {image: {repository: 'ghcr.io/archesai/api:v1'}}",
        (
            "api.image.repository: must be an image repository without tag, such as ghcr.io/archesai/api "
            "(got ghcr.io/archesai/api:v1)"
        ),
    ),
    "a digest": (
        "archesai:api: {image: {digest: 'sha256:12'}}",
        "api.image.digest: must be sha256: and 64 hexadecimal digits (got sha256:12)",
    ),
    "an SQL name": (
        "archesai:database: {name: Arches-DB}",
        (
            "database.name: must be a database name: lower-case letters, digits, '_' and '-', at most 63 characters "
            "(got Arches-DB)"
        ),
    ),
    "a bucket": (
        "archesai:storage: {bucket: A}",
        "storage.bucket: must be a bucket name of 3 to 63 lower-case letters, digits, '.' or '-' (got A)",
    ),
    "a log level": (
        "archesai:api: {logLevel: verbose}",
        "api.logLevel: must be debug, info, warn or error (got verbose)",
    ),
    "an e-mail address": (
        "archesai:ingress: {clusterIssuer: {email: nobody}}",
        "ingress.clusterIssuer.email: must be an e-mail address, such as operations@example.com (got nobody)",
    ),
    "a chart mirror": (
        "archesai:charts: {mirror: 'https://charts.example.com'}",
        (
            "charts.mirror: must be an OCI address, such as oci://registry.example.com/charts "
            "(got https://charts.example.com)"
        ),
    ),
    "a dotted path": (
        "archesai:api: {secretSettings: {auth google: {secret: google, key: secret}}}",
        (
            "api.secretSettings.auth google: must be a path of names joined by dots, such as auth.google.clientId "
            "(got auth google)"
        ),
    ),
    "a key of a Secret": (
        "archesai:api: {secretSettings: {auth.google.secret: {secret: google, key: the key}}}",
        (
            "api.secretSettings.auth.google.secret.key: must be a key of a Secret: letters, digits, '-', '_' or '.' "
            "(got the key)"
        ),
    ),
}

IMPOSSIBLE = {
    "requests above limits": (
        """\
        archesai:api:
          resources:
            requests: {cpu: "2", memory: 1Gi}
            limits: {cpu: 1500m, memory: 1Gi}
        """,
        "api.resources: requests.cpu (2) must not be more than limits.cpu (1500m)",
    ),
    "fewest above most pods": (
        "archesai:api: {autoscaling: {minReplicas: 5, maxReplicas: 2}}",
        "api.autoscaling: minReplicas (5) must not be more than maxReplicas (2)",
    ),
    "redis' data above its memory": (
        "archesai:redis: {maxMemory: 256Mi}",
        "redis: maxMemory (256Mi) must be below resources.limits.memory (256Mi)",
    ),
    "an api without database": (
        "archesai:database: {enabled: false}",
        "database.enabled: the api needs the database: set it to true, or api.enabled to false",
    ),
    "a platform without api": (
        "archesai:api: {enabled: false}",
        "api.enabled: the platform needs the api: set it to true, or platform.enabled to false",
    ),
    "a restore without backups": (
        "archesai:restoring: true",
        "restoring: needs module backups, which is off: set backups.enabled to true, or remove the key",
    ),
    "a host of a module that is off": (
        "archesai:ingress: {enabled: true, hosts: {storage: storage}}",
        "ingress.hosts.storage: needs module storage, which is off: set storage.enabled to true, or remove the key",
    ),
    "one host for two modules": (
        "archesai:ingress: {enabled: true, hosts: {api: arches, platform: arches}}",
        "ingress.hosts.platform: api has the same host; give each its own (got arches)",
    ),
    "a host of an external storage": (
        f"""\
        archesai:ingress: {{enabled: true, hosts: {{storage: storage}}}}
        archesai:storage: {{enabled: true, mode: external, host: s3.example.com}}
        archesai:storageAccessKey: {SECRET}
        archesai:storageSecretKey: {SECRET}
        """,
        "ingress.hosts.storage: an external storage has an address of its own; remove the host",
    ),
    "a public endpoint of the storage without a host": (
        "archesai:storage: {enabled: true, publicEndpoint: true}",
        "storage.publicEndpoint: needs a host: set ingress.enabled to true and ingress.hosts.storage",
    ),
    "a path of the api's probes that is none": (
        "archesai:api: {health: {path: health}}",
        "api.health.path: must be a path of a URL, such as /health (got health)",
    ),
    "settings of a module that is off": (
        "archesai:api: {settings: {redis: {ca: /etc/ca.crt}}}",
        "api.settings.redis.ca: needs module redis, which is off: set redis.enabled to true, or remove the key",
    ),
    "settings that are not free": (
        "archesai:api: {settings: {database: {url: x}, api.port: 80}}",
        "api: settings.api.port, database.url: set by other settings of the stack; remove it here",
    ),
    "a setting that is also secret": (
        """\
        archesai:api:
          settings: {auth: {google: {secret: x}}}
          secretSettings: {auth.google.secret: {secret: google, key: secret}}
        """,
        "api: settings.auth.google.secret: also in secretSettings; keep only one",
    ),
    "a rate limit for a class without one": (
        "archesai:ingress: {enabled: true, className: haproxy, rateLimit: {burst: 5}}",
        "ingress: rateLimit cannot be expressed for class haproxy: use nginx or traefik, or annotations",
    ),
    "timeouts for a class without them": (
        "archesai:ingress: {enabled: true, className: traefik, timeouts: {read: 300}}",
        "ingress: timeouts.read cannot be expressed for class traefik: use nginx, or annotations",
    ),
    "TLS without certificate": (
        "archesai:ingress: {enabled: true, tls: {enabled: true}}",
        "ingress.tls: needs one of issuer (such as letsencrypt-prod) and existingSecret, and not both",
    ),
    "TLS with two certificates": (
        "archesai:ingress: {enabled: true, tls: {enabled: true, issuer: letsencrypt-prod, existingSecret: mine}}",
        "ingress.tls: needs one of issuer (such as letsencrypt-prod) and existingSecret, and not both",
    ),
    "an issuer without e-mail": (
        "archesai:ingress: {tls: {enabled: true, issuer: letsencrypt-prod}, clusterIssuer: {create: true}}",
        "ingress: clusterIssuer.create needs clusterIssuer.email",
    ),
    "an issuer nobody knows": (
        """\
        archesai:ingress:
          tls: {enabled: true, issuer: mine}
          clusterIssuer: {create: true, email: operations@example.com}
        """,
        "ingress: clusterIssuer.create needs tls.issuer to be one of letsencrypt-prod, letsencrypt-staging",
    ),
    "a namespace of the cluster": (
        "archesai:namespace: kube-system",
        "namespace: must be a namespace of the stack's own, such as archesai (got kube-system)",
    ),
    "a namespace of the controller": (
        """\
        archesai:namespace: ingress
        archesai:ingress: {enabled: true, controller: {install: true}}
        """,
        "ingress.controller.namespace: must not be the same as namespace (got ingress)",
    ),
    "an external redis without host": (
        "archesai:redis: {enabled: true, mode: external, existingSecret: mine}",
        "redis.host: is required",
    ),
    "an external redis without password": (
        "archesai:redis: {enabled: true, mode: external, host: redis.example.com}",
        "redis: an external redis needs its password: arches config set redisPassword",
    ),
    "an external storage without keys": (
        "archesai:storage: {enabled: true, mode: external, host: s3.example.com}",
        "storage: external storage needs its keys: arches config set storageAccessKey and storageSecretKey",
    ),
    "a redis on the host without password": (
        "archesai:redis: {enabled: true, runOnHost: {ip: 172.18.0.1, port: 6379}}",
        "redis.runOnHost: needs the server's password: arches config set redisPassword",
    ),
    "a database on the host without password": (
        "archesai:database: {runOnHost: {ip: 172.18.0.1, port: 5432}}",
        "database.runOnHost: needs the server's password: arches config set databasePassword",
    ),
    "a password and an existing Secret for the database": (
        f"""\
        archesai:database: {{existingSecret: mine}}
        archesai:databasePassword: {SECRET}
        """,
        "database.existingSecret: databasePassword is also set; keep only one",
    ),
    "a password and an existing Secret for redis": (
        f"""\
        archesai:redis: {{enabled: true, existingSecret: mine}}
        archesai:redisPassword: {SECRET}
        """,
        "redis.existingSecret: redisPassword is also set; keep only one",
    ),
    "keys and an existing Secret for the storage": (
        f"""\
        archesai:storage: {{enabled: true, existingSecret: mine}}
        archesai:storageAccessKey: {SECRET}
        archesai:storageSecretKey: {SECRET}
        """,
        "storage.existingSecret: storageAccessKey is also set; keep only one",
    ),
    "a signing key and an existing Secret": (
        f"""\
        archesai:api: {{existingSecret: mine}}
        archesai:apiJwtSecret: {SECRET}
        """,
        "api.existingSecret: apiJwtSecret is also set; keep only one",
    ),
    "half of a pair of keys": (
        f"""\
        archesai:storage: {{enabled: true}}
        archesai:storageAccessKey: {SECRET}
        """,
        "storageAccessKey: needs its other half: arches config set storageSecretKey",
    ),
    "a URL of a managed database": (
        f"archesai:databaseUrl: {SECRET}",
        "databaseUrl: only an external database takes a URL: set database.mode to external or remove it",
    ),
    "a registry password without user": (
        f"archesai:registryPassword: {SECRET}",
        "registryPassword: needs the user it belongs to: set security.registry.username",
    ),
    "a registry user without password": (
        "archesai:security: {registry: {username: robot}}",
        "security.registry.username: needs its password: arches config set registryPassword",
    ),
}

MISPLACED_SECRETS = {
    "inside a module": (
        f"archesai:database: {{password: {SECRET}}}",
        (
            "database: holds a secret inside, which the state would keep in plain text: "
            "secrets are keys of their own: arches config set databasePassword or databaseUrl"
        ),
    ),
    "in place of a valid value": (
        f"archesai:redis: {{size: {SECRET}}}",
        (
            "redis: holds a secret inside, which the state would keep in plain text: "
            "secrets are keys of their own: arches config set redisPassword"
        ),
    ),
    "deep inside a module": (
        f"archesai:api: {{settings: {{auth: {{google: {{clientSecret: {SECRET}}}}}}}}}",
        (
            "api: holds a secret inside, which the state would keep in plain text: "
            "secrets are keys of their own: arches config set apiJwtSecret or apiSecretSettings"
        ),
    ),
    "in an item of a list": (
        f"archesai:api: {{command: [serve, {SECRET}]}}",
        (
            "api: holds a secret inside, which the state would keep in plain text: "
            "secrets are keys of their own: arches config set apiJwtSecret or apiSecretSettings"
        ),
    ),
    "in a key that is none": (
        f"archesai:domain: {SECRET}",
        "domain: is not a secret but is stored as one: arches config set domain <value>",
    ),
    "in plain text": (
        "archesai:databasePassword: correct-horse",
        "databasePassword: is stored in plain text: arches config set databasePassword",
    ),
}

IN_PRODUCTION = {
    "a version of the database that moves": (
        "archesai:database: {image: {tag: latest}}",
        "database.image.tag: latest is refused in production: pin a version, such as v1.0.0",
    ),
    "an image of the bucket's Job that moves": (
        "archesai:storage: {enabled: true, acceptSingleNode: true, bucketImage: {tag: latest}}",
        "storage.bucketImage.tag: latest is refused in production: pin a version, such as v1.0.0",
    ),
    "a database on the host": (
        f"""\
        archesai:database: {{runOnHost: {{ip: 172.18.0.1, port: 5432}}}}
        archesai:databasePassword: {SECRET}
        """,
        "database.runOnHost: is for development only: remove it",
    ),
}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        pytest.param(*case, id=f"{group}: {name}")
        for group, cases in {
            "typo": TYPOS,
            "wrong value": WRONG_VALUES,
            "impossible": IMPOSSIBLE,
            "misplaced secret": MISPLACED_SECRETS,
        }.items()
        for name, case in cases.items()
    ],
)
def test_a_mistake_is_said_with_its_key_its_problem_and_its_cure(keys: str, message: str, tmp_path: Path) -> None:
    write(tmp_path, *([keys] if "archesai:environment" in keys else [DEVELOPMENT, keys]))
    assert reasons(tmp_path) == [f"Pulumi.dev.yaml: {message}"]


@pytest.mark.parametrize(("keys", "message"), [pytest.param(*case, id=name) for name, case in IN_PRODUCTION.items()])
def test_production_refuses_what_development_takes(keys: str, message: str, tmp_path: Path) -> None:
    write(tmp_path, DEVELOPMENT, keys)
    assert reasons(tmp_path) == []
    write(tmp_path, PRODUCTION, keys)
    assert reasons(tmp_path) == [f"Pulumi.dev.yaml: {message}"]


def test_production_wants_pinned_images_and_a_domain_and_says_so_at_once(tmp_path: Path) -> None:
    write(tmp_path, "archesai:environment: production", "archesai:ingress: {enabled: true}", stack="prod")
    assert reasons(tmp_path, "prod") == [
        "Pulumi.prod.yaml: api.image.tag: latest is refused in production: pin a version, such as v1.0.0",
        "Pulumi.prod.yaml: platform.image.tag: latest is refused in production: pin a version, such as v1.0.0",
        "Pulumi.prod.yaml: domain: production needs a domain of its own (got localhost)",
    ]


def test_mistakes_in_several_modules_are_all_reported(tmp_path: Path) -> None:
    write(
        tmp_path,
        "archesai:domain: https://example.com",
        "archesai:api: {replicas: 0, autoscalling: {enabled: true}}",
        "archesai:databasePassword: correct-horse",
        f"archesai:redis: {{password: {SECRET}}}",
    )
    assert reasons(tmp_path) == [
        "Pulumi.dev.yaml: api.autoscalling: unknown key; did you mean api.autoscaling?",
        "Pulumi.dev.yaml: api.replicas: must be at least 1 (got 0)",
        "Pulumi.dev.yaml: databasePassword: is stored in plain text: arches config set databasePassword",
        "Pulumi.dev.yaml: domain: must be a host name in lower case, such as example.com (got https://example.com)",
        "Pulumi.dev.yaml: environment: is required: set it to development or production",
        (
            "Pulumi.dev.yaml: redis: holds a secret inside, which the state would keep in plain text: "
            "secrets are keys of their own: arches config set redisPassword"
        ),
    ]


def test_an_external_database_names_both_things_it_lacks(tmp_path: Path) -> None:
    write(tmp_path, DEVELOPMENT, "archesai:database: {mode: external}")
    assert reasons(tmp_path) == [
        "Pulumi.dev.yaml: database.host: an external database needs host, databaseUrl or existingSecret",
        ("Pulumi.dev.yaml: database: an external database needs its password: arches config set databasePassword"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "environment: is required: set it to development or production", id="empty"),
        pytest.param(
            "config:\n  archesai:domain: example.com\n",
            "environment: is required: set it to development or production",
            id="no environment",
        ),
        pytest.param(
            "- archesai\n",
            "must be an object with the key config, as in: config: {archesai:environment: …}",
            id="a list",
        ),
        pytest.param(
            "archesai\n",
            "must be an object with the key config, as in: config: {archesai:environment: …}",
            id="text",
        ),
        pytest.param(
            "config: [archesai]\n",
            "config: must be an object of keys such as archesai:environment",
            id="config as a list",
        ),
        pytest.param(
            "config:\n  archesai:api: {replicas: [\n",
            "line 3, column 1: broken YAML: expected the node content, but found '<stream end>'",
            id="an open bracket",
        ),
        pytest.param(
            "config:\n\tarchesai:environment: development\n",
            "line 2, column 1: broken YAML: found character '\\t' that cannot start any token",
            id="a tab",
        ),
        pytest.param(
            "config:\n  archesai:domain: !env DOMAIN\n",
            "domain: tags are not supported: write text in quotes, and all else without a tag",
            id="a tag nobody knows",
        ),
        pytest.param("config: \x00\n", "broken YAML: special characters are not allowed", id="a control character"),
    ],
)
def test_a_file_that_is_no_stack_file_says_where(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(text, encoding="utf-8")
    assert reasons(tmp_path) == [f"Pulumi.dev.yaml: {message}"]


def test_a_file_in_another_encoding_says_where(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_bytes(b"config: \xff\n")
    assert reasons(tmp_path) == ["Pulumi.dev.yaml: byte 9: must be UTF-8 text"]


def test_an_unknown_stack_names_the_ones_there_are(tmp_path: Path) -> None:
    write(tmp_path, DEVELOPMENT)
    write(tmp_path, PRODUCTION, stack="prod")
    assert reasons(tmp_path, "staging") == [
        ("Pulumi.staging.yaml: no such stack file; stacks here: dev, prod; to add one: arches init staging")
    ]
