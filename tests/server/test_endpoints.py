"""Each endpoint, as its clients use it, over real connections."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import openai
import pytest
from agent.server import Exchange, chat
from agent.server import Server as ModelServer
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

import nbagent
from nbagent import Run
from nbagent.agent import Agent
from nbagent.errors import NbagentError
from nbagent.server import serve
from nbagent.sources.wire.sse import SSEDecoder


def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: One.
        b: The other.
    """
    return a + b


CALLING: list[Any] = [chat(calls=[("c1", "add", '{"a": 1, "b": 2}')]), chat("It is ", "3.")]


@contextmanager
def serving(*replies: Any, **options: Any) -> Iterator[httpx2.Client]:
    """Yield a client of a server with one agent, `assistant`, whose model gives these replies."""
    with ModelServer(*replies) as model:
        agent = Agent("test-1", tools=[add], client=model.client(), api="chat", name="assistant")
        with (
            serve(agent, port=0, **options) as server,
            httpx2.Client(base_url=server.url, timeout=10) as client,
        ):
            yield client


def data_of(response: httpx2.Response) -> list[Any]:
    decoder = SSEDecoder()
    events = [*decoder.feed(response.content), *decoder.close()]
    return [
        json.loads(event.data) if event.data.startswith(("{", "[{")) else event.data
        for event in events
    ]


def test_hectors_stream_of_chunks() -> None:
    with serving(*CALLING) as client:
        response = client.post("/agents/assistant/messages/stream", json={"message": "1 + 2?"})
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-accel-buffering"] == "no"
    assert (
        "".join(each["chunk"] for each in data_of(response)[:-1])
        == "[Tool: add(1, 2)]\nOutput: 3\nIt is 3."
    )
    assert data_of(response)[-1] == "[DONE]"


def test_debug_tells_each_event_under_a_name_of_its_own() -> None:
    with serving(chat("Hi.")) as client:
        plain = client.post("/agents/assistant/messages/stream", json={"message": "x"})
        debug = client.post("/agents/assistant/messages/stream?debug=true", json={"message": "x"})
    assert "event: debug" not in plain.text
    assert '"type":"run.start"' in debug.text


def test_a_session_knows_what_was_said() -> None:
    with ModelServer(chat("Hello, Ada."), chat("Ada.")) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with serve(agent, port=0) as server, httpx2.Client(base_url=server.url) as client:
            made = client.post("/agents/assistant/sessions")
            assert made.status_code == 201
            path = f"/agents/assistant/sessions/{made.json()['session_id']}/messages/stream"
            client.post(path, json={"message": "I am Ada."})
            client.get(path, params={"message": "Who am I?"})
        assert [each["content"] for each in model.bodies[1]["messages"]] == [
            "I am Ada.",
            "Hello, Ada.",
            "Who am I?",
        ]


async def test_a_chat_goes_on_in_a_session_of_the_server() -> None:
    with ModelServer(chat("Hello, Ada."), chat("Ada.")) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with serve(agent, port=0) as server:
            session = httpx2.post(f"{server.url}/agents/assistant/sessions").json()["session_id"]
            url = f"{server.url}/agents/assistant/sessions/{session}/messages/stream"
            talk = nbagent.chat(
                lambda messages: nbagent.connect(url, json={"message": messages[-1]["content"]})
            )
            await talk.ask("I am Ada.")
            await talk.ask("Who am I?")
            talk.close()
        assert [each["content"] for each in talk.messages] == [
            "I am Ada.",
            "Hello, Ada.",
            "Who am I?",
            "Ada.",
        ]
        assert [each["content"] for each in model.bodies[1]["messages"]] == [
            "I am Ada.",
            "Hello, Ada.",
            "Who am I?",
        ]


def test_a_watcher_of_a_session_gets_each_run() -> None:
    with serving(chat("One."), chat("Two.")) as client:
        session = client.post("/agents/assistant/sessions").json()["session_id"]
        path = f"/agents/assistant/sessions/{session}/messages/stream"
        with client.stream("GET", path) as watcher:
            lines = watcher.iter_lines()
            for text in ("One.", "Two."):
                client.post(path, json={"message": "go"})
                assert (
                    next(line for line in lines if line.startswith("data: {"))
                    == f'data: {{"chunk":"{text}"}}'
                )


