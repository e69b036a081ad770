"""The widget: what it says to the view, and what it makes of what the view says; the real one, on a
comm without a kernel.
"""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reader import play

from nbagent import events as e
from nbagent.errors import AnswerError
from nbagent.notebook import widget as widget_module
from nbagent.notebook.widget import TranscriptWidget
from nbagent.pump.large_values import HEAD_CHARS, INLINE_BYTES
from nbagent.run import Run


class View:
    """The other end of a widget's comm: keeps what is sent, as the kernel would encode it, and
    speaks for the reader.
    """

    def __init__(self, run: Run) -> None:
        self.messages: list[dict[str, Any]] = []
        self._came = threading.Condition()
        self.widget = TranscriptWidget(run)
        comm: Any = self.widget.comm
        comm.publish_msg = self._receive

    def _receive(self, msg_type: str, data: Any = None, **_: Any) -> None:
        if msg_type == "comm_msg" and data["method"] == "custom":
            sent = json.dumps(data["content"], ensure_ascii=False, allow_nan=False).encode()
            with self._came:
                self.messages.append({**json.loads(sent), "bytes": len(sent)})
                self._came.notify_all()

    def say(self, message: Any) -> None:
        comm: Any = self.widget.comm
        comm.handle_msg(
            {"content": {"data": {"method": "custom", "content": message}}, "buffers": []}
        )

    def ask(self, message: Any, answer: str) -> dict[str, Any]:
        """The first message of kind `answer` after that one."""
        before = len(self.messages)
        self.say(message)
        return self.until(answer, before)

    def until(self, kind: str, start: int = 0) -> dict[str, Any]:
        """The first message of that kind, not counting the first `start`."""
        found: list[dict[str, Any]] = []

        def came() -> bool:
            found[:] = [each for each in self.messages[start:] if each["t"] == kind]
            return bool(found)

        with self._came:
            assert self._came.wait_for(came, 5), f"no {kind} came"
        return found[0]

    def part(self, name: str) -> dict[str, Any]:
        return self.ask({"t": "need", "name": name, "at": 0}, "part")

    def block(self, id: str) -> dict[str, Any]:
        return play(self.ask({"t": "hello", "have": 0}, "snapshot")["ops"])[id]


@pytest.fixture(autouse=True)
def _no_widget_is_left() -> Iterator[None]:
    yield
    TranscriptWidget.close_all()


def seen(*events: e.Event, **options: Any) -> View:
    """A view that was there from the start, when the run is over."""
    run = Run(iter(events), **options)
    view = View(run)
    run.start()
    run.wait(5)
    return view


LARGE = "x" * (INLINE_BYTES + 1)
SMALL = "x" * (INLINE_BYTES - 2)


def call(**data: Any) -> list[e.Event]:
    return [
        e.ToolStart(id="c", name="f"),
        e.ToolResult(id="c", display=e.Display(summary="s", data=data)),
    ]


def test_batches_are_numbered_and_end_with_the_end_of_the_run() -> None:
    view = seen(e.TextDelta(id="t", delta="Hi"))
    assert [message["seq"] for message in view.messages] == list(range(1, len(view.messages) + 1))
    ops = [op for message in view.messages for op in message["ops"]]
    assert ["append", "t", "text", "Hi"] in ops
    assert ["close", "run"] in ops
    assert all(message["now"] > 10**9 for message in view.messages)


def test_no_message_has_an_id_at_its_top() -> None:
    view = seen(e.TextDelta(id="t", delta="Hi"))
    view.ask({"t": "hello", "have": 0}, "snapshot")
    view.part("math.js")
    assert {message["t"] for message in view.messages} == {"ops", "snapshot", "part"}
    assert not any("id" in message for message in view.messages)


@pytest.mark.parametrize(
    "question", [{"t": "hello", "have": 0}, {"t": "hello", "have": 99}, {"t": "resync"}]
)
def test_a_view_that_asks_gets_everything(question: Any) -> None:
    view = seen(e.TextDelta(id="t", delta="Hi"))
    last = view.messages[-1]["seq"]
    snapshot = view.ask(question, "snapshot")
    assert snapshot["seq"] == max(last, question.get("have", 0)) + 1
    assert (snapshot["first"], snapshot["last"]) == (True, True)
    assert list(play(snapshot["ops"]).values()) == json.loads(
        json.dumps(view.widget._run.snapshot())
    )


def test_a_large_result_is_sent_when_it_is_asked_for() -> None:
    data = {"text/html": LARGE, "application/json": [LARGE], "text/plain": SMALL}
    view = seen(*call(**data))
    slim = view.block("c")["result"]
    assert slim["text/plain"] == SMALL
    assert slim["text/html"] == {
        "part": "result/c/text/html",
        "size": len(LARGE),
        "head": LARGE[:HEAD_CHARS],
    }
    assert view.part("result/c/text/html")["text"] == LARGE
    assert json.loads(view.part(slim["application/json"]["part"])["text"]) == [LARGE]
    assert LARGE not in json.dumps([message for message in view.messages if message["t"] != "part"])


def test_a_view_that_comes_late_is_not_sent_large_results_either() -> None:
    run = Run(iter(call(**{"text/html": LARGE})))
    run.start()
    run.wait(5)
    view = View(run)
    view.block("c")  # by now the opening has been sent
    assert LARGE not in json.dumps(view.messages)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "nothing.js",
        "../secret",
        "result/c",
        "result/c/image/png",
        "result/nobody/text/plain",
    ],
)
def test_a_part_that_there_is_not_is_an_error_and_no_more(name: str) -> None:
    assert name in seen(*call(**{"text/plain": "x"})).part(name)["error"]


