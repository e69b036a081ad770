"""Conversations with an agent, against a real server on loopback."""

import asyncio
import os
import threading
from collections import Counter
from collections.abc import AsyncIterable, Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from agent.conversations import check_chat, check_responses
from agent.server import (
    Exchange,
    Json,
    Server,
    call,
    chat_chunk,
    message,
    reasoning,
    refuse,
    responses,
    say,
)
from preloaded import start

import nbagent
from nbagent import events as e
from nbagent.agent import Agent, BufferWindow, LongTerm, Session, SummaryBuffer, tool
from nbagent.agent.model.valid_history import NO_RESULT, NOT_ALLOWED
from nbagent.agent.sessions.memory_store import MemoryStore
from nbagent.agent.sessions.sqlite_store import SqliteStore
from nbagent.demo import DemoServer
from nbagent.errors import AgentError, NbagentError, SessionError
from nbagent.render.messages import NO_ANSWER
from nbagent.run import Run
from nbagent.runtime import loop

both_apis = pytest.mark.parametrize("api", ["responses", "chat"])


def weather(town: str) -> str:
    """Looks up the weather."""
    return f"{town}: rain"


def agent_of(server: Server, api: Any = "chat", **options: Any) -> Agent:
    return Agent("test-1", client=server.client(), api=api, **options)


async def collect(stream: AsyncIterable[e.Event]) -> list[e.Event]:
    return [event async for event in stream]


def of(events: list[e.Event], kind: type[e.Event]) -> list[Any]:
    return [event for event in events if type(event) is kind]


def asked(body: Json) -> list[Json]:
    """Return what the model was sent, in whichever form. Asserts that its API takes it."""
    if "messages" in body:
        check_chat(body["messages"])
        return list(body["messages"])
    check_responses(body["input"])
    return list(body["input"])


def texts(body: Json) -> list[str]:
    """Return the texts of the messages that the model was sent."""
    made = []
    for each in asked(body):
        content = each.get("content") or each.get("output") or ""
        made.append(
            content if isinstance(content, str) else "".join(part["text"] for part in content)
        )
    return made


# --- what was said ---


@both_apis
async def test_each_prompt_knows_what_was_said_before(api: str) -> None:
    replies = [say(api, "Rain.", number=1), say(api, "Sun.", number=2), say(api, "Snow.", number=3)]
    with Server(*replies) as server:
        chat = agent_of(server, api).session("weather")
        assert [await chat.generate(prompt) for prompt in ("today?", "tomorrow?", "and then?")] == [
            "Rain.",
            "Sun.",
            "Snow.",
        ]
    assert texts(server.bodies[2]) == ["today?", "Rain.", "tomorrow?", "Sun.", "and then?"]
    assert [message["content"] for message in chat.messages] == [*texts(server.bodies[2]), "Snow."]


@both_apis
async def test_calls_and_results_are_part_of_the_conversation(api: str) -> None:
    replies = [
        say(api, "", [("c1", "weather", '{"town": "Oslo"}')]),
        say(api, "Rain.", number=2),
        say(api, "Yes.", number=3),
    ]
    with Server(*replies) as server:
        chat = agent_of(server, api, tools=[weather]).session()
        await chat.generate("Oslo?")
        await chat.generate("Sure?")
    assert "Oslo: rain" in texts(server.bodies[2])
    assert [message["role"] for message in chat.messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
        "assistant",
    ]
    check_chat(chat.messages)


async def test_reasoning_goes_back_as_it_came_also_from_a_file(tmp_path: Path) -> None:
    first = responses(reasoning("Hm.", "gAAAA" + "x" * 50), message("Rain."), number=1)
    with Server(first, say("responses", "Sun.", number=2)) as server:
        await (
            agent_of(server, "responses")
            .session("s", store=tmp_path / "chats.db")
            .generate("today?")
        )
        await (
            agent_of(server, "responses")
            .session("s", store=tmp_path / "chats.db")
            .generate("tomorrow?")
        )
    assert [item.get("encrypted_content") for item in asked(server.bodies[1])] == [
        None,
        "gAAAA" + "x" * 50,
        None,
        None,
    ]


