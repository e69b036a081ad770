"""`nbagent.chat`: a conversation with an agent, a session, a function or an address."""

import asyncio
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agent.server import KEY, Server
from agent.server import chat as answer
from matplotlib.figure import Figure

import nbagent
from nbagent.errors import NbagentError, UnknownSource
from nbagent.protocol.messages import Say
from nbagent.render.figures import figures
from nbagent.render.html import transcript_html
from nbagent.render.labels import run_label


def rates(year: int) -> str:
    """Return the rates of a year."""
    return f"rates of {year}"


def agent() -> nbagent.Agent:
    return nbagent.Agent("demo", tools=[rates])


def echo(messages: list[dict[str, Any]]) -> list[str]:
    return [f"{len(messages)}: ", str(messages[-1]["content"])]


def ended(chat: nbagent.Chat, act: Callable[[], object]) -> None:
    """Do what makes the chat answer, and wait for the end of that answer."""
    turns = chat.run.snapshot()[0]["turns"]
    act()
    ends = iter(chat.run.stream("run.end"))
    for _ in range(turns + 1):
        next(ends)


def shown(chat: nbagent.Chat) -> list[tuple[str, str]]:
    """Return what the reader sees of prompts and texts, without earlier versions."""
    blocks = (block for block in chat.run.snapshot() if not block.get("replaced"))
    return [
        (block["kind"], block["text"]) for block in blocks if block["kind"] in ("prompt", "text")
    ]


async def test_each_prompt_knows_what_was_said_before() -> None:
    chat = nbagent.chat(agent())
    await chat.ask("rates 2023")
    await chat.ask("rates 2024")
    assert [message["role"] for message in chat.messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ] * 2
    assert chat.session.messages == chat.messages
    assert [call.result for call in chat.run.tools] == ["rates of 2023", "rates of 2024"]
    chat.close()


async def test_a_new_chat_introduces_its_agent_and_says_how_to_ask_without_an_input_line() -> None:
    made = nbagent.Agent(
        "demo", "\n You answer in one sentence.\nNever say why.", tools=[rates], name="analyst"
    )
    root = nbagent.chat(made).run.snapshot()[0]
    assert (root["about"], root["offers"], run_label(root)) == (
        "You answer in one sentence.",
        ["rates"],
        "Ready",
    )
    copy = transcript_html([root])
    assert all(
        line in copy for line in ("You answer in one sentence.", "Tools: rates", "await chat.ask(")
    )
    assert "without any output" not in copy


async def test_what_is_hidden_of_an_agent_is_not_in_the_introduction_of_its_chat() -> None:
    made = nbagent.Agent("demo", "The discount is 40 %.", tools=[rates])
    assert "about" not in nbagent.chat(made, reveal="answer").run.snapshot()[0]
    assert (
        not {"about", "offers"}
        & nbagent.chat(made, hide={"rates": "args"}).run.snapshot()[0].keys()
    )
    secret = nbagent.chat(
        nbagent.Agent("demo", "Log in with 555-12-9999."), redact=[r"\d{3}-\d\d-\d{4}"]
    )
    assert "555-12" not in str(secret.run.snapshot())


async def test_a_session_that_goes_on_shows_what_was_said() -> None:
    session = agent().session("sales")
    await session.generate("rates 2023")
    chat = nbagent.chat(session)
    assert [kind for kind, _ in shown(chat)] == ["prompt", "text"]
    assert (chat.run.tools[0].name, chat.run.tools[0].args, chat.run.status) == (
        "rates",
        {"year": 2023},
        "completed",
    )
    root = chat.run.snapshot()[0]
    # tokens, and no times of its own
    read, _, *others = figures(root)
    assert read.endswith(" in")
    assert (run_label(root), others, chat.run.tools[0].seconds) == ("Ready", ["1 tool"], None)
    await chat.ask("rates 2024")
    assert [text for kind, text in shown(chat) if kind == "prompt"] == ["rates 2023", "rates 2024"]
    chat.close()


