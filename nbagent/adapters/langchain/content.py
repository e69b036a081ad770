"""What one LangChain message holds: text, thoughts, tool calls, citations, files, and its token counts."""

import json
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from nbagent import events as ev
from nbagent.adapters.base.builder import Block, EventBuilder
from nbagent.adapters.base.fields import fields_or_empty, get_field, nonempty_str, str_field, to_jsonable, token_count
from nbagent.adapters.base.openai_fields import citation_fields

_TEXT = {"text", "output_text", "text_delta"}
_FILES = {"image", "audio", "video", "file", "image_url"}
_CALLS = {"tool_call", "tool_call_chunk", "tool_use", "input_json_delta", "function_call", "invalid_tool_call"}


def langchain_usage(payload: Any) -> ev.Usage | None:
    """LangChain's `usage_metadata` in our terms."""
    counts = fields_or_empty(payload)
    if not counts:
        return None
    sent, made = fields_or_empty(counts.get("input_token_details")), fields_or_empty(counts.get("output_token_details"))
    return ev.Usage(
        input=token_count(counts.get("input_tokens")),
        output=token_count(counts.get("output_tokens")),
        total=token_count(counts.get("total_tokens")),
        reasoning=token_count(made.get("reasoning")),
        cache_read=token_count(sent.get("cache_read")),
        cache_write=token_count(sent.get("cache_creation")),
    )


class ToolCallChunk(NamedTuple):
    """Some of a tool call: `args` is text that goes on, or the parsed whole."""

    place: Any
    call_id: str | None
    name: str | None
    args: Any


def tool_call_chunks(payload: Any) -> Iterator[ToolCallChunk]:
    """The tool calls in a chunk. Its `tool_calls` only guess at what the pieces so far may mean, unless there are no pieces."""
    pieces = get_field(payload, "tool_call_chunks")
    for piece in pieces or ():
        yield ToolCallChunk(
            get_field(piece, "index"),
            nonempty_str(get_field(piece, "id")),
            nonempty_str(get_field(piece, "name")),
            get_field(piece, "args") or "",
        )
    if not pieces:
        for call in get_field(payload, "tool_calls") or ():
            if nonempty_str(get_field(call, "name")):
                yield ToolCallChunk(
                    None,
                    nonempty_str(get_field(call, "id")),
                    nonempty_str(get_field(call, "name")),
                    get_field(call, "args") or {},
                )


class ContentPart(NamedTuple):
    """A piece of a message's content."""

    kind: Literal["text", "refusal", "thought", "other"]
    place: Hashable
    text: str
    payload: Mapping[str, Any]


def content_parts(payload: Any) -> Iterator[ContentPart]:
    """The content of a message or a chunk, piece by piece: it is a text, or a list of blocks of any provider's make."""
    extra = fields_or_empty(get_field(payload, "additional_kwargs"))
    thought = extra.get("reasoning_content")
    if isinstance(thought, str) and thought:
        yield ContentPart("thought", "extra", thought, {})
    for summary in fields_or_empty(extra.get("reasoning")).get("summary") or ():
        yield ContentPart("thought", "extra", nonempty_str(get_field(summary, "text")) or "", {})
    content = get_field(payload, "content")
    for number, block in enumerate(content if isinstance(content, list | tuple) else [content]):
        if isinstance(block, str):
            yield ContentPart("text", "text", block, {})
            continue
        entry = fields_or_empty(block)
        kind = entry.get("type")
        index = entry.get("index", number)
        if kind in _TEXT:
            yield ContentPart("text", index, str_field(entry, "text") or "", entry)
        elif kind == "refusal":
            yield ContentPart("refusal", index, str_field(entry, "refusal") or "", entry)
        elif kind in ("thinking", "reasoning", "reasoning_content", "redacted_thinking", "thinking_delta"):
            yield ContentPart("thought", index, _thought(entry), entry)
        elif entry:
            yield ContentPart("other", index, "", entry)
    refusal = extra.get("refusal")
    if isinstance(refusal, str) and refusal:
        yield ContentPart("refusal", "refusal", refusal, {})


def _thought(entry: Mapping[str, Any]) -> str:
    """The text of a thought, of any provider's make."""
    for name in ("thinking", "reasoning", "text"):
        if isinstance(entry.get(name), str):
            return str(entry[name])
    inner = entry.get("reasoning_content")
    if inner is not None:
        return inner if isinstance(inner, str) else nonempty_str(get_field(inner, "text")) or ""
    parts = entry.get("summary") or entry.get("content") or ()
    return "\n\n".join(nonempty_str(get_field(part, "text")) or "" for part in parts) if isinstance(parts, list) else ""


