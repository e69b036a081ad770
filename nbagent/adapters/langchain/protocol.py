"""LangChain's `astream_events(version="v3")`: the agent protocol that LangChain and LangGraph share.

The types: https://pypi.org/project/langchain-protocol/ (0.0.20; beta). Every item is `{"type": "event", "seq", "method",
"params": {namespace, timestamp, data}}`. Messages, tools and questions have events of their own; `values` and `updates` only
repeat them.

What it cannot say: that the run is over, which `Messages.over` infers.
"""

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.builder import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, Verdict
from nbagent.adapters.base.fields import fields, fields_or_none, look, plain, string
from nbagent.adapters.base.subagents import Subagents
from nbagent.adapters.langchain.messages import Messages, kind_of, message_of

_METHODS = {
    "messages",
    "tools",
    "values",
    "updates",
    "lifecycle",
    "input.requested",
    "checkpoints",
    "tasks",
    "custom",
    "debug",
}


class LangChainProtocolDecoder(BaseDecoder):
    """Protocol events to events."""

    system: ClassVar[str] = "langchain.protocol"

    def __init__(self) -> None:
        super().__init__()
        self._messages = Messages(self)
        self._agents = Subagents(self.book)
        self._tools: dict[Hashable, Block] = {}
        self._message: dict[tuple[str, ...], str] = {}
        self._inner: set[tuple[str, ...]] = set()  # graphs at work inside this one

    @staticmethod
    def recognises(item: Any) -> bool:
        """Whether the item is an event of the protocol."""
        said = fields_or_none(item)
        return (
            said.get("type") == "event" and string(said.get("method")) in _METHODS and isinstance(said.get("params"), Mapping)
        )

    def read(self, item: Any) -> None:
        """One event."""
        said = fields(item)
        params = fields_or_none(said.get("params"))
        data = params.get("data")
        method = said.get("method")
        self.book.begin()
        path = tuple(str(part) for part in params.get("namespace") or ())
        self._place(path)
        facts = fields_or_none(data)
        if method == "messages":
            event, metadata = (data[0], data[1] if len(data) > 1 else None) if isinstance(data, list | tuple) else (data, None)
            self._message_event(fields(event), fields_or_none(metadata), path)
        elif method == "tools":
            self._tool(facts)
        elif method == "input.requested":
            self._messages.interrupt(data if isinstance(data, list) else [_question(facts)])
        elif method == "lifecycle":
            inner = facts.get("namespace")  # the outer graph tells of the inner one's life
            self._lifecycle(facts, tuple(map(str, inner)) if isinstance(inner, list | tuple) else path)
        elif method == "custom":
            self.book.write(ev.Custom(name=string(facts.get("name")) or "custom", data=plain(data), **self.book.stamp))
        elif method in ("values", "updates"):
            self._results(facts.get("messages"))
            self._messages.interrupt(facts.get("interrupts") or facts.get("__interrupt__") or params.get("interrupts") or ())
        elif method not in ("checkpoints", "tasks", "debug"):
            self.book.raw(item, string(method))

    def _place(self, path: tuple[str, ...]) -> None:
        self.book.stamp["parent_id"] = None
        for depth, part in enumerate(path, 1):
            parent = self._agents.start(path[:depth], part.split(":")[0], parent=path[: depth - 1])
            self.book.stamp["parent_id"] = parent

    # --- messages -------------------------------------------------------------------------------------------------------

    def _message_event(self, said: Mapping[str, Any], metadata: Mapping[str, Any], path: tuple[str, ...]) -> None:
        kind = said.get("event")
        where = (*path, str(metadata.get("langgraph_checkpoint_ns") or ""))
        if kind == "message-start":
            self._message[where] = string(said.get("id")) or self.book.mint("message")
        key = self._message.setdefault(where, self.book.mint("message"))
        self.book.stamp["agent"] = string(metadata.get("lc_agent_name"))
        if said.get("role") in ("human", "system", "tool"):
            return
        model = string(metadata.get("ls_model_name"))
        if kind == "message-start":
            self._messages.begin(key, model)
        elif kind in ("content-block-start", "content-block-delta"):
            self._messages.chunk(_chunk(said), key, model)
        elif kind == "content-block-finish":
            self._finish_block(key, said, model)
        elif kind == "message-finish":
            facts = {"usage_metadata": said.get("usage"), "response_metadata": said.get("metadata")}
            self._messages.chunk({"content": "", **facts, "chunk_position": "last"}, key, model)
        elif kind in ("message-error", "error"):
            self.fail_with(said.get("error") or said.get("message") or said)
            self._messages.end(key)
        else:
            self.book.raw(said, string(kind))

    def _finish_block(self, key: str, said: Mapping[str, Any], model: str | None) -> None:
        """A block is whole. What was streamed of it stays; what was not is written now."""
        content = fields_or_none(said.get("content"))
        message = self._messages.begin(key, model)
        message.content.settle_block(said.get("index"), content)
        for block in message.content.tools.values():
            self._messages.know(block)

    # --- tools ----------------------------------------------------------------------------------------------------------

    def _tool(self, said: Mapping[str, Any]) -> None:
        call_id, kind = string(said.get("tool_call_id")), said.get("event")
        block = self._tools.get(call_id)
        if block is None or (kind == "tool-started" and block.closed):
            block = self._messages.call(call_id)
            if block is None or block.closed:
                block = self._messages.start_call(call_id, string(said.get("tool_name")) or "tool", plain(said.get("input")))
            self._tools[call_id] = block
        if kind == "tool-finished":
            output = message_of(said.get("output"))
            if look(output, "tool_call_id") is not None:
                self._messages.answer(output, block)
            else:
                self.book.tool_result(block, output)
                self.verdict = TRUNCATED
        elif kind == "tool-output-delta":
            self.book.progress(block, str(plain(said.get("delta"))))
        elif kind == "tool-error":
            told = said.get("message") or said.get("error")
            message = string(told) or string(look(told, "message")) or "the tool failed"
            self.book.tool_result(block, message, status="error", error=ev.ErrorInfo(message=message))
            self.verdict = TRUNCATED
        elif kind != "tool-started":
            self.book.raw(said, string(kind))

    def _results(self, found: Any) -> None:
        """What the state has of tools: those of an inner graph have no events of their own."""
        for entry in found if isinstance(found, list | tuple) else ():
            message = message_of(entry)
            block = self._messages.call(string(look(message, "tool_call_id")))
            if block is not None and not block.closed and kind_of(message) == "tool":
                self._messages.answer(message)

    def _lifecycle(self, said: Mapping[str, Any], path: tuple[str, ...]) -> None:
        """A graph begins or ends; of an inner one this is its agent's life."""
        word = string(said.get("event")) or string(said.get("status")) or ""
        status = _LIFE.get(word.rsplit(".", 1)[-1])
        if status == "failed":
            error = said.get("error")
            if path:
                self.book.error(string(error) or string(look(error, "message")) or "a sub-agent failed", fatal=False)
            else:
                self.fail_with(error or "The run failed")
        if status is not None and path:
            self._inner.discard(path)
            self._agents.end(path, status)
        elif word == "started" and path:
            self._inner.add(path)
        elif status is not None and self.verdict.status not in ("failed", "paused"):
            self.verdict = Verdict(status)

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """The stream is over."""
        if not self.book.ended:
            self._messages.over()
            if self._inner and self.verdict.status == "completed":
                self.verdict = TRUNCATED
            self._agents.end_all("failed" if error else self.verdict.status)
        return super().close(error)


