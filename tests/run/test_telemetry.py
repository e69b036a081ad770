"""Spans of runs, as OpenTelemetry's own SDK exports them."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from agent.server import Server, chat
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import nbagent
from nbagent import events as e
from nbagent.run import Run
from nbagent.run.telemetry import observers
from nbagent.server import serve


@nbagent.tool
def double(number: int) -> int:
    """Return twice a number."""
    return 2 * number


@nbagent.tool
def find(name: str) -> str:
    """Find a page."""
    raise LookupError(f"no page {name}")


CALLS = chat(calls=[("c1", "double", '{"number": 21}'), ("c2", "find", '{"name": "secret plan"}')])


class Spans:
    """The spans of a test."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    def __getitem__(self, name: str) -> ReadableSpan:
        return {span.name: span for span in reversed(self.all)}[name]

    @property
    def all(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def tree(self, above: ReadableSpan | None = None) -> dict[str, Any]:
        """Return the names of the spans, each with those below it."""
        parent = None if above is None else above.context and above.context.span_id
        below = [span for span in self.all if (span.parent and span.parent.span_id) == parent]
        return {
            span.name: self.tree(span)
            for span in sorted(below, key=lambda span: span.start_time or 0)
        }


@pytest.fixture
def spans() -> Iterator[Spans]:
    made = Spans()
    nbagent.telemetry(tracer_provider=made.provider)
    try:
        yield made
    finally:
        nbagent.telemetry(False)


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_an_agent_its_requests_and_its_calls_are_spans_by_the_conventions(
    spans: Spans,
) -> None:
    with Server(CALLS, chat("Done.")) as server:
        agent = nbagent.Agent(
            "test-1", tools=[double, find], client=server.client(), api="chat", name="helper"
        )
        run = Run(agent.session("talk").stream("go"))
        run.start()
        await run
    assert spans.tree() == {
        "invoke_agent helper": {
            "chat test-1": {},
            "execute_tool double": {},
            "execute_tool find": {},
        }
        | {"chat test-1": {}}
    }
    first, second = [span for span in spans.all if span.name == "chat test-1"]
    assert first.kind is SpanKind.CLIENT
    told = attributes(first)
    assert 0 < told.pop("gen_ai.response.time_to_first_chunk") < 60
    assert told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "test-1",
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "test-1",
        "gen_ai.response.finish_reasons": ("tool_calls",),
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
    }
    assert attributes(second)["gen_ai.response.finish_reasons"] == ("stop",)
    assert attributes(spans["invoke_agent helper"]) == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "openai",
        "gen_ai.agent.name": "helper",
        "gen_ai.conversation.id": "talk",
        "gen_ai.request.model": "test-1",
        "gen_ai.usage.input_tokens": 20,
        "gen_ai.usage.output_tokens": 10,
    }
    assert attributes(spans["execute_tool double"]) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "double",
        "gen_ai.tool.call.id": "c1",
        "gen_ai.tool.type": "function",
    }
    failed = spans["execute_tool find"]
    assert attributes(failed)["error.type"] == "LookupError"
    assert (failed.status.status_code, failed.status.description) == (StatusCode.ERROR, None)
    assert spans["invoke_agent helper"].status.status_code is StatusCode.UNSET


async def test_spans_have_the_times_of_the_events(spans: Spans) -> None:
    with Server(CALLS, chat("Done.")) as server:
        run = Run(
            nbagent.Agent(
                "test-1", tools=[double, find], client=server.client(), api="chat", name="helper"
            ).stream("go")
        )
        run.start()
        await run
    whole = spans["invoke_agent helper"]
    assert (whole.start_time, whole.end_time) == (
        int(run.events[0].ts * 1e9),
        int(run.events[-1].ts * 1e9),
    )
    result = next(event for event in run.events if isinstance(event, e.ToolResult))
    assert spans["execute_tool double"].end_time == int(result.ts * 1e9)
    asked = next(event for event in run.events if isinstance(event, e.Prompt))
    assert min(span.start_time or 0 for span in spans.all if span.name.startswith("chat")) == int(
        asked.ts * 1e9
    )


