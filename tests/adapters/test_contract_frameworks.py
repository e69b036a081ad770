"""Every recording of an agent framework, whole, cut, broken and damaged."""

from pathlib import Path
from typing import Any

import pytest
from adapters.damage import JSON, damaged
from adapters.frameworks import RECORDINGS, decoder_of, items_of, system_of
from adapters.recorded import Transcript, decode, name_of
from hypothesis import given
from hypothesis import strategies as st

from nbagent import events as ev
from nbagent.adapters.decoders import adapters, decoder_for
from nbagent.errors import Cancelled

LONDON = ["The capital of the UK is London."]
Call = tuple[str, Any, Any]
PARALLEL: list[Call] = [("get_country", {}, "Mexico"), ("get_product_name", {}, "Pydantic AI")]
CAPITAL: list[Call] = [("get_capital", {"country": "UK"}, "London")]
WEATHER = [*PARALLEL, ("get_weather", {"city": "Mexico City"}, "sunny")]
COMPOSED = (
    "I've composed a beautiful symphony piece in D major for you. "
    "If you want more details or adjustments, feel free to let me know!"
)
ROOT_HANDOFF: Call = ("transfer_to_symphony_composer", {}, '{"assistant": "Symphony Composer"}')
CALCULATED: list[Call] = [
    ("calculator", {"a": 12, "b": 7, "op": "add"}, None),
    ("calculator", {"a": 19, "b": 3, "op": "multiply"}, None),
    ("calculator", {"a": 57, "b": 10, "op": "multiply"}, None),
]

# What the final snapshots of each recording say: the texts, and the calls with their results.
SAID: dict[str, tuple[list[str], list[Call]]] = {
    "langchain": (LONDON, WEATHER),
    "langgraph": (LONDON, WEATHER),
    "openai_agents/replay-chat-parallel-tools": (
        LONDON,
        [*PARALLEL, ("get_weather", {"city": "Mexico City"}, "sunny in Mexico City")],
    ),
    "openai_agents/replay-responses-function-call": (
        ["The capital of France is Paris."],
        [("get_capital", {"country": "France"}, "Paris")],
    ),
    "openai_agents/replay-responses-handoff": (
        [COMPOSED],
        [ROOT_HANDOFF, ("compose_music", {"style": "symphony", "key": "D major"}, "composed")],
    ),
    "openai_agents/replay-responses-reasoning-summary": (["The final result is **570**."], CALCULATED),
    "openai_agents/replay-responses-tool-approval": ([], [("get_capital", {"country": "France"}, None)]),
}
SAID |= {
    "nearai": (["I am Socrates.", "Plato here."], []),
    "dexto/constructed-error": ([], []),
    "dexto/constructed-message-stream": (
        ["Reading now."],
        [("read_file", {"path": "/a.txt"}, [{"type": "text", "text": "hello"}]), ("bash", {}, None)],
    ),
    "kb_fastapi": (["Hello"], [("search", {}, "3 hits")]),
}
SAID |= {
    "pydantic_ai/replay-chat-parallel-tools.events": (
        LONDON,
        [*PARALLEL, ("get_weather", {"city": "Mexico City"}, "sunny in Mexico City")],
    ),
    "pydantic_ai/replay-responses-function-call.events": (
        ["The capital of France is Paris."],
        [("get_capital", {"country": "France"}, "Paris")],
    ),
    "langchain/replay-astream_events-v3-subgraph": (LONDON, CAPITAL),
    "langchain/replay-astream_events-v3-interrupt": ([], [("get_capital", {"country": "UK"}, None)]),
    "crewai": (LONDON, CAPITAL),
    "smolagents/replay-out-of-steps": (LONDON, CAPITAL),
    "smolagents": (["done"], [*WEATHER, ("final_answer", {"answer": "done"}, "done")]),
    "llama_index": (LONDON, WEATHER),
    "google_adk/replay-tool-loop": (
        ["The temperature in Paris is 30°C.\n"],
        [("get_capital", {"country": "France"}, "Paris"), ("get_temperature", {"city": "Paris"}, "30C")],
    ),
}
SAID |= {
    "openai_sessions/constructed-turn": (
        ["Let me look.", "Checked: yes.", "Paris."],
        [
            ("get_capital", {"country": "France"}, "Paris"),
            ("command_execution", {"command": "pytest -q", "cwd": "/workspace"}, "2 passed\n"),
            ("find", {"query": "capital"}, {"hits": 3}),
            ("web_search", {"type": "search", "query": "capital of France"}, "completed"),
            ("create_subagent", {"content": "Check it"}, "completed"),
            ("command_execution", {"command": "ls"}, "no"),
            ("wait_for_subagents", {"recipient_agent_ids": ["sub_1"]}, "completed"),
            ("close_subagent", {"recipient_agent_id": "sub_1"}, "completed"),
        ],
    ),
    "openai_sessions/constructed-requires-action": (
        ["I need to ask."],
        [("send", {"to": "b"}, None), ("computer_use", {}, "completed")],
    ),
    "openai_sessions/constructed-failed": (["I begin"], []),
}
ENDS = {
    "openai_sessions/constructed-requires-action": "paused",
    "openai_sessions/constructed-failed": "failed",
    "pydantic_ai/replay-responses-reasoning.events": "incomplete",
    "dexto/constructed-error": "failed",
    "openai_agents/replay-responses-mcp-approval": "paused",
    "langchain/replay-astream_events-v3-interrupt": "paused",
    "smolagents/replay-out-of-steps": "max_steps",
    "openai_agents/replay-responses-tool-approval": "paused",
}
AFTER_THE_END = {
    "openai_agents": 1,
    "openai_assistants": 1,
    "openai_sessions": 1,
    "langchain/replay-astream_events-v3-parallel-tools": 1,
    "langchain/replay-astream_events-v3-subgraph": 1,
    "langgraph/replay-astream-updates+messages": 1,
    "langgraph/replay-astream-version2-messages+updates": 1,
}
"""How many items a stream goes on after the one that ends it: repetitions, mostly."""

