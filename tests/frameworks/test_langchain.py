"""LangChain's agents and LangGraph's graphs, run against recorded models, in every mode of
streaming.
"""

from collections.abc import Callable
from typing import Any

import pytest
from frameworks.own_tools import LIVE as LIVE_CALL
from frameworks.own_tools import capital_again, failing, get_capital_async, known, no_capital, skip
from frameworks.own_tools import get_capital as own_capital
from frameworks.replay import (
    ANSWER,
    CALL,
    KEY,
    LONDON,
    REPLY_TIMEOUT_S,
    Replay,
    Serve,
    completion,
    held,
    recorded,
    refused,
    spoken_tool_reply,
)
from frameworks.told import RESULTS, fork, told
from frameworks.watching import (
    GET_CAPITAL,
    TWO_STEPS,
    calls,
    cancel,
    of_type,
    requests_of,
    stop,
    watch,
    watch_and_answer,
)
from langchain.agents import AgentState, create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, convert_to_openai_messages
from langchain_core.tools import StructuredTool, ToolException, tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_stream_writer
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt
from openai import DefaultAsyncHttpxClient, DefaultHttpxClient

import nbagent
from nbagent import events as ev
from nbagent.errors import AnswerError, UnknownSource
from nbagent.events.question import Question

QUESTION = {"messages": [("user", "Capital of the UK?")]}
ONE = {"configurable": {"thread_id": "1"}}


def model(provider: Replay) -> ChatOpenAI:
    return ChatOpenAI(
        model="m",
        base_url=provider.url,
        api_key=KEY,
        max_retries=0,
        streaming=True,
        stream_usage=True,
    )


@tool
def get_capital(country: str) -> str:
    """The capital of a country."""
    return {"UK": "London"}[country]


def geographer(provider: Replay, **options: Any) -> Any:
    return create_agent(
        model(provider), **{"tools": [get_capital], "name": "geographer", **options}
    )


def events(version: str) -> Callable[..., Any]:
    return lambda graph, given, config=None: graph.astream_events(given, config, version=version)


def modes(*names: str, **options: Any) -> Callable[..., Any]:
    mode = names[0] if len(names) == 1 else list(names)
    return lambda graph, given, config=None: graph.astream(
        given, config, stream_mode=mode, **options
    )


LIVE = {
    "events v2": events("v2"),
    "events v3": events("v3"),
    "messages": modes("messages"),
    "updates and messages": modes("updates", "messages"),
    "values, messages and custom": modes("values", "messages", "custom"),
    "messages of subgraphs": modes("messages", subgraphs=True),
    "messages in version 2": modes("messages", "updates", version="v2"),
}
"""Streams that have text while it is generated."""
WHOLE = {name: modes(name) for name in ("values", "updates", "tasks", "debug")} | {
    "events v1": events(
        "v1"
    ),  # shows text, too, but when it is closed it waits for the model to finish
    "values in version 2": modes("values", version="v2"),
    "updates of subgraphs": modes("updates", subgraphs=True),
}
"""Streams that report a node's work once it is done."""
ASKING = {
    name: stream
    for name, stream in (LIVE | WHOLE).items()
    if name not in ("messages", "messages of subgraphs")
}
"""Streams that report that the graph waits; messages alone do not."""