def test_a_part_that_was_not_installed_says_so_without_naming_the_place(
    monkeypatch: Any, tmp_path: Path
) -> None:
    monkeypatch.setitem(widget_module.PARTS, "math.js", tmp_path / "math.js")
    error = seen().part("math.js")["error"]
    assert "math.js" in error
    assert str(tmp_path) not in error


def test_what_is_hidden_cannot_be_asked_for() -> None:
    view = seen(*call(**{"text/plain": "SECRET"}), reveal="answer")
    assert "error" in view.part("result/c/text/plain")
    assert "SECRET" not in f"{view.messages} {view.widget.get_state()} {view.widget!r}"


def test_a_panel_stays_as_its_reader_left_it() -> None:
    view = seen(*call(**{"text/plain": "x"}))
    view.say({"t": "toggle", "block": "c", "open": True})
    assert view.block("c")["user_open"] is True


class Asking:
    """A stream with one question, which goes on when it is answered."""

    def __init__(self, **request: Any) -> None:
        self.answer: e.ApprovalResponse | None = None
        self._answered = threading.Event()
        self._request = e.ApprovalRequest(
            approval_id="a", reply=e.Live(e.Reply(self._take, request.get("args"))), **request
        )

    def _take(self, answer: e.ApprovalResponse) -> None:
        if answer.value == "refuse":
            raise AnswerError("does not fit")
        self.answer = answer
        self._answered.set()

    def __iter__(self) -> Iterator[e.Event]:
        yield self._request
        self._answered.wait(5)
        if self.answer is not None:
            yield self.answer


def asked(stream: Asking) -> tuple[Run, "View"]:
    run = Run(stream)
    view = View(run)
    came = threading.Event()
    run.on("approval.request", lambda _: came.set())
    run.start()
    assert came.wait(5)
    return run, view


def test_an_answer_is_read_digit_by_digit() -> None:
    stream = Asking(kind="input")
    run, view = asked(stream)
    view.say(
        {
            "t": "answer",
            "block": "approval:a",
            "decision": "approve",
            "value": '{"id": 9007199254740993, "x": 1.0}',
        }
    )
    run.wait(5)
    assert stream.answer is not None
    assert stream.answer.value == {"id": 9007199254740993, "x": 1.0}
    assert view.block("approval:a")["decision"] == "approve"


@pytest.mark.parametrize("value", ['"refuse"', "{no json"])
def test_an_answer_that_is_not_taken_says_why_and_leaves_the_question(value: str) -> None:
    stream = Asking(kind="input")
    run, view = asked(stream)
    view.say({"t": "answer", "block": "approval:a", "decision": "approve", "value": value})
    assert view.block("approval:a")["problem"]
    assert run.waiting
    view.say({"t": "answer", "block": "approval:a", "decision": "cancel"})
    run.wait(5)
    assert view.block("approval:a")["problem"] is None


def test_stop_stops() -> None:
    go = threading.Event()

    def stream() -> Iterator[str]:
        yield "a"
        go.wait(5)

    run = Run(stream())
    view = View(run)
    run.start()
    view.say({"t": "stop"})
    view.say({"t": "stop"})
    go.set()
    assert run.wait(5).status == "cancelled"
    assert view.block("run")["stopped_by"] == "you"


@pytest.mark.parametrize(
    "message",
    [
        None,
        7,
        [],
        "stop",
        {},
        {"t": None},
        {"t": ["hello"]},
        {"t": "ack"},
        {"t": "ack", "seq": "1"},
        {"t": "ack", "seq": -(10**30)},
        {"t": "toggle", "block": "nobody", "open": True},
        {"t": "toggle", "block": {}, "open": True},
        {"t": "toggle", "block": "c", "open": "yes"},
        {"t": "answer", "block": "approval:c"},
        {"t": "answer", "block": "approval:c", "decision": "maybe"},
        {"t": "answer", "block": "approval:c", "decision": "approve", "value": {}},
        {"t": "answer", "block": "nobody", "decision": "approve"},
        {"t": "need"},
        {"t": "need", "name": {}},
        {"t": "of the future", "data": "x" * 10**6},
    ],
)
def test_what_makes_no_sense_is_ignored(message: Any) -> None:
    view = seen(*call(**{"text/plain": "x"}))
    before = view.widget._run.snapshot()
    view.say(message)
    assert list(play(view.ask({"t": "resync"}, "snapshot")["ops"]).values()) == before


def test_the_synced_traits_hold_the_header_and_nothing_that_grows() -> None:
    run = Run(iter(["Hello"]), name="my agent")
    view = View(run)
    before = {name: trait for name, trait in view.widget.get_state().items() if name != "_esm"}
    run.start()
    run.wait(5)
    assert before["head"] == {
        "name": "my agent",
        "model": None,
        "status": "running",
        "started": run.snapshot()[0]["started"],
    }
    after = {name: trait for name, trait in view.widget.get_state().items() if name in before}
    assert after.pop("head") == {**before.pop("head"), "status": "completed"}
    assert after == before
    assert "Hello" not in str(before)


def test_no_class_is_made_for_a_view() -> None:
    views = [View(Run(iter(["Hello"]))).widget for _ in range(2)]
    assert [type(view) for view in views] == [TranscriptWidget, TranscriptWidget]
    assert "_anywidget_id" in views[0].get_state()


def test_a_view_that_cannot_ask_is_told_everything_until_one_asks() -> None:
    go = threading.Event()

    def waiting() -> Iterator[str]:
        yield "begun"
        go.wait(30)

    run = Run(waiting())
    view = View(run)
    run.start()
    assert view.widget.introduce()  # and may have to be told again
    assert view.until("snapshot")
    view.say({"t": "ack", "seq": 1})
    said = len(view.messages)
    assert not view.widget.introduce()
    go.set()
    run.wait(5)
    assert "snapshot" not in [each["t"] for each in view.messages[said:]]
