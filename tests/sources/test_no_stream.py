"""Values that are no stream are refused, or end as incomplete, with their type and the call that
gives a stream.
"""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from nbagent import events as ev
from nbagent.errors import UnknownSource
from nbagent.run import Run
from nbagent.sources.hints import hint_for, type_name
from nbagent.sources.objects import reader_for


def of_module(module: str, name: str, **attributes: Any) -> Any:
    """Return an object whose class has that name and module, as a package's own."""
    return type(name, (), {"__module__": module, **attributes})()


async def watch(source: Any, **options: Any) -> Run:
    run = Run(source, **options)
    run.start()
    return await run


def warnings(run: Run) -> list[str]:
    return [
        event.message
        for event in run.events
        if isinstance(event, ev.Status) and event.level == "warning"
    ]


@pytest.mark.parametrize(
    ("module", "name", "call"),
    [
        ("pydantic_ai.result", "StreamedRunResult", "agent.run_stream_events("),
        ("agents.agent", "Agent", "Runner.run_streamed("),
        ("langgraph.types", "StateSnapshot", "graph.astream("),
        ("google.genai.types", "Thing", "generate_content_stream("),
    ],
)
async def test_items_of_a_known_package_name_its_stream(module: str, name: str, call: str) -> None:
    run = await watch(iter([of_module(module, name, x=1)]))
    assert (run.status, run.text) == ("incomplete", "")
    (warning,) = warnings(run)
    assert f"{module}.{name}" in warning
    assert call in warning


async def test_a_list_of_streams_is_shown_with_a_star() -> None:
    def stream() -> Iterator[str]:
        yield "Hi"

    run = await watch([stream(), stream()])
    assert run.status == "failed"
    assert "show(*streams)" in str(run.error)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            of_module(
                "langgraph.graph.state", "CompiledStateGraph", astream=print, stream_events=print
            ),
            "graph.astream(",
        ),
        (
            of_module("pydantic_ai.agent", "Agent", run=print, run_stream_events=print),
            "agent.run_stream_events(",
        ),
        (SimpleNamespace(astream=print, stream=print), "stream(…)"),
        ("How did 2025 go?", "agent.stream(…)"),
        ("runs/day.jsonl", "nbagent.replay('runs/day.jsonl')"),
        ("localhost:8000/chat", "http://localhost:8000/chat"),
        ("api.example.com/v1/stream", "http://api.example.com/v1/stream"),
    ],
)
def test_what_is_no_stream_is_refused_with_the_right_call(source: Any, words: str) -> None:
    with pytest.raises(UnknownSource) as refused:
        reader_for(source)
    assert words in str(refused.value)


ASKED = {"role": "user", "content": "Hi"}
ANSWERED: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": []}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ([ASKED], "a list of 1 chat message "),
        ((ASKED, ANSWERED), "a tuple of 2 chat messages"),
        ([{"role": "system", "content": "Be brief."}, ASKED], "agent.stream(messages)"),
        ([{"role": "user", "parts": [{"text": "Hi"}]}], "agent.stream(messages)"),
        ([("system", "Be brief."), ("human", "Hi")], "agent.stream(messages)"),
        (ASKED, "agent.stream([message])"),
    ],
)
def test_chat_messages_are_refused_with_the_call_that_asks_them(source: Any, words: str) -> None:
    with pytest.raises(UnknownSource) as refused:
        reader_for(source)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "source",
    [[{"role": "assistant", "content": "Hi"}], [{**ASKED, "type": "message"}], [{"user": "Hi"}]],
)
def test_items_that_may_be_events_are_no_chat_messages(source: Any) -> None:
    reader_for(source)


@pytest.mark.parametrize("text", ["Hello", "Is it?\nYes.", "see a/b", "3.14", "e.g. this"])
async def test_a_text_is_still_a_text(text: str) -> None:
    assert (await watch(text)).text == text


@pytest.mark.parametrize("items", [[], [""], [b"", b""], [{"text": ""}], ["[DONE]"]], ids=str)
async def test_a_stream_without_items_or_text_says_that_there_is_nothing(items: list[Any]) -> None:
    run = await watch(iter(items))
    assert run.status == "incomplete"
    assert warnings(run) == ["The stream ended without anything to show."]


async def test_a_body_that_only_names_a_session_is_no_answer() -> None:
    run = await watch([{"session_id": "session-1"}])
    assert (run.status, run.text, len(warnings(run))) == ("incomplete", "", 1)


async def test_an_adapter_that_knew_no_item_says_so() -> None:
    run = await watch(iter([{"some": []}, {"what": 1}]), adapter="langgraph")
    assert run.status == "incomplete"
    assert (
        "The adapter 'langgraph' read 2 items and knew none. The first is of type dict."
        in warnings(run)
    )


@pytest.mark.parametrize(
    ("item", "given", "right"),
    [
        ({"type": "TextMessage", "source": "a", "content": "Hi"}, "agno", "autogen"),
        (of_module("autogen_agentchat.messages", "TextMessage", source="a"), "agno", "autogen"),
        ({"event": "RunContent", "run_id": "r", "agent_id": "a"}, "langgraph", "agno"),
        ({"init_event_loop": True}, "smolagents", "strands"),
        ({"init_event_loop": True}, "text", "strands"),
        ({"__class__": "ActionStep", "step_number": 1}, "strands", "smolagents"),
        ({"type": "agent_response_update", "contents": []}, "autogen", "agent.framework"),
        ({"__class__": "ActionStep", "step_number": 1}, "openai.agents", "smolagents"),
    ],
)
async def test_a_wrong_adapter_names_the_right_one(item: Any, given: str, right: str) -> None:
    run = await watch(iter([item]), adapter=given)
    assert (run.status, run.text) == ("incomplete", "")
    assert warnings(run)[-1] == (
        f"The adapter {given!r} read 1 item and did not know it. The first is of type "
        f"{type_name(item)}. adapter={right!r} reads it."
    )


@pytest.mark.parametrize("name", ["openai-chat", "openai.chats", "OpenAI_Chat"])
def test_a_name_of_no_adapter_gets_the_nearest(name: str) -> None:
    with pytest.raises(UnknownSource, match=r"did you mean 'openai\.chat'"):
        Run(iter([]), adapter=name)


@pytest.mark.parametrize("key", ["text", "delta", "content"])
async def test_items_that_have_only_a_text_are_an_answer(key: str) -> None:
    run = await watch(iter([{key: "Hel"}, {key: "lo"}]))
    assert (run.text, run.status) == ("Hello", "completed")
    assert (await watch(iter([SimpleNamespace(**{key: "Hello"})]))).text == "Hello"


async def test_a_mapping_that_a_coroutine_returns_is_one_item() -> None:
    async def invoke() -> dict[str, Any]:
        return {
            "messages": [
                {"type": "human", "content": "Hi", "id": "1"},
                {"type": "ai", "content": "Hello", "id": "2"},
            ]
        }

    run = await watch(invoke())
    assert (run.text, run.status) == ("Hello", "completed")


def test_hints_are_by_package() -> None:
    assert hint_for("agents_of_mine.Thing") == ""
    assert hint_for(type_name({})) == ""
    assert "show(*streams)" in hint_for(type_name(iter_of_nothing()))


def iter_of_nothing() -> Iterator[str]:
    yield from ()
