"""Decoder of LangChain's `astream_events`, versions 1 and 2.

Format: https://reference.langchain.com/python/langchain_core/runnables/#astream_events
(langchain-core 1.7). Items are the event dicts, in process with message objects inside, or as JSON.
Nodes and chains repeat the output of their models: their chunks are read only if no model event
comes. The end of the outermost run is the terminal.

The format does not link a tool run to its call before the run ends (the name decides until then).
It has no hand-offs, and no failed end: the iterator raises instead.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

from nbagent import events as ev
from nbagent.adapters.base.block import Block, block_id
from nbagent.adapters.base.fields import (
    entries_in,
    fields,
    fields_or_empty,
    get_field,
    get_str,
    list_or_empty,
    mapping_or_empty,
    nonempty_str,
    str_field,
    to_jsonable,
)
from nbagent.adapters.langchain.graph_decoder import GraphDecoder
from nbagent.adapters.langchain.messages import kind_of, unwrap_message

_EVENTS_OF_SUBGRAPHS = {"on_chat_model_start", "on_chat_model_stream", "on_tool_start"}
"""The events by which a subgraph begins."""


class LangChainEventsDecoder(GraphDecoder):
    """Decoder of `astream_events` dicts."""

    system: ClassVar[str] = "langchain.events"

    def __init__(self) -> None:
        super().__init__()
        self._root: str | None = None
        self._tools: dict[str, Block] = {}
        self._has_model_events = False
        self._root_ended = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is one of LangChain's events."""
        payload = fields_or_empty(item)
        event = payload.get("event")
        return (
            isinstance(event, str)
            and event.startswith("on_")
            and "run_id" in payload
            and "data" in payload
        )

    def read(self, item: Any) -> None:
        """Read one event."""
        payload = fields(item)
        event = str_field(payload, "event", default="")
        run_id = str(payload.get("run_id"))
        data = fields_or_empty(payload.get("data"))
        if not self.recognises(item):
            self.unread(item, event)
            return
        self.builder.begin()
        if self._root is None:
            self._root = run_id
        self._attribute(payload)
        subject, _, phase = event.removeprefix("on_").rpartition("_")
        if event == "on_custom_event":
            self.builder.custom(str(payload.get("name") or "custom"), data or payload["data"])
        elif phase == "error" and subject != "tool":
            self.fail_with(_error_fields(data.get("error")))
        elif subject in _READERS:
            _READERS[subject](self, phase, run_id, payload, data)
        else:
            self.builder.raw(item, event)
        if phase == "end" and run_id == self._root:
            self._end_root(data)

    def _attribute(self, payload: Mapping[str, Any]) -> None:
        """Set agent and parent of the following events: an agent inside a tool call, or inside a
        graph.
        """
        metadata = fields_or_empty(payload.get("metadata"))
        envelope = self.builder.envelope
        self.builder.begin(thread_id=str_field(metadata, "thread_id"))
        agent = str_field(metadata, "lc_agent_name")
        envelope["agent"] = agent
        envelope["parent_id"] = block_id(self._innermost_tool(payload))
        if envelope["parent_id"] or payload.get("event") not in _EVENTS_OF_SUBGRAPHS:
            return
        path = str(metadata.get("langgraph_checkpoint_ns") or "").split("|")[:-1]
        for depth, part in enumerate(path, 1):
            envelope["parent_id"] = self._agents.start(
                tuple(path[:depth]), agent or part.split(":")[0], parent=tuple(path[: depth - 1])
            )

    def _innermost_tool(self, payload: Mapping[str, Any]) -> Block | None:
        """Return the innermost tool call that an event is inside of; None if there is none."""
        for parent in reversed(entries_in(payload, "parent_ids")):
            block = self._tools.get(str(parent))
            if block is not None:
                return block
        return None

    def _model(
        self, phase: str, run_id: str, payload: Mapping[str, Any], data: Mapping[str, Any]
    ) -> None:
        self._has_model_events = True
        model = nonempty_str(fields_or_empty(payload.get("metadata")).get("ls_model_name"))
        if phase == "start":
            self._messages.begin(run_id, model)
        elif phase == "stream":
            self._messages.chunk(_message_of(data.get("chunk")), run_id, model)
        elif phase == "end":
            self._messages.add_complete(_message_of(data.get("output")), run_id, model)

    def _tool(
        self, phase: str, run_id: str, payload: Mapping[str, Any], data: Mapping[str, Any]
    ) -> None:
        block = self._tools.get(run_id)
        if block is None:
            block = self._tools[run_id] = self._call_of(payload, data)
        if phase == "end":
            output = unwrap_message(data.get("output"))
            if kind_of(output) == "tool":
                self._messages.answer(output, block)
            else:
                self.builder.tool_result(block, output)
        elif phase == "error":
            details = _error_fields(data.get("error"))
            error = ev.ErrorInfo(message=str(details["message"]), type=str_field(details, "type"))
            self.builder.tool_result(block, details["message"], status="error", error=error)
        elif phase == "stream":
            self.builder.progress(block, str(to_jsonable(data.get("chunk"))))

    def _call_of(self, payload: Mapping[str, Any], data: Mapping[str, Any]) -> Block:
        """Return the model's call that a tool run carries out: by its id, else the first of its
        name that no run has taken; without one, a new call.
        """
        name = str_field(payload, "name", default="tool")
        call_id = str_field(data, "tool_call_id") or get_str(data.get("output"), "tool_call_id")
        block = self._messages.call(call_id)
        if block is not None:
            return block
        taken = {known.id for known in self._tools.values()}
        for block in self._messages.waiting:
            if block.name == name and block.id not in taken:
                return block
        return self._messages.start_call(call_id, name, to_jsonable(data.get("input")))

    def _retriever(
        self, phase: str, run_id: str, payload: Mapping[str, Any], data: Mapping[str, Any]
    ) -> None:
        builder = self.builder
        block = self._tools.get(run_id)
        if block is None:
            block = builder.start_tool(
                ("run", run_id), str_field(payload, "name", default="retriever"), kind="custom"
            )
            builder.tool_args(block, args=to_jsonable(data.get("input")))
            self._tools[run_id] = block
        if phase == "end":
            output = data.get("output")
            documents = get_field(output, "documents") or output
            builder.tool_result(block, documents)
            for document in list_or_empty(documents):
                metadata = fields_or_empty(get_field(document, "metadata"))
                url = str_field(metadata, "source", "url")
                builder.source(url, title=str_field(metadata, "title"), meta=to_jsonable(metadata))

    def _chain(
        self, phase: str, run_id: str, payload: Mapping[str, Any], data: Mapping[str, Any]
    ) -> None:
        if phase == "stream":
            self._chain_stream(run_id, data.get("chunk"))

    def _ignore(
        self, phase: str, run_id: str, payload: Mapping[str, Any], data: Mapping[str, Any]
    ) -> None:
        """Ignore a prompt or a parser, which has nothing that the model does not have."""

    def _chain_stream(self, run_id: str, chunk: Any) -> None:
        """Read a chain's chunk: its interrupts always, its messages only if no model event had
        them.
        """
        updates = mapping_or_empty(chunk)
        if "__interrupt__" in updates:
            self._messages.interrupt(updates["__interrupt__"])
        if run_id != self._root:
            return
        if self._has_model_events:
            self._read_denials(updates)
            return
        if isinstance(chunk, str):
            self._messages.chunk({"content": chunk}, run_id)
        for update in updates.values():
            self._read_messages(update)

    def _read_messages(self, update: Any) -> None:
        for number, message in enumerate(_messages_in(update)):
            kind = kind_of(message)
            if kind == "ai":
                key = get_str(message, "id") or (self.builder.step, number)
                self._messages.add_complete(message, key)
            elif kind == "tool":
                self._messages.answer(message)

    def _read_denials(self, updates: Mapping[str, Any]) -> None:
        """Read the results of calls that were not run: no event of a tool has them."""
        for update in updates.values():
            for message in _messages_in(update):
                call = self._messages.call(get_str(message, "tool_call_id"))
                if call is not None and not call.closed and kind_of(message) == "tool":
                    self._messages.answer(message)

    def _end_root(self, data: Mapping[str, Any]) -> None:
        """Complete the run at the end of the outermost runnable."""
        self._root_ended = True
        output = data.get("output")
        if isinstance(output, Mapping) and output.get("__interrupt__"):
            self._messages.interrupt(output["__interrupt__"])
        self._messages.end(self._root)
        self.complete()

    def go_on(self) -> None:
        """Go on with a run that was paused."""
        super().go_on()
        self._root, self._root_ended = None, False

    def end_graph(self) -> None:
        """Set `stop_info`: without the end of the outermost runnable the run is truncated."""
        if not self._root_ended:
            self.expect_more()


