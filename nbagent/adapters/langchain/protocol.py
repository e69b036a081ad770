"""Decoder of `astream_events(version="v3")`, the agent protocol of LangChain and LangGraph.

Format: the types of the package langchain-protocol (0.0.20; beta). Every item is `{"type": "event",
"seq", "method", "params": {namespace, timestamp, data}}`. Messages, tools and questions have events
of their own; `values` and `updates` only repeat them.

The format has no terminal: `Messages.infer_end` decides whether the run is complete.
"""

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    fields,
    fields_or_empty,
    get_field,
    get_str,
    list_or_empty,
    nonempty_str,
    str_field,
    to_jsonable,
)
from nbagent.adapters.base.subagents import Subagents
from nbagent.adapters.langchain.message_events import write_message_event
from nbagent.adapters.langchain.messages import Messages, kind_of, unwrap_message

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
    """Decoder of protocol events."""

    system: ClassVar[str] = "langchain.protocol"
    texts_have_ids: ClassVar[bool] = True
    runs_tools: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._messages = Messages(self)
        self._agents = Subagents(self.builder)
        self._tools: dict[Hashable, Block] = {}
        self._message: dict[tuple[str, ...], str] = {}
        self._open_graphs: set[tuple[str, ...]] = set()  # subgraphs that have not ended

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is an event of the protocol."""
        payload = fields_or_empty(item)
        return (
            payload.get("type") == "event"
            and str_field(payload, "method") in _METHODS
            and isinstance(payload.get("params"), Mapping)
        )

    def read(self, item: Any) -> None:
        """Read one event."""
        payload = fields(item)
        params = fields_or_empty(payload.get("params"))
        data = params.get("data")
        method = payload.get("method")
        self.builder.begin()
        path = tuple(str(part) for part in params.get("namespace") or ())
        self._attribute(path)
        inner = fields_or_empty(data)
        if method == "messages":
            event, metadata = (
                (data[0], data[1] if len(data) > 1 else None)
                if isinstance(data, list | tuple)
                else (data, None)
            )
            if kind_of(event) == "ai":  # whole, of a node that is no model
                self._messages.add_complete(
                    event, get_str(event, "id") or self.builder.mint("message")
                )
            else:
                self._message_event(fields(event), fields_or_empty(metadata), path)
        elif method == "tools":
            self._tool(inner)
        elif method == "input.requested":
            self._messages.interrupt(data if isinstance(data, list) else [_interrupt(inner)])
        elif method == "lifecycle":
            # the outer graph sends the lifecycle of its subgraphs
            subgraph = inner.get("namespace")
            self._lifecycle(
                inner, tuple(map(str, subgraph)) if isinstance(subgraph, list | tuple) else path
            )
        elif method == "custom":
            self.builder.custom(str_field(inner, "name", default="custom"), data)
        elif method in ("values", "updates"):
            self._results(inner.get("messages"))
            self._messages.interrupt(
                inner.get("interrupts")
                or inner.get("__interrupt__")
                or params.get("interrupts")
                or ()
            )
        elif method not in ("checkpoints", "tasks", "debug"):
            self.builder.raw(item, nonempty_str(method))

    def _attribute(self, path: tuple[str, ...]) -> None:
        self.builder.envelope["parent_id"] = None
        for depth, part in enumerate(path, 1):
            parent = self._agents.start(path[:depth], part.split(":")[0], parent=path[: depth - 1])
            self.builder.envelope["parent_id"] = parent

    # --- messages ---

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

    def _tool(self, payload: Mapping[str, Any]) -> None:
        call_id, kind = str_field(payload, "tool_call_id"), payload.get("event")
        block = self._tools.get(call_id)
        if block is None or (kind == "tool-started" and block.closed):
            block = self._messages.call(call_id)
            if block is None or block.closed:
                block = self._messages.start_call(
                    call_id,
                    str_field(payload, "tool_name", default="tool"),
                    to_jsonable(payload.get("input")),
                )
            self._tools[call_id] = block
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
            message = nonempty_str(error) or get_str(error, "message", default="the tool failed")
            self.builder.tool_error(block, message, message)
            self.stop_info = TRUNCATED
        elif kind != "tool-started":
            self.builder.raw(payload, nonempty_str(kind))

    def _results(self, found: Any) -> None:
        """Read tool messages of the state: the tools of a subgraph have no events of their own."""
        for entry in list_or_empty(found):
            message = unwrap_message(entry)
            block = self._messages.call(get_str(message, "tool_call_id"))
            if block is not None and not block.closed and kind_of(message) == "tool":
                self._messages.answer(message)

    def _lifecycle(self, payload: Mapping[str, Any], path: tuple[str, ...]) -> None:
        """Read the start or end of a graph. A subgraph is a sub-agent."""
        word = str_field(payload, "event", "status", default="")
        status = _FINAL_STATUSES.get(word.rsplit(".", 1)[-1])
        if status == "failed":
            error = payload.get("error")
            if path:
                self.builder.error(
                    nonempty_str(error) or get_str(error, "message", default="a sub-agent failed"),
                    fatal=False,
                )
            else:
                self.fail_with(error or "The run failed")
        if status is not None and path:
            self._open_graphs.discard(path)
            self._agents.end(path, status)
        elif word == "started" and path:
            self._open_graphs.add(path)
        elif status is not None and self.stop_info.status not in ("failed", "paused"):
            self.stop_info = StopInfo(status)

    def go_on(self) -> None:
        """Go on with a run that was paused."""
        super().go_on()
        self._messages.go_on()

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """End the run, and the open sub-agents with it."""
        if not self.builder.ended:
            self._messages.infer_end()
            if self._open_graphs and self.stop_info.status == "completed":
                self.stop_info = TRUNCATED
            self._agents.end_all("failed" if error else self.stop_info.status)
        return super().close(error)


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
