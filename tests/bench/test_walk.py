"""The way of one text delta is short."""

from collections.abc import Callable
from typing import Any

import pytest
from bench.walk import chat_delta, own_delta, walk

MAX_CALLS = 48
"""There are 45; before a run read events, there were 54."""


@pytest.mark.parametrize("delta", [chat_delta, own_delta])
def test_a_text_delta_is_passed_on_by_few_calls(delta: Callable[[int], Any]) -> None:
    calls = walk(delta)
    assert calls[0].function == "take"  # of the pipeline
    assert calls[-1].function == "wake"  # of the iterations over the run
    assert len(calls) <= MAX_CALLS, calls