async def test_what_was_said_is_in_no_span_unless_asked_for_and_then_masked(spans: Spans) -> None:
    async def one() -> str:
        with Server(CALLS, chat("The answer is 42.")) as server:
            agent = nbagent.Agent(
                "test-1", tools=[double, find], client=server.client(), api="chat", name="helper"
            )
            run = Run(agent.stream("my question"), redact=["secret [a-z]+"])
            run.start()
            await run
        return "".join(span.to_json() for span in spans.all)

    told = await one()
    assert not [text for text in ("my question", "answer is", "secret", "no page") if text in told]
    assert not [
        span
        for span in spans.all
        if any("arguments" in name or "messages" in name for name in attributes(span))
    ]
    spans.exporter.clear()
    nbagent.telemetry(content=True, tracer_provider=spans.provider)
    assert "secret plan" not in await one()
    assert json.loads(attributes(spans["execute_tool double"])["gen_ai.tool.call.arguments"]) == {
        "number": 21
    }
    assert attributes(spans["execute_tool double"])["gen_ai.tool.call.result"] == "42"
    root = attributes(spans["invoke_agent helper"])
    assert json.loads(root["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "my question"}]}
    ]
    assert (
        json.loads(root["gen_ai.output.messages"])[0]["parts"][0]["content"] == "The answer is 42."
    )
    assert "no page" in (spans["execute_tool find"].status.description or "")


async def test_a_nested_agent_is_below_the_call_that_asked_it(spans: Spans) -> None:
    with Server(
        chat(calls=[("c1", "expert", '{"task": "add"}')]), CALLS, chat("42"), chat("It is 42.")
    ) as server:
        expert = nbagent.Agent(
            "test-2",
            tools=[double, find],
            client=server.client(),
            api="chat",
            name="expert",
            description="x",
        )
        boss = nbagent.Agent(
            "test-1", tools=[expert], client=server.client(), api="chat", name="boss"
        )
        run = Run(boss.stream("go"))
        run.start()
        await run
    top = spans.tree()["invoke_agent boss"]
    assert list(top) == ["chat test-1", "execute_tool expert"]
    nested = top["execute_tool expert"]["invoke_agent expert"]
    assert list(nested) == ["chat", "execute_tool double", "execute_tool find"]
    assert attributes(spans["invoke_agent expert"])["gen_ai.usage.input_tokens"] == 20


async def test_what_was_stopped_ends_with_the_reason(spans: Spans) -> None:
    @nbagent.tool
    async def wait() -> None:
        """Wait."""
        await asyncio.Event().wait()

    with Server(chat(calls=[("c1", "wait", "{}")])) as server:
        run = Run(
            nbagent.Agent(
                "test-1", tools=[wait], client=server.client(), api="chat", name="helper"
            ).stream("go")
        )
        run.start()
        async for _ in run.stream("tool.args"):
            run.cancel()
        await run
    for name in ("invoke_agent helper", "execute_tool wait"):
        assert attributes(spans[name])["error.type"] == "cancelled"
        assert spans[name].status.status_code is StatusCode.ERROR
    assert "error.type" not in attributes(spans["chat test-1"])


async def test_a_failed_run_has_the_type_of_its_error(spans: Spans) -> None:
    def broken() -> Iterator[e.Event]:
        yield e.RunStart(name="reader", model="m")
        yield e.StepStart()
        raise ValueError("my secret")

    run = Run(broken())
    run.start()
    await run
    assert attributes(spans["invoke_agent reader"])["error.type"] == "ValueError"
    assert "my secret" not in "".join(span.to_json() for span in spans.all)


def test_a_span_that_is_current_or_that_a_request_names_is_the_parent(spans: Spans) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with Server(chat("One."), chat("Two.")) as model:
        agent = nbagent.Agent("test-1", client=model.client(), api="chat", name="helper")
        with (
            serve(agent, port=0) as server,
            httpx2.Client(base_url=server.url, timeout=20) as client,
        ):
            for headers in ({"traceparent": parent}, {}):
                response = client.post(
                    "/agents/helper/messages/stream", json={"message": "go"}, headers=headers
                )
                assert response.status_code == 200
    named, alone = [span for span in spans.all if span.name == "invoke_agent helper"]
    assert named.context is not None
    assert named.parent is not None
    assert f"{named.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert f"{named.parent.span_id:016x}" == "b7ad6b7169203331"
    assert alone.parent is None


def test_nothing_is_observed_unless_it_is_on() -> None:
    assert observers(None, None) == []
