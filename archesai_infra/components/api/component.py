"""The Arches api: a Go REST server, configured by a file and by references to Secrets."""

from __future__ import annotations

import pulumi

from archesai_infra import versions
from archesai_infra.components.api.configuration import ApiArgs, Configuration, configuration, storage_of, variable
from archesai_infra.components.api.settings import JWT_KEY, MODULE, NAME, PORT, ApiSettings
from archesai_infra.components.base.component import FilledSecret, secret_key
from archesai_infra.components.base.context import Context, Endpoint
from archesai_infra.components.base.external_secrets import Value
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.credentials import Credential, Credentials
from archesai_infra.kube.pods import SecretKey, container, environment
from archesai_infra.kube.probes import stop_by_interrupt
from archesai_infra.kube.volumes import config_files, scratch

CONFIG_PATH = "/etc/archesai"
"""Where the api looks for `config.yaml`, after its working directory."""
DRAIN_SECONDS = 5
GRACE_SECONDS = 30
"""Drain, then the 10 s the server gives its requests, then a margin."""


class Api(RunningComponent):
    """The api's configuration and pods, or the process on the developer's machine in their place."""

    endpoint: Endpoint

    def __init__(self, context: Context, args: ApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Api", MODULE, context, opts)
        settings = args.settings
        self.service(NAME, {"http": PORT}, settings.run_on_host, alike=True)
        if settings.run_on_host is None:
            own, values = self._secrets(settings, args.credentials)
            store = storage_of(args.connections)
            self.deployment(
                self._pod(settings, configuration(args, own, values)),
                replicas=settings.pods,
                autoscaling=settings.autoscaling,
                # No value flows from the migrations and the bucket's Job, yet schema and user come before the code.
                depends_on=[*args.waits_for, *(store.ready if store else ())],
            )
        self.endpoint = Endpoint(NAME, PORT)
        self.register_outputs({})

    def _secrets(
        self, settings: ApiSettings, credentials: Credentials
    ) -> tuple[dict[str, SecretKey], list[pulumi.Output[str]]]:
        data: dict[str, pulumi.Output[str]] = {variable(path): v for path, v in credentials.api_settings.items()}
        filled: FilledSecret | None = None
        if settings.existing_secret is None and self.context.external:
            value = Value.API_JWT_SECRET
            filled = self.external_secret(NAME, {JWT_KEY: value.template}, [value])
        elif settings.existing_secret is None:
            data[JWT_KEY] = credentials.get(Credential.API_JWT_SECRET) or self.generated(
                "jwt-secret", version=settings.password_version
            )
        secret = self.secret(NAME, data) if data else None
        own = {path: secret_key(secret, variable(path)) for path in credentials.api_settings if secret}
        owner = settings.existing_secret or filled or secret
        if owner is not None:
            own["auth.local.jwtSecret"] = secret_key(owner, JWT_KEY)
        return own, list(data.values())

    def _pod(self, settings: ApiSettings, config: Configuration) -> Pod:
        files = self.config_map("config", {"config.yaml": config.file})
        mounts = [
            config_files("config", CONFIG_PATH, files.metadata.name),
            scratch("tmp", "/tmp", "256Mi"),
            *config.mounts,
        ]
        server = container(
            name="api",
            image=self.context.image(settings.image, versions.API),
            pull_policy=self.context.pull_policy,
            resources=settings.resources.requirements(),
            command=settings.command,
            env=environment(config.plain, config.environment),
            ports={"http": PORT},
            mounts=mounts,
            probes=settings.health.probes(PORT),
            lifecycle=stop_by_interrupt(DRAIN_SECONDS),
        )
        return Pod(
            NAME,
            [server],
            mounts,
            settings.scheduling,
            GRACE_SECONDS,
            config.secret_values,
            token=settings.kubernetes_access,
        )
