"""What one LangChain message holds: text, thoughts, tool calls, citations, files, and its token counts."""

import json
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from nbagent import events as ev
from nbagent.adapters.base.builder import Block, Book
from nbagent.adapters.base.fields import count, fields_or_none, look, plain, string
from nbagent.adapters.base.openai_fields import source_of

_TEXT = {"text", "output_text", "text_delta"}
_FILES = {"image", "audio", "video", "file", "image_url"}
_CALLS = {"tool_call", "tool_call_chunk", "tool_use", "input_json_delta", "function_call", "invalid_tool_call"}


def usage_of(said: Any) -> ev.Usage | None:
    """LangChain's `usage_metadata` in our terms."""
    counts = fields_or_none(said)
    if not counts:
        return None
    sent, made = fields_or_none(counts.get("input_token_details")), fields_or_none(counts.get("output_token_details"))
    return ev.Usage(
        input=count(counts.get("input_tokens")),
        output=count(counts.get("output_tokens")),
        total=count(counts.get("total_tokens")),
        reasoning=count(made.get("reasoning")),
        cache_read=count(sent.get("cache_read")),
        cache_write=count(sent.get("cache_creation")),
    )


class CallPiece(NamedTuple):
    """Some of a tool call: `args` is text that goes on, or the parsed whole."""

    place: Any
    call_id: str | None
    name: str | None
    args: Any


def calls_of(said: Any) -> Iterator[CallPiece]:
    """The tool calls in a chunk. Its `tool_calls` only guess at what the pieces so far may mean, unless there are no pieces."""
    pieces = look(said, "tool_call_chunks")
    for piece in pieces or ():
        yield CallPiece(look(piece, "index"), string(look(piece, "id")), string(look(piece, "name")), look(piece, "args") or "")
    if not pieces:
        for call in look(said, "tool_calls") or ():
            if string(look(call, "name")):
                yield CallPiece(None, string(look(call, "id")), string(look(call, "name")), look(call, "args") or {})


class Part(NamedTuple):
    """A piece of a message's content."""

    kind: Literal["text", "refusal", "thought", "other"]
    place: Hashable
    text: str
    said: Mapping[str, Any]


def parts_of(said: Any) -> Iterator[Part]:
    """The content of a message or a chunk, piece by piece: it is a text, or a list of blocks of any provider's make."""
    extra = fields_or_none(look(said, "additional_kwargs"))
    thought = extra.get("reasoning_content")
    if isinstance(thought, str) and thought:
        yield Part("thought", "extra", thought, {})
    for summary in fields_or_none(extra.get("reasoning")).get("summary") or ():
        yield Part("thought", "extra", string(look(summary, "text")) or "", {})
    content = look(said, "content")
    for number, block in enumerate(content if isinstance(content, list | tuple) else [content]):
        if isinstance(block, str):
            yield Part("text", "text", block, {})
            continue
        entry = fields_or_none(block)
        kind = entry.get("type")
        index = entry.get("index", number)
        if kind in _TEXT:
            yield Part("text", index, string(entry.get("text")) or "", entry)
        elif kind == "refusal":
            yield Part("refusal", index, string(entry.get("refusal")) or "", entry)
        elif kind in ("thinking", "reasoning", "reasoning_content", "redacted_thinking", "thinking_delta"):
            yield Part("thought", index, _thought(entry), entry)
        elif entry:
            yield Part("other", index, "", entry)
    refusal = extra.get("refusal")
    if isinstance(refusal, str) and refusal:
        yield Part("refusal", "refusal", refusal, {})


def _thought(entry: Mapping[str, Any]) -> str:
    """The text of a thought, of any provider's make."""
    for name in ("thinking", "reasoning", "text"):
        if isinstance(entry.get(name), str):
            return str(entry[name])
    inner = entry.get("reasoning_content")
    if inner is not None:
        return inner if isinstance(inner, str) else string(look(inner, "text")) or ""
    parts = entry.get("summary") or entry.get("content") or ()
    return "\n\n".join(string(look(part, "text")) or "" for part in parts) if isinstance(parts, list) else ""


