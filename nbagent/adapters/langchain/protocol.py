"""Decoder of `astream_events(version="v3")`, the agent protocol of LangChain and LangGraph.

Format: the types of the package langchain-protocol (0.0.20; beta). Every item is `{"type": "event",
"seq", "method", "params": {namespace, timestamp, data}}`. Messages, tools and questions have events
of their own; `values` and `updates` only repeat them.

The format has no terminal: `Messages.infer_end` decides whether the run is complete.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar, TypeAlias

from nbagent import events as ev
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import TRUNCATED, StopInfo
from nbagent.adapters.base.fields import (
    entries_in,
    error_text,
    fields,
    fields_or_empty,
    get_field,
    get_str,
    list_or_empty,
    nonempty_str,
    str_field,
    to_jsonable,
)
from nbagent.adapters.langchain.graph_decoder import GraphDecoder
from nbagent.adapters.langchain.message_events import write_message_event
from nbagent.adapters.langchain.messages import kind_of, unwrap_message

_IGNORED = {"checkpoints", "tasks", "debug"}


class LangChainProtocolDecoder(GraphDecoder):
    """Decoder of protocol events."""

    system: ClassVar[str] = "langchain.protocol"

    def __init__(self) -> None:
        super().__init__()
        self._tools: dict[Hashable, Block] = {}
        self._message: dict[tuple[str, ...], str] = {}
        self._open_graphs: set[tuple[str, ...]] = set()  # subgraphs that have not ended

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is an event of the protocol."""
        payload = fields_or_empty(item)
        if payload.get("type") != "event" or not isinstance(payload.get("params"), Mapping):
            return False
        method = str_field(payload, "method")
        return method in _READERS or method in _IGNORED

    def read(self, item: Any) -> None:
        """Read one event."""
        payload = fields(item)
        params = fields_or_empty(payload.get("params"))
        method = payload.get("method")
        self.builder.begin()
        path = tuple(str(part) for part in entries_in(params, "namespace"))
        self.enter(path)
        reader = _READERS.get(str(method))
        if reader is not None:
            reader(self, params, path)
        elif str(method) not in _IGNORED:
            self.builder.raw(item, nonempty_str(method))

    # --- messages ---

    def _messages_event(self, params: Mapping[str, Any], path: tuple[str, ...]) -> None:
        event, metadata = params.get("data"), None
        if isinstance(event, (list, tuple)):
            event, metadata = (*event, None)[:2]
        if kind_of(event) == "ai":  # whole, of a node that is no model
            key = get_str(event, "id") or self.builder.mint("message")
            self._messages.add_complete(event, key)
        else:
            self._message_event(fields(event), fields_or_empty(metadata), path)

    def _state(self, params: Mapping[str, Any], path: tuple[str, ...]) -> None:
        """Read `values` and `updates`: of what they repeat, only results and interrupts."""
        data = fields_or_empty(params.get("data"))
        self._results(data.get("messages"))
        interrupts = data.get("interrupts") or data.get("__interrupt__")
        self._messages.interrupt(interrupts or entries_in(params, "interrupts"))

    def _input_requested(self, params: Mapping[str, Any], path: tuple[str, ...]) -> None:
        data = params.get("data")
        if not isinstance(data, list):
            data = [_interrupt(fields_or_empty(data))]
        self._messages.interrupt(data)

    def _custom(self, params: Mapping[str, Any], path: tuple[str, ...]) -> None:
        data = params.get("data")
        name = str_field(fields_or_empty(data), "name", default="custom")
        self.builder.custom(name, data)

    def _message_event(
        self, payload: Mapping[str, Any], metadata: Mapping[str, Any], path: tuple[str, ...]
    ) -> None:
        kind = payload.get("event")
        self.builder.begin(thread_id=str_field(metadata, "thread_id"))
        scope = (*path, str(metadata.get("langgraph_checkpoint_ns") or ""))
        if kind == "message-start":
            self._message[scope] = str_field(payload, "id") or self.builder.mint("message")
        key = self._message.setdefault(scope, self.builder.mint("message"))
        self.builder.envelope["agent"] = str_field(metadata, "lc_agent_name")
        if payload.get("role") in ("human", "system", "tool"):
            return
        model = str_field(metadata, "ls_model_name")
        write_message_event(self, self._messages, payload, key, model)

    # --- tools ---

    def _tool(self, params: Mapping[str, Any], path: tuple[str, ...]) -> None:
        payload = fields_or_empty(params.get("data"))
        kind = payload.get("event")
        block = self._call_of(payload, is_start=kind == "tool-started")
        if kind == "tool-finished":
            output = unwrap_message(payload.get("output"))
            if get_field(output, "tool_call_id") is not None:
                self._messages.answer(output, block)
            else:
                self.builder.tool_result(block, output)
                self.stop_info = TRUNCATED
        elif kind == "tool-output-delta":
            self.builder.progress(block, str(to_jsonable(payload.get("delta"))))
        elif kind == "tool-error":
            error = payload.get("message") or payload.get("error")
            message = error_text(error) or "the tool failed"
            self.builder.tool_error(block, message, message)
            self.stop_info = TRUNCATED
        elif kind != "tool-started":
            self.builder.raw(payload, nonempty_str(kind))

    def _call_of(self, payload: Mapping[str, Any], *, is_start: bool) -> Block:
        call_id = str_field(payload, "tool_call_id")
        block = self._tools.get(call_id)
        if block is not None and not (is_start and block.closed):
            return block
        block = self._messages.call(call_id)
        if block is None or block.closed:
            name = str_field(payload, "tool_name", default="tool")
            block = self._messages.start_call(call_id, name, to_jsonable(payload.get("input")))
        self._tools[call_id] = block
        return block

    def _results(self, found: Any) -> None:
        """Read tool messages of the state: the tools of a subgraph have no events of their own."""
        for entry in list_or_empty(found):
            message = unwrap_message(entry)
            block = self._messages.call(get_str(message, "tool_call_id"))
            if block is not None and not block.closed and kind_of(message) == "tool":
                self._messages.answer(message)

    def _lifecycle(self, params: Mapping[str, Any], path: tuple[str, ...]) -> None:
        """Read the start or end of a graph. A subgraph is a sub-agent."""
        payload = fields_or_empty(params.get("data"))
        subgraph = payload.get("namespace")
        if isinstance(subgraph, (list, tuple)):  # sent by the outer graph
            path = tuple(map(str, subgraph))
        word = str_field(payload, "event", "status", default="")
        status = _FINAL_STATUSES.get(word.rsplit(".", 1)[-1])
        if path:
            self._subgraph(payload, path, status, is_start=word == "started")
            return
        if status == "failed":
            self.fail_with(payload.get("error") or "The run failed")
        elif status is not None and self.stop_info.status not in ("failed", "paused"):
            self.stop_info = StopInfo(status)

    def _subgraph(
        self,
        payload: Mapping[str, Any],
        path: tuple[str, ...],
        status: ev.RunStatus | None,
        *,
        is_start: bool,
    ) -> None:
        if status == "failed":
            message = error_text(payload.get("error")) or "a sub-agent failed"
            self.builder.error(message, fatal=False)
        if status is not None:
            self._open_graphs.discard(path)
            self._agents.end(path, status)
        elif is_start:
            self._open_graphs.add(path)

    def end_graph(self) -> None:
        """Set `stop_info`: the run is truncated if a subgraph has not ended."""
        super().end_graph()
        if self._open_graphs:
            self.expect_more()


_FINAL_STATUSES: dict[str, ev.RunStatus] = {
    "completed": "completed",
    "finished": "completed",
    "failed": "failed",
    "errored": "failed",
    "error": "failed",
    "cancelled": "cancelled",
    "interrupted": "paused",
}


def _interrupt(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the question of a run as an interrupt."""
    value = payload.get("value", payload.get("payload", payload.get("request")))
    return {
        "id": str_field(payload, "interrupt_id", "id"),
        "value": payload if value is None else value,
    }


_Reader: TypeAlias = Callable[[LangChainProtocolDecoder, Mapping[str, Any], tuple[str, ...]], None]
_READERS: dict[str, _Reader] = {
    "messages": LangChainProtocolDecoder._messages_event,
    "tools": LangChainProtocolDecoder._tool,
    "input.requested": LangChainProtocolDecoder._input_requested,
    "lifecycle": LangChainProtocolDecoder._lifecycle,
    "custom": LangChainProtocolDecoder._custom,
    "values": LangChainProtocolDecoder._state,
    "updates": LangChainProtocolDecoder._state,
}
