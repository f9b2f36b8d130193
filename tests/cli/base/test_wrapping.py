"""Lines at the widths that people have: nothing is broken inside a word, a name or a command."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from archesai_infra.cli.base.wrapping import wrapped

WORDS = st.text("abcde-./:_", min_size=1, max_size=30)


@given(st.lists(WORDS, min_size=1, max_size=40), st.integers(0, 8), st.sampled_from([40, 80, 120]))
def test_every_word_stays_whole_and_every_line_that_can_fits(words: list[str], indent: int, width: int) -> None:
    lines = wrapped(" " * indent + " ".join(words), width)
    assert " ".join(lines).split() == words
    assert all(len(line) <= width for line in lines)


def test_following_lines_are_indented_below_the_first() -> None:
    assert wrapped("  path: one two", 12) == ["  path: one", "    two"]


def test_a_command_is_copied_in_one_piece() -> None:
    line = (
        "cluster.context: production needs a pinned cluster: arches config set cluster.context <context> --stack prod"
    )
    assert wrapped(line, 80) == [
        "cluster.context: production needs a pinned cluster:",
        "  arches config set cluster.context <context> --stack prod",
    ]
    long = f"see kubectl --context staging --namespace archesai describe service {'a' * 60}"
    assert wrapped(long, 80)[1].strip() == long.removeprefix("see ")


def test_colours_take_no_room() -> None:
    line = "\x1b[1m\x1b[31mAt risk:\x1b[0m DELETES"
    assert wrapped(line, 20) == [line]
