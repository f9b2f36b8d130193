"""The Pulumi program: settings and credentials in, every resource of the stack out."""

import signal

import pulumi

from archesai_infra.config import ConfigError, from_engine, load
from archesai_infra.stack import UnpinnedClusterError, deploy

# Ctrl-C is the engine's to act on: here it would only be a traceback in the middle of what the engine says.
signal.signal(signal.SIGINT, signal.SIG_IGN)
try:
    outputs = deploy(*load(from_engine()), pulumi.get_stack())
except (ConfigError, UnpinnedClusterError) as error:
    raise pulumi.RunError(str(error)) from None
for name, value in outputs.items():
    pulumi.export(name, value)
