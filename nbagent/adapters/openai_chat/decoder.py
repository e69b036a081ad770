"""Decoder of OpenAI Chat Completions, including the dialects of other servers of that endpoint.

Format: https://platform.openai.com/docs/api-reference/chat-streaming. Items are chunks, whole
completions, the events of the SDK's `chat.completions.stream()` (all as SDK objects or dicts), and
the wire's terminal `[DONE]`.
"""

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    fields,
    fields_or_empty,
    list_or_empty,
    str_field,
    str_or_none,
    to_jsonable,
)
from nbagent.adapters.base.openai_fields import citation_fields, openai_usage
from nbagent.adapters.openai_chat.calls import ToolCalls
from nbagent.adapters.openai_chat.dialects import Reasoning, content_parts, image_url, reasoning_in
from nbagent.events.jsonable import is_encodable

DONE = "[DONE]"
_CUT_SHORT = {"length", "max_tokens", "model_length", "content_filter"}
_FAILED = {"error", "insufficient_system_resource"}
_HELPER_EVENTS = ("content.", "refusal.", "tool_calls.", "logprobs.")
_EXTRA_CHUNK_FIELDS = {"error", "citations", "search_results", "x_groq"}


class Choice:
    """State of one choice (`choices[index]`) of a response."""

    def __init__(self, index: int, step: int) -> None:
        self.index = index
        self.text: Hashable = (step, index, "text")
        self.refusal: Hashable = (step, index, "refusal")
        self.reasoning: Hashable = (step, index, "reasoning")
        self.calls = ToolCalls((step, index))
        self.signature = ""
        self.encrypted = ""
        self.finished = False


