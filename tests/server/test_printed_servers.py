"""Code that the pages print for the side that serves, as printed, with nbagent's agents behind it
and its reader before it.

The pages' own packages are not needed: Agentor's and the knowledge base's `agent`, and NEAR AI's
`env`, are filled in here.
"""

import ast
import asyncio
import builtins
import inspect
import json
import re
import socket
import subprocess
import sys
import types
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import httpx2
import openai
import pytest
from adapters.pages.serving import MODULES, NODE
from agent.server import Server as ModelServer
from agent.server import chat
from fastapi import FastAPI
from parsers import environment

import nbagent
from nbagent import events as e
from nbagent.adapters.base.encoder import Item
from nbagent.agent import Agent
from nbagent.server import Server, serve

PRINTED = Path(__file__).parent / "printed"
CALLING: list[Any] = [chat(calls=[("c1", "look", '{"at": "x"}')]), chat("It is ", "there.")]


def printed(page: str, heading: str) -> str:
    """Return the code under a heading of a page."""
    text = (PRINTED / f"{page}.md").read_text("utf-8")
    [code] = re.findall(
        rf"^## {re.escape(heading)}\n\n```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE
    )
    return dedent(code)


async def run(code: str, **names: Any) -> dict[str, Any]:
    """Run code, which may await outside of a function, with names that it takes from what is around
    it; return all names.
    """
    compiled = compile(code, "printed", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(compiled, names)
    if inspect.iscoroutine(result):
        await result
    return names


def look(at: str) -> str:
    """Look at something."""
    return "seen"


@contextmanager
def answering(*replies: Any) -> Iterator[Agent]:
    with ModelServer(*replies) as model:
        yield Agent("test-1", tools=[look], client=model.client(), api="chat", name="assistant")


class Agentor:
    """An agent with the method that Agentor's have. It raises what makes a run fail."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def stream_chat(self, message: str, serialize: bool = True) -> AsyncIterator[Any]:
        events = self._events(message)
        return (
            nbagent.encode(events, "agentor", "messages")
            if serialize
            else self._objects(nbagent.encode(events, "agentor"))
        )

    async def _events(self, message: str) -> AsyncIterator[e.Event]:
        async for event in self._agent.stream(message):
            if isinstance(event, e.Error) and event.fatal:
                raise RuntimeError(event.message)
            yield event

    async def _objects(self, items: AsyncIterator[Item]) -> AsyncIterator[SimpleNamespace]:
        async for item in items:
            assert isinstance(item, dict)
            yield SimpleNamespace(**item)


class Streaming:
    """An agent whose stream has the events that the knowledge base's page reads."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    async def stream(self, query: str) -> AsyncIterator[SimpleNamespace]:
        names: dict[str, str] = {}
        async for event in self._agent.stream(query):
            match event:
                case e.TextDelta():
                    yield SimpleNamespace(type="text_delta", text=event.delta)
                case e.ToolStart():
                    names[event.id] = event.name
                    yield SimpleNamespace(type="tool_call", tool_name=event.name)
                case e.ToolResult():
                    yield SimpleNamespace(
                        type="tool_result", tool_name=names[event.id], result=event.content
                    )


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    app.state.run_ids = {}
    with Server(app, socket.create_server(("127.0.0.1", 0))) as server:
        yield server.url


def called(shown: nbagent.Run) -> list[tuple[str, Any]]:
    return [(call.name, call.result) for call in shown.tools]


async def test_agentors_server_is_read_here_and_by_a_reader_of_lines() -> None:
    app = FastAPI()
    with answering(*CALLING, *CALLING) as agent:
        await run(printed("agentor", "Server"), app=app, agent=Agentor(agent))
        with running(app) as url:
            shown = await nbagent.show(f"{url}/chat?message=where", method="POST", face="console")
            text = httpx2.post(f"{url}/chat", params={"message": "where"}).text
    assert (shown.status, shown.text, called(shown)) == (
        "completed",
        "It is there.",
        [("look", "seen")],
    )
    assert "".join(re.findall(r'"chunk": "([^"]*)"', text)) == "It is there."


async def test_agentors_server_tells_a_failure() -> None:
    app = FastAPI()
    with answering(lambda exchange: exchange.refuse(400, {"message": "no such model"})) as agent:
        await run(printed("agentor", "Server"), app=app, agent=Agentor(agent))
        with running(app) as url:
            shown = await nbagent.show(f"{url}/chat?message=where", method="POST", face="console")
    assert (shown.status, "no such model" in str(shown.error)) == ("failed", True)


async def test_agentors_loops_print_what_the_agent_says(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(chat("Hello ", "there, you.")) as agent:
        names = await run(printed("agentor", "Async"), agent=Agentor(agent))
        await names["main"]()
    assert (
        "".join(re.findall(r'"chunk": "([^"]*)"', capsys.readouterr().out)) == "Hello there, you."
    )

    with answering(chat("Hello ", "there, you.")) as agent:
        await run(printed("agentor", "Flush"), agent=Agentor(agent))
    assert capsys.readouterr().out == "Hello there, you."

    words: list[str] = []
    with answering(chat("Hello ", "there, you.")) as agent:
        names = await run(
            printed("agentor", "Words"), agent=Agentor(agent), process_word=words.append
        )
    assert (words, names["buffer"]) == (["Hello", "there,"], "you.")

    with answering(chat("Hello.")) as agent:
        names = await run(printed("agentor", "Timeout"), agent=Agentor(agent))
        await names["stream_with_timeout"]()
    assert '"chunk": "Hello."' in capsys.readouterr().out


async def test_agentors_loop_that_wont_work_does_not() -> None:
    with answering() as agent, pytest.raises(TypeError, match="not iterable"):
        await run(printed("agentor", "Not async"), agent=Agentor(agent))


async def test_the_knowledge_bases_server_is_read_here() -> None:
    with answering(*CALLING) as agent:
        names = await run(printed("knowledge_base", "Server"), agent=Streaming(agent))
        with running(names["app"]) as url:
            shown = await nbagent.show(f"{url}/stream?query=where", face="console")
    assert (shown.status, shown.text, called(shown)) == (
        "completed",
        "It is there.",
        [("look", "seen")],
    )


async def test_an_application_of_fastapi_has_the_agents_below_a_path_of_its_own() -> None:
    app = FastAPI()
    with answering(chat("Hi.")) as agent:
        app.mount("/agents-api", nbagent.asgi(agent))
        with running(app) as url:
            body = {"message": "x"}
            shown = await nbagent.show(
                f"{url}/agents-api/agents/assistant/messages/stream", json=body, face="console"
            )
            paths = httpx2.get(f"{url}/agents-api/openapi.json").json()["servers"]
    assert (shown.status, shown.text, paths) == ("completed", "Hi.", [{"url": "/agents-api"}])


class Environment:
    """NEAR AI's environment of an agent, in front of a server.

    Attributes:
        replies: that the agent has added.
    """

    def __init__(self, url: str) -> None:
        self._client = openai.OpenAI(base_url=f"{url}/v1", api_key="any")
        self.replies: list[str] = []

    def list_messages(self) -> list[Any]:
        return [{"role": "user", "content": "What is a good life?"}]

    def completion(self, messages: list[Any], stream: bool) -> Any:
        return self._client.chat.completions.create(
            model="assistant", messages=messages, stream=stream
        )

    def add_reply(self, stream: Any) -> None:
        self.replies.append(
            "".join(choice.delta.content or "" for chunk in stream for choice in chunk.choices)
        )


async def test_near_ais_agent_streams_both_of_its_completions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("nearai", "nearai.agents", "nearai.agents.environment"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setattr(
        sys.modules["nearai.agents.environment"], "Environment", Environment, raising=False
    )
    with ModelServer(chat("I know ", "nothing."), chat("Ideas ", "are eternal.")) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with serve(agent, port=0) as server:
            environment = Environment(server.url)
            await asyncio.to_thread(exec, printed("nearai", "agent.py"), {"env": environment})
        told = [body["messages"][0]["content"] for body in model.bodies]
    assert environment.replies == ["I know nothing.", "Ideas are eternal."]
    assert told == ["respond as though you were Socrates", "Now, respond as though you were Plato"]


async def test_near_ais_loop_prints_each_chunk(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(chat("I know ", "nothing.")) as agent, serve(agent, port=0) as server:
        names = {
            "self": SimpleNamespace(env=Environment(server.url)),
            "prompt": {"role": "system", "content": "respond as though you were Socrates"},
            "messages": [{"role": "user", "content": "What is a good life?"}],
            "json": json,
            "print": builtins.print,
        }
        await asyncio.to_thread(exec, printed("nearai", "Chunks"), names)
    chunks = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (
        "".join(choice["delta"]["content"] or "" for chunk in chunks for choice in chunk["choices"])
        == "I know nothing."
    )


# --- Dexto's agent, in Node ---

DEXTO: dict[str, str] = {
    "Basic Streaming": "It is there.",
    "llm:thinking": "Agent is thinking...\n",
    "llm:chunk": "It is there.",
    "llm:tool-call": 'Using tool: look\nArguments: {"at":"x"}\n',
    "llm:tool-result": "Tool look completed\n",
    "llm:response": "\nComplete. Tokens used: 30\nFull content: It is there.\n",
    "Complete Event Handler": (
        "Thinking...\n\nCalling tool: look\nTool result: success\nIt is there.\nDone! Used 30 "
        "tokens\n"
    ),
    "Buffering Chunks": "It is there.",
    "Error Handling": "It is there.",
}
"""Output of each example for the same run."""


def dexto(url: str, *arguments: str) -> list[str]:
    return [NODE, str(PRINTED / "dexto.mjs"), url, str(MODULES / "esbuild"), *arguments]


def test_dextos_loops_write_what_the_agent_does() -> None:
    with answering(*CALLING * len(DEXTO)) as agent, serve(agent, port=0) as server:
        done = subprocess.run(
            dexto(server.url, "", *DEXTO), check=False, capture_output=True, text=True, timeout=60
        )
    assert done.stderr == ""
    assert json.loads(done.stdout) == DEXTO


def test_dextos_loop_falls_back_where_the_stream_fails() -> None:
    refused = lambda exchange: exchange.refuse(404, {"message": "no such model"})  # noqa: E731 - a reply
    with answering(refused, chat("Whole.")) as agent, serve(agent, port=0) as server:
        done = subprocess.run(
            dexto(server.url, "", "Error Handling"),
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
    told = json.loads(done.stdout)["Error Handling"].strip().splitlines()
    assert ("no such model" in told[0], told[1:]) == (
        True,
        ["Falling back to generate()...", "Whole."],
    )


@pytest.mark.proof
async def test_dextos_server_in_express_is_read_here() -> None:
    express = str(environment.folder() / "node" / "package.json")
    with answering(*CALLING) as agent, serve(agent, port=0) as server:
        with subprocess.Popen(
            dexto(server.url, express), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            made = json.loads(process.stdout.readline())
            body = {"message": "where", "sessionId": made["session"]}
            shown = await nbagent.show(f"{made['url']}/chat/stream", json=body, face="console")
            process.communicate(timeout=20)
    assert (shown.status, shown.text, called(shown)) == (
        "completed",
        "It is there.",
        [("look", "seen")],
    )
