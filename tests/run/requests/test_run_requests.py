"""`run.requests`: what nbagent's own agent sent, what of it is hidden and masked, and the
inspector's questions about it.
"""

import json
from pathlib import Path
from typing import Any

import openai
import pytest
from agent.server import KEY, Server, chat, refuse

import nbagent
from nbagent import events as e
from nbagent.errors import NbagentError
from nbagent.run import Run

SECRET = "canary-0f1e2d3c4b5a6978"
WAIT_S = 20


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def agent(server: Server, **options: Any) -> nbagent.Agent:
    given: dict[str, Any] = {
        "model": "test-1",
        "client": server.client(),
        "api": "chat",
        "tools": [add],
    }
    return nbagent.Agent(**given | options)


async def shown(stream: Any, **options: Any) -> Run:
    return await nbagent.show(stream, face="console", **options)


CALL = chat(calls=[("c1", "add", '{"a": 1, "b": 2}')])
ANSWER = chat("It is ", "3.")


async def test_each_step_of_the_agent_shows_its_request() -> None:
    with Server(CALL, ANSWER) as server:
        run = await shown(
            agent(server, instructions="Count well.", name="clerk").stream("1 and 2?")
        )
        sent = server.bodies
    first, second = run.requests
    assert [request.body for request in run.requests] == sent
    assert [(request.step, request.agent, request.status) for request in run.requests] == [
        (1, "clerk", 200),
        (2, "clerk", 200),
    ]
    assert second.changes == "+2 messages, tools unchanged"
    assert [message["role"] for message in second.new] == ["assistant", "tool"]
    assert (first.tools[0]["function"]["name"], first.settings["model"]) == ("add", "test-1")
    assert first.instructions == [{"role": "system", "content": "Count well."}]
    assert (second.tokens.total, second.tokens.is_estimate, second.usage) == (
        10,
        False,
        e.Usage(input=10, output=5),
    )
    assert "[DONE]" in second.response


async def test_a_request_that_the_agent_sends_again_has_the_same_step() -> None:
    def later(exchange: Any) -> None:
        exchange.refuse(429, {"message": "later"}, [("retry-after", "0")])

    with Server(later, ANSWER) as server:
        run = await shown(agent(server, client=server.client(max_retries=1)).stream("Hi"))
    assert [(request.step, request.status) for request in run.requests] == [(1, 429), (1, 200)]


async def test_a_sub_agents_requests_are_those_of_the_run_around() -> None:
    with Server(chat(calls=[("c1", "helper", '{"task": "Add."}')]), chat("3"), ANSWER) as server:
        helper = agent(server, name="helper")
        run = await shown(
            agent(server, name="boss", tools=[helper.as_tool(description="Helps.")]).stream(
                "1 and 2?"
            )
        )
    assert [(request.agent, request.step) for request in run.requests] == [
        ("boss", 1),
        ("helper", 1),
        ("boss", 2),
    ]
    assert run.requests[2].changes == "+2 messages, tools unchanged"


async def test_a_table_and_a_line_for_each_request() -> None:
    with Server(CALL, ANSWER) as server:
        run = await shown(agent(server, instructions="<b>").stream("1 and 2?"))
    assert (
        repr(run.requests).splitlines()[1]
        == "1: <Request 2 to test-1, 200: +2 messages, tools unchanged>"
    )
    assert run.requests._repr_html_().count("<tr>") == 3
    assert ">+2 messages, tools unchanged</td>" in run.requests[1]._repr_html_()
    assert run.requests[1:]._repr_html_().count("<tr>") == 2
    assert nbagent.Run(iter("a")).requests._repr_html_() == "No request was kept."


# --- hidden and masked ---