class Content:
    """One message's content as it is written."""

    def __init__(self, book: Book, key: Hashable) -> None:
        self._book = book
        self._key = key
        self._texts: dict[Hashable, Block] = {}
        self._thoughts: dict[Hashable, dict[str, Any]] = {}
        self._others: set[str] = set()
        self._hosted: dict[Hashable, Block] = {}
        self.tools: dict[Hashable, Block] = {}

    def write(self, said: Any) -> None:
        """More of it."""
        for part in parts_of(said):
            key = (self._key, part.kind, part.place)
            if part.kind == "thought":
                self._think(key, part)
            elif part.kind == "other":
                self._other(part)
            else:
                self._write_text(key, part)

    def _write_text(self, key: Hashable, part: Part) -> None:
        if part.text:
            self._end_thoughts()
        block = self._book.text(key, part.text, kind="refusal" if part.kind == "refusal" else "text")
        if block is not None:
            self._texts[key] = block
        self._cite(part.said, block)

    def _think(self, key: Hashable, part: Part) -> None:
        block = self._book.thought(key, part.text)
        secret = string(part.said.get("signature")) or string(look(part.said.get("reasoning_content"), "signature"))
        sealed = string(part.said.get("data")) or string(part.said.get("encrypted_content"))
        if block is None and (secret or sealed):
            block = self._book.start_thought(key)
        if block is not None:
            opaque = self._thoughts.setdefault(key, {})
            if secret:
                opaque["signature"] = opaque.get("signature", "") + secret
            if sealed:
                opaque["encrypted"] = sealed

    def _end_thoughts(self, texts: list[str] | None = None) -> None:
        matched = texts if texts is not None and len(texts) == len(self._thoughts) else [None] * len(self._thoughts)
        for (key, opaque), text in zip(self._thoughts.items(), matched, strict=True):
            self._book.end_thought(key, text or None, **opaque)
        self._thoughts.clear()

    def settle(self, said: Any) -> None:
        """The whole message: it replaces what was streamed, where the two can be matched, and adds what was not."""
        if not self._texts and not self.tools and not self._thoughts:
            self.write(said)
        else:
            parts = list(parts_of(said))
            self._end_thoughts([part.text for part in parts if part.kind == "thought"])
            texts = [part for part in parts if part.kind in ("text", "refusal") and part.text]
            if not self._texts:
                for part in texts:
                    self._write_text((self._key, part.kind, part.place), part)
            elif len(texts) == len(self._texts):
                for key, part in zip(self._texts, texts, strict=True):
                    self._book.end_text(key, part.text)
            for part in parts:
                if part.kind == "other":
                    self._other(part)
                elif part.kind == "text":
                    self._cite(part.said, next(iter(self._texts.values()), None))
        calls = [call for call in look(said, "tool_calls") or () if string(look(call, "name"))]
        for number, call in enumerate(calls):
            self._settle_call(
                number, CallPiece(number, string(look(call, "id")), string(look(call, "name")), look(call, "args"))
            )
        for call in look(said, "invalid_tool_calls") or ():
            piece = CallPiece(None, string(look(call, "id")), string(look(call, "name")), look(call, "args") or "")
            if piece.name:
                self._settle_call(len(self.tools), piece)

    def settle_block(self, index: Any, entry: Mapping[str, Any]) -> None:
        """One block of the message is whole."""
        kind = string(entry.get("type")) or ""
        if kind in ("tool_call", "invalid_tool_call"):
            if index not in self.tools:
                self.call(CallPiece(index, string(entry.get("id")), string(entry.get("name")), ""))
            block = self.tools.get(index)
            if block is not None:
                args = entry.get("args")
                streamed = bool(block.pieces) or isinstance(args, str)
                self._book.tool_args(block, args if isinstance(args, str) else None, args=None if streamed else args)
            return
        for part in parts_of({"content": [{**entry, "index": index}]}):
            key: Hashable = (self._key, part.kind, part.place)
            if part.kind == "thought" and self._book.open_thought(key) is not None:
                self._think(key, part._replace(text=""))
                self._book.end_thought(key, part.text or None, **self._thoughts.pop(key, {}))
            elif part.kind == "thought":
                self._think(key, part)
                self._end_thoughts()
            elif part.kind == "other":
                self._other(part)
            else:
                block = self._texts.get(key) or self._book.text(key, part.text)
                if block is not None:
                    self._texts[key] = block
                    self._cite(part.said, block)
                    self._book.end_text(key, part.text or None)

    def _settle_call(self, number: int, call: CallPiece) -> None:
        streamed = list(self.tools.values())
        block = next((block for block in streamed if call.call_id and block.call_id == call.call_id), None)
        if block is None and number < len(streamed) and not streamed[number].whole and streamed[number].call_id is None:
            block = streamed[number]
        if block is None:
            block = self._start(("whole", call.call_id or number), call)
        text = call.args if isinstance(call.args, str) else None
        if not block.pieces:
            self._book.tool_args(block, text, args=None if isinstance(call.args, str) else call.args)

    def call(self, call: CallPiece) -> Block | None:
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
            self._book.tool_delta(block, call.args)
        else:
            self._book.tool_args(block, args=call.args)
        return block

    def _start(self, key: Hashable, call: CallPiece) -> Block:
        block = self._book.start_tool((self._key, "tool", key), call.name or "tool", call_id=call.call_id)
        self.tools[key] = block
        return block

    def _other(self, part: Part) -> None:
        """A block that is neither text nor thought: a file, a tool that the provider ran, or something new."""
        entry = part.said
        kind = string(entry.get("type")) or ""
        book = self._book
        if kind in _CALLS or set(entry) <= {"index", "type", "id"}:
            return  # said by the message's tool calls
        again = json.dumps(plain(entry), sort_keys=True, default=str)
        if kind in _FILES and again not in self._others:
            url = entry.get("url") or look(entry.get("image_url"), "url") or entry.get("image_url")
            media = string(entry.get("mime_type")) or {"image_url": "image/*"}.get(kind, f"{kind}/*")
            data = string(entry.get("base64")) or string(entry.get("data"))
            book.write(ev.File(id=book.mint("file"), media_type=media, url=string(url), data=data, **book.stamp))
        elif kind in ("server_tool_call", "server_tool_call_chunk", "server_tool_use"):
            self._server_call(entry)
        elif kind == "server_tool_result" or kind.endswith("_tool_result"):
            self._server_result(entry)
        elif again not in self._others:
            book.raw(entry, kind or None)
        self._others.add(again)

    def _server_call(self, entry: Mapping[str, Any]) -> None:
        call_id = string(entry.get("id"))
        name = string(entry.get("name"))
        block = self._hosted.get(call_id) if call_id else next(reversed(self._hosted.values()), None)
        if block is None or (name and not call_id):
            block = self._book.start_tool((self._key, "hosted", call_id), name or "tool", call_id=call_id, kind="hosted")
            self._hosted[call_id or block.id] = block
        args = entry.get("args", entry.get("input", entry.get("partial_json")))
        if isinstance(args, str):
            self._book.tool_delta(block, args)
        elif args:
            self._book.tool_args(block, args=args)

    def _server_result(self, entry: Mapping[str, Any]) -> None:
        call_id = string(entry.get("tool_call_id")) or string(entry.get("tool_use_id"))
        block = self._hosted.get(call_id)
        if block is None:
            block = self._book.start_tool((self._key, "hosted", call_id), "tool", call_id=call_id, kind="hosted")
        self._book.tool_args(block)
        content = entry.get("output", entry.get("content"))
        failed = entry.get("status") == "error" or str(look(content, "type") or "").endswith("_error")
        error = ev.ErrorInfo(message=str(look(content, "error_code") or "the tool failed")) if failed else None
        self._book.tool_result(block, content, status="error" if failed else "ok", error=error)

    def _cite(self, entry: Mapping[str, Any], block: Block | None) -> None:
        for citation in [*(entry.get("annotations") or ()), *(entry.get("citations") or ())]:
            again = json.dumps(plain(citation), sort_keys=True, default=str)
            if again not in self._others:
                self._others.add(again)
                url, title, meta = source_of(citation)
                text_id = None if block is None else block.id
                book = self._book
                book.write(ev.Source(id=book.mint("source"), url=url, title=title, text_id=text_id, meta=meta, **book.stamp))

    def close(self) -> None:
        """The message is over: everything it wrote is whole."""
        self._end_thoughts()
        for key in self._texts:
            self._book.end_text(key)
        for block in (*self.tools.values(), *self._hosted.values()):
            self._book.tool_args(block)