AGENTOR_STREAMS: list[dict[str, Any]] = [
    {"params": {"message": "x"}},
    {"json": {"message": "x"}},
    {"json": {"input": "x", "stream": True}},
]


@pytest.mark.parametrize("request_", AGENTOR_STREAMS)
def test_agentors_chat_streams(request_: dict[str, Any]) -> None:
    with serving(chat("Hi.")) as client:
        streamed = data_of(client.post("/chat", **request_))
    assert [each["chunk"] for each in streamed if each["chunk"]] == ["Hi."]


AGENTOR_ANSWERS: list[Any] = [
    {"input": "x"},
    {"input": "x", "stream": False},
    {"message": "x", "stream": False},
    {"input": [{"role": "user", "content": "x"}]},
    "x",
]


@pytest.mark.parametrize("body", AGENTOR_ANSWERS)
def test_agentors_own_clients_get_the_answer_as_a_string(body: Any) -> None:
    with serving(chat("Hi.")) as client:
        assert client.post("/chat", json=body).json() == "Hi."


@pytest.mark.parametrize("options", [{}, {"adapter": "agentor"}])
@pytest.mark.parametrize("text", ['He said "No".\nTwo.', "7"])
async def test_an_answer_of_agentors_that_does_not_stream_is_shown_without_its_quotes(
    text: str, options: dict[str, Any]
) -> None:
    with ModelServer(chat(text)) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with serve(agent, port=0) as server:
            run = await nbagent.show(
                f"{server.url}/chat", json={"input": "x"}, face="console", **options
            )
    assert (run.answer, run.status) == (text, "completed")


@pytest.mark.parametrize("body", [{"input": []}, {"input": [{"role": "user"}]}, {"input": 7}, " "])
def test_agentors_input_without_a_text_is_refused(body: Any) -> None:
    with serving() as client:
        assert client.post("/chat", json=body).status_code == 422


def test_dextos_chat_names_its_session() -> None:
    with serving(chat("Hi."), chat("Again.")) as client:
        first = client.post("/chat/stream", json={"message": "x"})
        said = next(each for each in data_of(first) if each["type"] == "llm:response")
        again = client.post("/chat/stream", json={"message": "y", "sessionId": said["sessionId"]})
    assert "event: llm:response\n" in first.text
    assert said["content"] == "Hi."
    assert {each["sessionId"] for each in data_of(again)} == {said["sessionId"]}


def test_nearais_thread() -> None:
    with serving(chat("Hi.")) as client:
        thread = client.post("/threads").json()["id"]
        run = client.post(f"/threads/{thread}/runs", json={"message": "x"}).json()["id"]
        events = data_of(client.get(f"/api/v1/threads/{thread}/stream/{run}"))
        assert client.get(f"/threads/other/stream/{run}").status_code == 404
    assert events[-1]["event"] == "thread.run.completed"


def test_status_and_tokens() -> None:
    with serving(*CALLING) as client:
        events = data_of(client.get("/stream", params={"query": "1 + 2?"}))
    assert [each["type"] for each in events] == ["status", "tool_result", "token", "done"]


def test_openais_clients() -> None:
    with ModelServer(*CALLING, *CALLING, *CALLING, *CALLING) as model:
        agent = Agent("test-1", tools=[add], client=model.client(), api="chat", name="assistant")
        with (
            serve(agent, port=0) as server,
            openai.OpenAI(base_url=f"{server.url}/v1", api_key="any") as client,
        ):
            messages: Any = [{"role": "user", "content": "1 + 2?"}]
            whole = client.chat.completions.create(model="assistant", messages=messages)
            assert whole.choices[0].message.content == "It is 3."
            chunks = client.chat.completions.create(
                model="assistant", messages=messages, stream=True
            )
            assert "".join(each.choices[0].delta.content or "" for each in chunks) == "It is 3."
            options: Any = {"include_usage": True}
            counted = client.chat.completions.create(
                model="assistant", messages=messages, stream=True, stream_options=options
            )
            assert [bool(each.usage) for each in counted if not each.choices] == [True]
            assert (
                client.responses.create(model="assistant", input="1 + 2?").output_text == "It is 3."
            )
            assert [each.id for each in client.models.list()] == ["assistant"]