every_recording = pytest.mark.parametrize("path", RECORDINGS, ids=name_of)


def of(table: dict[str, Any], path: Path, default: Any = None) -> Any:
    return table.get(name_of(path), table.get(path.parent.name, default))


@every_recording
def test_the_first_item_tells_the_system(path: Path) -> None:
    first = items_of(path)[0]
    assert decoder_for(first).system == system_of(path)
    assert [adapter.system for adapter in adapters() if adapter.recognises(first)][:-1] == [system_of(path)]


@every_recording
def test_a_recording_says_what_its_snapshots_say(path: Path) -> None:
    events = decode(decoder_of(path), items_of(path))
    transcript = Transcript.of(events)
    if said := of(SAID, path):
        assert transcript.texts == said[0]
        assert [(tool["name"], tool.get("args"), tool.get("result")) for tool in transcript.tools] == said[1]
    assert transcript.end is not None
    assert transcript.end.status == of(ENDS, path, "completed")
    assert [event for event in events if isinstance(event, ev.Raw)] == []


@every_recording
def test_a_recording_that_is_cut_is_no_success(path: Path) -> None:
    items = items_of(path)
    whole = "".join(Transcript.of(decode(decoder_of(path), items)).texts)
    for cut in range(1, len(items)):
        transcript = Transcript.of(decode(decoder_of(path), items[:cut]))
        assert transcript.end is not None
        if cut < len(items) - of(AFTER_THE_END, path, 0):
            assert transcript.end.status != "completed", items[cut - 1]
        assert whole.startswith("".join(transcript.texts))


@every_recording
def test_a_stream_that_breaks_or_is_stopped_says_so(path: Path) -> None:
    half = items_of(path)[: len(items_of(path)) // 2]
    broken = decode(decoder_of(path), half, ConnectionError("the peer hung up"))
    assert Transcript.of(broken).end.status == "failed"  # type: ignore[union-attr]
    assert "the peer hung up" in [event.message for event in broken if isinstance(event, ev.Error)]
    stopped = Transcript.of(decode(decoder_of(path), half, Cancelled()))
    assert stopped.end is not None
    assert (stopped.end.status, stopped.end.meta) == ("cancelled", {"stopped_by": "you"})


WORDS = st.sampled_from(
    [
        "type",
        "event",
        "object",
        "method",
        "name",
        "data",
        "ns",
        "messages",
        "item",
        "author",
        "qualified_name",
        "values",
        "error",
    ]
)


@given(st.dictionaries(WORDS, JSON, max_size=5) | JSON)
def test_whose_an_item_is_can_be_asked_of_anything(item: Any) -> None:
    for adapter in adapters():
        assert adapter.recognises(item) in (True, False)
        Transcript.of(decode(adapter(), [item, item]))


@given(st.sampled_from(RECORDINGS), st.data())
def test_items_lost_doubled_out_of_order_or_damaged_never_break_the_rules(path: Path, data: st.DataObject) -> None:
    items = data.draw(st.lists(st.sampled_from(items_of(path)), min_size=1, max_size=12))
    items = [*items_of(path)[:3], *items]
    Transcript.of(decode(decoder_of(path), damaged(items, data)))
