"""Decoder of OpenAI Chat Completions, including the dialects of other servers of that endpoint.

Format: https://platform.openai.com/docs/api-reference/chat-streaming. Items are chunks, whole
completions, the events of the SDK's `chat.completions.stream()` (all as SDK objects or dicts),
chunks in the frames of mistralai's client, and the wire's terminal `[DONE]`.
"""

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar, NamedTuple

from nbagent import events as ev
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    entries_in,
    extra_fields,
    fields,
    fields_or_empty,
    list_or_empty,
    str_field,
    str_or_none,
)
from nbagent.adapters.base.openai_fields import citation_fields, openai_usage
from nbagent.adapters.openai_chat.appended import appended_text
from nbagent.adapters.openai_chat.choice import Choice
from nbagent.adapters.openai_chat.dialects import reasoning_in

DONE = "[DONE]"
_CUT_SHORT = {"length", "max_tokens", "model_length", "content_filter"}
_FAILED = {"error", "insufficient_system_resource"}
_HELPER_EVENTS = ("content.", "refusal.", "tool_calls.", "logprobs.")
_CONTENT_FIELDS = ("content", "refusal", "tool_calls", "function_call")


class Chunk(NamedTuple):
    """A chunk, or a whole completion.

    Attributes:
        fields: its own fields.
        choices: the fields of each choice.
        usage: token counts, of the chunk or of a choice.
        error: why the response failed; of the chunk or of a choice.
    """

    fields: Mapping[str, Any]
    choices: list[Mapping[str, Any]]
    usage: Any
    error: Any

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> "Chunk":
        """Return a chunk from its fields."""
        choices = [fields(choice) for choice in entries_in(payload, "choices")]
        # usage and errors: openai_chat/pydanticai-groq-tool-use-failed-error
        holders = [payload, fields_or_empty(payload.get("x_groq")), *choices]
        return cls(payload, choices, _first(holders, "usage"), _first(holders, "error"))

    @property
    def is_empty(self) -> bool:
        """True if it is no chunk."""
        return not self.choices and not self.error and "choices" not in self.fields

    @property
    def has_content(self) -> bool:
        """True if a choice has more than a finish reason. It costs time: ask for it last."""
        return any(map(_has_content, self.choices))


