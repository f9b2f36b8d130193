"""The Pulumi program: settings and credentials in, every resource of the stack out."""

import pulumi

from archesai_infra.process import prepare
from archesai_infra.stack.config import ConfigError, load
from archesai_infra.stack.deploy import UnpinnedClusterError, deploy
from archesai_infra.stack.stack_file import from_engine

prepare()
try:
    for name, value in deploy(*load(from_engine()), pulumi.get_stack()).items():
        pulumi.export(name, value)
except (ConfigError, UnpinnedClusterError) as error:
    raise pulumi.RunError(str(error)) from None
