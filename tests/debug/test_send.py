"""`request.send`: a request sent again with changes, and its answer beside the first one."""

import asyncio
from typing import Any

import httpx2
import openai
import pytest
from agent.server import KEY, Server, chat, say
from debug.scenes import finished
from run.requests.provider import Reply, chat_stream, provider

import nbagent
from nbagent.errors import NbagentError

CALL = chat(calls=[("c1", "add", '{"a": 1, "b": 2}')])


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def run_of(server: Server, api: Any = "chat", **options: Any) -> nbagent.Run:
    """Return the run of an agent that calls a tool once."""
    agent = nbagent.Agent("test-1", "Count well.", tools=[add], client=server.client(), api=api)
    return finished(agent.stream("1 and 2?"), **options)


def test_only_what_is_given_is_changed_in_the_request_that_is_sent_again() -> None:
    with Server(CALL, chat("It is 3."), chat("It is three.")) as server:
        run = run_of(server)
        answers = run.requests[1].send(model="test-2", temperature=0).wait(20)
        first, again = server.bodies[1:]
    assert again == {**first, "model": "test-2", "temperature": 0}
    assert answers.text == "It is three."


def test_the_new_answer_stands_beside_the_first_one_and_is_not_in_the_run() -> None:
    with Server(CALL, chat("It is 3."), chat("It is three.")) as server:
        run = run_of(server)
        answers = run.requests[1].send(model="test-2").wait(20)
        assert (answers.before.text, answers.run.text) == ("It is 3.", "It is three.")
        assert (answers.usage.input, answers.usage.output) == (10, 5)
        assert answers.seconds is not None
        assert (len(run.requests), run.text) == (2, "It is 3.")
        html = answers._repr_html_()
    assert "Request 2 sent again: model: test-1 → test-2" in html
    assert "<del" in html
    assert "three</ins>" in html


def test_messages_are_given_or_changed_by_a_function() -> None:
    with Server(CALL, chat("3"), chat("4"), chat("5")) as server:
        run = run_of(server)
        request = run.requests[1]

        def other_result(messages: list[Any]) -> None:
            messages[-1]["content"] = "4"

        request.send(messages=other_result).wait(20)
        request.send(messages=[*request.messages[:-1], {"role": "user", "content": "x"}]).wait(20)
        first, second, third = server.bodies[1:]
    assert second["messages"] == [
        *first["messages"][:-1],
        {**first["messages"][-1], "content": "4"},
    ]
    assert third["messages"] == [*first["messages"][:-1], {"role": "user", "content": "x"}]
    assert request.messages == first["messages"]


def test_an_empty_list_or_none_leaves_a_field_out() -> None:
    with Server(CALL, chat("3"), chat("4")) as server:
        run_of(server).requests[1].send(tools=[], stream_options=None).wait(20)
        first, again = server.bodies[1:]
    assert again == {
        name: value for name, value in first.items() if name not in ("tools", "stream_options")
    }


def test_the_calls_of_the_new_answer_are_told_and_not_made() -> None:
    with Server(CALL, chat("3"), CALL) as server:
        answers = run_of(server).requests[1].send().wait(20)
    assert [(call.name, call.args) for call in answers.tools] == [("add", {"a": 1, "b": 2})]
    assert answers.tools[0].result is None


def test_responses_are_sent_again_too() -> None:
    with Server(say("responses", "3"), say("responses", "4")) as server:
        answers = run_of(server, "responses").requests[0].send(instructions="Be brief.").wait(20)
        first, again = server.bodies
    assert again == {**first, "instructions": "Be brief."}
    assert (answers.before.text, answers.text) == ("3", "4")


def test_a_masked_text_that_is_left_alone_is_sent_as_it_was() -> None:
    with Server(CALL, chat("3"), chat("4")) as server:
        run = run_of(server, redact=["and 2"])
        request = run.requests[1]
        told = request.messages
        assert "•" in told[1]["content"]
        answers = request.send(messages=[*told[:-1], {**told[-1], "content": "4"}]).wait(20)
        sent = server.bodies[2]["messages"]
    assert sent[1] == {"role": "user", "content": "1 and 2?"}
    assert "and 2" not in repr(answers) + answers._repr_html_()


def test_a_refusal_is_the_error_of_the_new_answer() -> None:
    with Server(CALL, chat("3"), lambda it: it.refuse(400, {"message": "no such model"})) as server:
        answers = run_of(server).requests[1].send(model="x").wait(20)
    assert "no such model" in str(answers.error)
    assert KEY not in repr(answers)


def test_hidden_requests_are_not_sent() -> None:
    with Server(CALL, chat("3")) as server:
        run = run_of(server, reveal="answer")
        with pytest.raises(NbagentError, match="hidden in this run"):
            run.requests[1].send()


# --- clients of others ---


def test_a_watched_client_sends_its_request_again() -> None:
    with provider(chat_stream("Three"), chat_stream("Four")) as service:
        with openai.OpenAI(base_url=service.url, api_key="k") as client:
            nbagent.watch(client)

            def stream() -> Any:
                yield from client.chat.completions.create(
                    model="m", messages=[{"role": "user", "content": "Hi"}], stream=True
                )

            answers = finished(stream()).requests[0].send(temperature=1).wait(20)
    assert (answers.before.text, answers.text) == ("Three", "Four")
    assert b'"temperature":1' in service.bodies[1]


async def test_a_watched_async_client_sends_its_request_on_its_own_loop() -> None:
    loops: list[Any] = []

    class Transport(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            loops.append(asyncio.get_running_loop())
            text = '{"object": "chat.completion", "choices": [{"message": {"content": "%s"}}]}'
            return httpx2.Response(200, text=text % f"answer {len(loops)}")

    async with httpx2.AsyncClient(transport=Transport()) as client:
        nbagent.watch(client)

        async def stream() -> Any:
            given = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
            answer = await client.post("https://example.org/v1/chat/completions", json=given)
            yield answer.json()

        run = await nbagent.show(stream(), face="console")
        answers = await run.requests[0].send(model="n")
    assert (answers.before.text, answers.text) == ("answer 1", "answer 2")
    assert loops == [asyncio.get_running_loop()] * 2


def test_a_client_whose_loop_is_closed_is_told() -> None:
    async def shown(url: str) -> nbagent.Run:
        async with nbagent.watch(httpx2.AsyncClient()) as client:

            async def stream() -> Any:
                answer = await client.post(url, json={"model": "m", "prompt": "Hi"})
                yield answer.text

            return await nbagent.show(stream(), face="console")

    with provider(Reply((b"Hello",), media_type="text/plain")) as service:
        run = asyncio.run(shown(service.url))
        with pytest.raises(NbagentError, match=r"event loop .* is closed"):
            run.requests[0].send()


def test_a_service_that_takes_the_model_from_its_address_is_told() -> None:
    with provider(Reply((b'{"a": 1}',), media_type="application/json")) as service:
        with nbagent.watch(httpx2.Client()) as client:

            def stream() -> Any:
                yield client.post(f"{service.url}/m:generateContent", json={"contents": []}).text

            request = finished(stream()).requests[0]
            with pytest.raises(NbagentError, match="names its model in its address"):
                request.send(model="n")
