"""The Pulumi program: settings and credentials in, every resource of the stack out."""

from archesai_infra.process import prepare
from archesai_infra.stack.program import run

prepare()
run()
