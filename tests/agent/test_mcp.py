"""Tools of real MCP servers: a process on stdio, and one on loopback over HTTP."""

import asyncio
import gc
import http.server
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from agent.calls.test_output import outputs, result_of
from agent.server import Server, say
from agent.test_agent import agent_of, collect, of
from hypothesis import given
from hypothesis import strategies as st
from patience import LIMITS_S
from preloaded import start

import nbagent
from nbagent import events as e
from nbagent.agent.mcp_client import connection as mcp_connection
from nbagent.agent.mcp_client.bounded_lines import ON_LONG_LINE, BoundedLines
from nbagent.errors import MissingExtra, NbagentError, ToolError
from nbagent.runtime import loop

PEER = Path(__file__).with_name("mcp_peer.py")
COMMAND = [sys.executable, str(PEER)]


async def on_own_loop(coroutine: Any) -> Any:
    """Await on nbagent's own loop, where servers are connected."""
    return await asyncio.wrap_future(loop.submit(coroutine))


async def called(
    server: Any, name: str, arguments: str = "{}", **options: Any
) -> tuple[list[e.Event], str]:
    """Return the events of a run that calls a tool, and what the model gets to see."""
    tools = [server] if not isinstance(server, list) else server
    with Server(
        say("chat", "", [("c1", name, arguments)], number=1), say("chat", "Done.", number=2)
    ) as model:
        events = await collect(agent_of(model, tools=tools).stream("go", **options))
        assert len(model.bodies) == 2, events[-2:]
        return events, model.bodies[1]["messages"][-1]["content"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def serving(port: int) -> Iterator[None]:
    """Run the server over HTTP meanwhile."""
    with start(str(PEER), str(port), stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        while "running on" not in process.stderr.readline():
            assert process.poll() is None
        yield
        process.send_signal(signal.SIGTERM)
        process.communicate()


@pytest.fixture(scope="module", params=["stdio", "http", "older"])
def peer(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The server on stdio, over HTTP, and on stdio as servers spoke before 2026."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param != "http":
            patch.setattr(mcp_connection, "MODE", "legacy" if request.param == "older" else "auto")
            server = nbagent.mcp(COMMAND, env={"GIVEN": "yes"})
            yield server
            server.close()
            return
    port = free_port()
    with serving(port):
        server = nbagent.mcp(
            f"http://127.0.0.1:{port}/mcp", headers={"Authorization": "Bearer canary-0123456789"}
        )
        yield server
        server.close()


@pytest.mark.parametrize(
    ("name", "arguments", "value"),
    [
        ("add", '{"a": 2}', 3),
        ("text_of_it", "{}", "plain"),
        ("point", "{}", {"x": 1, "y": 2}),
    ],
)
async def test_a_tool_is_called_like_any_other(
    peer: Any, name: str, arguments: str, value: Any
) -> None:
    events, _ = await called(peer, name, arguments)
    assert (result_of(events).status, result_of(events).value.value) == ("ok", value)


async def test_pictures_and_resources_are_shown_and_the_model_is_told_of_them(peer: Any) -> None:
    events, told = await called(peer, "several")
    bundle = result_of(events).display.data
    assert [mime for mime in bundle if mime.startswith("image/png")] == ["image/png;part=2"]
    assert '"and","<' in told
    assert '{"uri":"file:///notes.txt","text":"noted"}' in told


async def test_progress_and_log_messages_are_in_the_panel(peer: Any) -> None:
    events, _ = await called(peer, "work")
    last = of(events, e.ToolProgress)[-1]
    assert (last.message, last.progress, last.total) == ("step 3", 3, 3)
    assert "INFO: all steps done\n" in outputs(events)["work"]


async def test_a_question_is_asked_in_the_run_and_the_answer_goes_back(peer: Any) -> None:
    with Server(
        say("chat", "", [("c1", "ask", "{}")], number=1), say("chat", "Done.", number=2)
    ) as model:
        events = []
        problem = ""
        async for event in agent_of(model, tools=[peer]).stream("go"):
            events.append(event)
            if isinstance(event, e.ApprovalRequest):
                assert event.reply is not None
                answer = e.ApprovalResponse(
                    approval_id=event.approval_id,
                    decision="approve",
                    value={"name": "Ann", "age": -1},
                )
                try:
                    event.reply.value.send(answer)
                except NbagentError as error:
                    problem = str(error)
                event.reply.value.send(
                    e.ApprovalResponse(**{**_fields(answer), "value": {"name": "Ann", "age": 30}})
                )
    (question,) = of(events, e.ApprovalRequest)
    assert (question.kind, question.prompt) == ("input", "Who is it?")
    assert question.schema["properties"]["name"]["description"] == "Whose name."
    assert problem == "age: -1 is less than the minimum of 0"
    assert result_of(events).content == "Ann is 30"


def _fields(event: Any) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__struct_fields__}


async def test_what_fails_there_is_an_error_of_the_call(peer: Any) -> None:
    events, told = await called(peer, "fail")
    assert result_of(events).status == "error"
    assert told.startswith("Error: ToolError: Error executing tool fail")


async def test_arguments_that_do_not_fit_are_refused_before_they_are_sent(peer: Any) -> None:
    _, told = await called(peer, "add", '{"a": "two"}')
    assert told == "Error: ToolError: a: 'two' is not of type 'integer'"


async def test_tools_that_are_added_are_offered_with_the_next_response(peer: Any) -> None:
    with Server(
        say("chat", "", [("c1", "grow", "{}")], number=1), say("chat", "Done.", number=2)
    ) as model:
        await collect(agent_of(model, tools=[peer]).stream("go"))
        names = [{tool["function"]["name"] for tool in body["tools"]} for body in model.bodies]
    if "grown" not in names[1]:  # told by another stream than the result, and so perhaps later
        while "grown" not in {tool.name for tool in await on_own_loop(peer.tools())}:
            await asyncio.sleep(0.01)


# --- life and death ---


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """Makes small servers that run in `tmp_path`."""
    made = []

    def make(**options: Any) -> Any:
        made.append(
            nbagent.mcp(
                [sys.executable, str(PEER.with_name("mcp_raw_peer.py"))],
                name="small",
                cwd=tmp_path,
                **options,
            )
        )
        return made[-1]

    yield make
    for server in made:
        await on_own_loop(server._connection.aclose())


async def test_its_tools_may_have_to_be_allowed(small: Any) -> None:
    server = small(approve=lambda arguments: arguments.get("a") == 1)
    with Server(
        say("chat", "", [("c1", "add", '{"a": 1}'), ("c2", "add", '{"a": 2}')]),
        say("chat", "Done."),
    ) as model:
        events = []
        async for event in agent_of(model, tools=[server]).stream("go"):
            events.append(event)
            if isinstance(event, e.ApprovalRequest):
                assert event.reply is not None
                event.reply.value.send(
                    e.ApprovalResponse(approval_id=event.approval_id, decision="deny")
                )
    assert sorted(result.status for result in of(events, e.ToolResult)) == ["denied", "ok"]


@pytest.mark.parametrize(
    ("decision", "action"), [("approve", "accept"), ("deny", "decline"), ("cancel", "cancel")]
)
async def test_a_server_may_ask_to_sign_in_at_an_address(
    small: Any, decision: Any, action: str
) -> None:
    with Server(
        say("chat", "", [("c1", "sign_in", "{}")], number=1), say("chat", "Done.", number=2)
    ) as model:
        events = []
        async for event in agent_of(model, tools=[small()]).stream("go"):
            events.append(event)
            if isinstance(event, e.ApprovalRequest):
                assert event.reply is not None
                event.reply.value.send(
                    e.ApprovalResponse(approval_id=event.approval_id, decision=decision)
                )
    (question,) = of(events, e.ApprovalRequest)
    assert (question.kind, question.prompt, question.meta) == (
        "auth",
        "Sign in.",
        {"url": "https://example.org/sign-in"},
    )
    assert question.tool_id == result_of(events).id
    assert result_of(events).content == action


async def test_a_server_that_dies_in_a_call_is_not_asked_again_and_started_anew_for_the_next(
    small: Any, tmp_path: Path
) -> None:
    calls = [
        [("c1", "die", "{}")],
        [("c2", "add", '{"a": 1}')],
        [("c3", "environment", '{"name": "GIVEN"}')],
    ]
    replies = [say("chat", "", each, number=number) for number, each in enumerate(calls, 1)]
    with Server(*replies, say("chat", "Done.", number=4)) as model:
        events = await collect(agent_of(model, tools=[small(env={"GIVEN": "yes"})]).stream("go"))
    died, added, given = of(events, e.ToolResult)
    assert died.status == "error"
    assert (
        "ended during this call: whether the call had an effect is not known, so it was not "
        "repeated"
    ) in died.error.message
    assert "last words" in died.error.message
    assert (tmp_path / "ran").read_text() == "ran\n"
    assert (added.value.value, given.value.value) == ("2", "yes")
    assert [status.message for status in of(events, e.Status)] == [
        "Starting small",
        "Starting small",
    ]
    assert events[-1].status == "completed"  # type: ignore[union-attr]


async def test_a_server_over_http_that_dies_in_a_call_fails_that_call_only(tmp_path: Path) -> None:
    port = free_port()
    server = nbagent.mcp(f"http://127.0.0.1:{port}/mcp")
    die = f'{{"ran": "{tmp_path.as_posix()}/ran"}}'
    calls = [[("c1", "die", die)], [("c2", "add", '{"a": 1}')]]
    replies = [say("chat", "", each, number=number) for number, each in enumerate(calls, 1)]
    with serving(port), Server(*replies, say("chat", "Sorry.", number=3)) as model:
        events = await collect(agent_of(model, tools=[server]).stream("go"))
    died, gone = of(events, e.ToolResult)
    assert (tmp_path / "ran").read_text() == "ran\n"
    assert (
        "ended during this call: whether the call had an effect is not known" in died.error.message
    )
    assert "could not be reached" in gone.error.message
    assert [
        status.level for status in of(events, e.Status) if "could not be reached" in status.message
    ] == ["warning"] * 2
    assert (events[-1].status, events[-1].output) == ("completed", "Sorry.")  # type: ignore[union-attr]


async def test_a_call_that_hangs_ends_at_its_limit_and_the_server_goes_on(
    small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOT_GIVEN", "secret")
    calls = [[("c1", "hang", "{}")], [("c2", "environment", '{"name": "NOT_GIVEN"}')]]
    replies = [say("chat", "", each, number=number) for number, each in enumerate(calls, 1)]
    for limit in LIMITS_S:
        with Server(*replies, say("chat", "Done.", number=3)) as model:
            events = await collect(agent_of(model, tools=[small(timeout=limit)]).stream("go"))
        hung, environment = of(events, e.ToolResult)
        assert hung.error.message == f"hang took longer than its {limit:g} s"
        if environment.status == "ok":
            break
    else:
        pytest.fail("it was not in time")
    assert environment.value.value == "not set"  # and not this process's


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["nbagent-no-such-command"], "could not be reached: [Errno 2]"),
        ([sys.executable, "-c", "import sys; sys.exit('bad option')"], "It wrote:\nbad option"),
        (
            [sys.executable, "-c", "import time; time.sleep(60)"],
            "did not answer within 0.5 s of its start (start_timeout)",
        ),
    ],
)
async def test_a_server_that_does_not_start_fails_the_run_before_the_model_is_asked(
    command: list[str], message: str
) -> None:
    server = nbagent.mcp(
        command, start_timeout=20 if "bad" in message or "Errno" in message else 0.5
    )
    with Server() as model:
        events = await collect(agent_of(model, tools=[server]).stream("go"))
        assert model.exchanges == []
    (error,) = of(events, e.Error)
    assert message in error.message
    assert (error.fatal, error.error_type, events[-1].status) == (True, "ToolError", "failed")  # type: ignore[union-attr]


