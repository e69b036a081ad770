"""Decoder of LangChain's chat models: `llm.stream`, `llm.astream`,
`llm.astream_events(version="v3")` and `llm.invoke`.

Format: https://reference.langchain.com/python/langchain_core/language_models/ (langchain-core 1.8).
Items are message chunks, whole messages, or the events of version 3. A chunk with `chunk_position`
"last", or with a finish reason, is the terminal, and so is `message-finish`. Some integrations send
neither: a stream of objects is then complete when its iterator ends, since the model raises if it
breaks off.

The format has no results of tools, except those that the provider runs: the calls of a message are
for the client.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder
from nbagent.adapters.base.fields import fields_or_empty, get_field, get_str, str_field
from nbagent.adapters.langchain.message_events import MESSAGE_EVENTS, write_message_event
from nbagent.adapters.langchain.messages import FINISH_FIELDS, Messages, kind_of, unwrap_message

_MESSAGES = {"ai", "chunk"}


class LangChainModelDecoder(BaseDecoder):
    """Decoder of a model's messages."""

    system: ClassVar[str] = "langchain.model"
    texts_have_ids: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._messages = Messages(self)
        self._key: str | None = None  # of the last message
        self._is_complete = False  # the last message has its terminal
        self._is_local = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a model's message, whole or a chunk, as an object or as its
        JSON, or an event of one.
        """
        if isinstance(item, (str, bytes, list, tuple)):
            return False
        if _is_event(item):
            return bool(item["event"] != "error")  # which other systems send as well
        message = unwrap_message(item)
        has_usual_fields = hasattr(
            message, "__pydantic_fields_set__"
        ) or "additional_kwargs" in fields_or_empty(message)
        return (
            has_usual_fields
            and kind_of(message) in _MESSAGES
            and get_field(message, "response_metadata") is not None
        )

    def read(self, item: Any) -> None:
        """Read one chunk, one message, or one event."""
        if _is_event(item):
            self._read_event(item)
            return
        message = unwrap_message(item)
        kind = kind_of(message)
        if kind not in _MESSAGES:
            self.unread(item)
            return
        self._is_local = self._is_local or not isinstance(message, Mapping)
        metadata = fields_or_empty(get_field(message, "response_metadata"))
        key = get_str(message, "id") or self._key or self.builder.mint("message")
        if key != self._key:
            self._end_message()
            self._key = key
        model = str_field(metadata, "model_name", "model")
        if kind == "ai":
            self._messages.add_complete(message, key, model)
            self._is_complete = True
        else:
            self._messages.chunk(message, key, model)
            has_ended = get_field(message, "chunk_position") == "last" or any(
                metadata.get(name) for name in FINISH_FIELDS
            )
            self._is_complete = self._is_complete or has_ended

    def _read_event(self, event: Mapping[str, Any]) -> None:
        is_start = event["event"] == "message-start"
        key = (str_field(event, "id") if is_start else self._key) or self.builder.mint("message")
        if key != self._key:
            self._end_message()
            self._key = key
        metadata = fields_or_empty(event.get("metadata"))
        write_message_event(self, self._messages, event, key, str_field(metadata, "model"))
        self._is_complete = self._is_complete or event["event"] == "message-finish"

    def _end_message(self) -> None:
        """End the last message.

        It is complete if it has its terminal, or comes from a model in this process.
        """
        if self._key is None:
            return
        self._messages.end(self._key)
        if self._is_complete or self._is_local:
            self.complete()  # its calls are for the client, so that no answer is to come
        elif self.stop_info.status != "failed":
            self.stop_info = TRUNCATED
        self._key, self._is_complete = None, False

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """End the run."""
        if error is None and not self.builder.ended:
            self._end_message()
        return super().close(error)


def _is_event(item: Any) -> bool:
    """Return True for an event of a message.

    Server-sent events that have such a name have `data`, too.
    """
    return (
        isinstance(item, Mapping)
        and str_field(item, "event") in MESSAGE_EVENTS
        and "data" not in item
    )
