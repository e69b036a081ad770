"""The connection to a model: its server, its API, the requests' fields, and its error messages."""

import asyncio
import ssl
from typing import Any

import openai
import pytest
from agent.server import KEY, Exchange, Server, refuse, say

from nbagent import events as e
from nbagent.agent import Agent
from nbagent.agent.model import client as model_client
from nbagent.agent.model.apis import ApiName
from nbagent.agent.model.client import register_model
from nbagent.agent.model.connection import Connection
from nbagent.demo import DemoServer
from nbagent.errors import AgentError, NbagentError, causes
from nbagent.run import Run
from nbagent.sources.http import certificates


@pytest.mark.parametrize(
    ("base_url", "asked", "spoken"),
    [
        ("https://api.openai.com/v1", None, "responses"),
        ("https://eu.api.openai.com/v1", None, "responses"),
        ("https://api.openai.com.evil.example/v1", None, "chat"),
        ("https://notopenai.com/v1", None, "chat"),
        ("http://127.0.0.1:11434/v1", None, "chat"),
        ("http://127.0.0.1:11434/v1", "responses", "responses"),
        ("https://api.openai.com/v1", "chat", "chat"),
    ],
)
def test_openai_hears_responses_and_everyone_else_chat(
    base_url: str, asked: ApiName | None, spoken: str
) -> None:
    connection = Connection("m", openai.AsyncOpenAI(base_url=base_url, api_key=KEY), asked)

    assert connection.api.name == spoken
    assert KEY not in repr(connection)


async def test_without_a_key_a_run_fails_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY"):
        monkeypatch.delenv(name, raising=False)
    agent = Agent("gpt-5-mini")
    run = Run(agent.stream("Hi"))
    run.start()

    sentence = "model 'gpt-5-mini' needs a key: set OPENAI_API_KEY"
    assert (await run).status == "failed"
    assert str(run.error).startswith(sentence)
    for answer in (agent.generate("Hi"), agent.session().generate("Hi")):
        with pytest.raises(NbagentError, match=sentence) as caught:
            await answer
        assert list(causes(caught.value)) == [caught.value]


async def test_a_key_that_is_set_later_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with Server(say("chat", "Hello.")) as server:
        agent = Agent("test-1")
        with pytest.raises(NbagentError, match="needs a key"):
            await agent.generate("Hi")
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        assert await agent.generate("Hi") == "Hello."


async def test_the_environment_says_where_the_model_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(say("chat", "Hello.")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        assert await Agent("test-1").generate("Hi") == "Hello."
        assert server.exchanges[0].headers["Authorization"] == f"Bearer {KEY}"


def test_a_second_connection_loads_no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    client = openai.AsyncOpenAI()
    certificates()
    loads: list[object] = []
    load = ssl.SSLContext.load_verify_locations

    def counted(context: ssl.SSLContext, *args: Any, **options: Any) -> None:
        loads.append(context)
        load(context, *args, **options)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)

    Connection("test-1")
    Connection("test-1", client)

    assert loads == []


async def test_a_registered_model_is_served_where_its_factory_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model_client, "_registered", {})
    made: list[Any] = []
    with Server(say("responses", "Hello."), say("responses", "Again.")) as server:

        class Settings:
            base_url = server.base_url
            api_key = KEY
            transport = None

        def factory() -> Settings:
            made.append(1)
            return Settings()

        register_model("local", factory)
        agent = Agent("local")
        assert made == []
        assert [await agent.generate("Hi"), await agent.generate("Hi")] == ["Hello.", "Again."]
        assert made == [1]
        assert server.exchanges[0].path == "/v1/responses"


@pytest.mark.parametrize(("api", "extra"), [("chat", "stream_options"), ("responses", "include")])
async def test_what_a_server_does_not_know_is_left_out_from_then_on(
    api: ApiName, extra: str
) -> None:
    refusal = refuse(400, "Extra fields are forbidden.")
    with Server(refusal, say(api, "one"), say(api, "two")) as server:
        agent = Agent("test-1", client=server.client(), api=api)
        assert [await agent.generate("Hi"), await agent.generate("Hi")] == ["one", "two"]
        assert [extra in body for body in server.bodies] == [True, False, False]


async def test_a_refusal_that_stays_is_told_as_it_was_first_and_asked_about_once() -> None:
    with Server(
        refuse(400, "Too long."),
        refuse(400, "Too long, again."),
        say("chat", "ok"),
        refuse(400, "No."),
    ) as server:
        agent = Agent("test-1", client=server.client())
        with pytest.raises(AgentError, match=r"answered 400: Too long\.$"):
            await agent.generate("Hi")
        assert await agent.generate("Hi") == "ok"
        with pytest.raises(AgentError, match=r"answered 400: No\.$"):
            # A server that has accepted it all does know it all.
            await agent.generate("Hi")
        assert ["stream_options" in body for body in server.bodies] == [True, False, True, True]


async def test_none_leaves_a_parameter_out() -> None:
    with Server(say("responses", "ok")) as server:
        settings = {"store": None, "include": None}
        await Agent(
            "test-1", client=server.client(), api="responses", model_settings=settings
        ).generate("Hi")
        assert {"store", "include"}.isdisjoint(server.bodies[0])


async def test_secrets_in_headers_are_kept_out_of_errors_too() -> None:
    with Server(refuse(403, "no: hush-hush-token")) as server:
        client = server.client(default_headers={"X-Gateway-Token": "hush-hush-token"})
        with pytest.raises(AgentError, match=r"answered 403: no: hu•+$"):
            await Agent("test-1", client=client).generate("Hi")


async def test_a_clients_own_time_limit_is_told() -> None:
    limit = "took longer than the client's own time limit"
    with Server(Exchange.hold) as server, pytest.raises(AgentError, match=limit) as failed:
        await Agent("test-1", client=server.client(timeout=0.2)).generate("Hi")
    assert failed.value.code == "timeout"


async def test_an_agent_that_is_gone_leaves_no_connection_behind() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(*say("chat", "Hello."))
        exchange.end()
        exchange.hold()

    with Server(answer) as server:
        await Agent("test-1", client=server.client()).generate("Hi")
        assert await asyncio.to_thread(server.hung_up.wait, 10)


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_the_demo_model_answers_over_both_apis(api: ApiName) -> None:
    with DemoServer(tokens_per_second=float("inf")) as server:
        client = openai.AsyncOpenAI(base_url=server.base_url, api_key=server.api_key)
        events = [
            event async for event in Agent("demo", client=client, api=api).stream("Say hello.")
        ]

    end = events[-1]
    assert isinstance(end, e.RunEnd)
    assert (end.status, bool(end.output), end.usage is not None) == ("completed", True, True)
    assert server.api_key not in repr(events)


async def test_stopping_is_seen_by_the_demo_server() -> None:
    with DemoServer(tokens_per_second=5) as server:
        client = openai.AsyncOpenAI(base_url=server.base_url, api_key=server.api_key)
        stream = Agent("demo", client=client).stream("Say hello.")
        async for event in stream:
            if isinstance(event, e.StepStart):
                break
        await stream.aclose()
        assert await asyncio.to_thread(
            server.wait_for, lambda seen: seen.disconnects == 1 and not seen.open_streams, 30
        )
