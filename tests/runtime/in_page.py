"""Scenes that run in Pyodide: nbagent without threads, sockets and blocking waits."""

import asyncio
import json
import traceback
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import TestCase

import nbagent
from nbagent.errors import MissingPackage
from nbagent.events import ApprovalRequest
from nbagent.protocol.messages import Send
from nbagent.render.markup.sanitize import NOT_SHOWN, sanitize
from nbagent.run import Run
from nbagent.run.lanes import Lanes

raises = TestCase().assertRaisesRegex
"""pytest's own is not in a page."""


class Lines:
    """A renderer that counts what it gets."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []

    def draw(self, seq: int, ops: list[list[Any]]) -> None:
        self.batches.append(ops)


async def words(count: int, pause: float = 0.0) -> AsyncIterator[str]:
    for number in range(count):
        await asyncio.sleep(pause)
        yield f"word {number} "


def failing() -> Iterator[str]:
    yield from ()
    raise OSError("no connection")


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def adder() -> nbagent.Agent:
    nbagent.demo.demo_server().tokens_per_second = float("inf")
    return nbagent.Agent("demo", tools=[add], name="adder")


async def streams() -> None:
    seen: list[str] = []
    run = Run(iter(["a ", "b"])).on("text.delta", lambda event: seen.append(event.delta))
    await run
    assert (run.status, run.text, "".join(seen)) == ("completed", "a b", "a b"), run
    assert (await Run(words(3))).text == "word 0 word 1 word 2 "
    lanes = await Run(Lanes([words(2), iter(["x"])]))
    assert lanes.status == "completed", lanes
    fell_back = await Run(failing(), fallback=lambda: "whole answer")
    assert fell_back.text == "whole answer", fell_back


async def ends() -> None:
    stopped = Run(words(1000, 0.01))
    stopped.start()
    await asyncio.sleep(0.05)
    stopped.cancel()
    await stopped
    assert stopped.status == "cancelled", stopped
    assert (await Run(words(1000, 0.01), timeout=0.05)).status == "failed"
    # No longer pause: Node waits for it, as Pyodide cancels no timer.
    assert (await Run(words(2, 1), idle_timeout=0.05)).status == "failed"


async def batches() -> None:
    shown = Run(words(1000, 0.01))
    lines = Lines()
    shown.attach(lines)
    shown.start()
    await asyncio.sleep(0.3)
    assert len(lines.batches) > 1, lines.batches
    shown.cancel()
    await shown


async def chats() -> None:
    made = nbagent.chat(lambda messages: words(2), name="page")
    assert await made.ask("Hello") == "word 0 word 1 "
    made.close()
    made = nbagent.chat(adder().session("page"))
    assert "42" in await made.ask("Add 19 and 23")
    made.close()


async def agents() -> None:
    run = await nbagent.show(adder().stream("Add 19 and 23"))
    assert (run.status, run.tools["add"].result) == ("completed", 42), run.error
    assert "42" in run.text, run.text
    assert "Hello" in await adder().generate("Hello")
    assert len(run.requests) == 2, run.requests
    assert "42" in run.to_html()
    assert "42" in run.to_markdown()


async def breakpoints() -> None:
    run = nbagent.show(adder().stream("Add 1 and 2"), stop_at="add")
    asked = await anext(run.stream(types=("approval.request",)))
    assert isinstance(asked, ApprovalRequest)
    run.respond(asked.approval_id, "approve", {"a": 1, "b": 40})
    await run
    assert (run.status, run.tools["add"].result) == ("completed", 41), run


async def attempts() -> None:
    run = await nbagent.show(adder().stream("Add 1 and 2"))
    again = await run.tools["add"].rerun(b=5)
    assert again.result == 6, again


async def forks() -> None:
    run = await nbagent.show(adder().stream("Add 1 and 2"))
    fork = await run.fork(at=run.tools[0], result=50)
    assert "50" in fork.text, fork.text
    assert "50" in str(nbagent.compare(run, fork))


async def requests() -> None:
    """A request is sent again from Python and from a view, which waits in no thread."""
    run = await nbagent.show(adder().stream("Add 1 and 2"))
    answers = await run.requests[0].send()
    assert [call.name for call in answers.tools] == ["add"], answers
    fields = json.loads(json.loads(run.page("request/1/form", 0, 100_000)[0])["text"])
    run.take(Send("k1", 1, json.dumps({**fields, "temperature": 0})))
    while "outcome" not in run.snapshot()[0]:
        await asyncio.sleep(0.01)
    assert run.snapshot()[0]["outcome"]["problem"] is None, run.snapshot()[0]["outcome"]
    assert "sent again: temperature" in run.page("comparison", 0, 100_000)[0]


async def recordings() -> None:
    run = await nbagent.show(adder().stream("Add 1 and 2"))
    with TemporaryDirectory() as folder:
        file = str(Path(folder) / "run.jsonl")
        run.save(file)
        replayed = await nbagent.show(nbagent.replay(file))
    assert (replayed.status, replayed.text) == ("completed", run.text), replayed


async def packages() -> None:
    masked = await nbagent.show(words(2), redact=[r"word \d"])
    assert masked.text == "•••••• •••••• ", masked.text
    with raises(MissingPackage, "a configuration file needs the package yaml"):
        nbagent.load_agents(__file__)
    shown = sanitize("<b>bold</b><script>alert(1)</script>")
    assert shown == f"<p>{NOT_SHOWN}</p>", shown


async def broadcasts() -> None:
    """A view's Stop and answers reach a run that a cell awaits, in Pyodide."""
    from pyodide.code import run_js  # type: ignore[import-not-found]

    from nbagent.notebook.widget import TranscriptWidget
    from nbagent.transcript.tree import approval_block_id

    def view_of(run: Run) -> Any:
        widget = TranscriptWidget(run)
        run.start()
        widgets.append(widget)
        views.append(run_js("BroadcastChannel").new(widget.broadcast))
        return views[-1]

    widgets: list[TranscriptWidget] = []
    views: list[Any] = []
    stopped = Run(words(1000, 0.01))
    view_of(stopped).postMessage('{"t": "stop"}')
    await stopped
    assert stopped.status == "cancelled", stopped
    asking = Run(adder().stream("Add 1 and 2"), stop_at="add")
    view = view_of(asking)
    asked = await anext(asking.stream(types=("approval.request",)))
    assert isinstance(asked, ApprovalRequest)
    answer = {"t": "answer", "block": approval_block_id(asked.approval_id)}
    changed = {"decision": "approve", "value": '{"a": 1, "b": 40}'}
    view.postMessage(json.dumps(answer | changed))
    await asking
    assert asking.tools["add"].result == 41, asking
    for closed in (*widgets, *views):
        closed.close()


async def waits() -> None:
    run = nbagent.show(words(2))
    with raises(RuntimeError, "use `await` instead"):
        run.wait()
    await run
    assert run.status == "completed", run


SCENES = (
    streams,
    ends,
    batches,
    chats,
    agents,
    breakpoints,
    attempts,
    forks,
    requests,
    recordings,
    packages,
    waits,
    broadcasts,
)


async def failures() -> dict[str, str]:
    """Return the tracebacks of the scenes that fail, by the scene's name."""
    failed = {}
    for scene in SCENES:
        try:
            await scene()
        except Exception:
            failed[scene.__name__] = traceback.format_exc()
    return failed
