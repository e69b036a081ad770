"""The way of one text delta is short."""

from collections.abc import Callable
from typing import Any

import pytest
from bench.walk import chat_delta, own_delta, walk

MAX_CALLS = 12
"""There are 10; before deltas waited for one another, there were 45."""


@pytest.mark.parametrize("delta", [chat_delta, own_delta])
def test_a_text_delta_is_passed_on_by_few_calls(delta: Callable[[int], Any]) -> None:
    calls = walk(delta)
    assert calls[0].function == "take"  # of the pipeline
    assert "offer" in [call.function for call in calls]  # it waits for the next ones
    assert len(calls) <= MAX_CALLS, calls
