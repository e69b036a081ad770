"""Names of other systems: an error names what nbagent has in their place."""

import pytest

from nbagent import Agent
from nbagent import events as e
from nbagent.events import Envelope
from nbagent.other_names import _FIELDS, _WHERE, OF_AGENT


@pytest.mark.parametrize(
    ("event", "name", "hint"),
    [
        (e.TextDelta(id="t", delta="a"), "chunk", "event.delta"),
        (e.TextDelta(id="t", delta="a"), "content", "event.delta"),
        (e.ToolStart(id="t", name="search"), "toolName", "event.name"),
        (e.ToolArgs(id="t", args={}), "arguments", "event.args"),
        (e.ToolResult(id="t", content=1), "output", "event.content"),
        (e.Error(message="no"), "errorText", "event.message"),
        (e.RunEnd(status="completed"), "finishReason", "event.status"),
        (e.RunStart(), "kind", "event.type"),
        (
            e.ToolStart(id="t", name="search"),
            "chunk",
            "an event 'text.delta' has it as 'delta', and this one is 'tool.start'",
        ),
    ],
)
def test_a_field_of_another_system_is_named_with_ours(event: e.Event, name: str, hint: str) -> None:
    with pytest.raises(AttributeError, match=f"no attribute '{name}'; .*{hint}"):
        getattr(event, name)


def test_any_other_name_has_no_hint() -> None:
    with pytest.raises(AttributeError, match=r"^'RunStart' object has no attribute 'xyz'$"):
        _ = e.RunStart().xyz  # type: ignore[attr-defined]
    assert getattr(e.RunStart(), "id", None) is None


def test_each_of_our_fields_is_where_it_is_said_to_be() -> None:
    by_tag = {str(kind.__struct_config__.tag): kind for kind in e.Event.__args__}
    for ours, tag in _WHERE.items():
        assert ours in by_tag[tag].__struct_fields__
    assert _FIELDS.keys() - _WHERE.keys() <= {"type", *Envelope.__struct_fields__}


def test_an_agent_has_none_of_the_names_that_it_is_told_for() -> None:
    agent = Agent("demo")
    assert not any(hasattr(agent, name) for name in OF_AGENT)
