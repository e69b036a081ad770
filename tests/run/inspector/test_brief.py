"""Events on one line, whatever they contain."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagent import events as e
from nbagent.run.inspector.brief import LINE_CHARS, brief

BRIEF: list[tuple[e.Event, str]] = [
    (e.StepStart(), ""),
    (e.TextDelta(id="t", delta="one\ntwo"), '"one\\ntwo"'),
    (e.ToolStart(id="c", name="load", call_id="call_1"), 'name="load" call_id="call_1"'),
    (e.ToolArgs(id="c", args={"year": 2025}, args_text='{"year": 2025}'), "{year: 2025}"),
    (e.ToolArgs(id="c", args_text='{"year', valid=False), 'args_text="{\\"year" valid=false'),
    (e.ToolResult(id="c", content=0), "0"),
    (
        e.ToolResult(id="c", value=e.Live(object()), display=e.Display(summary="DataFrame 2×2")),
        "DataFrame 2×2",
    ),
    (
        e.ToolResult(id="c", status="error", error=e.ErrorInfo(message="no")),
        'status="error" error={message: "no"}',
    ),
    (
        e.StepEnd(finish_reason="stop", usage=e.Usage(input=1)),
        'finish_reason="stop" usage={input: 1}',
    ),
    (e.Custom(name="x", data=[None, True, 1.5]), 'name="x" data=[null, true, 1.5]'),
]


@pytest.mark.parametrize(("event", "line"), BRIEF, ids=[e.type_of(event) for event, _ in BRIEF])
def test_an_event_says_what_it_adds_to_its_type(event: e.Event, line: str) -> None:
    assert brief(event) == line


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=4)
    ),
)


@given(JSON)
def test_any_data_is_one_line_that_can_be_sent(data: Any) -> None:
    line = brief(e.Custom(name="x", data=data))
    assert len(line) <= LINE_CHARS
    assert "\n" not in line.encode().decode()


def test_what_is_huge_is_not_walked_through() -> None:
    class Huge(list[int]):
        def __iter__(self) -> Any:
            for number in range(1000):
                assert number < 100, "nobody reads so far"
                yield number

    assert brief(e.Custom(name="x", data=Huge())).endswith("…")