class Content:
    """One message's content as it is written."""

    def __init__(self, builder: EventBuilder, key: Hashable) -> None:
        self._builder = builder
        self._key = key
        self._texts: dict[Hashable, Block] = {}
        self._thoughts: dict[Hashable, dict[str, Any]] = {}
        self._others: set[str] = set()
        self._hosted: dict[Hashable, Block] = {}
        self.tools: dict[Hashable, Block] = {}

    def write(self, payload: Any) -> None:
        """More of it."""
        for part in content_parts(payload):
            key = (self._key, part.kind, part.place)
            if part.kind == "thought":
                self._think(key, part)
            elif part.kind == "other":
                self._other(part)
            else:
                self._write_text(key, part)

    def _write_text(self, key: Hashable, part: ContentPart) -> None:
        if part.text:
            self._end_thoughts()
        block = self._builder.text(key, part.text, kind="refusal" if part.kind == "refusal" else "text")
        if block is not None:
            self._texts[key] = block
        self._cite(part.payload, block)

    def _think(self, key: Hashable, part: ContentPart) -> None:
        block = self._builder.thought(key, part.text)
        secret = nonempty_str(part.payload.get("signature")) or nonempty_str(
            get_field(part.payload.get("reasoning_content"), "signature")
        )
        sealed = nonempty_str(part.payload.get("data")) or nonempty_str(part.payload.get("encrypted_content"))
        if block is None and (secret or sealed):
            block = self._builder.start_thought(key)
        if block is not None:
            opaque = self._thoughts.setdefault(key, {})
            if secret:
                opaque["signature"] = opaque.get("signature", "") + secret
            if sealed:
                opaque["encrypted"] = sealed

    def _end_thoughts(self, texts: list[str] | None = None) -> None:
        matched = texts if texts is not None and len(texts) == len(self._thoughts) else [None] * len(self._thoughts)
        for (key, opaque), text in zip(self._thoughts.items(), matched, strict=True):
            self._builder.end_thought(key, text or None, **opaque)
        self._thoughts.clear()

    def settle(self, payload: Any) -> None:
        """The whole message: it replaces what was streamed, where the two can be matched, and adds what was not."""
        if not self._texts and not self.tools and not self._thoughts:
            self.write(payload)
        else:
            parts = list(content_parts(payload))
            self._end_thoughts([part.text for part in parts if part.kind == "thought"])
            texts = [part for part in parts if part.kind in ("text", "refusal") and part.text]
            if not self._texts:
                for part in texts:
                    self._write_text((self._key, part.kind, part.place), part)
            elif len(texts) == len(self._texts):
                for key, part in zip(self._texts, texts, strict=True):
                    self._builder.end_text(key, part.text)
            for part in parts:
                if part.kind == "other":
                    self._other(part)
                elif part.kind == "text":
                    self._cite(part.payload, next(iter(self._texts.values()), None))
        calls = [call for call in get_field(payload, "tool_calls") or () if nonempty_str(get_field(call, "name"))]
        for number, call in enumerate(calls):
            self._settle_call(
                number,
                ToolCallChunk(
                    number, nonempty_str(get_field(call, "id")), nonempty_str(get_field(call, "name")), get_field(call, "args")
                ),
            )
        for call in get_field(payload, "invalid_tool_calls") or ():
            piece = ToolCallChunk(
                None, nonempty_str(get_field(call, "id")), nonempty_str(get_field(call, "name")), get_field(call, "args") or ""
            )
            if piece.name:
                self._settle_call(len(self.tools), piece)

    def settle_block(self, index: Any, entry: Mapping[str, Any]) -> None:
        """One block of the message is whole."""
        kind = str_field(entry, "type") or ""
        if kind in ("tool_call", "invalid_tool_call"):
            if index not in self.tools:
                self.call(ToolCallChunk(index, str_field(entry, "id"), str_field(entry, "name"), ""))
            block = self.tools.get(index)
            if block is not None:
                args = entry.get("args")
                streamed = bool(block.args_pieces) or isinstance(args, str)
                self._builder.tool_args(block, args if isinstance(args, str) else None, args=None if streamed else args)
            return
        for part in content_parts({"content": [{**entry, "index": index}]}):
            key: Hashable = (self._key, part.kind, part.place)
            if part.kind == "thought" and self._builder.open_thought(key) is not None:
                self._think(key, part._replace(text=""))
                self._builder.end_thought(key, part.text or None, **self._thoughts.pop(key, {}))
            elif part.kind == "thought":
                self._think(key, part)
                self._end_thoughts()
            elif part.kind == "other":
                self._other(part)
            else:
                block = self._texts.get(key) or self._builder.text(key, part.text)
                if block is not None:
                    self._texts[key] = block
                    self._cite(part.payload, block)
                    self._builder.end_text(key, part.text or None)

    def _settle_call(self, number: int, call: ToolCallChunk) -> None:
        streamed = list(self.tools.values())
        block = next((block for block in streamed if call.call_id and block.call_id == call.call_id), None)
        if block is None and number < len(streamed) and not streamed[number].args_complete and streamed[number].call_id is None:
            block = streamed[number]
        if block is None:
            block = self._start(("whole", call.call_id or number), call)
        text = call.args if isinstance(call.args, str) else None
        if not block.args_pieces:
            self._builder.tool_args(block, text, args=None if isinstance(call.args, str) else call.args)

    def call(self, call: ToolCallChunk) -> Block | None:
        """More of a tool call; it starts with its name."""
        key: Hashable = call.place if call.place is not None else call.call_id
        if key is None and self.tools and not call.name:
            key = next(reversed(self.tools))
        block = self.tools.get(key)
        another = bool(block and call.name and call.call_id and block.call_id and call.call_id != block.call_id)
        if block is None or another:  # some servers give every call the same index
            if not call.name:
                return None
            if block is not None:
                self.tools[key, block.call_id] = self.tools.pop(key)
            self._end_thoughts()
            block = self._start(key, call)
        if isinstance(call.args, str):
            self._builder.tool_delta(block, call.args)
        else:
            self._builder.tool_args(block, args=call.args)
        return block

    def _start(self, key: Hashable, call: ToolCallChunk) -> Block:
        block = self._builder.start_tool((self._key, "tool", key), call.name or "tool", call_id=call.call_id)
        self.tools[key] = block
        return block

    def _other(self, part: ContentPart) -> None:
        """A block that is neither text nor thought: a file, a tool that the provider ran, or something new."""
        entry = part.payload
        kind = str_field(entry, "type") or ""
        builder = self._builder
        if kind in _CALLS or set(entry) <= {"index", "type", "id"}:
            return  # said by the message's tool calls
        again = json.dumps(to_jsonable(entry), sort_keys=True, default=str)
        if kind in _FILES and again not in self._others:
            url = entry.get("url") or get_field(entry.get("image_url"), "url") or entry.get("image_url")
            media = str_field(entry, "mime_type") or {"image_url": "image/*"}.get(kind, f"{kind}/*")
            data = str_field(entry, "base64") or str_field(entry, "data")
            builder.file(media, url=nonempty_str(url), data=data)
        elif kind in ("server_tool_call", "server_tool_call_chunk", "server_tool_use"):
            self._server_call(entry)
        elif kind == "server_tool_result" or kind.endswith("_tool_result"):
            self._server_result(entry)
        elif again not in self._others:
            builder.raw(entry, kind or None)
        self._others.add(again)

    def _server_call(self, entry: Mapping[str, Any]) -> None:
        call_id = str_field(entry, "id")
        name = str_field(entry, "name")
        block = self._hosted.get(call_id) if call_id else next(reversed(self._hosted.values()), None)
        if block is None or (name and not call_id):
            block = self._builder.start_tool((self._key, "hosted", call_id), name or "tool", call_id=call_id, kind="hosted")
            self._hosted[call_id or block.id] = block
        args = entry.get("args", entry.get("input", entry.get("partial_json")))
        if isinstance(args, str):
            self._builder.tool_delta(block, args)
        elif args:
            self._builder.tool_args(block, args=args)

    def _server_result(self, entry: Mapping[str, Any]) -> None:
        call_id = str_field(entry, "tool_call_id") or str_field(entry, "tool_use_id")
        block = self._hosted.get(call_id)
        if block is None:
            block = self._builder.start_tool((self._key, "hosted", call_id), "tool", call_id=call_id, kind="hosted")
        self._builder.tool_args(block)
        content = entry.get("output", entry.get("content"))
        failed = entry.get("status") == "error" or str(get_field(content, "type") or "").endswith("_error")
        error = ev.ErrorInfo(message=str(get_field(content, "error_code") or "the tool failed")) if failed else None
        self._builder.tool_result(block, content, status="error" if failed else "ok", error=error)

    def _cite(self, entry: Mapping[str, Any], block: Block | None) -> None:
        for citation in [*(entry.get("annotations") or ()), *(entry.get("citations") or ())]:
            again = json.dumps(to_jsonable(citation), sort_keys=True, default=str)
            if again not in self._others:
                self._others.add(again)
                url, title, meta = citation_fields(citation)
                text_id = None if block is None else block.id
                builder = self._builder
                builder.source(url, title=title, text_id=text_id, meta=meta)

    def close(self) -> None:
        """The message is over: everything it wrote is whole."""
        self._end_thoughts()
        for key in self._texts:
            self._builder.end_text(key)
        for block in (*self.tools.values(), *self._hosted.values()):
            self._builder.tool_args(block)
