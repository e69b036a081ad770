"""A widget's state is said again to a page that asked for it, until a view has spoken."""

import contextvars
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from nbagent.notebook import restore

ASKER = contextvars.ContextVar("asker", default="nobody")
REQUEST = {"content": {"data": {"method": "request_state"}}}


class Widget:
    """A stand-in for ipywidgets' `Widget`.

    Attributes:
        asked_by: the client that asked for the state, each time.
    """

    def __init__(self) -> None:
        self.asked_by: list[str] = []
        self.more = threading.Semaphore(0)
        self.receive: Callable[[dict[str, Any]], None] = self._handle_msg
        self.comm: Any = SimpleNamespace(on_msg=lambda receive: setattr(self, "receive", receive))

    def _handle_msg(self, message: dict[str, Any]) -> None:
        if message is REQUEST:
            self.send_state()

    def send_state(self) -> None:
        self.asked_by.append(ASKER.get())
        self.more.release()


def test_an_answer_is_repeated_to_the_same_page_until_a_view_speaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(restore, "WAITS_S", (0.01, 0.01, 0.2))
    widget = Widget()
    heard: list[str] = []
    restore.repeat_state(widget, lambda: len(heard))
    ASKER.set("a page")
    widget.receive(REQUEST)
    for _ in range(3):
        assert widget.more.acquire(timeout=5)
    heard.append("hello")
    assert not widget.more.acquire(timeout=0.4)
    assert widget.asked_by == ["a page"] * 3


def test_what_nobody_hears_is_not_repeated_for_ever_nor_after_the_widget_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(restore, "WAITS_S", (0.01, 0.01))
    unheard, closed = Widget(), Widget()
    for widget in (unheard, closed):
        restore.repeat_state(widget, lambda: 0)
        widget.receive(REQUEST)
    closed.comm = None
    for _ in range(3):
        assert unheard.more.acquire(timeout=5)
    assert not unheard.more.acquire(timeout=0.1)
    assert len(closed.asked_by) <= 2


def test_other_messages_are_only_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore, "WAITS_S", (0.01,))
    widget = Widget()
    restore.repeat_state(widget, lambda: 0)
    widget.receive({"content": {"data": {"method": "custom"}}})
    assert not widget.more.acquire(timeout=0.1)