async def test_a_chat_that_goes_on_from_a_store_counts_the_tokens_of_before(tmp_path: Path) -> None:
    store = tmp_path / "chats.db"
    with Server(answer("Hi."), answer("Bye.")) as server:
        asked = nbagent.Agent("test-1", client=server.client(), api="chat")
        first = nbagent.chat(asked.session("sales", store=store))
        await first.ask("hello")
        usage = first.run.snapshot()[0]["usage"]
        first.close()

        again = nbagent.chat(asked.session("sales", store=store))
        assert again.run.snapshot()[0]["usage"] == usage
        await again.ask("and now")
        assert again.run.usage.output == 2 * usage["output"]
        assert again.session.fork(at=2).usage.output == usage["output"]
        again.close()


async def test_an_edited_prompt_goes_on_from_there_and_the_earlier_version_is_kept() -> None:
    session = agent().session("branch")
    await session.generate("rates 2022")
    chat = nbagent.chat(session)
    await chat.ask("rates 2023")
    block = next(block["id"] for block in chat.run.snapshot() if block.get("text") == "rates 2022")
    ended(chat, lambda: chat.run.take(Say(text="rates 1999", instead_of=block)))
    assert [message["content"] for message in chat.messages if message["role"] == "user"] == [
        "rates 1999"
    ]
    assert [text for kind, text in shown(chat) if kind == "prompt"] == ["rates 1999"]
    assert (chat.session.name, len(session.messages)) == ("branch", 8)
    chat.close()


async def test_a_function_gets_the_messages_so_far() -> None:
    chat = nbagent.chat(echo)
    assert [await chat.ask("one"), await chat.ask("two")] == ["1: one", "3: two"]
    assert [message["content"] for message in chat.messages] == ["one", "1: one", "two", "3: two"]
    chat.close()


async def test_an_address_gets_the_messages_so_far() -> None:
    with Server(answer("One."), answer("Two.")) as server:
        chat = nbagent.chat(
            f"{server.base_url}/chat/completions",
            json={"model": "m"},
            headers={"Authorization": f"Bearer {KEY}"},
        )
        await chat.ask("first")
        await chat.ask("second")
        bodies = server.bodies
    assert shown(chat) == [
        ("prompt", "first"),
        ("text", "One."),
        ("prompt", "second"),
        ("text", "Two."),
    ]
    assert [message["content"] for message in bodies[1]["messages"]] == ["first", "One.", "second"]
    assert [(body["model"], body["stream"]) for body in bodies] == [("m", True)] * 2
    chat.close()


async def test_a_prompt_that_cannot_be_asked_is_told_in_the_transcript() -> None:
    def broken(messages: list[dict[str, Any]]) -> list[str]:
        raise RuntimeError("no model")

    chat = nbagent.chat(broken)
    chat.run.take(Say(text="Hi"))
    told = await anext(aiter(chat.run.stream("status")))
    assert isinstance(told, nbagent.events.Status)
    assert told.message == "RuntimeError: no model"
    assert not chat.is_answering
    chat.close()


async def test_a_function_that_returns_no_stream_is_named_with_what_it_returned() -> None:
    def ask(messages: list[dict[str, Any]]) -> None:
        """Forget to return what it made."""

    chat = nbagent.chat(ask)
    with pytest.raises(
        UnknownSource,
        match=r"^ask must return the stream of an answer, such as .*, and returned None$",
    ):
        await chat.ask("one")
    assert (chat.messages, chat.is_answering, shown(chat)) == ([], False, [])
    chat.close()


async def test_after_an_answer_that_failed_the_roles_still_alternate() -> None:
    def ask(messages: list[dict[str, Any]]) -> Any:
        if len(messages) == 1:
            raise_when_read: Any = (1 / 0 for _ in "x")
            return raise_when_read
        return echo(messages)

    chat = nbagent.chat(ask)
    assert await chat.ask("one") == ""
    assert await chat.ask("two") == "3: two"
    assert [message["role"] for message in chat.messages] == ["user", "assistant"] * 2
    assert chat.messages[1]["content"] == "(No answer: the run ended before there was one.)"
    chat.close()