async def test_a_session_goes_on_with_the_other_api() -> None:
    first = responses(
        reasoning("Hm."), message("Let me see."), call("c1", "weather", '{"town": "Oslo"}')
    )
    with Server(first, say("responses", "Rain.", number=2), say("chat", "Sun.")) as server:
        store = MemoryStore()
        await (
            agent_of(server, "responses", tools=[weather])
            .session("s", store=store)
            .generate("today?")
        )
        assert (
            await agent_of(server, "chat").session("s", store=store).generate("tomorrow?") == "Sun."
        )
    assert texts(server.bodies[2]) == ["today?", "Let me see.", "Oslo: rain", "Rain.", "tomorrow?"]


async def test_sessions_of_an_agent_are_apart_and_can_be_listed() -> None:
    with Server(*(say("chat", str(number)) for number in range(3))) as server:
        agent = agent_of(server)
        sales, other = agent.session("sales"), agent.session()
        for chat in (sales, other, sales):
            await chat.generate(f"to {chat.name}")
    assert texts(server.bodies[1]) == ["to chat 1"]
    assert [(info.name, info.turns, info.begins) for info in agent.sessions()] == [
        ("sales", 2, "to sales"),
        ("chat 1", 1, "to chat 1"),
    ]
    assert agent.session("sales").messages == sales.messages


async def test_a_session_in_a_file_outlives_its_agent(tmp_path: Path) -> None:
    with Server(say("chat", "Rain."), say("chat", "Sun.")) as server:
        await agent_of(server, store=tmp_path / "chats.db").session("s").generate("today?")
        resumed = agent_of(server).session("s", store=str(tmp_path / "chats.db"))
        await resumed.generate("tomorrow?")
        (info,) = agent_of(server).sessions(store=tmp_path / "chats.db")
    assert texts(server.bodies[1]) == ["today?", "Rain.", "tomorrow?"]
    assert (info.name, info.turns) == ("s", 2)


async def test_the_prompt_is_an_event() -> None:
    with Server(say("chat", "Rain."), say("chat", "Sun."), say("chat", "Snow.")) as server:
        agent = agent_of(server)
        chat = agent.session()
        events = [await collect(chat.stream(prompt)) for prompt in ("today?", "tomorrow?")]
        parts = [{"type": "text", "text": "what is "}, {"type": "text", "text": "it?"}]
        events.append(
            await collect(
                agent.stream(
                    [{"role": "user", "content": "Hi"}, {"role": "user", "content": parts}]
                )
            )
        )
    assert [type(each[1]) for each in events] == [e.Prompt] * 3
    assert [each[1].text for each in events] == ["today?", "tomorrow?", "what is it?"]  # type: ignore[union-attr]


# --- fork, rename, delete ---


async def conversation(server: Server, **options: Any) -> Session:
    """Return a session of six messages: a prompt, a call, a result, an answer, a prompt, an
    answer.
    """
    chat = agent_of(server, tools=[weather], **options).session("weather")
    await chat.generate("Oslo?")
    await chat.generate("Sure?")
    return chat


REPLIES = [
    say("chat", "I look.", [("c1", "weather", '{"town": "Oslo"}')]),
    say("chat", "Rain."),
    say("chat", "Yes."),
]


@pytest.mark.parametrize(
    ("at", "kept"),
    [
        (None, 6),
        (6, 6),
        (99, 6),
        (5, 5),
        (4, 4),
        (3, 3),
        (2, 1),
        (1, 1),
        (0, 0),
        (-1, 5),
        (-4, 1),
        (-99, 0),
    ],
)
async def test_a_fork_begins_with_the_first_messages(at: int | None, kept: int) -> None:
    with Server(*REPLIES, say("chat", "No.")) as server:
        chat = await conversation(server)
        fork = chat.fork(at)
        assert await fork.generate("Really?") == "No."
    before = chat.messages
    answered = before[:kept]
    if kept in (1, 3, 5):  # the prompt, the result and the second prompt have no answer here
        answered = [*answered, {"role": "assistant", "content": NO_ANSWER}]
    assert fork.messages == [
        *answered,
        {"role": "user", "content": "Really?"},
        {"role": "assistant", "content": "No."},
    ]
    assert asked(server.bodies[-1]) == fork.messages[:-1]
    assert len(chat.messages) == 6
    assert (chat.name, fork.name) == ("weather", "weather 2")


