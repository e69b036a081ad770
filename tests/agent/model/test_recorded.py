"""Agents against a server that replays what real services sent, through the real openai client.

What a run says of a recording is what the decoder says of it alone: its texts, calls, tokens and
end. The tools are called with the recorded arguments, and a response that calls is followed by the
next one, recorded or made up.
"""

import json
from collections.abc import Callable
from itertools import groupby, pairwise
from typing import Any

import openai
import pytest
from adapters.recorded import RECORDINGS, Recording, Transcript, decode
from agent.conversations import check_chat, check_responses
from agent.server import say
from campaign import sample
from frameworks.replay import KEY, Answer, Replay, recorded

from nbagent import events as e
from nbagent.agent import Agent
from nbagent.agent.tools.tool import Tool
from nbagent.events import Usage

API_OF = {"openai.responses": "responses", "openai.chat": "chat"}
DAMAGED = "openai_responses/vercel-parallel-tool-call-wrapper.1"
"""Recording with payloads that are no JSON, at which the client fails before nbagent sees them."""
OF_THE_APIS = [each for each in RECORDINGS if each.system in API_OF and each.name != DAMAGED]


def _conversations() -> list[list[Recording]]:
    """Return the recordings of several responses in a row, each of which is complete."""
    found = [
        list(group) for _, group in groupby(OF_THE_APIS, lambda each: each.name.rsplit(".", 1)[0])
    ]
    return [
        group
        for group in found
        if len(group) > 1 and all(each.status == "completed" for each in group)
    ]


every_recording = pytest.mark.parametrize("recording", sample(OF_THE_APIS, 12), ids=str)
every_conversation = pytest.mark.parametrize(
    "conversation", sample(_conversations(), 4), ids=lambda group: str(group[0])
)


class Tools:
    """Functions of the names that a model calls.

    They keep the calls, each as its name and arguments.
    """

    def __init__(self, names: list[str]) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.made = [
            Tool(self._function(name), name=name, description="Does it.")
            for name in dict.fromkeys(names)
        ]

    def _function(self, name: str) -> Callable[..., str]:
        def function(**arguments: Any) -> str:
            self.calls.append((name, arguments))
            return f"{name} is done"

        return function


def agent_of(server: Replay, recording: Recording, tools: Tools) -> Agent:
    client = openai.AsyncOpenAI(base_url=server.url, api_key=KEY, max_retries=0)
    api: Any = API_OF[recording.system]
    return Agent("test-1", client=client, api=api, tools=tools.made)


async def events_of(server: Replay, recording: Recording, tools: Tools) -> list[e.Event]:
    """Return the events of a run against the server, which is closed then."""
    try:
        return [event async for event in agent_of(server, recording, tools).stream("Hi")]
    finally:
        server.close()


def body_of(recording: Recording) -> Answer:
    return recorded(f"{recording.folder}/{recording.path.name}")


def made_up(api: str, text: str) -> Answer:
    """Return a response that no service sent."""
    names = [f"event: {event['type']}\n" if "type" in event else "" for event in say(api, text)]
    frames = [
        f"{name}data: {json.dumps(event)}\n\n"
        for name, event in zip(names, say(api, text), strict=True)
    ]
    return Answer("".join([*frames, *(["data: [DONE]\n\n"] if api == "chat" else [])]).encode())


def alone(recording: Recording, count: int | None = None) -> Transcript:
    """Return what the decoder says of the first items of a recording, by default of all."""
    return Transcript.of(decode(recording.decoder(), recording.items[:count]))


def first_items(body: bytes, count: int) -> bytes:
    """Return the beginning of a body, up to the end of an item."""
    lines = body.splitlines(keepends=True)
    ends = [index for index, line in enumerate(lines) if line.startswith(b"data:")]
    return b"".join(lines[: ends[count - 1] + 1]) + b"\n"


def written(transcript: Transcript) -> list[dict[str, Any]]:
    """Return the calls as the model wrote them, and the results that came with them."""
    own = {"result", "status"}  # the agent's, of the functions that it runs
    return [
        {key: call[key] for key in call if call["kind"] != "function" or key not in own}
        for call in transcript.tools
    ]


def counts(usage: Usage | None) -> tuple[int, int, int]:
    usage = usage or Usage()
    return usage.input or 0, usage.output or 0, usage.total or 0


def arguments(transcript: Transcript) -> list[tuple[str, dict[str, Any]]]:
    return [(name, json.loads(text or "{}")) for name, _, text in transcript.calls()]


def in_any_order(calls: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return sorted(map(repr, calls))


@every_recording
async def test_a_run_says_what_was_recorded_and_calls_what_was_called(recording: Recording) -> None:
    expected = alone(recording)
    assert expected.end is not None
    calls = expected.calls()
    tools = Tools([name for name, _, _ in calls])
    server = Replay(body_of(recording), made_up(API_OF[recording.system], "Thank you."))
    events = await events_of(server, recording, tools)

    run = Transcript.of(events)
    assert run.end is not None
    assert run.texts == [*expected.texts, *(["Thank you."] if calls else [])]
    assert (run.thoughts, run.refusals) == (expected.thoughts, expected.refusals)
    assert written(run) == written(expected)
    assert in_any_order(tools.calls) == in_any_order(arguments(expected))
    assert [call["result"] for call in run.tools if call["kind"] == "function"] == [
        f"{name} is done" for name, _, _ in calls
    ]
    assert (run.end.status, run.end.code) == (expected.end.status, expected.end.code)
    total = counts(expected.end.usage)
    assert counts(run.end.usage) == (
        tuple(map(sum, zip(total, (10, 5, 15), strict=True))) if calls else total
    )
    assert len([event for event in events if isinstance(event, e.Raw)]) == recording.raw
    assert len(server.requests) == (2 if calls else 1)


@every_recording
async def test_a_response_that_breaks_off_keeps_its_first_half_and_calls_nothing(
    recording: Recording,
) -> None:
    half = len(recording.items) // 2
    expected = alone(recording, half)
    tools = Tools([name for name, _, _ in expected.calls()])
    answer = body_of(recording)
    server = Replay(answer._replace(body=first_items(answer.body, half)))

    run = Transcript.of(await events_of(server, recording, tools))
    assert run.end is not None
    assert (run.texts, run.thoughts, tools.calls) == (expected.texts, expected.thoughts, [])
    assert run.end.status in {"incomplete", "failed"}
    assert len(server.requests) == 1


@every_conversation
async def test_a_recorded_conversation_goes_on_from_response_to_response(
    conversation: list[Recording],
) -> None:
    expected = [alone(each) for each in conversation]
    tools = Tools([name for each in expected for name, _, _ in each.calls()])
    api = API_OF[conversation[0].system]
    server = Replay(*map(body_of, conversation), made_up(api, "Thank you."))
    session = agent_of(server, conversation[0], tools).session()
    said: list[str] = []
    try:
        while len(server.requests) < len(conversation):
            run = Transcript.of([event async for event in session.stream("And now?")])
            assert run.end is not None
            assert run.end.status == "completed"
            said += run.texts
    finally:
        server.close()

    assert said == [text for each in expected for text in each.texts] + (
        ["Thank you."] if expected[-1].calls() else []
    )
    assert in_any_order(tools.calls) == in_any_order(
        [call for each in expected for call in arguments(each)]
    )
    histories = [
        request["input" if api == "responses" else "messages"] for request in server.requests
    ]
    for earlier, later in pairwise(histories):
        assert later[: len(earlier)] == earlier
        (check_responses if api == "responses" else check_chat)(later)