async def test_a_prompt_that_was_not_shown_is_not_counted() -> None:
    failing = [False, True, False, False, False]

    def ask(messages: list[dict[str, Any]]) -> Any:
        if failing.pop(0):
            raise RuntimeError("no model")
        return echo(messages)

    chat = nbagent.chat(ask, name="broken")
    await chat.ask("one")
    with pytest.raises(RuntimeError):
        await chat.ask("two")
    await chat.ask("three")
    assert repr(chat) == "<Chat with broken: 2 prompts>"
    block = next(block["id"] for block in chat.run.snapshot() if block.get("text") == "three")
    ended(chat, lambda: chat.run.take(Say(text="four", instead_of=block)))
    await chat.ask("five")
    assert [message["content"] for message in chat.messages if message["role"] == "user"] == [
        "one",
        "four",
        "five",
    ]
    chat.close()


def test_a_chat_with_a_lambda_is_called_a_chat() -> None:
    assert repr(nbagent.chat(lambda messages: echo(messages))) == "<Chat with chat: 0 prompts>"


async def test_a_second_prompt_waits_for_nothing_but_is_refused() -> None:
    released = threading.Event()

    def slow(messages: list[dict[str, Any]]) -> Any:
        released.wait()
        yield "done"

    chat = nbagent.chat(slow)
    first = chat.send("one")
    with pytest.raises(NbagentError, match="an answer is being written"):
        chat.send("two")
    released.set()
    assert await asyncio.wrap_future(first) == "done"
    chat.close()


def test_other_things_are_refused_by_name() -> None:
    with pytest.raises(
        NbagentError,
        match="takes an agent, a session, an address, or a function from messages to a stream; got "
        "int",
    ):
        nbagent.chat(1)
    with pytest.raises(
        NbagentError, match=r"If that is a model: nbagent.chat\(nbagent.Agent\('gpt-5-mini'\)\)"
    ):
        nbagent.chat("gpt-5-mini")


async def test_a_name_in_the_input_line_is_a_variable_of_the_notebook(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fig = Figure(figsize=(1, 1))
    monkeypatch.setattr(
        sys.modules["nbagent.chat.chat"], "notebook_variables", lambda: {"town": "Oslo", "fig": fig}
    )
    got: list[Any] = []

    def keep(messages: list[dict[str, Any]]) -> list[str]:
        got.append(messages[-1]["content"])
        return ["seen"]

    chat = nbagent.chat(keep)
    ended(chat, lambda: chat.run.take(Say(text="Is {town} in {fig}, {friend}?")))
    [[text, picture]] = got
    assert text == {"type": "input_text", "text": "Is Oslo in (picture fig), {friend}?"}
    assert picture["image_url"].startswith("data:image/png;base64,")
    chat.close()


def test_where_marimo_asks_a_chat_displays_what_draws_its_run() -> None:
    chat = nbagent.chat(echo)
    chat.run.view = lambda: "a widget"
    assert chat._display_() == "a widget"
    chat.close()


async def test_dropped_files_are_part_of_the_prompt() -> None:
    got: list[Any] = []

    def keep(messages: list[dict[str, Any]]) -> list[str]:
        got.append(messages[-1]["content"])
        return ["seen"]

    chat = nbagent.chat(keep)
    files = [
        {"name": "a.png", "media_type": "image/png", "data": "aGk="},
        {"name": "a.txt", "media_type": "text/plain", "data": "aGk="},
    ]
    ended(chat, lambda: chat.run.take(Say(text="What is it?", files=files)))
    assert got == [
        [
            {"type": "input_text", "text": "What is it?"},
            {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "auto"},
            {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,aGk="},
        ]
    ]
    prompt = next(block for block in chat.run.snapshot() if block["kind"] == "prompt")
    assert prompt["files"] == files
    chat.close()