async def test_nobody_at_the_address_is_told() -> None:
    with pytest.raises(ToolError, match="could not be reached"):
        await on_own_loop(nbagent.mcp(f"http://127.0.0.1:{free_port()}/mcp").tools())


async def test_a_server_that_has_forgotten_the_session_is_connected_to_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mcp_connection, "MODE", "legacy")  # newer servers have no sessions
    port = free_port()
    server = nbagent.mcp(f"http://127.0.0.1:{port}/mcp")
    with serving(port):
        await on_own_loop(server.tools())
    with serving(port):
        replies = [
            say("chat", "", [(f"c{number}", "add", '{"a": 1}')], number=number) for number in (1, 2)
        ]
        with Server(*replies, say("chat", "Done.", number=3)) as model:
            events = await collect(agent_of(model, tools=[server]).stream("go"))
        lost, added = of(events, e.ToolResult)
        assert lost.error.message.endswith("has forgotten its session: the call did not run")
        assert added.value.value == 2
        await on_own_loop(server._connection.aclose())


async def ended(pid: int) -> None:
    while Path(f"/proc/{pid}").exists():
        await asyncio.sleep(0.01)


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks the process up in /proc")
async def test_the_process_ends_with_close_and_with_its_agent(small: Any, tmp_path: Path) -> None:
    server = small()
    await on_own_loop(server.tools())
    server.close()
    await ended(int((tmp_path / "pid").read_text()))

    await on_own_loop(server.tools())  # starts it again
    agent = nbagent.Agent(
        "demo", tools=[nbagent.mcp(server._connection._server.words, cwd=tmp_path)]
    )
    await on_own_loop(agent._toolsets[0].tools())
    pid = int((tmp_path / "pid").read_text())
    del agent
    gc.collect()
    await ended(pid)


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks the process up in /proc")
async def test_close_ends_a_process_that_sleeps_in_a_call(small: Any, tmp_path: Path) -> None:
    server = small()
    with Server(say("chat", "", [("c1", "sleep", "{}")]), say("chat", "Done.", number=2)) as model:
        run = asyncio.ensure_future(collect(agent_of(model, tools=[server]).stream("go")))
        while not (tmp_path / "asleep").exists():
            await asyncio.sleep(0.01)
        server.close()
        await ended(int((tmp_path / "pid").read_text()))
        (result,) = of(await run, e.ToolResult)
    assert (result.status, server.is_open) == ("error", False)


