"""What a shell in each container reads: the Secrets that the container needs, and no token for the API server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from testbed.node.shells import has_token, read_all, values
from testbed.node.stack import LiveStack
from testbed.secret_readers import readable

pytestmark = pytest.mark.node


@pytest.mark.parametrize("name", ["dev", "prod", "everything"])
def test_a_shell_reads_the_secrets_that_its_container_needs_and_no_others(
    running: Callable[[str], LiveStack], name: str
) -> None:
    stack = running(name)
    there, texts = values(stack), read_all(stack)
    own = frozenset(value for namespace, value in there if namespace == stack.namespace)
    # Some values are in two Secrets, such as a key that a chart needs in its own namespace.
    needed = {container: {there[stack.namespace, value] for value in readable(container, own)} for container in texts}
    expected = {container: {place for place in there if there[place] in needed[container]} for container in texts}
    seen = {container: {place for place in there if there[place] in text} for container, text in texts.items()}
    assert seen == expected
    assert any(seen.values())
    assert [container for container, text in texts.items() if has_token(text)] == []
