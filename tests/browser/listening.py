"""Listeners to the events of a window, for the time of a test.

Tests share their windows: a listener that a test leaves behind would refuse a later test's dialogs,
or fail in the middle of it.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from playwright.sync_api import Dialog, Page


def listen(page: Page, listeners: Mapping[str, Callable[[Any], object]]) -> None:
    """Call functions for the events of a page, by the events' names."""
    # `on` has a type for each name only.
    events: Any = page
    for name, listener in listeners.items():
        events.on(name, listener)


@contextlib.contextmanager
def listening(page: Page, listeners: Mapping[str, Callable[[Any], object]]) -> Iterator[None]:
    """Call functions for the events of a page, by the events' names, until the block ends."""
    listen(page, listeners)
    try:
        yield
    finally:
        for name, listener in listeners.items():
            page.remove_listener(name, listener)


@contextlib.contextmanager
def no_dialogs(page: Page) -> Iterator[None]:
    """Assert that a page opens no dialog in the block."""
    messages: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        messages.append(dialog.message)
        dialog.dismiss()

    with listening(page, {"dialog": dismiss}):
        yield
    assert messages == []