class ChatDecoder(BaseDecoder):
    """Decoder of Chat Completions chunks."""

    system: ClassVar[str] = "openai.chat"

    def __init__(self) -> None:
        super().__init__()
        self._reset(None)

    def _reset(self, response_id: Any) -> None:
        self._id = response_id
        self._choices: dict[int, Choice] = {}
        self._usage: ev.Usage | None = None
        self._finish_reason: str | None = None
        self._ended = False
        self._cited: set[Hashable] = set()
        self._open_text: tuple[Block, int] | None = None

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a chunk, a completion, a stream helper's event or a bare
        error.
        """
        payload = _without_frame(fields_or_empty(item))
        kind = payload.get("type")
        if isinstance(kind, str):
            return (kind == "chunk" and "chunk" in payload) or kind.startswith(_HELPER_EVENTS)
        return isinstance(payload.get("choices"), list) or set(payload) == {"error"}

    def feed(self, item: Any) -> list[ev.Event]:
        """Return the events of one chunk.

        Never raises: a chunk that cannot be read becomes a `raw` event.
        """
        # The fast path: a chunk that only appends to the open text needs no `read`.
        if self._open_text is not None:
            block, index = self._open_text
            text = appended_text(item, self._id, index)
            if text is not None and not block.closed and not block.pending:
                return [ev.TextDelta(id=block.id, delta=text, **self.builder.envelope)]
        return super().feed(item)

    # --- one item ---

    def read(self, item: Any) -> None:
        """Read a chunk, a whole completion, or `[DONE]`."""
        if isinstance(item, str):
            self._read_string(item)
            return
        payload = _without_frame(fields(item))
        kind = payload.get("type")
        if kind == "chunk" and "chunk" in payload:
            payload = fields(payload["chunk"])
        elif isinstance(kind, str) and kind.startswith(_HELPER_EVENTS):
            return  # the SDK's helper repeats the content of its own chunk event
        chunk = Chunk.of(payload)
        if chunk.is_empty or not self._select_response(chunk):
            self.builder.raw(item, str_or_none(kind))
            return
        self._read_chunk(chunk)

    def _read_string(self, item: str) -> None:
        if item.strip() != DONE:
            self.builder.raw(item)
        elif self.builder.in_step:
            self._ended = True
            self.finish()

    def _read_chunk(self, chunk: Chunk) -> None:
        self._ended = self._is_ended_by(chunk)
        for choice in chunk.choices:
            self._read_choice(choice)
        self._usage = openai_usage(chunk.usage) or self._usage
        for name in ("search_results", "citations"):
            self._cite_all(chunk.fields.get(name))
        if chunk.error:
            self.fail_with(chunk.error)
        is_whole = chunk.fields.get("object") == "chat.completion"
        self._ended = self._ended or is_whole
        if is_whole or (self._ended and not chunk.choices and self._finish_reason):
            self.finish()

    def _is_ended_by(self, chunk: Chunk) -> bool:
        """Return True if a chunk says that the response has ended, or a chunk before has said so.

        Servers send usage last: in a chunk of its own, or for the first time after the content.
        Where there is no finish reason, and the SDK has swallowed [DONE], this alone distinguishes
        a complete stream from a truncated one (openai_chat/pydanticai-snowflake-thinking).
        """
        is_last = not chunk.choices or self._usage is None
        is_end = self._ended or bool(chunk.usage and self._choices and is_last)
        return is_end and not chunk.has_content

    def _select_response(self, chunk: Chunk) -> bool:
        """Make the response that a chunk belongs to the current one, starting it if it is new.

        Return False if there is none.
        """
        response_id = chunk.fields.get("id") or None
        if self.builder.in_step:
            self._id = self._id or response_id  # Azure's first chunk has no id
            if not self._is_of_next_response(chunk, response_id):
                return True
            self.finish()
        elif self.builder.step and not chunk.choices and not chunk.error:
            return False
        meta = extra_fields(prompt_filter_results=chunk.fields.get("prompt_filter_results"))
        self.new_step(str_field(chunk.fields, "model"), meta)
        self._reset(response_id)
        return True

    def _is_of_next_response(self, chunk: Chunk, response_id: Any) -> bool:
        """Return True if a chunk belongs to the response after the current one.

        The SDK swallows `[DONE]`, so responses may follow each other without a boundary. Content
        after the finish reason belongs to the next response if its id differs or is missing, and to
        the same response if the id is the same: Gemini's endpoint sends several finish reasons.
        """
        if not self._is_complete() or (response_id and response_id == self._id):
            return False
        return chunk.has_content

    def _is_complete(self) -> bool:
        if self._ended:
            return True
        return bool(self._choices) and all(choice.finished for choice in self._choices.values())

    def finish(self) -> None:
        """End the response.

        It is complete if every choice has a finish reason, or if the stream's terminal came.
        """
        reason = self._finish_reason
        if self.stop_info is TRUNCATED and self._is_complete():
            if reason in _FAILED:
                self.fail(f"The model stopped with finish_reason {reason!r}", reason)
            else:
                self.stop_info = StopInfo.of_reason(reason, _CUT_SHORT)
        elif self.stop_info.status == "failed":
            self.stop_info = self.stop_info._replace(finish_reason=reason)
        for choice in self._choices.values():
            if self._ended:
                choice.finish_calls()
            choice.close_texts()
        self.builder.end_step(reason, self._usage)

    def _read_choice(self, data: Mapping[str, Any]) -> None:
        choice = self._choice(data.get("index"))
        delta, message = data.get("delta"), data.get("message")
        if delta is not None:
            choice.read(fields(delta))
        elif message is not None:
            choice.read(fields(message), is_complete=True)
        elif str_field(data, "text"):  # the older Completions endpoint
            choice.write_text(data["text"])
        if choice.block is not None:
            self._open_text = (choice.block, choice.index)
        reason = str_field(data, "finish_reason")
        if reason:
            self._finish_choice(choice, reason)

    def _choice(self, index: Any) -> Choice:
        number = index if isinstance(index, int) else 0
        choice = self._choices.get(number)
        if choice is None:
            choice = self._choices[number] = Choice(self.builder, number)
        return choice

    def _finish_choice(self, choice: Choice, reason: str) -> None:
        choice.finished = True
        if self._finish_reason is None or choice.index == 0:
            self._finish_reason = reason
        choice.close_texts()
        if reason not in _FAILED:
            choice.finish_calls()

    def _cite_all(self, citations: Any) -> None:
        """Write the sources of the whole answer, each once: some servers repeat the list in every
        chunk.
        """
        for entry in list_or_empty(citations):
            url, title, meta = citation_fields(entry)
            if url not in self._cited:
                self._cited.add(url)
                self.builder.source(url, title=title, meta=meta)


def _without_frame(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of a chunk that is the only field of another item; else the fields
    themselves.
    """
    inner = fields_or_empty(payload.get("data"))
    if len(payload) == 1 and isinstance(inner.get("choices"), list):
        return inner
    return payload


def _first(holders: list[Mapping[str, Any]], name: str) -> Any:
    """Return the first value of that name that is not empty, else None."""
    return next(filter(None, (holder.get(name) for holder in holders)), None)


def _has_content(choice: Mapping[str, Any]) -> bool:
    """Return True if a choice has content, and not only a finish reason."""
    delta = fields_or_empty(choice.get("delta") or choice.get("message"))
    if any(map(delta.get, _CONTENT_FIELDS)):
        return True
    return bool(reasoning_in(delta).text)