async def test_forks_have_names_of_their_own() -> None:
    with Server(*REPLIES) as server:
        chat = await conversation(server)
    assert [chat.fork().name, chat.fork().name, chat.fork(name="mine").name] == [
        "weather 2",
        "weather 3",
        "mine",
    ]
    with pytest.raises(SessionError, match="another session is named 'mine'"):
        chat.fork(name="mine")


async def test_a_session_is_renamed_and_deleted(tmp_path: Path) -> None:
    with Server(say("chat", "Rain.")) as server:
        agent = agent_of(server, store=tmp_path / "chats.db")
        chat = agent.session("a")
        await chat.generate("today?")
        chat.rename("b")
        assert (chat.name, agent.session("b").messages) == ("b", chat.messages)
        chat.delete()
        assert agent.sessions() == []
        with pytest.raises(AgentError, match="it was deleted"):
            await chat.generate("tomorrow?")
    assert len(server.exchanges) == 1


@pytest.mark.parametrize("name", ["", " ", 7])
def test_a_name_is_a_text(name: Any) -> None:
    with pytest.raises(NbagentError, match="a session's name is a text"):
        Agent("demo").session(name)


@pytest.mark.parametrize("store", [7, object(), []])
def test_a_store_is_a_path_or_a_store(store: Any) -> None:
    with pytest.raises(NbagentError, match="store must be the path of a file"):
        Agent("demo").session("s", store=store)


def waiting(
    go_on: threading.Event, is_asked: threading.Event | None = None
) -> Callable[[Exchange], None]:
    """Return a reply that comes when `go_on` is set."""

    def reply(exchange: Exchange) -> None:
        if is_asked is not None:
            is_asked.set()
        assert go_on.wait(30)
        exchange.begin()
        exchange.send(*say("chat", "Rain."))
        exchange.end()

    return reply


# --- one turn at a time ---


async def test_a_second_prompt_waits_for_the_first_answer(tmp_path: Path) -> None:
    first_is_asked, go_on = threading.Event(), threading.Event()
    with Server(waiting(go_on, first_is_asked), say("chat", "Sun.")) as server:
        agent = agent_of(server, store=tmp_path / "chats.db")
        first = asyncio.create_task(agent.session("s").generate("today?"))
        assert await asyncio.to_thread(first_is_asked.wait, 30)
        second = agent.session("s").stream("tomorrow?")
        events = [await anext(second) for _ in range(3)]
        go_on.set()
        events += await collect(second)
        await first
    assert [status.message for status in of(events, e.Status)] == [
        "waits for the answer before it in s"
    ]
    assert texts(server.bodies[1]) == ["today?", "Rain.", "tomorrow?"]


async def test_many_prompts_at_once_are_answered_one_after_the_other() -> None:
    count = 8
    with Server(*(say("chat", f"answer {number}") for number in range(count))) as server:
        chat = agent_of(server).session()
        await asyncio.gather(*(chat.generate(f"prompt {number}") for number in range(count)))
    assert [len(asked(body)) for body in server.bodies] == list(range(1, 2 * count, 2))


async def test_a_prompt_that_was_stopped_while_it_waited_was_never_said() -> None:
    with Server(lambda exchange: exchange.hold(), say("chat", "Sun.")) as server:
        chat = agent_of(server).session()
        first = chat.stream("today?")
        while not isinstance(await anext(first), e.Prompt):
            pass
        while not server.exchanges:
            await asyncio.sleep(0)
        second = chat.stream("never mind")
        while not isinstance(await anext(second), e.Status):
            pass
        await second.aclose()
        await first.aclose()
        await chat.generate("tomorrow?")
    assert texts(server.bodies[1]) == ["today?", NO_ANSWER, "tomorrow?"]


async def test_a_tool_that_asks_its_own_session_is_told_so() -> None:
    with Server(say("chat", "", [("c1", "ask", "{}")]), say("chat", "Well.")) as server:

        async def ask() -> str:
            """Asks."""
            return await chat.generate("what?")

        chat: Session = agent_of(server, tools=[ask]).session("s")
        assert await chat.generate("Hi") == "Well."
    assert "a tool of 's' asked this session itself" in texts(server.bodies[1])[2]


# --- turns that do not end ---


