"""Runs to inspect.

The source is run as a notebook's first cell: `analysis` and `long` are for the cells that follow.
"""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import nbagent
from nbagent import events as e
from nbagent.run import Run
from nbagent.run_context import CURRENT_RUN, HTTPExchange

START = 1_700_000_000.0

THOUGHT = "The question asks for growth, so I need two years and the same regions in both."
PLAN = "I will load both years and compare them."
ANSWER = "Revenue grew in **three of four** regions; `north` led. Rates could not be fetched."


def analysis() -> Iterator[e.Event]:
    """Return the events of two steps: a thought, three tools of which one fails, two pauses, and an
    answer.
    """
    at = START

    def came(later: float) -> float:
        nonlocal at
        at += later
        return at

    yield e.RunStart(name="analyst", model="demo-large", ts=came(0))
    yield e.StepStart(ts=came(0.05))
    yield e.ReasoningStart(id="r1", ts=came(0.3))
    for word in THOUGHT.split(" "):
        yield e.ReasoningDelta(id="r1", delta=f"{word} ", ts=came(0.08))
    yield e.ReasoningEnd(id="r1", ts=came(0.05))
    yield e.TextStart(id="t0", ts=came(0.01))
    for word in PLAN.split(" "):
        yield e.TextDelta(id="t0", delta=f"{word} ", ts=came(0.05))
    yield e.TextEnd(id="t0", ts=came(0.01))
    for number, (name, args) in enumerate(
        (("load_sales", '{"year": 2024}'), ("load_sales", '{"year": 2025}'))
    ):
        id_ = f"tool-{number}"
        yield e.ToolStart(id=id_, name=name, call_id=f"call_{number}", ts=came(0.02))
        for piece in (args[:8], args[8:]):
            yield e.ToolArgsDelta(id=id_, delta=piece, ts=came(0.15))
        yield e.ToolArgs(id=id_, args={"year": 2024 + number}, args_text=args, ts=came(0.01))
    yield e.StepEnd(
        finish_reason="tool_calls", usage=e.Usage(input=1284, output=96, cost=0.0012), ts=came(0.02)
    )
    yield e.ToolResult(id="tool-0", content="1,204 rows", ts=came(0.9))
    yield e.ToolResult(
        id="tool-1", content={"rows": 1311, "columns": ["region", "metric"]}, ts=came(1.6)
    )
    yield e.StepStart(ts=came(0.03))
    yield e.ToolStart(id="tool-2", name="fetch_rates", call_id="call_2", ts=came(0.4))
    yield e.ToolArgs(
        id="tool-2", args={"currency": "CHF"}, args_text='{"currency": "CHF"}', ts=came(0.2)
    )
    refused = e.ErrorInfo(
        type="ConnectionError", message="rates.internal:443 refused the connection"
    )
    yield e.ToolResult(id="tool-2", status="error", error=refused, ts=came(2.4))
    yield e.TextStart(id="t1", phase="final_answer", ts=came(0.3))
    for word in ANSWER.split(" "):
        yield e.TextDelta(id="t1", delta=f"{word} ", ts=came(0.12))
    yield e.TextEnd(id="t1", ts=came(0.02))
    yield e.StepEnd(
        finish_reason="stop", usage=e.Usage(input=2310, output=342, cost=0.0021), ts=came(0.02)
    )
    yield e.RunEnd(
        status="completed",
        finish_reason="stop",
        usage=e.Usage(input=3594, output=438, cost=0.0033),
        ts=came(0.01),
    )


def long(count: int) -> Iterator[e.Event]:
    """Yield an answer in `count` deltas, of which every hundredth is `needle`."""
    for number in range(count):
        yield e.TextDelta(
            id="t1", delta=f"needle {number} " if number % 100 == 0 else f"word {number} "
        )


def busy(count: int) -> Iterator[e.Event]:
    """Return `count` events of an agent at work: steps with a thought, two calls with what they
    print, and Markdown.
    """

    def events() -> Iterator[e.Event]:
        for step in itertools.count():
            yield e.StepStart()
            for word in THOUGHT.split(" "):
                yield e.ReasoningDelta(id=f"r{step}", delta=f"{word} ")
            yield e.ReasoningEnd(id=f"r{step}")
            for call in (f"a{step}", f"b{step}"):
                yield e.ToolStart(id=call, name="load_sales")
                yield e.ToolArgsDelta(id=call, delta='{"step"')
                yield e.ToolArgsDelta(id=call, delta=f": {step}}}")
                yield e.ToolArgs(id=call, args={"step": step}, args_text=f'{{"step": {step}}}')
            for call in (f"a{step}", f"b{step}"):
                for line in range(3):
                    yield e.ToolOutput(id=call, delta=f"read part {line}\n")
                yield e.ToolResult(
                    id=call,
                    content={"rows": [{"region": "north", "sales": step, "share": 0.25}] * 4},
                )
            for word in [
                f"\n\n## Step {step}\n\n",
                *ANSWER.split(" "),
                "\n\n- one\n- two\n\n```python\nprint(1)\n```\n",
            ]:
                yield e.TextDelta(id=f"t{step}", delta=f"{word} ")
            yield e.TextEnd(id=f"t{step}")
            yield e.StepEnd(usage=e.Usage(input=1000, output=50))

    return itertools.islice(events(), count)


def show_analysis(**options: Any) -> Run:
    """Return the analysis, shown as it was recorded."""
    nbagent.sources.recording.save(analysis(), "analysis.jsonl")
    return nbagent.show(nbagent.replay("analysis.jsonl"), **options)


def many_calls(calls: int, deltas: int) -> Iterator[e.Event]:
    """Yield an agent's steps, each with a request of the newest messages, a call, and an answer in
    `deltas` pieces. The last request has all messages.
    """
    messages = [_message("user", "What were the rates?")]
    for number in range(calls):
        call = f"c{number}"
        is_last = number == calls - 1
        _ask(messages if is_last else messages[-20:])
        yield e.StepStart()
        yield e.ToolStart(id=call, name="fetch_rates")
        yield e.ToolArgs(id=call, args={"year": number}, args_text=f'{{"year": {number}}}')
        yield e.ToolResult(id=call, content={"rate": number})
        for word in range(deltas):
            yield e.TextDelta(id=f"t{number}", delta=f"word {word} ")
        yield e.TextEnd(id=f"t{number}")
        yield e.StepEnd(usage=e.Usage(input=1000, output=50))
        messages += [_message("assistant", f"call {number}"), _message("tool", f"rate {number}")]


def _message(role: str, content: str) -> bytes:
    return json.dumps({"role": role, "content": content}).encode()


def _ask(messages: list[bytes]) -> None:
    """Record a request in the run around, as it is when its response has come."""
    body = b'{"model": "demo-large", "messages": [%s]}' % b", ".join(messages)
    exchange = HTTPExchange("http://model.test/v1/chat/completions", body)
    around = CURRENT_RUN.get()
    assert around is not None
    around.run.record(exchange)
    exchange.status = 200
    exchange.end(complete=True)