@pytest.mark.parametrize(
    "options",
    [{"reveal": "answer"}, {"reveal": "tools"}, {"hide": {"add": "args"}}, {"commentary": False}],
    ids=str,
)
async def test_where_something_is_hidden_only_the_figures_of_requests_are_shown(
    options: dict[str, Any],
) -> None:
    with Server(CALL, ANSWER) as server:
        run = await shown(agent(server).stream("1 and 2?"), **options)
    request = run.requests[1]
    assert (request.number, request.status, request.total_tokens) == (2, 200, 10)
    assert request.is_hidden
    for read in ("messages", "new", "instructions", "tools", "settings", "response", "body"):
        with pytest.raises(NbagentError, match=r"hidden in this run.*reveal='thinking'"):
            getattr(request, read)
    detail = json.loads(run.page("request/2", 0, 60_000)[0])
    assert (detail["parts"], "hidden" in detail) == ([], True)
    with pytest.raises(LookupError, match="hidden in this run"):
        run.page("request/2/messages/0", 0, 60_000)


@pytest.mark.parametrize("reveal", ["thinking", "all"])
async def test_where_nothing_is_hidden_requests_are_shown(reveal: Any) -> None:
    with Server(ANSWER) as server:
        run = await shown(agent(server).stream("Hi"), reveal=reveal)
    assert run.requests[0].messages == [{"role": "user", "content": "Hi"}]


def pages(run: Run) -> str:
    """Return all that the inspector answers about requests."""
    names = ["requests/1"]
    for number in range(1, len(run.requests) + 1):
        detail = json.loads(run.page(f"request/{number}", 0, 60_000)[0])
        names += [f"request/{number}", f"request/{number}/body"]
        names += [f"request/{number}/{part['part']}" for part in detail["parts"]]
    return "".join(run.page(name, 0, 60_000)[0] for name in names)


def everything(run: Run) -> str:
    """Return all that a reader may see of the requests of a run, in Python and in the view."""
    requests = run.requests
    read = [
        [
            request.url,
            request.messages,
            request.tools,
            request.settings,
            request.body,
            request.response,
            request.changes,
        ]
        for request in requests
    ]
    reprs = [
        repr(requests),
        requests._repr_html_(),
        *(repr(each.tokens) + repr(each.problem) for each in requests),
    ]
    return json.dumps(read) + "".join(reprs) + pages(run) + "".join(map(repr, run.events))


async def test_credentials_are_nowhere_in_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", SECRET)
    mcp = {
        "type": "mcp",
        "server_label": "s",
        "server_url": "http://mcp.test",
        "headers": {"X-Auth": "canary-of-the-header"},
    }
    reply = chat(
        f"Your key is {KEY[:9]}",
        KEY[9:],
        f" and {SECRET[:8]}",
        SECRET[8:],
        " canary-of-mcp canary-of-x-api canary-of-the-",
        "query",
    )
    with Server(reply, refuse(401, f"Wrong key {KEY}")) as server:
        url = server.base_url.replace("http://", "http://reader:canary-of-the-url@")
        client = openai.AsyncOpenAI(
            base_url=f"{url}/?key=canary-of-the-query",
            api_key=KEY,
            max_retries=0,
            default_headers={"x-api-key": "canary-of-x-api"},
            default_query={"api_key": "canary-of-the-query"},
        )
        made = agent(
            server,
            client=client,
            model_settings={
                "extra_body": {"tools": [mcp], "mcp": {"authorization": "canary-of-mcp"}}
            },
        )
        run = await shown(made.stream(f"Use {SECRET}."))
        refused = await shown(made.stream("Again"))
    assert "canary" not in everything(run) + everything(refused)
    assert "ca•••" in run.requests[0].response
    assert "sk•••" in refused.requests[0].response
    assert "@" not in run.requests[0].url


async def test_patterns_are_masked_also_where_the_stream_cut_them() -> None:
    with Server(chat("Card 4111 11", "11 1111 1111.")) as server:
        run = await shown(
            agent(server).stream("Is 4111 1111 1111 1111 mine?"),
            redact=[r"\d{4} \d{4} \d{4} \d{4}"],
        )
    assert "11 1" not in everything(run).replace("•", "")
    assert run.requests[0].messages[0]["content"] == f"Is {'•' * 19} mine?"