def each(streams: dict[str, Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stream", streams.values(), ids=streams.keys())


@each(LIVE | WHOLE)
async def test_a_tool_loop_is_told_alike_in_every_mode(
    serve: Serve, stream: Callable[..., Any]
) -> None:
    run = await watch(stream(geographer(serve(recorded(CALL), recorded(ANSWER))), QUESTION))
    assert (run.status, run.text) == ("completed", LONDON)
    assert calls(run) == [GET_CAPITAL]
    assert (run.usage.input, run.usage.output, run.usage.total) == (53 + 78, 15 + 9, 155)


async def test_a_sync_stream_is_told_too(serve: Serve) -> None:
    run = await watch(
        geographer(serve(recorded(CALL), recorded(ANSWER))).stream(QUESTION, stream_mode="messages")
    )
    assert (run.status, run.text, calls(run)) == ("completed", LONDON, [GET_CAPITAL])


async def test_a_bare_models_events_of_version_3_are_its_answer(serve: Serve) -> None:
    run = await watch(
        model(serve(recorded(ANSWER))).astream_events("Capital of the UK?", version="v3")
    )
    assert (run.status, run.text, run.usage.output) == ("completed", LONDON, 9)
    run = await watch(
        model(serve(recorded(CALL))).stream_events("Capital of the UK?", version="v3")
    )
    assert (run.status, run.tools[0].args) == ("completed", {"country": "UK"})


async def test_stop_of_a_bare_models_events_of_version_3_closes_its_connection(
    serve: Serve,
) -> None:
    provider = serve(held(ANSWER, b"capital"))
    run = await stop(model(provider).astream_events("Capital of the UK?", version="v3"), provider)
    assert run.status == "cancelled"


def wrapped(stream: Any) -> Any:
    """Yield what a stream does, as a generator of a user's own."""
    yield from stream


@pytest.mark.parametrize(
    "wrap", [lambda stream: stream, wrapped], ids=["as it is", "in a generator"]
)
async def test_stop_of_a_sync_stream_ends_the_model_at_its_next_word(
    serve: Serve, wrap: Callable[[Any], Any]
) -> None:
    provider = serve(recorded(CALL), held(ANSWER, b"capital")._replace(drip=True))
    run = await cancel(wrap(geographer(provider).stream(QUESTION, stream_mode="messages")))
    assert (run.status, calls(run)) == ("cancelled", [GET_CAPITAL])
    provider.drip()
    assert provider.hung_up.wait(REPLY_TIMEOUT_S)


@each(
    {
        "events v2": events("v2"),
        "events v3": events("v3"),
        "messages": modes("messages"),
        "values": modes("values"),
    }
)
async def test_thoughts_are_the_models(serve: Serve, stream: Callable[..., Any]) -> None:
    thinker = ChatAnthropic(
        model="m",
        base_url=serve(recorded("anthropic/pydanticai-thinking.0.sse")).url,
        api_key=KEY,
        max_retries=0,
        streaming=True,
        thinking={"type": "enabled", "budget_tokens": 1024},
        max_tokens=2048,
    )
    run = await watch(
        stream(create_agent(thinker), {"messages": [("user", "How do I cross the street?")]})
    )
    assert run.status == "completed"
    assert run.thinking.startswith("This is a straightforward question about pedestrian safety")
    assert "cross" in run.text
    assert "pedestrian safety" not in run.text
    assert run.usage.output == 282


@each(ASKING)
async def test_a_graph_that_asks_is_paused_and_goes_on(
    serve: Serve, stream: Callable[..., Any]
) -> None:
    ask = HumanInTheLoopMiddleware(interrupt_on={"get_capital": True})
    graph = geographer(
        serve(recorded(CALL), recorded(ANSWER)), middleware=[ask], checkpointer=InMemorySaver()
    )
    run = await watch(stream(graph, QUESTION, ONE))
    assert run.status == "paused"
    (asked,) = of_type(run, ev.ApprovalRequest)
    assert (asked.tool_id, asked.args) == (of_type(run, ev.ToolStart)[0].id, {"country": "UK"})
    resumed = await watch(stream(graph, Command(resume={"decisions": [{"type": "approve"}]}), ONE))
    assert (resumed.status, resumed.text) == ("completed", LONDON)
    assert [(name, result) for name, _, result, _ in calls(resumed)] == [("get_capital", "London")]


def reviewed(provider: Replay, **config: Any) -> Any:
    """Return a graph whose calls a person reviews."""
    ask = HumanInTheLoopMiddleware(**{"interrupt_on": {"get_capital": True}, **config})
    return geographer(provider, middleware=[ask], checkpointer=InMemorySaver())


def resuming(graph: Any, stream: Callable[..., Any]) -> dict[str, Any]:
    """Return the option that goes on with the graph's thread."""
    return {"resume": lambda answers: stream(graph, Command(resume=answers.value), ONE)}


@each(ASKING)
@pytest.mark.parametrize("mode", ["batched", "per_call"])
async def test_an_answer_goes_on_with_the_graph(
    serve: Serve, stream: Callable[..., Any], mode: str
) -> None:
    graph = reviewed(serve(recorded(CALL), recorded(ANSWER)), interrupt_mode=mode)
    run = await watch_and_answer(
        stream(graph, QUESTION, ONE), lambda question: True, **resuming(graph, stream)
    )
    assert (run.status, run.text, calls(run)) == ("completed", LONDON, [GET_CAPITAL])
    assert [event.decision for event in of_type(run, ev.ApprovalResponse)] == ["approve"]


@each(ASKING)
@pytest.mark.parametrize("mode", ["batched", "per_call"])
async def test_a_denial_gives_its_reason_to_the_model(
    serve: Serve, stream: Callable[..., Any], mode: str
) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    graph = reviewed(provider, interrupt_mode=mode)
    run = await watch_and_answer(
        stream(graph, QUESTION, ONE), lambda question: "Look it up.", **resuming(graph, stream)
    )
    assert (run.status, run.text) == ("completed", LONDON)
    ((name, _, result, status),) = calls(run)
    assert (name, status) == ("get_capital", "denied")
    assert "Look it up." in result
    assert "Look it up." in provider.requests[1]["messages"][-1]["content"]


@pytest.mark.parametrize("mode", ["batched", "per_call"])
@each(
    {
        "updates and messages": LIVE["updates and messages"],
        "values": WHOLE["values"],
        "events v2": LIVE["events v2"],
    }
)
async def test_arguments_may_be_changed(
    serve: Serve, stream: Callable[..., Any], mode: str
) -> None:
    graph = reviewed(serve(recorded(CALL), recorded(ANSWER)), interrupt_mode=mode)

    def change(question: Question) -> Any:
        assert question.schema is not None
        assert question.schema["properties"]["country"]["type"] == "string"
        return {"country": "UK", "note": "of 2026"} if mode == "batched" else {"country": "UK"}

    run = await watch_and_answer(stream(graph, QUESTION, ONE), change, **resuming(graph, stream))
    assert (run.status, run.text) == ("completed", LONDON)
    assert [result for _, _, result, _ in calls(run)][-1].endswith("London")


async def test_only_the_decisions_of_the_agent_are_taken(serve: Serve) -> None:
    stream = LIVE["updates and messages"]
    rule = {"get_capital": {"allowed_decisions": ["approve"]}}
    graph = reviewed(serve(recorded(CALL), recorded(ANSWER)), interrupt_on=rule)

    def deny(question: Question) -> None:
        assert question.schema is None
        with pytest.raises(AnswerError, match="takes no 'reject'"):
            question.deny()
        question.allow()

    run = await watch_and_answer(stream(graph, QUESTION, ONE), deny, **resuming(graph, stream))
    assert (run.status, calls(run)) == ("completed", [GET_CAPITAL])


@each({"updates": WHOLE["updates"], "values": WHOLE["values"], "events v3": LIVE["events v3"]})
async def test_values_are_given_to_the_interrupts_of_a_graph(stream: Callable[..., Any]) -> None:
    def ask(state: MessagesState) -> dict[str, Any]:
        name, sure = interrupt("Which city?"), interrupt({"question": "Sure?"})
        return {"messages": [AIMessage(f"{name}: {sure}")]}

    graph = (
        StateGraph(MessagesState)
        .add_node("ask", ask)
        .add_edge(START, "ask")
        .compile(checkpointer=InMemorySaver())
    )
    prompts: list[str | None] = []

    def answer(question: Question) -> Any:
        prompts.append(question.prompt)
        question.answer("Oslo") if question.prompt == "Which city?" else question.allow()

    run = await watch_and_answer(stream(graph, QUESTION, ONE), answer, **resuming(graph, stream))
    assert (run.status, run.text, prompts) == ("completed", "Oslo: True", ["Which city?", "Sure?"])


@each(LIVE | WHOLE)
async def test_a_tool_that_tells_an_error_has_failed(
    serve: Serve, stream: Callable[..., Any]
) -> None:
    def unknown(country: str) -> str:
        """The capital of a country."""
        raise ToolException(f"no map of {country}")

    failing = tool("get_capital")(unknown)
    failing.handle_tool_error = True
    run = await watch(
        stream(geographer(serve(recorded(CALL), recorded(ANSWER)), tools=[failing]), QUESTION)
    )
    assert (run.status, run.text) == ("completed", LONDON)
    assert calls(run) == [("get_capital", {"country": "UK"}, "no map of UK", "error")]


@each(LIVE | WHOLE)
async def test_a_provider_that_refuses_fails_the_run(
    serve: Serve, stream: Callable[..., Any]
) -> None:
    run = await watch(stream(geographer(serve(recorded(CALL), refused(400, "too much"))), QUESTION))
    assert (run.status, calls(run)) == ("failed", [GET_CAPITAL])
    assert "too much" in str(run.error)
    assert len(of_type(run, ev.Error)) == 1


@each(LIVE)
async def test_stop_closes_the_connection_to_the_provider(
    serve: Serve, stream: Callable[..., Any]
) -> None:
    provider = serve(recorded(CALL), held(ANSWER, b"capital"))
    run = await stop(stream(geographer(provider), QUESTION), provider)
    assert (run.status, calls(run)) == ("cancelled", [GET_CAPITAL])
    assert run.text
    assert LONDON.startswith(run.text)


@each({name: LIVE[name] for name in ("events v2", "events v3", "messages of subgraphs")})
async def test_an_agent_inside_a_graph_has_its_words_apart(
    serve: Serve, stream: Callable[..., Any]
) -> None:
    agent = geographer(serve(recorded(CALL), recorded(ANSWER)))
    graph = (
        StateGraph(MessagesState).add_node("research", agent).add_edge(START, "research").compile()
    )
    run = await watch(stream(graph, QUESTION))
    assert run.status == "completed"
    (begun,) = of_type(run, ev.AgentStart)
    assert {event.parent_id for event in of_type(run, ev.TextStart)} == {begun.id}
    assert [(event.id, event.status) for event in of_type(run, ev.AgentEnd)] == [
        (begun.id, "completed")
    ]
    assert calls(run) == [GET_CAPITAL]


@each(LIVE | WHOLE)
async def test_a_graph_that_ends_with_a_tools_word_is_complete(
    serve: Serve, stream: Callable[..., Any]
) -> None:
    last = get_capital.model_copy(update={"return_direct": True})
    run = await watch(stream(geographer(serve(recorded(CALL)), tools=[last]), QUESTION))
    assert (run.status, calls(run)) == ("completed", [GET_CAPITAL])


async def test_what_a_node_writes_for_its_stream_is_kept() -> None:
    def look(state: MessagesState) -> dict[str, Any]:
        get_stream_writer()({"looked_at": "the map"})
        return {}

    graph = StateGraph(MessagesState).add_node("look", look).add_edge(START, "look").compile()
    run = await watch(graph.astream(QUESTION, stream_mode=["values", "custom"]))
    assert (run.status, [event.data for event in of_type(run, ev.Custom)]) == (
        "completed",
        [{"looked_at": "the map"}],
    )


@pytest.mark.parametrize("name", ["stream", "astream"])
async def test_a_models_own_stream_is_its_answer(serve: Serve, name: str) -> None:
    run = await watch(getattr(model(serve(recorded(ANSWER))), name)("Capital of the UK?"))
    assert (run.status, run.text) == ("completed", LONDON)
    assert run.usage.output


async def test_a_models_calls_are_shown(serve: Serve) -> None:
    run = await watch(model(serve(recorded(CALL))).astream("Capital of the UK?"))
    assert run.status == "completed"
    assert [call[:2] for call in calls(run)] == [GET_CAPITAL[:2]]


async def test_a_message_and_a_final_state_are_shown(serve: Serve) -> None:
    def whole(*recordings: str) -> ChatOpenAI:
        return ChatOpenAI(
            model="m", base_url=serve(*map(completion, recordings)).url, api_key=KEY, max_retries=0
        )

    run = await watch(whole(ANSWER).ainvoke("Capital of the UK?"))
    assert (run.status, run.text) == ("completed", LONDON)
    run = await watch(create_agent(whole(CALL, ANSWER), tools=[get_capital]).ainvoke(QUESTION))
    assert (run.status, run.text, calls(run)) == ("completed", LONDON, [GET_CAPITAL])


async def test_an_artifact_is_the_result(serve: Serve) -> None:
    table = object()

    @tool("get_capital", response_format="content_and_artifact")
    def find(country: str) -> tuple[str, object]:
        """The capital of a country."""
        return "London", table

    run = await watch(
        geographer(serve(recorded(CALL), recorded(ANSWER)), tools=[find]).astream(
            QUESTION, stream_mode="updates"
        )
    )
    assert run.tools[0].result is table


def test_a_graph_is_no_stream(serve: Serve) -> None:
    with pytest.raises(UnknownSource, match=r"graph\.astream"):
        nbagent.show(geographer(serve()))


@each({"async": "astream", "sync": "stream"})
async def test_requests_of_a_watched_client_are_steps_of_the_run(serve: Serve, stream: str) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    made = ChatOpenAI(
        model="m",
        base_url=provider.url,
        api_key=KEY,
        max_retries=0,
        streaming=True,
        http_client=nbagent.watch(DefaultHttpxClient()),
        http_async_client=nbagent.watch(DefaultAsyncHttpxClient()),
    )
    graph = create_agent(made, tools=[get_capital])
    run = await watch(getattr(graph, stream)(QUESTION, stream_mode=["updates", "messages"]))
    assert requests_of(run, provider) == TWO_STEPS
    assert run.requests[1].new[1]["content"] == "London"


@each(LIVE | WHOLE)
async def test_a_tool_of_nbagents_reports_its_call(serve: Serve, stream: Any) -> None:
    run = await watch(
        stream(geographer(serve(recorded(CALL), recorded(ANSWER)), tools=[own_capital]), QUESTION)
    )
    assert (run.status, known(run)) == ("completed", LIVE_CALL)
    assert capital_again(run) == "Paris"


@pytest.mark.parametrize(
    "made", [get_capital_async, tool(own_capital), StructuredTool.from_function(own_capital)]
)
async def test_a_tool_of_nbagents_reports_its_call_in_every_form(serve: Serve, made: Any) -> None:
    graph = geographer(serve(recorded(CALL), recorded(ANSWER)), tools=[made])
    run = await watch(graph.astream(QUESTION, stream_mode="messages"))
    assert (run.status, known(run)) == ("completed", LIVE_CALL)
    assert capital_again(run) == "Paris"


async def test_a_tool_of_nbagents_reports_its_call_from_a_sync_stream(serve: Serve) -> None:
    run = await watch(
        geographer(serve(recorded(CALL), recorded(ANSWER)), tools=[own_capital]).stream(QUESTION)
    )
    assert (run.status, known(run)) == ("completed", LIVE_CALL)
    assert capital_again(run) == "Paris"


async def test_a_tool_of_nbagents_that_fails_has_its_exception(serve: Serve) -> None:
    run = await watch(
        geographer(serve(recorded(CALL)), tools=[failing]).astream(QUESTION, stream_mode="messages")
    )
    assert [(call.state, str(call.exception)) for call in run.tools] == [
        ("output-error", "no map of UK")
    ]


async def test_a_tool_that_raises_has_its_error(serve: Serve) -> None:
    raising = StructuredTool.from_function(no_capital, name="get_capital")
    run = await watch(
        geographer(serve(recorded(CALL)), tools=[raising]).astream(QUESTION, stream_mode="messages")
    )
    assert [(call.state, call.error and call.error["message"]) for call in run.tools] == [
        ("output-error", "no map of UK")
    ]


@pytest.mark.parametrize("made", [own_capital, get_capital_async])
async def test_a_tool_of_nbagents_stops_at_a_breakpoint(serve: Serve, made: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    stream = geographer(provider, tools=[made]).astream(QUESTION, stream_mode="messages")
    run = await watch_and_answer(stream, skip, stop_at="get_capital")
    assert (run.status, calls(run)) == (
        "completed",
        [("get_capital", {"country": "UK"}, "Paris", "ok")],
    )
    assert provider.requests[-1]["messages"][-1]["content"] == "Paris"


# --- forks that go on in the framework ---


@pytest.mark.parametrize("mode", ["messages", "updates"])
async def test_a_fork_goes_on_in_the_graph_with_what_the_model_was_told(
    serve: Serve, mode: str
) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), recorded(ANSWER), recorded(ANSWER))
    graph = geographer(provider, name=None)  # LangGraph puts the name into what it sends
    run = await watch(graph.astream(QUESTION, stream_mode=mode))

    def resume(messages: list[Any]) -> Any:
        return graph.astream({"messages": messages}, stream_mode=mode)

    again = await run.fork(at=2, resume=resume, face="console")
    other = await run.fork(at=0, result="Paris", resume=resume, face="console")
    assert (again.text, again.status) == (LONDON, "completed")
    assert [call.result for call in (*again.tools, *other.tools)] == ["London", "Paris"]
    second, repeated, changed = provider.requests[1:]
    assert repeated == second
    second["messages"][-1]["content"] = "Paris"
    assert changed == second


class Notebook(AgentState[Any]):
    """A state with more than messages."""

    notes: str


async def test_a_fork_goes_on_from_a_checkpoint_of_its_thread(serve: Serve) -> None:
    provider = serve(*map(recorded, (ANSWER, CALL, ANSWER, ANSWER, ANSWER)))
    graph = geographer(provider, name=None, state_schema=Notebook, checkpointer=InMemorySaver())
    await graph.ainvoke({"messages": [("user", "Hello")], "notes": "kept"}, ONE)
    run = await watch(graph.astream(QUESTION, ONE, stream_mode="messages"))
    before = next(state for state in graph.get_state_history(ONE) if state.next == ("model",))

    def resume(messages: list[Any]) -> Any:
        past = before.values["messages"][-len(messages) :]
        changed = [
            {**new, "id": old.id}
            for new, old in zip(messages, past, strict=True)
            if new != convert_to_openai_messages(old)
        ]
        config = graph.update_state(before.config, {"messages": changed}, as_node="tools")
        return graph.astream(None, config, stream_mode="messages")

    again = await run.fork(at=2, resume=resume, face="console")
    await run.fork(at=0, result="Paris", resume=resume, face="console")
    assert (again.text, again.status) == (LONDON, "completed")
    second, repeated, changed = provider.requests[2:]
    assert [message["role"] for message in second["messages"]] == [
        "user",
        "assistant",
        "user",
        "assistant",
        "tool",
    ]
    assert repeated == second
    second["messages"][-1]["content"] = "Paris"
    assert changed == second
    assert graph.get_state(ONE).values["notes"] == "kept"


@pytest.mark.parametrize("used", RESULTS[:3])
async def test_a_fork_says_what_the_model_was_told(serve: Serve, used: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), recorded(ANSWER))
    run = await watch(geographer(provider, tools=[used]).astream(QUESTION, stream_mode="messages"))
    assert told(await fork(run, provider)) == told(provider.requests[1])


async def test_a_fork_says_what_stood_beside_a_call(serve: Serve) -> None:
    spoken = spoken_tool_reply("Let me look.", "get_capital", country="UK")
    provider = serve(spoken, *[recorded(ANSWER)] * 3)
    run = await watch(geographer(provider, name=None).astream(QUESTION, stream_mode="messages"))
    assert told(await fork(run, provider)) == told(provider.requests[1])

    def resume(messages: list[Any]) -> Any:
        return geographer(provider, name=None).astream(
            {"messages": messages}, stream_mode="messages"
        )

    await run.fork(at=2, resume=resume, face="console")
    assert provider.requests[3] == provider.requests[1]
