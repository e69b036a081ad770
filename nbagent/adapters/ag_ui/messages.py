"""The messages of an AG-UI run, which the input of the next run repeats.

Source: https://docs.ag-ui.com/concepts/messages.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from nbagent.adapters.base.fields import (
    entries_in,
    fields_or_empty,
    list_or_empty,
    str_field,
    to_jsonable,
)
from nbagent.adapters.base.payload import text_in


class RunMessages:
    """Collects the messages of the assistant and of its tools from the events of a run."""

    def __init__(self) -> None:
        self._messages: dict[str, dict[str, Any]] = {}
        # pieces of the messages' texts, by the messages' ids
        self._texts: dict[str, list[str]] = {}
        self._calls: dict[str, dict[str, Any]] = {}
        # pieces of the calls' arguments, by the calls' ids
        self._arguments: dict[str, list[str]] = {}

    def feed(self, kind: str, event: Mapping[str, Any]) -> None:
        """Take an event. The start of a run begins anew, and a snapshot replaces all."""
        if kind in ("RUN_STARTED", "MESSAGES_SNAPSHOT"):
            self._begin_anew(event)
            return
        id_field, read = self._READERS.get(kind, ("", None))
        id = str_field(event, id_field)
        if read is not None and id is not None:
            read(self, id, event)

    def _begin_anew(self, event: Mapping[str, Any]) -> None:
        for kept in (self._messages, self._texts, self._calls, self._arguments):
            kept.clear()
        for message in map(fields_or_empty, list_or_empty(to_jsonable(event.get("messages")))):
            self._messages[str(message.get("id"))] = dict(message)

    def _text(self, id: str, event: Mapping[str, Any]) -> None:
        self._assistant(id)
        self._texts.setdefault(id, []).append(str_field(event, "delta", default=""))

    def _result(self, call_id: str, event: Mapping[str, Any]) -> None:
        id = str_field(event, "messageId", default=f"{call_id}-result")
        content = to_jsonable(event.get("content"))
        self._messages[id] = {"id": id, "role": "tool", "toolCallId": call_id, "content": content}

    def _call(self, id: str, event: Mapping[str, Any]) -> None:
        self._start_call(id, event)
        self._arguments[id].append(str_field(event, "delta", default=""))

    _READERS: ClassVar[dict[str, tuple[str, Any]]] = {
        "TEXT_MESSAGE_CONTENT": ("messageId", _text),
        "TEXT_MESSAGE_CHUNK": ("messageId", _text),
        "TOOL_CALL_START": ("toolCallId", _call),
        "TOOL_CALL_ARGS": ("toolCallId", _call),
        "TOOL_CALL_CHUNK": ("toolCallId", _call),
        "TOOL_CALL_RESULT": ("toolCallId", _result),
    }
    """The field with the id, and the reader, of each type of events."""

    def arguments_of(self, call_id: str | None) -> str:
        """Return the text of a call's arguments; empty for one that is not known."""
        return "".join(self._arguments.get(call_id or "", ()))

    def as_list(self) -> list[dict[str, Any]]:
        """Return the messages, as JSON."""
        for id, pieces in self._texts.items():
            self._messages[id]["content"] = "".join(pieces)
        for id, call in self._calls.items():
            call["function"]["arguments"] = self.arguments_of(id)
        return [dict(message) for message in self._messages.values()]

    def _assistant(self, id: str) -> dict[str, Any]:
        return self._messages.setdefault(id, {"id": id, "role": "assistant"})

    def _start_call(self, id: str, event: Mapping[str, Any]) -> None:
        if id not in self._calls:
            self._arguments[id] = []
            function = {"name": str_field(event, "toolCallName", default="tool"), "arguments": ""}
            self._calls[id] = {"id": id, "type": "function", "function": function}
            message = self._assistant(str_field(event, "parentMessageId", default=id))
            message["toolCalls"] = [*entries_in(message, "toolCalls"), self._calls[id]]


def answers_in(history: Any) -> list[str]:
    """Return the texts of the assistant after the last message of the user.

    Args:
        history: the messages; anything else has none.
    """
    answers: list[str] = []
    for message in map(fields_or_empty, list_or_empty(history)):
        if message.get("role") == "user":
            answers = []
        elif message.get("role") == "assistant":
            answers.append(text_in(message.get("content") or ""))
    return [text for text in answers if text]
