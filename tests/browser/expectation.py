"""Playwright's assertions about elements, which first wait for the element itself."""

import functools
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator
from playwright.sync_api import TimeoutError as Timeout
from playwright.sync_api import expect as assertions_of

TIMEOUT_MS = 30_000
"""Long enough for a machine that is busy with something else; what comes at once costs no more."""


class Expectation:
    """The assertions of `playwright.sync_api.LocatorAssertions`, by the same names.

    Playwright 1.65 makes a tree of the whole page's roles at each try of an assertion about an
    element that is not there or not visible, for a message that only the last try needs: in
    JupyterLab 50 ms of CPU each. A locator that waits makes none.
    """

    def __init__(self, locator: Locator) -> None:
        self._locator = locator

    def __getattr__(self, name: str) -> Callable[..., None]:
        return functools.partial(self._check, name)

    def _check(self, name: str, *args: Any, timeout: float = TIMEOUT_MS, **options: Any) -> None:
        try:
            self._wait(name, args, timeout)
        except Timeout:
            timeout = 1  # for the message
        getattr(assertions_of(self._locator), name)(*args, timeout=timeout, **options)

    def _wait(self, name: str, args: tuple[Any, ...], timeout: float) -> None:
        """Wait until the assertion may hold.

        It is checked afterwards, so that a state that is asked too little is no fault.
        """
        match name, args:
            case ("to_be_hidden" | "not_to_be_visible", _):
                self._locator.wait_for(state="hidden", timeout=timeout)
            case ("to_be_visible", _):
                self._locator.wait_for(state="visible", timeout=timeout)
            case ("to_contain_text", (text,)) if not isinstance(text, list):
                self._locator.filter(has_text=text).first.wait_for(
                    state="attached", timeout=timeout
                )
            case _ if (
                name.startswith("to_")
                and name != "to_have_count"
                and not (args and isinstance(args[0], list))
            ):
                self._locator.first.wait_for(state="attached", timeout=timeout)


def expect(locator: Locator) -> Expectation:
    """Return the assertions about an element."""
    return Expectation(locator)