async def test_requests_are_in_no_file(tmp_path: Path) -> None:
    with Server(ANSWER) as server:
        run = await shown(
            agent(server, instructions="Only the model knows.").stream("Hi"), reveal="all"
        )
    run.save(str(tmp_path / "run.jsonl"), private=True)
    written = (
        (tmp_path / "run.jsonl").read_text()
        + run.to_html()
        + run.to_markdown()
        + json.dumps(run.snapshot())
    )
    assert "Only the model knows" not in written


# --- the inspector ---


async def test_the_inspector_lists_the_requests_and_their_parts() -> None:
    with Server(CALL, ANSWER) as server:
        run = await shown(
            agent(server, instructions="Count well.", model_settings={"temperature": 0}).stream(
                "1 and 2?"
            )
        )
    answer = json.loads(run.page("requests/1", 0, 60_000)[0])
    assert answer["last"] == 2
    assert [
        (row["number"], row["step"], row["input"], row["output"]) for row in answer["rows"]
    ] == [
        (1, 1, 10, 5),
        (2, 2, 10, 5),
    ]
    assert json.loads(run.page("requests/2", 0, 60_000)[0])["rows"] == answer["rows"][1:]
    detail = json.loads(run.page("request/2", 0, 60_000)[0])
    assert detail["row"] == answer["rows"][1]
    assert [
        (part["kind"], part["label"], part["head"], part.get("new", False))
        for part in detail["parts"][:5]
    ] == [
        ("message", "system", "Count well.", False),
        ("message", "user", "1 and 2?", False),
        ("message", "assistant", 'add({"a": 1, "b": 2})', True),
        ("message", "tool", "3", True),
        ("tool", "add", "Add two numbers.", False),
    ]
    assert sum(part.get("tokens", 0) for part in detail["parts"]) == 10
    assert json.loads(run.page("request/2/messages/3", 0, 60_000)[0])["content"] == "3"
    assert json.loads(run.page("request/2/tools/0", 0, 60_000)[0])["function"]["name"] == "add"
    assert json.loads(run.page("request/2/settings", 0, 60_000)[0])["temperature"] == 0


async def test_a_long_part_comes_in_pages() -> None:
    with Server(ANSWER) as server:
        run = await shown(agent(server).stream("é" * 5000))
    whole, at = "", 0
    while True:
        page, size = run.page("request/1/messages/0", at, 1000)
        whole, at = whole + page, at + len(page)
        if at >= size:
            break
    assert json.loads(whole)["content"] == "é" * 5000


@pytest.mark.parametrize(
    "name",
    [
        "request/9",
        "request/x",
        "requests/x",
        "request/1/messages/99",
        "request/1/nothing",
        "request/",
    ],
)
async def test_a_question_without_an_answer_says_why(name: str) -> None:
    with Server(ANSWER) as server:
        run = await shown(agent(server).stream("Hi"))
    with pytest.raises(LookupError, match=r"request"):
        run.page(name, 0, 60_000)


async def test_the_timeline_shows_requests_as_steps_where_the_stream_tells_none() -> None:
    async def plain(client: openai.AsyncOpenAI) -> Any:
        for _ in range(2):
            stream: Any = await client.chat.completions.create(
                model="test-1", messages=[], stream=True
            )
            async for chunk in stream:
                yield chunk.choices[0].delta.content or "" if chunk.choices else ""
        await client.close()

    with Server(ANSWER, ANSWER) as server:
        run = await shown(plain(nbagent.watch(server.client())))
    bars = json.loads(run.page("timeline", 0, 60_000)[0])["bars"]
    steps = [
        (bar["label"], bar["usage"]["input"]) for bar in reversed(bars) if bar["kind"] == "step"
    ]
    assert steps == [("request 1", 10), ("request 2", 10)]
    with Server(ANSWER) as server:
        run = await shown(agent(server).stream("Hi"))
    bars = json.loads(run.page("timeline", 0, 60_000)[0])["bars"]
    assert [bar["label"] for bar in bars if bar["kind"] == "step"] == ["step 1"]
