"""Text that a program's output leaves in a terminal: tests/shared/terminal.json is read by the
view's tests too.
"""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagent.render.terminal_text import terminal_text

TABLE: list[tuple[str, str]] = json.loads(
    (Path(__file__).parents[1] / "shared/terminal.json").read_text("utf-8")
)
TOKENS = st.sampled_from(
    [
        "a",
        "bc",
        "\n",
        "\r",
        "\b",
        "\t",
        "\x1b[",
        "\x1b[2K",
        "\x1b[1A",
        "\x1b[31m",
        "\x1b]0;t\x07",
        "\x1b",
        "5C",
        "é",
    ]
)


@pytest.mark.parametrize(("output", "shown"), TABLE)
def test_output_reads_as_in_a_terminal(output: str, shown: str) -> None:
    assert terminal_text(output) == shown


@given(st.lists(TOKENS, max_size=30).map("".join))
def test_no_control_character_is_left_where_a_terminal_was_meant(output: str) -> None:
    shown = terminal_text(output + "\r")
    assert not {character for character in shown if character < " "} - {"\n"}