async def test_a_run_that_a_server_is_closed_in_does_not_start_it_again(
    small: Any, tmp_path: Path
) -> None:
    server = small()
    with Server(say("chat", "", [("c1", "hang", "{}")]), say("chat", "Done.", number=2)) as model:
        events = []
        async for event in agent_of(model, tools=[server]).stream("go"):
            events.append(event)
            if isinstance(event, e.ToolArgs):
                server.close()
        offered = [len(body.get("tools", ())) for body in model.bodies]

    assert not server.is_open
    assert offered == [8, 0]
    assert "small was closed: the rest of this run does without its tools" in [
        event.message for event in of(events, e.Status)
    ]
    await on_own_loop(server.tools())  # another use starts it


async def test_a_call_that_comes_after_the_close_does_not_start_it_again(small: Any) -> None:
    server = small()
    before = {tool.name: tool for tool in await on_own_loop(server.tools())}
    server.close()
    with pytest.raises(ToolError, match="small was closed before this call, which did not run"):
        await on_own_loop(before["add"].run({"a": 1}))
    assert not server.is_open
    after = {tool.name: tool for tool in await on_own_loop(server.tools())}
    assert await on_own_loop(after["add"].run({"a": 1})) == "2"


# --- what has no end ---


@pytest.mark.parametrize(
    ("pages", "words"),
    [("same", "it gave the cursor 'again' twice"), ("more", "more than 100 pages")],
)
async def test_a_list_of_tools_without_end_is_refused(small: Any, pages: str, words: str) -> None:
    server = small(env={"PAGES": pages})
    with pytest.raises(ToolError, match=words):
        await on_own_loop(server.tools())


