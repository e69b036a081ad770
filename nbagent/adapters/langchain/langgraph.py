"""Decoder of LangGraph's `stream` and `astream` in every mode, in process and as JSON.

Format: https://docs.langchain.com/oss/python/langgraph/streaming (langgraph 1.2). An item is one
of:

- the bare payload of a single mode, which is recognised by its shape
- `(mode, payload)`, if there are several modes
- either of them after the namespace of a subgraph: `(namespace, payload)`, `(namespace, mode,
  payload)`
- `{"type", "ns", "data"}`, with `version="v2"`
- `{"event", "data"}`, as LangGraph's server names its SSE events

A state alone is the result of `invoke` or `ainvoke`; its last turn is shown. In a stream of
`values` the first state is the graph's input, which holds the messages of earlier turns.

The format has no terminal: `Messages.infer_end` decides whether the graph is done. `messages` alone
does not show that it waits for a human. A bare `custom` payload has no mark of LangGraph: name the
system, or stream two modes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.decoder import TRUNCATED, StopInfo
from nbagent.adapters.base.fields import (
    entries_in,
    fields_or_empty,
    get_field,
    get_str,
    list_or_empty,
    listed,
    mapping_or_empty,
    str_field,
    to_jsonable,
)
from nbagent.adapters.langchain.graph_decoder import GraphDecoder
from nbagent.adapters.langchain.langgraph_item import (
    MODES,
    is_metadata,
    is_mode,
    mode_by_shape,
    namespace_of,
    split_item,
    unwrap_command,
)
from nbagent.adapters.langchain.messages import kind_of, unwrap_message

_SERVER_EVENTS = {
    "metadata",
    "end",
    "error",
    "feedback",
    "messages/partial",
    "messages/complete",
    "messages/metadata",
    "events",
}


class LangGraphDecoder(GraphDecoder):
    """Decoder of stream items of a graph."""

    system: ClassVar[str] = "langgraph"
    reads_frames: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.stop_info = StopInfo("completed")
        self._partial_texts: dict[str, str] = {}
        self._running_tasks: set[Any] = set()
        self._first_values = True
        # messages of the first state, while it is the only item
        self._only_state: list[Any] | None = None
        # number of items that may be custom data, or those of another system
        self._bare_custom = 0
        # mode of bare payloads; also for those without a telling shape
        self._bare_mode: str | None = None

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is one that a graph streams."""
        if isinstance(item, (list, tuple)):
            return split_item(item) is not None
        fields = mapping_or_empty(item)
        if is_mode(fields.get("type")) and "ns" in fields and "data" in fields:
            return True
        if isinstance(fields.get("event"), str) and set(fields) <= {"event", "data", "id"}:
            mode = fields["event"].split("|")[0]
            return mode in MODES | _SERVER_EVENTS - {"error", "end", "metadata"} or is_metadata(
                fields
            )
        return mode_by_shape(fields) is not None

    def read(self, item: Any) -> None:
        """Read one item of any mode."""
        for message in self._only_state or ():
            self._skip(message)
        self._only_state = None
        namespace, mode, payload = self._unpack(item)
        self.builder.begin()
        self._attribute(namespace)
        handler = self._HANDLERS.get(mode)
        if handler is None:
            self.unread(item)
        else:
            handler(self, payload, namespace)

    def _unpack(self, item: Any) -> tuple[tuple[str, ...], str, Any]:
        """Return namespace, mode and payload of an item, and write the interrupts of its
        envelope.
        """
        if isinstance(item, (list, tuple)):
            return split_item(item) or ((), "custom", item)
        fields = mapping_or_empty(item)
        if is_mode(fields.get("type")) and "ns" in fields:
            if fields.get("interrupts"):
                self._messages.interrupt(fields["interrupts"])
            return namespace_of(fields["ns"]) or (), fields["type"], fields.get("data")
        if isinstance(fields.get("event"), str) and set(fields) <= {"event", "data", "id"}:
            mode, *path = fields["event"].split("|")
            return tuple(path), mode, fields.get("data")
        self._bare_mode = self._bare_mode or mode_by_shape(fields)
        self._bare_custom += self._bare_mode is None
        return (), self._bare_mode or "custom", item

    def _attribute(self, path: tuple[str, ...], agent: str | None = None) -> None:
        self.builder.envelope["agent"] = agent
        self.enter(path, agent)

    # --- modes ---

    def _read_message(self, payload: Any, path: tuple[str, ...]) -> None:
        """Read `messages`: a chunk or a complete message, with the metadata of its node."""
        parts = listed(payload)
        message = unwrap_message(parts[0])
        metadata = fields_or_empty(next(iter(parts[1:]), None))
        self.builder.begin(thread_id=str_field(metadata, "thread_id"))
        checkpoint = metadata.get("langgraph_checkpoint_ns")
        inner = str(checkpoint or metadata.get("checkpoint_ns") or "").split("|")[:-1]
        self._attribute(path or tuple(inner), str_field(metadata, "lc_agent_name"))
        kind = kind_of(message)
        model = str_field(metadata, "ls_model_name")
        message_id = get_str(message, "id", default=str(checkpoint or self.builder.step))
        if kind == "chunk":
            self._messages.chunk(message, message_id, model)
            self._expect_rest()
        elif kind == "ai":
            self._messages.add_complete(message, message_id, model)
        elif kind == "tool":
            self._messages.answer(message)
        elif kind is None:
            self.builder.raw(payload, "messages")

    def _expect_rest(self) -> None:
        """Expect more items while a message is incomplete."""
        if self._messages.writing:
            self.expect_more()

    def _read_updates(self, payload: Any, path: tuple[str, ...]) -> None:
        """Read `updates`: the changes by each node."""
        for node, update in fields_or_empty(payload).items():
            if node == "__interrupt__":
                self._messages.interrupt(update)
                continue
            if node == "__metadata__":
                continue
            for part in listed(update):
                self._write_update(node, unwrap_command(part))
            self._end_subgraphs(path, node)

    def _end_subgraphs(self, path: tuple[str, ...], node: str) -> None:
        """End the subgraphs that a node has run."""
        for inner in self._agents.paths():
            *outer, name = inner
            if tuple(outer) == path and str(name).split(":")[0] == node:
                self._agents.end(inner)

    def _write_update(self, node: str, update: Any) -> None:
        fields = fields_or_empty(update)
        self._read_messages(fields.get("messages"))
        state = {
            name: value
            for name, value in fields.items()
            if name != "messages" and value is not None
        }
        if state:
            self.builder.custom(str(node), state)

    def _read_messages(self, found: Any) -> None:
        for message in map(unwrap_message, listed(found)):
            kind = kind_of(message)
            if kind in ("ai", "chunk"):
                self._messages.add_complete(
                    message, get_str(message, "id") or self.builder.mint("message")
                )
            elif kind == "tool":
                self._messages.answer(message)

    def _read_values(self, payload: Any, path: tuple[str, ...]) -> None:
        """Read `values`: the whole state.

        The first is the graph's input, with the messages of earlier turns.
        """
        fields = fields_or_empty(payload)
        messages = fields.get("messages")
        if self._first_values and not path:
            self._first_values = False
            self._read_input(list_or_empty(messages))
        else:
            known = [entry for entry in messages or () if get_str(unwrap_message(entry), "id")]
            self._read_messages(known)
        if fields.get("__interrupt__"):
            self._messages.interrupt(fields["__interrupt__"])
        state = {
            name: value
            for name, value in fields.items()
            if name not in ("messages", "__interrupt__")
        }
        if state:
            self.builder.write(ev.State(snapshot=to_jsonable(state), **self.builder.envelope))

    def _read_input(self, messages: Sequence[Any]) -> None:
        found = [unwrap_message(entry) for entry in messages]
        if self.builder.step == 0 and self._read_count == 0:
            self._only_state = found
            return
        for message in found:
            self._skip(message)

    def _skip(self, message: Any) -> None:
        """Pass over a message of the graph's input."""
        if get_str(message, "id") and not self._messages.writing:
            self._messages.skip(message)
            self.stop_info = TRUNCATED  # the last turn has no answer yet

    def _read_last_turn(self) -> None:
        """Read the messages of the only state after the last one that is not the model's or a
        tool's.
        """
        messages, self._only_state = self._only_state or [], None
        kinds = [kind_of(message) for message in messages]
        start = len(kinds)
        while start > 0 and kinds[start - 1] in ("ai", "chunk", "tool"):
            start -= 1
        self._read_messages(messages[start:])
        if start == len(messages) and messages:
            self.stop_info = TRUNCATED

    def _read_task(self, payload: Any, path: tuple[str, ...]) -> None:
        """Read `tasks`: the start of a node, or its end with a result or an error."""
        fields = fields_or_empty(payload)
        if "input" in fields and "result" not in fields:
            self._running_tasks.add(fields.get("id"))
            return
        self._running_tasks.discard(fields.get("id"))
        result = fields.get("result")
        if isinstance(result, list) and all(map(_is_pair, result)):
            result = dict(result)  # older versions send pairs
        if result:
            self._write_update(str(fields.get("name")), result)
        error = fields.get("error")
        if error:
            self.fail_with(error if isinstance(error, Mapping) else str(error))
        if fields.get("interrupts"):
            self._messages.interrupt(fields["interrupts"])

    def _read_debug(self, payload: Any, path: tuple[str, ...]) -> None:
        """Read `debug`: tasks and checkpoints in an envelope. Checkpoints are skipped."""
        fields = fields_or_empty(payload)
        if str(fields.get("type")).startswith("task"):
            self._read_task(fields.get("payload"), path)

    def _read_checkpoint(self, payload: Any, path: tuple[str, ...]) -> None:
        """Read the messages of `checkpoints`."""
        fields = fields_or_empty(payload)
        if fields.get("values"):  # empty before the graph has its input
            self._read_values(
                {"messages": entries_in(fields_or_empty(fields["values"]), "messages")}, path
            )

    def _read_custom(self, payload: Any, path: tuple[str, ...]) -> None:
        """Read `custom`: data that a node wrote."""
        name = get_str(payload, "type", "name", default="custom")
        self.builder.custom(name, payload)

    # --- events of the server only ---

    def _read_partial(self, payload: Any, path: tuple[str, ...]) -> None:
        """Read `messages/partial`: the message so far, each time from its beginning."""
        for entry in listed(payload):
            message = unwrap_message(entry)
            text, message_id = get_field(message, "content"), get_str(message, "id", default="")
            if kind_of(message) in ("ai", "chunk") and isinstance(text, str):
                before = self._partial_texts.get(message_id, "")
                self._messages.chunk({"content": text.removeprefix(before)}, message_id)
                self._partial_texts[message_id] = text
                self._expect_rest()

    def _read_complete(self, payload: Any, path: tuple[str, ...]) -> None:
        self._read_messages(payload)

    def _read_error(self, payload: Any, path: tuple[str, ...]) -> None:
        fields = fields_or_empty(payload)
        message = str_field(fields, "message", "error")
        if message is None:
            self.fail_with(payload)
        else:
            self.fail(message, error_type=str_field(fields, "error"))

    def _ignore(self, payload: Any, path: tuple[str, ...]) -> None:
        """Ignore an event of the server's own."""

    _HANDLERS: ClassVar[dict[str, Any]] = {
        "messages": _read_message,
        "messages-tuple": _read_message,
        "updates": _read_updates,
        "values": _read_values,
        "custom": _read_custom,
        "tasks": _read_task,
        "debug": _read_debug,
        "checkpoints": _read_checkpoint,
        "messages/partial": _read_partial,
        "messages/complete": _read_complete,
        "messages/metadata": _ignore,
        "metadata": _ignore,
        "feedback": _ignore,
        "end": _ignore,
        "error": _read_error,
    }

    def at_eof(self) -> None:
        """Read the last turn of a graph that gave its state only."""
        self._read_last_turn()

    def end_graph(self) -> None:
        """Set `stop_info`: the run is truncated if a node is still running."""
        self._read_last_turn()
        self._understood = self._understood and self._bare_custom < self._read_count
        super().end_graph()
        if self._running_tasks:
            self.expect_more()


def _is_pair(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2