def _messages_in(update: Any) -> list[Any]:
    """Return the messages in a node's update."""
    if not isinstance(update, Mapping):
        return []
    return list(map(unwrap_message, entries_in(update, "messages")))


def _error_fields(error: Any) -> dict[str, Any]:
    """Return message and type of an error, which is an exception or its JSON."""
    if isinstance(error, BaseException):
        return {"message": str(error) or type(error).__name__, "type": type(error).__name__}
    details = fields_or_empty(error)
    message = str_field(details, "message") or nonempty_str(error)
    if message is None:
        message = str(to_jsonable(error)) if error else "the run failed"
    return {"message": message, "type": str_field(details, "type")}


def _message_of(value: Any) -> Any:
    """Return a model's message; one with the text if a model without messages gave it."""
    message = unwrap_message(value)
    if kind_of(message) is not None:
        return message
    if not isinstance(message, str):
        message = get_field(message, "text")
    return {"content": message}


_Reader: TypeAlias = Callable[
    [LangChainEventsDecoder, str, str, Mapping[str, Any], Mapping[str, Any]], None
]
_READERS: dict[str, _Reader] = {
    "chat_model": LangChainEventsDecoder._model,
    "llm": LangChainEventsDecoder._model,
    "tool": LangChainEventsDecoder._tool,
    "retriever": LangChainEventsDecoder._retriever,
    "chain": LangChainEventsDecoder._chain,
    "prompt": LangChainEventsDecoder._ignore,
    "parser": LangChainEventsDecoder._ignore,
}