_LIFE: dict[str, ev.RunStatus] = {
    "completed": "completed",
    "finished": "completed",
    "failed": "failed",
    "errored": "failed",
    "error": "failed",
    "cancelled": "cancelled",
    "interrupted": "paused",
}


def _question(said: Mapping[str, Any]) -> dict[str, Any]:
    """What the run asks, as an interrupt."""
    value = said.get("value", said.get("payload", said.get("request")))
    return {"id": string(said.get("interrupt_id")) or string(said.get("id")), "value": said if value is None else value}


def _chunk(said: Mapping[str, Any]) -> dict[str, Any]:
    """A piece of a block, in the words of LangChain's message chunks."""
    piece = fields_or_none(said.get("delta") or said.get("content"))
    index, kind = said.get("index"), str(piece.get("type") or "").removesuffix("-delta")
    kind = {"block": string(look(piece.get("fields"), "type")) or ""}.get(kind, kind)
    if isinstance(piece.get("fields"), Mapping):
        piece = {**piece, **piece["fields"]}
    if kind in ("tool-call", "tool_call", "tool_call_chunk"):
        if kind == "tool_call" and not isinstance(piece.get("args"), str):
            return {"content": ""}  # whole already: said again when the block is finished
        call = {"index": index, "id": piece.get("id"), "name": piece.get("name"), "args": piece.get("args") or ""}
        return {"content": "", "tool_call_chunks": [call]}
    if kind in ("data", "image-data") or (not piece):
        return {"content": ""}
    return {"content": [{**piece, "type": kind.replace("-", "_"), "index": index}]}