USER = {"role": "user", "content": "x"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/chat", {"message": "x"}),
        ("POST", "/chat", {"message": "x", "stream": False}),
        ("POST", "/chat/stream", {"message": "x"}),
        ("POST", "/threads", {}),
        ("GET", "/stream?query=x", None),
        ("POST", "/api/chat", {"messages": [USER]}),
        ("POST", "/runs", {"message": "x"}),
        ("POST", "/v1/chat/completions", {"messages": [USER]}),
        ("POST", "/v1/responses", {"input": "x"}),
        ("GET", "/.well-known/agent-card.json", None),
    ],
)
@pytest.mark.parametrize("default", [None, "support"])
def test_a_request_without_a_name_is_for_the_default_agent(
    method: str, path: str, body: Any, default: str | None
) -> None:
    agents = {name: Agent("demo", name=name) for name in ("sales", "support")}
    with TestClient(
        nbagent.asgi(agents, default_agent=default), base_url="http://localhost"
    ) as client:
        response = client.request(method, path, json=body)
        if path == "/threads":
            assert response.json()["agent"] == (default or "sales")
        elif path.endswith("card.json"):
            assert response.json()["name"] == (default or "sales")
        else:
            listed: dict[str, list[Any]] = client.get("/runs").json()
            [run] = [*listed["runs"], *listed["ended"]]
            assert run["agent"] == (default or "sales")


def test_a_default_agent_is_one_of_those_that_are_served() -> None:
    told = "no agent 'suport' is served; did you mean 'support'?"
    with pytest.raises(NbagentError, match=re.escape(told)):
        nbagent.asgi({"support": Agent("demo")}, default_agent="suport")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"model": "gpt-5", "messages": [USER]}),
        ("/v1/responses", {"model": "gpt-5", "input": "x"}),
        ("/agents/gpt-5/messages/stream", {"message": "x"}),
        ("/ag-ui/gpt-5", {"messages": [USER]}),
        ("/chat", {"message": "x", "agent": "gpt-5"}),
    ],
)
def test_a_client_that_names_an_unknown_agent_is_told_those_that_are_served(
    path: str, body: Any
) -> None:
    app = nbagent.asgi({name: Agent("demo", name=name) for name in ("sales", "support")})
    with TestClient(app, base_url="http://localhost") as client:
        response = client.post(path, json=body)
    told = "no agent 'gpt-5' is served. Served are: sales, support"
    assert (response.status_code, response.json()["error"]["message"]) == (404, told)


def test_the_ai_sdks_chat() -> None:
    messages = [{"id": "1", "role": "user", "parts": [{"type": "text", "text": "1 + 2?"}]}]
    with serving(*CALLING) as client:
        response = client.post("/api/chat", json={"id": "c", "messages": messages})
    assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
    kinds = [each["type"] for each in data_of(response)[:-1]]
    assert (kinds[0], kinds[-1]) == ("start", "finish")


def test_ag_ui() -> None:
    asked = {
        "threadId": "t",
        "runId": "r",
        "messages": [{"id": "1", "role": "user", "content": "1 + 2?"}],
    }
    with serving(*CALLING) as client:
        kinds = [each["type"] for each in data_of(client.post("/ag-ui/assistant", json=asked))]
    assert (kinds[0], kinds[-1]) == ("RUN_STARTED", "RUN_FINISHED")


def test_messages_of_an_ag_ui_thread_have_different_ids() -> None:
    asked = {"threadId": "t", "messages": [{"id": "1", "role": "user", "content": "x"}]}
    with serving(chat("One."), chat("Two.")) as client:
        events = [
            *data_of(client.post("/ag-ui/assistant", json=asked)),
            *data_of(client.post("/ag-ui/assistant", json=asked)),
        ]
    ids = [each["messageId"] for each in events if each["type"] == "TEXT_MESSAGE_START"]
    assert len(set(ids)) == len(ids) == 2


FULL, READ = ({"authorization": f"Bearer a-token-to-{word}"} for word in ("steer", "read"))
SAID = {"role": "user", "parts": [{"type": "text", "text": "x"}]}
TOLD: list[tuple[str, Any]] = [
    ("/agents/assistant/messages/stream?debug=true", {"message": "x"}),
    ("/chat", {"message": "x"}),
    ("/chat/stream", {"message": "x"}),
    ("/api/chat", {"messages": [SAID]}),
    ("/ag-ui/assistant", {"threadId": "t", "messages": [USER]}),
    (
        "/agents/assistant/message:stream",
        {"message": {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "x"}]}},
    ),
    ("/runs", {"message": "x"}),
]


