"""Streams as the systems' own pages print them: read as a reader of that page expects, whole and
cut after any item.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from adapters.recorded import FOLDER, decode
from adapters.recorded import Transcript as Content

import nbagent.events as ev
from nbagent.adapters.detect import DetectingDecoder
from nbagent.run import Run
from nbagent.sources.wire.body import BodyDecoder
from nbagent.transcript import Transcript


@dataclass
class Page:
    """A documentation page's stream, as its reader expects it.

    Attributes:
        blocks: texts as they are, tool calls as (name, arguments, result, status), in order.
        status: of the run at the end.
        closes: the stream's last word is the close of its connection, so that a cut looks like the
            end.
    """

    blocks: list[Any]
    status: str = "completed"
    closes: bool = False


QUANTUM = "Quantum computing uses quantum mechanics..."
SEARCHED: list[Any] = ["Let me look. ", ("search", {}, "3 hits", "ok"), "The answer."]
DEXTO: list[Any] = [
    "Let me search.",
    ("search", {"q": "qubit"}, None, "ok"),
    ("search", {"q": "gate"}, None, "error"),
    "A qubit is…",
]
PAGES = {
    "hector-rest.sse": Page([QUANTUM]),
    "hector-websocket.jsonl": Page([QUANTUM], closes=True),
    "hector-tools.sse": Page(
        [
            "Let me create that file...\n",
            ("write_file", ["hello.py", "print('Hello')"], None, "ok"),
            "File created successfully.\nNow let me test it...\n",
            ("execute_command", ["python hello.py"], "Hello", "ok"),
            "The program works correctly!\n",
        ]
    ),
    "agentor-http.sse": Page(
        ["Let me look. ", ("get_weather", None, "sunny", "ok"), "It is sunny."]
    ),
    "agentor-http-error.sse": Page(["Let me look. "], "failed"),
    "status-tokens.sse": Page(SEARCHED),
    "status-tokens-one-line.sse": Page(SEARCHED),
    "status-tokens-two-calls.sse": Page(
        ["Both. ", ("search", {}, "first", "ok"), ("search", {}, "second", "ok"), "Done."]
    ),
    "status-tokens-agent.jsonl": Page(SEARCHED, closes=True),
    "dexto-events.jsonl": Page(DEXTO),
    "dexto-express.sse": Page(DEXTO),
    "dexto-express-error.sse": Page(["Let me "], "failed"),
    "nearai-two-personas.sse": Page(["I know nothing.", "Ideas are eternal."]),
    "nearai-error.sse": Page(["I know nothing."], "failed"),
    "nearai-canceled.sse": Page(["I know nothing."], "cancelled"),
    "nearai-expired.sse": Page(["I know nothing."], "failed"),
    "nearai-requires_action.sse": Page(["I know nothing."], "paused"),
    "vercel-data-stream.txt": Page(
        ["Let me look.", ("search", {"q": "qubit"}, "3 hits", "ok"), "The answer."]
    ),
    "vercel-parts.jsonl": Page(
        ["Let me look.", ("search", {"q": "qubit"}, "3 hits", "ok"), "The answer."]
    ),
}
every_page = pytest.mark.parametrize(("name", "page"), PAGES.items(), ids=PAGES)


def items_of(name: str) -> list[Any]:
    """Return the items of a file: those of a body as they come over HTTP, or the messages of a
    list.
    """
    path: Path = FOLDER / "documented" / name
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    if path.suffix == ".txt":
        return path.read_text("utf-8").splitlines(keepends=True)
    body = BodyDecoder("text/event-stream")
    return [*body.feed(path.read_bytes()), *body.close()]


def read(name: str, items: list[Any]) -> list[ev.Event]:
    return decode(DetectingDecoder(has_closed=lambda: PAGES[name].closes), items)


def blocks_of(events: list[ev.Event]) -> list[Any]:
    """Return what a reader sees, in order, as `Page.blocks`.

    Asserts that nothing is open at the end.
    """
    transcript = Transcript()
    for event in events:
        transcript.feed(event)
    content = Content.of(events)
    texts, calls = iter(content.texts), iter(content.tools)
    found: list[Any] = []
    for block in transcript.snapshot():
        assert block["closed"] or block["kind"] == "run", block
        if block["kind"] == "text":
            found.append(next(texts))
        elif block["kind"] == "tool":
            call = next(calls)
            found.append((call["name"], call.get("args"), call.get("result"), call.get("status")))
    return found


def end_of(events: list[ev.Event]) -> ev.RunEnd:
    assert isinstance(events[-1], ev.RunEnd)
    return events[-1]


def test_every_file_is_a_page() -> None:
    assert {path.name for path in (FOLDER / "documented").iterdir()} == set(PAGES)


@every_page
def test_a_page_is_read_as_its_reader_expects(name: str, page: Page) -> None:
    events = read(name, items_of(name))
    assert blocks_of(events) == page.blocks
    assert end_of(events).status == page.status
    assert not [event for event in events if isinstance(event, ev.Raw)]


def is_beginning(shorter: Any, longer: Any) -> bool:
    """Return True if a block may grow to be another one."""
    if isinstance(shorter, str) or isinstance(longer, str):
        return isinstance(shorter, str) and isinstance(longer, str) and longer.startswith(shorter)
    unknown = [
        None if before is None else after for before, after in zip(shorter, longer, strict=True)
    ]
    return list(shorter) == unknown


@every_page
def test_a_page_that_is_cut_is_in_order_and_no_success(name: str, page: Page) -> None:
    items = items_of(name)
    for cut in range(len(items)):
        events = read(name, items[:cut])
        blocks = blocks_of(events)
        assert len(blocks) <= len(page.blocks)
        assert all(map(is_beginning, blocks, page.blocks)), (blocks, page.blocks)
        ended = end_of(events)
        running = [block for block in blocks if isinstance(block, tuple) and block[3] is None]
        assert ended.status != "completed" or (page.closes and cut and not running)


@every_page
def test_without_remarks_the_answer_of_a_page_is_left(name: str, page: Page) -> None:
    calls = [at for at, block in enumerate(page.blocks) if isinstance(block, tuple)]
    run = Run(iter(items_of(name)), commentary=False)
    run.start()
    answer = page.blocks[calls[-1] + 1 :] if calls else page.blocks
    assert (run.wait(30).text, run.answer) == ("\n\n".join(answer), "\n\n".join(answer))


@pytest.mark.parametrize(
    "name", [name for name in PAGES if name.endswith(".sse") and "one-line" not in name]
)
def test_a_page_streams_line_by_line(name: str) -> None:
    """No reader waits for the next but one event, also where a page prints no empty lines between
    events.
    """
    body, items = BodyDecoder("text/event-stream"), items_of(name)
    events_begun = items_come = 0
    for line in (FOLDER / "documented" / name).read_bytes().splitlines(keepends=True):
        events_begun += line.startswith(b"data:")
        items_come += len(list(body.feed(line)))
        assert items_come >= events_begun - 1, line
    assert items_come + len(list(body.close())) == events_begun == len(items)


def test_a_session_is_on_the_run() -> None:
    start = read("dexto-events.jsonl", items_of("dexto-events.jsonl"))[0]
    assert isinstance(start, ev.RunStart)
    assert start.thread_id == "s1"


def test_events_of_an_agent_are_read_as_objects_too() -> None:
    events = [SimpleNamespace(**item) for item in items_of("status-tokens-agent.jsonl")]
    assert blocks_of(read("status-tokens-agent.jsonl", events)) == SEARCHED


def test_a_session_that_is_named_at_the_end_is_on_the_run() -> None:
    """The page's React component makes no session: it takes the one that `llm:response` names."""
    items = [{**item, "sessionId": None} for item in items_of("dexto-events.jsonl")]
    run = Run(iter([*items[:-1], {**items[-1], "sessionId": "s1"}]))
    run.start()
    assert run.wait(30).thread_id == "s1"


def test_tokens_that_are_known_only_as_a_total_are_kept() -> None:
    usage = end_of(read("dexto-events.jsonl", items_of("dexto-events.jsonl"))).usage
    assert usage is not None
    assert usage.total == 42


def test_the_end_of_a_servers_run_still_counts_after_the_documented_end() -> None:
    items = [*items_of("dexto-events.jsonl"), {"type": "run:complete", "finishReason": "max-steps"}]
    assert end_of(read("dexto-events.jsonl", items)).status == "max_steps"
    more = [*items_of("dexto-events.jsonl"), {"type": "llm:chunk", "content": "And more"}]
    assert end_of(read("dexto-events.jsonl", more)).status == "incomplete"
