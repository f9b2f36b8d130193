"""A stack of the program, and the configuration it has at the moment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from archesai_infra.stack.config import PROJECT
from archesai_infra.stack.evaluate import Evaluation, evaluate
from testbed.engine.project import project, write_config
from testbed.engine.stack import Stack
from testbed.engine.standin_charts import Templates, only_records, write_charts
from testbed.stacks import Config, raw


class Deployment(Stack):
    """A stack of the program, in a project directory of its own."""

    def __init__(
        self,
        source: Path,
        directory: Path,
        config: Config,
        environment: Mapping[str, str],
        secrets: Mapping[str, str] | None = None,
        *,
        templates: Templates = only_records,
    ) -> None:
        """Prepare a stack; nothing is deployed yet.

        Args:
            source: A snapshot of the program.
            directory: Made; holds the project, the state and the logs.
            config: Configuration of the stack as in its file, without the project's name.
            environment: Variables of the engine, the kubeconfig among them.
            secrets: Credentials to set as `pulumi config set --secret` does.
            templates: What the stand-ins of charts install besides the record of their values.
        """
        super().__init__(project(source, directory / "project"), environment)
        self.config = config | {"charts": {"directory": str(directory / "charts")}}
        self._secrets = dict(secrets or {})
        self._templates = templates
        self.configure()
        for key, value in self._secrets.items():
            self.set_secret(f"{PROJECT}:{key}", value)

    def configure(self, changed: Config | None = None) -> Evaluation:
        """Set keys of the stack file and provide the charts they ask for; returns what they declare.

        Objects are filled in and null takes a key away, also inside objects.
        """
        self.config = _merged(self.config, changed or {})
        write_config(self.work, self.name, self.config)
        declared = self.declared()
        write_charts(declared.releases, self._templates)
        return declared

    def declared(self) -> Evaluation:
        """What the program declares for the configuration; given credentials are placeholders."""
        placeholders = {key: f"configured:{key}" for key in self._secrets}
        return evaluate(raw(self.config | placeholders, self.name), application=True)


def _merged(config: Config, changed: Config) -> Config:
    merged = dict(config)
    for key, value in changed.items():
        before = merged.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(before, dict):
            merged[key] = _merged(before, value)
        else:
            merged[key] = value
    return merged


class Deploy(Protocol):
    """Makes a stack by name, configuration and credentials, with variables of its engine's own."""

    def __call__(
        self,
        name: str,
        config: Config,
        *,
        secrets: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        templates: Templates = only_records,
    ) -> Deployment: ...