async def test_a_stopped_answer_stays_as_far_as_it_came() -> None:
    def half(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(chat_chunk({"content": "It will"}))
        exchange.hold()

    with Server(half, say("chat", "Sun.")) as server:
        chat = agent_of(server).session()
        stream = chat.stream("today?")
        while not isinstance(await anext(stream), e.TextDelta):
            pass
        await stream.aclose()
        await chat.generate("tomorrow?")
    assert texts(server.bodies[1]) == ["today?", "It will", "tomorrow?"]


@both_apis
async def test_a_call_that_was_stopped_has_a_result_that_says_so_and_is_not_run_again(
    api: str,
) -> None:
    runs: list[str] = []
    started = threading.Event()

    async def slow(town: str) -> str:
        """Takes long."""
        runs.append(town)
        started.set()
        await asyncio.Event().wait()
        return ""

    calls = [("c1", "slow", '{"town": "Oslo"}'), ("c2", "weather", '{"town": "Rome"}')]
    with Server(say(api, "I look.", calls), say(api, "Sun.", number=2)) as server:
        chat = agent_of(server, api, tools=[slow, weather]).session()
        stream = chat.stream("today?")
        while not isinstance(await anext(stream), e.ToolResult):
            pass
        assert await asyncio.to_thread(started.wait, 30)
        await stream.aclose()
        assert await chat.generate("tomorrow?") == "Sun."
    assert [text for text in texts(server.bodies[1]) if text] == [
        "today?",
        "I look.",
        NO_RESULT,
        "Rome: rain",
        NO_ANSWER,
        "tomorrow?",
    ]
    assert runs == ["Oslo"]


@both_apis
async def test_a_call_that_was_never_allowed_is_said_not_to_have_run(api: str) -> None:
    async def hang(town: str) -> str:
        """Take long."""
        await asyncio.Event().wait()
        return ""

    tools = [nbagent.tool(approve=True)(weather), nbagent.tool(approve=True)(hang)]
    calls = [
        ("c1", "weather", '{"town": "Oslo"}'),
        ("c2", "weather", '{"town": "Rome"}'),
        ("c3", "hang", '{"town": "Rome"}'),
    ]
    with Server(say(api, "I look.", calls), say(api, "Sun.", number=2)) as server:
        chat = agent_of(server, api, tools=tools).session()
        stream = chat.stream("today?")
        seen: Counter[type[e.Event]] = Counter()
        async for event in stream:
            if (
                isinstance(event, e.ApprovalRequest)
                and event.reply is not None
                and event.args != {"town": "Oslo"}
            ):
                event.reply.value.send(
                    e.ApprovalResponse(approval_id=event.approval_id, decision="approve")
                )
            seen[type(event)] += 1
            if (seen[e.ToolProgress], seen[e.ToolResult]) == (
                2,
                1,
            ):
                # Both that are allowed have begun, one has ended.
                stream.close()
        assert await chat.generate("tomorrow?") == "Sun."
    given = [message["content"] for message in chat.messages if message["role"] == "tool"]
    assert given == [NOT_ALLOWED, "Rome: rain", NO_RESULT]
    assert [text for text in texts(server.bodies[1]) if text] == [
        "today?",
        "I look.",
        *given,
        NO_ANSWER,
        "tomorrow?",
    ]


@both_apis
async def test_a_failed_turn_leaves_a_valid_conversation(api: str) -> None:
    with Server(refuse(500, "overloaded"), say(api, "Sun.")) as server:
        chat = agent_of(server, api).session()
        with pytest.raises(AgentError, match="overloaded"):
            await chat.generate("today?")
        await chat.generate("tomorrow?")
    assert texts(server.bodies[1]) == ["today?", NO_ANSWER, "tomorrow?"]


async def test_a_cut_answer_keeps_its_text_and_not_its_calls() -> None:
    cut = say("chat", "It is", [("c1", "weather", '{"town": "Oslo"}')])
    cut[-2] = chat_chunk({}, "length")
    with Server(cut, say("chat", "Sun.")) as server:
        chat = agent_of(server, tools=[weather]).session()
        with pytest.raises(AgentError):
            await chat.generate("today?")
        await chat.generate("tomorrow?")
    assert texts(server.bodies[1]) == ["today?", "It is", "tomorrow?"]


async def test_a_running_turn_can_be_read_as_far_as_it_is_complete() -> None:
    go_on = asyncio.Event()

    async def slow() -> str:
        """Takes long."""
        await go_on.wait()
        return "done"

    calls = [("c1", "slow", "{}"), ("c2", "weather", '{"town": "Rome"}')]
    with Server(say("chat", "I look.", calls), say("chat", "Rain.")) as server:
        chat = agent_of(server, tools=[slow, weather]).session()
        stream = chat.stream("today?")
        while not isinstance(await anext(stream), e.ToolResult):
            pass
        assert chat.messages == [{"role": "user", "content": "today?"}]
        loop.loop().call_soon_threadsafe(go_on.set)
        await collect(stream)
    assert [message["role"] for message in chat.messages] == [
        "user",
        "assistant",
        "tool",
        "tool",
        "assistant",
    ]


async def test_a_session_that_is_deleted_meanwhile_fails_its_turn() -> None:
    def forget() -> str:
        """Deletes the session."""
        chat.delete()
        return "deleted"

    with Server(say("chat", "", [("c1", "forget", "{}")])) as server:
        chat = agent_of(server, tools=[forget]).session()
        events = await collect(chat.stream("today?"))
    (error,) = of(events, e.Error)
    assert "it was deleted" in error.message
    assert events[-1].status == "failed"  # type: ignore[union-attr]


async def test_a_session_that_is_deleted_while_the_model_answers_fails_once() -> None:
    go_on = threading.Event()
    with Server(waiting(go_on)) as server:
        chat = agent_of(server).session()
        stream = chat.stream("today?")
        await anext(stream)
        while not server.exchanges:
            await asyncio.sleep(0)
        chat.delete()
        go_on.set()
        events = await collect(stream)
    assert [error.message for error in of(events, e.Error)] == [
        "the session is not in its store: it was deleted"
    ]
    assert (events[-1].status, events[-1].output) == ("failed", "Rain.")  # type: ignore[union-attr]


async def test_processes_may_answer_in_one_session_at_once(tmp_path: Path) -> None:
    prompts = ["one", "two"]
    code = """if True:
        import sys, openai
        from nbagent.agent import Agent
        url, path, prompt = sys.argv[1:]
        client = openai.AsyncOpenAI(base_url=url, api_key="key-for-tests")
        chat = Agent("test-1", client=client).session("s", store=path)
        for number in range(10):
            assert list(chat.stream(f"{prompt} {number}"))[-1].status == "completed"
    """
    path = str(tmp_path / "chats.db")
    with Server(*[say("chat", "Fine.")] * 20) as server:
        running = [start("-c", code, server.base_url, path, prompt) for prompt in prompts]
        assert [process.wait() for process in running] == [0, 0]
        messages = agent_of(server).session("s", store=path).messages
    for body in server.bodies:
        asked(body)
    check_chat(messages)
    assert [message["role"] for message in messages] == ["user", "assistant"] * 20
    said = [message["content"] for message in messages[::2]]
    for prompt in prompts:
        assert [text for text in said if text.startswith(prompt)] == [
            f"{prompt} {number}" for number in range(10)
        ]


# --- tools that are allowed for good ---


async def test_a_tool_is_allowed_for_good_in_its_session_only(tmp_path: Path) -> None:
    @tool(approve=True)
    def wipe() -> str:
        """Deletes all."""
        return "gone"

    replies = [
        reply
        for number in range(4)
        for reply in (say("chat", "", [(f"c{number}", "wipe", "{}")]), say("chat", "Ok."))
    ]
    with Server(*replies[:5], say("chat", "Ok."), say("chat", "Ok.")) as server:
        asked: list[int] = []
        for name in ("a", "a", "b"):
            chat = agent_of(server, tools=[wipe], store=tmp_path / "chats.db").session(name)
            count = 0
            async for event in chat.stream("wipe"):
                if isinstance(event, e.ApprovalRequest):
                    count += 1
                    assert event.reply is not None
                    event.reply.value.send(
                        e.ApprovalResponse(approval_id="", decision="approve", remember=name == "a")
                    )
            asked.append(count)
        chat = agent_of(server, store=tmp_path / "chats.db").session("a")
        assert chat.allowed == {"wipe"}
        chat.allowed.clear()
        await chat.generate("and now?")
        assert agent_of(server, store=tmp_path / "chats.db").session("a").allowed == set()
    assert asked == [1, 0, 1]


# --- secrets ---


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_no_credential_gets_into_the_file(
    tmp_path: Path, api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = "correct-horse-battery"
    monkeypatch.setenv("SHOP_PASSWORD", password)

    def login() -> dict[str, str]:
        """Logs in."""
        return {"used": password}

    called = [("c1", "login", f'{{"note": "{password}"}}')]
    with Server(
        say(api, f"I use {password}.", called), say(api, f"{password} it was.", number=2)
    ) as server:
        key = server.client().api_key
        agent = agent_of(
            server, api, tools=[login], store=tmp_path / "chats.db", longterm=LongTerm("shared")
        )
        chat = agent.session(f"about {password}")
        await chat.generate(f"log in with {password} and {key}")
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert password.encode() not in files
    assert key.encode() not in files
    assert "log in with co•••" in chat.messages[0]["content"]


# --- memory ---


async def test_a_window_limits_what_the_model_is_sent_and_not_what_is_kept() -> None:
    with Server(*(say("chat", f"a{number}") for number in range(5))) as server:
        chat = agent_of(server, memory=BufferWindow(3)).session()
        for number in range(5):
            await chat.generate(f"p{number}")
    assert texts(server.bodies[4]) == ["p3", "a3", "p4"]
    assert len(chat.messages) == 10


async def test_a_summary_is_written_by_the_model_shown_and_kept(tmp_path: Path) -> None:
    long = "rain " * 100
    replies = [
        say("chat", long),
        say("chat", "It rains."),
        say("chat", "Sun."),
        say("chat", "Snow."),
    ]
    with Server(*replies) as server:
        agent = agent_of(
            server, memory=SummaryBuffer(130), store=tmp_path / "chats.db", tools=[weather]
        )
        await agent.session("s").generate("today?")
        events = await collect(agent.session("s").stream("tomorrow?"))
        await agent.session("s").generate("and then?")

    (start,) = of(events, e.AgentStart)
    assert start.name == "Summary of the conversation so far"
    nested = [event for event in of(events, e.ReasoningDelta) if event.parent_id == start.id]
    assert "".join(event.delta for event in nested) == "It rains."
    assert events[-1].output == "Sun."  # type: ignore[union-attr]
    assert events[-1].usage.input == 20  # type: ignore[union-attr]
    summarised = asked(server.bodies[1])
    assert "today?" in summarised[-1]["content"]
    assert "tools" not in server.bodies[1]
    request = "Summarise our conversation so far."
    assert texts(server.bodies[2]) == [request, "It rains.", "tomorrow?"]
    assert texts(server.bodies[3]) == [request, "It rains.", "tomorrow?", "Sun.", "and then?"]
    assert [message["content"] for message in agent.session("s").messages][:2] == ["today?", long]


@pytest.mark.parametrize(
    ("reveal", "shown"), [("thinking", ["It rains."]), ("tools", []), ("answer", [])]
)
async def test_a_run_shows_the_summary_in_a_panel_of_its_own_where_thoughts_are_shown(
    reveal: Any, shown: list[str]
) -> None:
    with Server(
        say("chat", "rain " * 100), say("chat", "It rains."), say("chat", "Sun.")
    ) as server:
        chat = agent_of(server, memory=SummaryBuffer(130)).session()
        await chat.generate("today?")
        run = await finished(chat.stream("tomorrow?"), reveal=reveal)
    assert (run.text, run.answer, run.thinking) == ("Sun.", "Sun.", "")
    (panel,) = [block for block in run.snapshot() if block["kind"] == "agent"]
    assert panel["name"] == "Summary of the conversation so far"
    assert [
        block["text"]
        for block in run.snapshot()
        if block["parent"] == panel["id"] and block.get("text")
    ] == shown
    assert ("It rains." in str(run.snapshot())) is bool(shown)


async def test_an_answer_comes_without_a_summary_if_there_is_none() -> None:
    with Server(
        say("chat", "rain " * 100), refuse(500, "overloaded"), say("chat", "Sun.")
    ) as server:
        chat = agent_of(server, memory=SummaryBuffer(130)).session()
        await chat.generate("today?")
        events = await collect(chat.stream("tomorrow?"))
    assert events[-1].output == "Sun."  # type: ignore[union-attr]
    (status,) = of(events, e.Status)
    assert status.level == "warning"
    assert "overloaded" in status.message
    assert texts(server.bodies[2]) == ["tomorrow?"]


# --- long-term memory ---


@pytest.mark.parametrize(("scope", "found"), [("session", False), ("shared", True)])
async def test_a_model_remembers_and_recalls(tmp_path: Path, scope: Any, found: bool) -> None:
    remember = say("chat", "", [("c1", "remember", '{"fact": "The user is called Ada."}')])
    recall = say("chat", "", [("c2", "recall", '{"query": "name Ada"}')])
    with Server(
        remember, say("chat", "Noted."), recall, say("chat", "Ada."), recall, say("chat", "Ada?")
    ) as server:
        agent = agent_of(
            server, longterm=LongTerm(scope), memory=BufferWindow(1), store=tmp_path / "chats.db"
        )
        first = agent.session("first")
        await first.generate("I am the countess.")
        await first.generate("Who am I?")
        await agent.session("second").generate("Who am I?")
    assert "The user is called Ada." in texts(server.bodies[3])[-1]
    assert ("The user is called Ada." in texts(server.bodies[5])[-1]) is found


async def test_a_run_without_a_session_has_the_shared_memory_only() -> None:
    with Server(say("chat", "a"), say("chat", "b")) as server:
        for scope in ("session", "shared"):
            await agent_of(server, longterm=LongTerm(scope)).generate("Hi")
    offered = [
        [each["function"]["name"] for each in body.get("tools", ())] for body in server.bodies
    ]
    assert offered == [[], ["recall", "remember"]]


def test_a_scope_is_one_of_two() -> None:
    with pytest.raises(
        NbagentError, match="storage_scope must be 'session' or 'shared', got 'all'"
    ):
        LongTerm("all")  # type: ignore[arg-type]


# --- going on from a run ---


async def finished(stream: Any, **options: Any) -> Run:
    run = Run(stream, **options)
    run.start()
    return await run


@both_apis
async def test_a_prompt_goes_on_from_a_run(api: str) -> None:
    replies = [say(api, "", [("c1", "weather", '{"town": "Oslo"}')]), say(api, "Rain.", number=2)]
    with Server(*replies, say(api, "Sun.", number=3), say(api, "Snow.", number=4)) as server:
        agent = agent_of(server, api, tools=[weather])
        first = await finished(agent.stream("Oslo?"))
        second = await finished(agent.stream("and Rome?", after=first))
        assert await agent.generate("and Bern?", after=second) == "Snow."
    said = [text for text in texts(server.bodies[3]) if text]
    assert said == ["Oslo?", "Oslo: rain", "Rain.", "and Rome?", "Sun.", "and Bern?"]
    check_chat(second.messages)
    check_responses(second.responses_input)
    assert [message["role"] for message in second.messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
        "assistant",
    ]


@both_apis
async def test_the_messages_of_a_run_are_a_prompt(api: str) -> None:
    replies = [
        say(api, "I look.", [("c1", "weather", '{"town": "Oslo"}')]),
        say(api, "Rain.", number=2),
    ]
    with Server(*replies, say(api, "Sun.", number=3), say(api, "Snow.", number=4)) as server:
        agent = agent_of(server, api, tools=[weather])
        run = await finished(agent.stream("Oslo?"))
        run = await finished(
            agent.stream([*run.messages, {"role": "user", "content": "and Rome?"}])
        )
        run = await finished(
            agent.stream([*run.responses_input, {"role": "user", "content": "and Bern?"}])
        )
    said = [text for text in texts(server.bodies[3]) if text]
    assert said == ["Oslo?", "I look.", "Oslo: rain", "Rain.", "and Rome?", "Sun.", "and Bern?"]
    assert [message.get("content") for message in run.messages if message["role"] == "user"] == [
        "Oslo?",
        "and Rome?",
        "and Bern?",
    ]


@pytest.mark.parametrize(
    "option", [{"reveal": "answer"}, {"hide": {"weather": "result"}}, {"redact": ["Oslo: rain"]}]
)
async def test_what_is_hidden_is_in_no_messages_and_yet_the_model_knows_it(option: Any) -> None:
    replies = [
        say("chat", "I look.", [("c1", "weather", '{"town": "Oslo"}')]),
        say("chat", "See there."),
    ]
    with Server(*replies, say("chat", "Sun.")) as server:
        agent = agent_of(server, tools=[weather])
        first = await finished(agent.stream("Oslo?"), **option)
        second = await finished(agent.stream("and Rome?", after=first), **option)
    assert "Oslo: rain" in texts(server.bodies[2])
    for run in (first, second):
        check_chat(run.messages)
        assert "rain" not in str(run.messages)
        assert "See there." in str(run.messages)


async def test_a_prompt_goes_on_from_a_run_of_another_system() -> None:
    chunks = [
        {
            "choices": [{"index": 0, "delta": {"content": "42"}, "finish_reason": "stop"}],
            "object": "chat.completion.chunk",
        }
    ]

    async def stream() -> Any:
        for chunk in chunks:
            yield chunk

    other = await finished(stream(), prompt="How much?")
    with Server(say("chat", "43.")) as server:
        run = await finished(agent_of(server).stream("and 2024?", after=other))
    assert texts(server.bodies[0]) == ["How much?", "42", "and 2024?"]
    assert [message["content"] for message in run.messages] == [
        "How much?",
        "42",
        "and 2024?",
        "43.",
    ]


async def test_a_prompt_waits_for_the_run_that_it_goes_on_from() -> None:
    go_on = threading.Event()
    with Server(waiting(go_on), say("chat", "Sun.")) as server:
        agent = agent_of(server)
        first = Run(agent.stream("today?"))
        first.start()
        second = agent.stream("tomorrow?", after=first)
        events = [await anext(second) for _ in range(3)]
        assert isinstance(events[-1], e.Status)
        go_on.set()
        await collect(second)
    assert texts(server.bodies[1]) == ["today?", "Rain.", "tomorrow?"]


async def test_a_stopped_run_can_be_gone_on_from() -> None:
    with Server(lambda exchange: exchange.hold(), say("chat", "Sun.")) as server:
        agent = agent_of(server)
        first = Run(agent.stream("today?"))
        first.start()
        while not server.exchanges:
            await asyncio.sleep(0)
        first.cancel()
        await first
        await agent.generate("tomorrow?", after=first)
    assert texts(server.bodies[1]) == ["today?", NO_ANSWER, "tomorrow?"]


async def test_a_question_beside_a_session_is_not_part_of_it() -> None:
    with Server(say("chat", "Rain."), say("chat", "Sun.")) as server:
        agent = agent_of(server)
        chat = agent.session()
        await chat.generate("today?")
        await agent.generate("tomorrow?", after=chat)
    assert texts(server.bodies[1]) == ["today?", "Rain.", "tomorrow?"]
    assert len(chat.messages) == 2


@pytest.mark.parametrize("after", ["text", 7, {"role": "user", "content": "Hi"}])
def test_after_takes_a_run_or_messages(after: Any) -> None:
    with pytest.raises(NbagentError, match="after= takes a run, a session or a list of messages"):
        nbagent.Agent("demo").stream("Hi", after=after)


def test_an_agent_of_the_demo_model_keeps_a_conversation(tmp_path: Path) -> None:
    with DemoServer(tokens_per_second=float("inf")) as server:
        client = openai.AsyncOpenAI(base_url=server.base_url, api_key=server.api_key)
        agent = Agent(
            "demo", client=client, api="responses", tools=[weather], store=tmp_path / "chats.db"
        )
        for prompt in ("Call weather with town = Oslo", "again"):
            assert list(agent.session("s").stream(prompt))[-1].status == "completed"  # type: ignore[union-attr]
    roles = [message["role"] for message in agent.session("s").messages]
    assert roles == ["user", "assistant", "tool", "assistant", "user", "assistant"]
    assert SqliteStore(tmp_path / "chats.db").sessions()[0].turns == 2


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be deleted there")
async def test_a_turn_whose_file_was_deleted_fails_before_the_model_is_asked(
    tmp_path: Path,
) -> None:
    with Server(say("chat", "One."), say("chat", "Two.", number=2)) as server:
        agent = agent_of(server, store=tmp_path / "chats.db")
        session = agent.session("sales")
        await session.generate("first")
        (tmp_path / "chats.db").unlink()
        with pytest.raises(AgentError, match="was deleted or replaced while it was used"):
            await session.generate("second")
        assert len(server.bodies) == 1
        assert [message["content"] for message in session.messages] == ["first", "One."]
        assert await agent.session("sales").generate("third") == "Two."
