"""`CallResults`: the values that a tool returns, yields and displays, as events for its reader and
text for the model.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from nbagent import events as e
from nbagent.agent.calls.outcome import Outcome
from nbagent.agent.calls.output import CallOutput
from nbagent.agent.tools.tool import PLAIN
from nbagent.mime import display_of, json_of

MAX_DISPLAYED = 8
"""Values displayed by one call that its panel keeps; older ones make room."""

_MARK_CHARS = 60
"""Characters of a note about what is left out."""


class CallResults:
    """The results of one call, preliminary ones and the last.

    Args:
        id: of the call.
        output: shows preliminary results.
        limit: characters of the result that the model gets at most.
    """

    def __init__(self, id: str, output: CallOutput, limit: int) -> None:
        self._id = id
        self._output = output
        self._limit = limit
        self._lock = threading.Lock()
        self._displayed: dict[Any, Displayed] = {}
        self._latest: Any = None

    def show(self, value: Any) -> None:
        """Show a preliminary result. One that may change is converted now, on this thread."""
        self._latest = value
        if isinstance(value, PLAIN):
            self._output.preliminary(lambda: self._preliminary(value))
        else:
            event = self._preliminary(value)
            self._output.preliminary(lambda: event)

    def display(self, data: Mapping[str, Any], display_id: str | None = None) -> None:
        """Show a MIME bundle of IPython's `display`.

        A text is output; one of a known id replaces the earlier one.
        """
        if data.keys() <= {"text/plain"}:
            self._output.write(f"{data.get('text/plain', '')}\n")
            return
        with self._lock:
            self._displayed[display_id or object()] = Displayed(dict(data))
            while len(self._displayed) > MAX_DISPLAYED:
                del self._displayed[next(iter(self._displayed))]
        self.show(self._latest)

    def clear(self) -> None:
        """Forget what was displayed, as IPython's `clear_output` does."""
        with self._lock:
            self._displayed.clear()

    def is_plain(self, value: Any) -> bool:
        """Return True if the event of a result takes no time to make."""
        return isinstance(value, PLAIN) and not self._displayed

    def final(self, value: Any, figures: list[Any]) -> Outcome:
        """Return the event of the result, and its text for the model.

        Args:
            value: the tool's return value.
            figures: Matplotlib figures that are shown with it.
        """
        return result_of(self._id, value, self._limit, figures=figures, before=self._before())

    def _preliminary(self, value: Any) -> e.ToolResult:
        return replace(
            result_of(self._id, value, self._limit, before=self._before())[0], preliminary=True
        )

    def _before(self) -> list["Displayed"]:
        with self._lock:
            return list(self._displayed.values())


class Displayed:
    """A MIME bundle as a value that looks like it."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return self._data

    def __repr__(self) -> str:
        return str(self._data.get("text/plain", next(iter(self._data))))


def result_of(
    id: str,
    value: Any,
    limit: int,
    *,
    figures: Sequence[Any] = (),
    before: Sequence[Displayed] = (),
) -> Outcome:
    """Return the event of a call's result, and its text for the model.

    Args:
        id: of the call.
        value: of the result.
        limit: characters of the text at most.
        figures: Matplotlib figures that are shown with it.
        before: shown before it.
    """
    content, text = for_model(value, limit)
    display = display_of(value, figures=figures, before=before)
    return e.ToolResult(id=id, content=content, display=display, value=e.Live(value)), text


def for_model(value: Any, limit: int) -> tuple[Any, str]:
    """Return a value as JSON and as text for a model: valid JSON or a plain text, which says what
    is left out.

    Args:
        value: anything.
        limit: characters of the text at most.
    """
    budget = limit
    while True:
        content = json_of(value, budget)
        text = content if isinstance(content, str) else msgspec.json.encode(content).decode()
        if len(text) <= limit or budget <= 0:
            return content, text
        budget -= max(len(text) - limit, 1) + _MARK_CHARS