async def test_a_message_that_is_too_long_ends_the_call_with_a_sentence(small: Any) -> None:
    events, told = await called(small(), "long")
    assert result_of(events).status == "error"
    assert "sent a message of more than 16 MB" in told


class JsonPeer(http.server.BaseHTTPRequestHandler):
    """An MCP server over HTTP that answers with JSON, without any SDK.

    The result of its tool is 2 MB long.
    """

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = {
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "json", "version": "1"},
        }
        results = {
            "initialize": server,
            "tools/list": {"tools": [{"name": "long", "inputSchema": {"type": "object"}}]},
            "tools/call": {"content": [{"type": "text", "text": "x" * 2_000_000}]},
        }
        reply = {
            "jsonrpc": "2.0",
            "id": request.get("id"),
            "result": results.get(request["method"], {}),
        }
        body = json.dumps(reply).encode() if "id" in request else b""
        self.send_response(200 if body else 202)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


async def test_a_response_that_is_too_long_ends_the_call_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mcp_connection, "MAX_LINE_BYTES", 2**20)
    monkeypatch.setattr(mcp_connection, "MODE", "legacy")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), JsonPeer) as there:
        threading.Thread(target=there.serve_forever, daemon=True).start()
        server = nbagent.mcp(f"http://127.0.0.1:{there.server_port}/mcp")
        _, told = await called(server, "long")
        await on_own_loop(server._connection.aclose())
        there.shutdown()
    assert "sent a message of more than 1 MB" in told


