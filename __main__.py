"""The Pulumi program: settings and credentials in, every resource of the stack out."""

import pulumi

from archesai_infra.process import prepare
from archesai_infra.stack.config import ConfigError, load
from archesai_infra.stack.deploy import UnpinnedClusterError, deploy
from archesai_infra.stack.protection import ProtectedError, protected_before
from archesai_infra.stack.stack_file import from_engine

prepare()
stack = pulumi.get_stack()
try:
    outputs = deploy(*load(from_engine()), stack, protected_before=protected_before(stack))
except (ConfigError, ProtectedError, UnpinnedClusterError) as error:
    raise pulumi.RunError(str(error)) from None
for name, value in outputs.items():
    pulumi.export(name, value)