@pytest.mark.parametrize(("path", "body"), TOLD)
def test_no_client_gets_the_source_of_a_tool_that_fails(path: str, body: Any) -> None:
    def fail() -> None:
        """Fail."""
        raise ValueError("no such table")

    with ModelServer(chat(calls=[("c1", "fail", "{}")]), chat("Sorry.")) as model:
        agent = Agent("test-1", tools=[fail], client=model.client(), api="chat", name="assistant")
        tokens = [each["authorization"].split()[1] for each in (FULL, READ)]
        app = nbagent.asgi(agent, token=tokens[0], read_token=tokens[1], reveal="all")
        with TestClient(app, base_url="http://localhost") as client:
            version = {"a2a-version": "1.0"}
            told = client.post(path, json=body, headers={**FULL, **version}).text
            listed: dict[str, list[Any]] = client.get("/runs", headers=READ).json()
            [run] = [*listed["runs"], *listed["ended"]]
            events = client.get(f"/runs/{run['id']}/events", headers=READ).text
    assert "no such table" in events
    for hidden in (__file__, "test_endpoints.py", "raise ValueError", "Traceback"):
        assert hidden not in told + events


async def test_nbagent_itself_watches_a_served_run() -> None:
    with serving(*CALLING) as client:
        made = client.post("/runs", json={"message": "1 + 2?"}).json()
        run = await nbagent.show(str(client.base_url.join(made["events"])), face="console")
    assert (run.answer, run.tools[0].result, run.status) == ("It is 3.", 3, "completed")


async def test_a_run_that_is_watched_is_drawn_elsewhere_too() -> None:
    with ModelServer(*CALLING) as model:
        agent = Agent("test-1", tools=[add], client=model.client(), api="chat", name="assistant")
        run = Run(agent.stream("1 + 2?"))
        with serve(run, port=0) as server:
            other = await nbagent.show(server.address_of(run), face="console")
            await run
    assert (other.answer, run.answer) == ("It is 3.", "It is 3.")


def test_a_mounted_application_serves_agents_below_its_path() -> None:
    with ModelServer(chat("Hi."), chat("Hi.")) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        app = Starlette(routes=[Mount("/agents-api", nbagent.asgi(agent))])
        with TestClient(app, base_url="http://localhost") as client:
            streamed = client.post(
                "/agents-api/agents/assistant/messages/stream", json={"message": "x"}
            )
            made = client.post("/agents-api/runs", json={"message": "x"}).json()
            events = client.get(made["events"]).text
    assert '{"chunk":"Hi."}' in streamed.text
    assert '"delta":"Hi."' in events


def test_a_mounted_application_serves_a_run_that_is_watched() -> None:
    with ModelServer(chat("Hi.")) as model:
        run = Run(Agent("test-1", client=model.client(), api="chat", name="assistant").stream("x"))
        served = nbagent.asgi(run)
        with TestClient(
            Starlette(routes=[Mount("/agents-api", served)]), base_url="http://localhost"
        ) as client:
            events = client.get(f"/agents-api/runs/{served.state.run_ids[run.id]}/events").text
    assert '"delta":"Hi."' in events


def test_the_list_of_runs_is_sent_again_when_it_changes() -> None:
    def hold(exchange: Exchange) -> None:
        exchange.begin()
        exchange.hold()

    with ModelServer(hold) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with TestClient(nbagent.asgi(agent), base_url="http://localhost") as client:
            with client.websocket_connect("ws://localhost/runs") as socket:
                assert socket.receive_json() == {"runs": [], "ended": []}
                run = {
                    "id": client.post("/runs", json={"message": "x"}).json()["id"],
                    "agent": "assistant",
                    "prompt": "x",
                }
                assert (
                    socket.receive_json()
                    == {"runs": [run], "ended": []}
                    == client.get("/runs").json()
                )
                client.post(f"/runs/{run['id']}/cancel")
                assert (
                    socket.receive_json()
                    == {"runs": [], "ended": [run]}
                    == client.get("/runs").json()
                )