@given(st.lists(st.binary(max_size=20), max_size=8), st.data())
def test_lines_are_decoded_however_they_are_cut(lines: list[bytes], data: st.DataObject) -> None:
    lines = [line.replace(b"\n", b"") for line in lines]
    whole = b"".join(line + b"\n" for line in lines)
    token = ON_LONG_LINE.set(lambda: None)
    decoder = BoundedLines("replace")
    ON_LONG_LINE.reset(token)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    pieces = [whole[start:end] for start, end in itertools.pairwise([0, *cuts, len(whole)])]
    assert "".join(map(decoder.decode, pieces)) == whole.decode("utf-8", "replace")


# --- names and options ---


async def test_names_that_collide_get_the_servers_name(small: Any) -> None:
    def add() -> None:
        """Do not add."""

    def point() -> None:
        """Do not point."""

    with Server(say("chat", "Done.")) as model:
        await collect(agent_of(model, tools=[add, point, small(), small()]).stream("go"))
        names = [tool["function"]["name"] for tool in model.bodies[0]["tools"]]
    there = [
        "small_add",
        "small_environment",
        "small_hang",
        "small_die",
        "small_point",
        "small_sign_in",
        "small_long",
        "small_sleep",
    ]
    assert names == ["add", "point", *there, *(f"{name}_2" for name in there)]


def test_no_credential_is_in_the_repr_or_in_an_error() -> None:
    server = nbagent.mcp(
        "run-it --token sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD",
        env={"TOKEN": "canary-0123456789"},
    )
    assert "abcdefgh" not in repr(server)
    assert "canary" not in repr(server)
    assert repr(nbagent.mcp("uvx mcp-server-time")) == "mcp('uvx mcp-server-time')"


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("", {}, "got an empty one"),
        (
            "https://example.org/mcp",
            {"env": {"A": "b"}},
            "env= does not go with an address, 'https://example.org/mcp'",
        ),
        ("uvx it", {"headers": {"A": "b"}}, "headers= does not go with a command, 'uvx'"),
        ("uvx it", {"timeout": 0}, "timeout must be a positive number of seconds, got 0"),
        (
            "uvx it",
            {"approve": 3},
            "mcp(): approve must be True, False or a function of the arguments, got 3",
        ),
        (
            "uvx it",
            {"result_chars": 1},
            "mcp(): result_chars must be at least 100 characters, got 1",
        ),
        ("uvx 'it", {}, 'got "uvx \'it": No closing quotation'),
        (3, {}, "got 3: 'int' object is not iterable"),
    ],
)
def test_options_that_cannot_be_are_refused(
    target: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(NbagentError) as refused:
        nbagent.mcp(target, **options)
    assert message in str(refused.value)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbagent.agent.mcp_client.tools.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'jupyter-nbagent\[mcp\]'"):
        nbagent.mcp("uvx mcp-server-time")
    assert os.environ  # nothing was started