class ChatDecoder(BaseDecoder):
    """Decoder of Chat Completions chunks."""

    system: ClassVar[str] = "openai.chat"

    def __init__(self) -> None:
        super().__init__()
        self._fast_path: tuple[Block, int] | None = None
        self._reset(None)

    def _reset(self, response_id: Any) -> None:
        self._id = response_id
        self._choices: dict[int, Choice] = {}
        self._usage: ev.Usage | None = None
        self._finish_reason: str | None = None
        self._ended = False
        self._cited: set[Hashable] = set()
        self._fast_path = None

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a chunk, a completion, a stream helper's event or a bare
        error.
        """
        payload = fields_or_empty(item)
        kind = payload.get("type")
        if isinstance(kind, str):
            return (kind == "chunk" and "chunk" in payload) or kind.startswith(_HELPER_EVENTS)
        return isinstance(payload.get("choices"), list) or set(payload) == {"error"}

    # --- the fast path: a chunk that only appends to the open text ---

    def feed(self, item: Any) -> list[ev.Event]:
        """Return the events of one chunk.

        Never raises: a chunk that cannot be read becomes a `raw` event.
        """
        fast_path = self._fast_path
        if fast_path is not None:
            text = self._appended_text(item, *fast_path)
            if text is not None:
                return [ev.TextDelta(id=fast_path[0].id, delta=text, **self.builder.envelope)]
        return super().feed(item)

    def _appended_text(self, item: Any, block: Block, index: int) -> str | None:
        """Return the text of a chunk that only appends to the open text; None if `read` must look
        at the chunk.
        """
        try:
            if type(item) is dict:
                (choice,) = item["choices"]
                delta = choice["delta"]
                text = delta["content"]
                only_text = (
                    (len(delta) == 1 or _only_content(delta))
                    and choice.get("finish_reason") is None
                    and choice.get("index", 0) == index
                    and item.get("id", self._id) == self._id
                    and item.get("usage") is None
                    and (len(item) < 7 or not _EXTRA_CHUNK_FIELDS & item.keys())
                )
            else:
                (choice,) = item.choices
                delta = choice.delta
                text = delta.content
                only_text = (
                    delta.tool_calls is None
                    and not delta.refusal
                    and delta.function_call is None
                    and (not delta.__pydantic_extra__ or _only_content(delta.__pydantic_extra__))
                    and choice.finish_reason is None
                    and choice.index == index
                    and item.id == self._id
                    and item.usage is None
                    and (
                        not item.__pydantic_extra__
                        or not _EXTRA_CHUNK_FIELDS & item.__pydantic_extra__.keys()
                    )
                )
            if (
                only_text
                and text
                and (text.isascii() or is_encodable(text))
                and not block.closed
                and not block.pending
            ):
                return str(text)
        except (AttributeError, KeyError, TypeError, ValueError):
            pass
        return None

    # --- one item ---

    def read(self, item: Any) -> None:
        """Read a chunk, a whole completion, or `[DONE]`."""
        if isinstance(item, str):
            self._read_string(item)
            return
        chunk = fields(item)
        kind = chunk.get("type")
        if kind == "chunk" and "chunk" in chunk:
            chunk = fields(chunk["chunk"])
        elif isinstance(kind, str) and kind.startswith(_HELPER_EVENTS):
            return  # the SDK's helper repeats the content of its own chunk event
        choices = [fields(choice) for choice in chunk.get("choices") or ()]
        # usage and errors: openai_chat/pydanticai-groq-tool-use-failed-error
        groq = fields_or_empty(chunk.get("x_groq"))
        error = chunk.get("error") or groq.get("error")
        if not (choices or error or "choices" in chunk) or not self._select_response(
            chunk, choices, bool(error)
        ):
            self.builder.raw(item, str_or_none(kind))
            return
        usage = chunk.get("usage") or groq.get("usage")
        has_begun = bool(self._choices)
        has_content = bool(usage or self._ended) and any(map(_has_content, choices))
        self._ended = self._ended and not has_content
        for choice in choices:
            self._read_choice(choice)
            usage = usage or choice.get("usage")
            error = error or choice.get("error")
        if usage and has_begun and not has_content and (not choices or self._usage is None):
            # Servers send usage last: in a chunk of its own, or for the first time after the
            # content. Where there is no finish reason, and the SDK has swallowed [DONE], this alone
            # distinguishes a complete stream from a truncated one
            # (openai_chat/pydanticai-snowflake-thinking).
            self._ended = True
        self._usage = openai_usage(usage) or self._usage
        for name in ("search_results", "citations"):
            self._cite_all(chunk.get(name))
        if error:
            self.fail_with(error)
        if chunk.get("object") == "chat.completion":
            self._ended = True
            self.finish()
        elif self._ended and not choices and self._finish_reason:
            self.finish()

    def _read_string(self, item: str) -> None:
        if item.strip() != DONE:
            self.builder.raw(item)
        elif self.builder.in_step:
            self._ended = True
            self.finish()

    def _select_response(
        self, chunk: Mapping[str, Any], choices: list[Mapping[str, Any]], error: bool
    ) -> bool:
        """Make the response that a chunk belongs to the current one, starting it if it is new.

        Return False if there is none.

        The SDK swallows `[DONE]`, so responses may follow each other without a boundary. Content
        after the finish reason belongs to the next response if its id differs or is missing, and to
        the same response if the id is the same: Gemini's endpoint sends several finish reasons.
        """
        response_id = chunk.get("id") or None
        if self.builder.in_step:
            self._id = self._id or response_id  # Azure's first chunk has no id
            if (
                not self._is_complete()
                or (response_id and response_id == self._id)
                or not any(map(_has_content, choices))
            ):
                return True
            self.finish()
        elif self.builder.step and not (choices or error):
            return False
        if "prompt_filter_results" in chunk:
            meta = {"prompt_filter_results": to_jsonable(chunk["prompt_filter_results"])}
        else:
            meta = None
        self.new_step(str_field(chunk, "model"), meta)
        self._reset(response_id)
        return True

    def _is_complete(self) -> bool:
        return self._ended or (
            bool(self._choices) and all(choice.finished for choice in self._choices.values())
        )

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
                choice.calls.finish(self.builder)
            self._close_texts(choice)
        self.builder.end_step(reason, self._usage)

    # --- one choice ---

    def _read_choice(self, data: Mapping[str, Any]) -> None:
        index = data.get("index")
        index = index if isinstance(index, int) else 0
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = Choice(index, self.builder.step)
        delta, message = data.get("delta"), data.get("message")
        if delta is not None:
            self._read_delta(choice, fields(delta))
        elif message is not None:
            self._read_delta(choice, fields(message), is_complete=True)
        elif str_field(data, "text"):  # the older Completions endpoint
            self._write_text(choice, data["text"])
        reason = str_field(data, "finish_reason")
        if reason:
            choice.finished = True
            if self._finish_reason is None or index == 0:
                self._finish_reason = reason
            self._close_texts(choice)
            if reason not in _FAILED:
                choice.calls.finish(self.builder)

    def _read_delta(
        self, choice: Choice, delta: Mapping[str, Any], *, is_complete: bool = False
    ) -> None:
        builder = self.builder
        google = fields_or_empty(fields_or_empty(delta.get("extra_content")).get("google"))
        self._write_reasoning(choice, reasoning_in(delta))
        content = delta.get("content")
        if isinstance(content, str):
            if google.get("thought") is True:
                # Gemini's endpoint marks reasoning in the ordinary content.
                self._write_reasoning(choice, Reasoning(content))
            elif content:
                self._write_text(choice, content)
        elif isinstance(content, list):
            self._write_parts(choice, content)
        choice.signature += str_field(google, "thought_signature", default="")
        refusal = str_field(delta, "refusal")
        if refusal:
            self._close_reasoning(choice)
            builder.text(choice.refusal, refusal, kind="refusal")
        if delta.get("tool_calls") or delta.get("function_call"):
            self._close_texts(choice)
            choice.calls.read(builder, delta, is_complete=is_complete)
        for name in ("executed_tools", "audio", "images", "annotations"):
            if delta.get(name):
                self._read_extra(choice, name, delta[name])

    def _write_text(self, choice: Choice, text: str) -> None:
        self._close_reasoning(choice)
        block = self.builder.text(choice.text, text)
        self._fast_path = None if block is None else (block, choice.index)

    def _write_reasoning(self, choice: Choice, reasoning: Reasoning) -> None:
        if reasoning.text:
            self.builder.end_text(choice.text)
            self.builder.reasoning(choice.reasoning, reasoning.text, kind=reasoning.kind)
        choice.signature += reasoning.signature or ""
        choice.encrypted += reasoning.encrypted or ""

    def _write_parts(self, choice: Choice, content: list[Any]) -> None:
        for part in content_parts(content):
            if part.reasoning is not None:
                self._write_reasoning(choice, part.reasoning)
            elif part.url is not None:
                self._write_file(part.url)
            elif part.text:
                self._write_text(choice, part.text)
            elif part.other is not None:
                self.builder.raw(part.other)

    def _write_file(self, url: str) -> None:
        media_type = (
            url[5:].split(";", 1)[0].split(",", 1)[0] if url.startswith("data:") else "image/*"
        )
        self.builder.file(media_type, url=url)

    def _read_extra(self, choice: Choice, name: str, value: Any) -> None:
        if name == "audio":
            audio = fields(value)
            self._write_text(choice, str_field(audio, "transcript", default=""))
            if str_field(audio, "data"):
                self.builder.raw({"audio": to_jsonable(audio)}, "audio")
            return
        for entry in value:
            if name == "executed_tools":
                choice.calls.read_executed(self.builder, fields(entry))
            elif name == "annotations":
                self._cite(entry, self.builder.text_id(choice.text))
            elif url := image_url(fields(entry)):
                self._write_file(url)

    def _cite_all(self, citations: Any) -> None:
        """Write the sources of the whole answer, each once: some servers repeat the list in every
        chunk.
        """
        for entry in list_or_empty(citations):
            url = citation_fields(entry)[0]
            if url not in self._cited:
                self._cited.add(url)
                self._cite(entry, None)

    def _cite(self, entry: Any, text_id: str | None) -> None:
        url, title, meta = citation_fields(entry)
        self.builder.source(url, title=title, text_id=text_id, meta=meta)

    def _close_texts(self, choice: Choice) -> None:
        self._close_reasoning(choice)
        if choice.signature or choice.encrypted:
            # The signature came after its reasoning, or without one.
            self.builder.start_reasoning(choice.reasoning)
            self._close_reasoning(choice)
        self.builder.end_text(choice.text)
        self.builder.end_text(choice.refusal)

    def _close_reasoning(self, choice: Choice) -> None:
        if self.builder.open_reasoning(choice.reasoning) is not None:
            self.builder.end_reasoning(
                choice.reasoning,
                signature=choice.signature or None,
                encrypted=choice.encrypted or None,
            )
            choice.signature = choice.encrypted = ""


def _only_content(delta: Mapping[str, Any]) -> bool:
    """Return True if a delta has only content, the role and empty fields."""
    return all(not value or name in ("content", "role") for name, value in delta.items())


def _has_content(choice: Mapping[str, Any]) -> bool:
    """Return True if a choice has content, and not only a finish reason."""
    delta = fields_or_empty(choice.get("delta") or choice.get("message"))
    return any(
        delta.get(name) for name in ("content", "refusal", "tool_calls", "function_call")
    ) or bool(reasoning_in(delta).text)
