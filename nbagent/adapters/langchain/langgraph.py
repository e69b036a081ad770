"""LangGraph's `stream` and `astream` in every mode, in process and as JSON.

The modes: https://docs.langchain.com/oss/python/langgraph/streaming (langgraph 1.2). An item is the bare payload of one mode, a
`(mode, payload)` pair of several, either with the namespace of a subgraph before it, `{"type", "ns", "data"}` of
`version="v2"`, or `{"event", "data"}` as LangGraph's server names its SSE events. A bare payload does not say its mode: its
shape does.

What it cannot say: that the graph is done, which `Messages.over` infers; `messages` alone cannot say that it waits for a human.
Of a bare `custom` payload nothing tells that it is LangGraph's at all: name the system, or stream two modes.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import fields_or_empty, get_field, nonempty_str, str_field, to_jsonable
from nbagent.adapters.base.subagents import Subagents
from nbagent.adapters.langchain.messages import Messages, kind_of, message_of

MODES = {"values", "updates", "messages", "messages-tuple", "custom", "tasks", "checkpoints", "debug"}
_SERVER = {"metadata", "end", "error", "feedback", "messages/partial", "messages/complete", "messages/metadata", "events"}


class LangGraphDecoder(BaseDecoder):
    """What a graph streams to events."""

    system: ClassVar[str] = "langgraph"
    reads_frames: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.stop_info = StopInfo("completed")
        self._messages = Messages(self)
        self._agents = Subagents(self.builder)
        self._written: dict[str, str] = {}
        self._at_work: set[Any] = set()
        self._first_values = True
        self._bare: str | None = None  # the mode of payloads that come alone: one that says nothing by its shape has it too

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is something that a graph streams."""
        if isinstance(item, list | tuple):
            return _split(item) is not None
        fields = item if isinstance(item, Mapping) else {}
        if _is_mode(fields.get("type")) and "ns" in fields and "data" in fields:
            return True
        if isinstance(fields.get("event"), str) and set(fields) <= {"event", "data", "id"}:
            mode = fields["event"].split("|")[0]
            return mode in MODES | _SERVER - {"error", "end", "metadata"} or _is_metadata(fields)
        return _mode_of(fields) is not None

    def read(self, item: Any) -> None:
        """One item of any mode."""
        namespace, mode, payload = self._unpack(item)
        self.builder.begin()
        self._place(namespace)
        handler = self._HANDLERS.get(mode)
        if handler is None:
            self.unread(item)
        else:
            handler(self, payload, namespace)

    def _unpack(self, item: Any) -> tuple[tuple[str, ...], str, Any]:
        """Where an item comes from, in which mode, and what it says."""
        if isinstance(item, list | tuple):
            return _split(item) or ((), "custom", item)
        fields = item if isinstance(item, Mapping) else {}
        if _is_mode(fields.get("type")) and "ns" in fields:
            if fields.get("interrupts"):
                self._messages.interrupt(fields["interrupts"])
            return _names(fields["ns"]) or (), fields["type"], fields.get("data")
        if isinstance(fields.get("event"), str) and set(fields) <= {"event", "data", "id"}:
            mode, *path = fields["event"].split("|")
            return tuple(path), mode, fields.get("data")
        self._bare = self._bare or _mode_of(fields)
        return (), self._bare or "custom", item

    def _place(self, path: tuple[str, ...], agent: str | None = None) -> None:
        """Say whose words follow: a subgraph's, or the graph's own."""
        envelope = self.builder.envelope
        envelope["agent"], envelope["parent_id"] = agent, None
        for depth, part in enumerate(path, 1):
            outer = path[: depth - 1]
            envelope["parent_id"] = self._agents.start(path[:depth], agent or part.split(":")[0], parent=outer)

    # --- modes ----------------------------------------------------------------------------------------------------------

    def _read_message(self, payload: Any, path: tuple[str, ...]) -> None:
        """`messages`: a chunk or a whole message, with the metadata of the node it comes from."""
        pair = payload if isinstance(payload, list | tuple) else (payload,)
        message, metadata = message_of(pair[0]), fields_or_empty(pair[1]) if len(pair) > 1 else {}
        inner = tuple(str(metadata.get("langgraph_checkpoint_ns") or metadata.get("checkpoint_ns") or "").split("|")[:-1])
        self._place(path or inner, str_field(metadata, "lc_agent_name"))
        kind = kind_of(message)
        model = str_field(metadata, "ls_model_name")
        message_id = nonempty_str(get_field(message, "id")) or str(metadata.get("langgraph_checkpoint_ns") or self.builder.step)
        if kind == "chunk":
            self._messages.chunk(message, message_id, model)
            self._doubt()
        elif kind == "ai":
            self._messages.add_complete(message, message_id, model)
        elif kind == "tool":
            self._messages.answer(message)
        elif kind is None:
            self.builder.raw(payload, "messages")

    def _doubt(self) -> None:
        """A message that is being written must come to its end, or the stream was cut."""
        if self._messages.writing and self.stop_info.status == "completed":
            self.stop_info = TRUNCATED

    def _read_updates(self, payload: Any, path: tuple[str, ...]) -> None:
        """`updates`: what a node changed."""
        for node, update in fields_or_empty(payload).items():
            if node == "__interrupt__":
                self._messages.interrupt(update)
                continue
            if node == "__metadata__":
                continue
            for part in update if isinstance(update, list | tuple) else [update]:
                self._changes(node, _update_of(part))
            for inner in self._agents.paths():
                if len(inner) == len(path) + 1 and inner[: len(path)] == path and str(inner[-1]).split(":")[0] == node:
                    self._agents.end(inner)

    def _changes(self, node: str, update: Any) -> None:
        fields = fields_or_empty(update)
        self._read_messages(fields.get("messages"))
        rest = {name: value for name, value in fields.items() if name != "messages" and value is not None}
        if rest:
            self.builder.write(ev.Custom(name=str(node), data=to_jsonable(rest), **self.builder.envelope))

    def _read_messages(self, found: Any) -> None:
        for entry in found if isinstance(found, list | tuple) else [found]:
            message = message_of(entry)
            kind = kind_of(message)
            if kind in ("ai", "chunk"):
                self._messages.add_complete(message, nonempty_str(get_field(message, "id")) or self.builder.mint("message"))
            elif kind == "tool":
                self._messages.answer(message)

    def _read_values(self, payload: Any, path: tuple[str, ...]) -> None:
        """`values`: the whole state. The first one is what the graph was given, with the messages of earlier turns."""
        fields = fields_or_empty(payload)
        messages = fields.get("messages")
        if self._first_values and not path:
            self._first_values = False
            for entry in messages if isinstance(messages, list | tuple) else ():
                message = message_of(entry)
                if nonempty_str(get_field(message, "id")) and not self._messages.writing:
                    self._messages.skip(message)
                    self.stop_info = TRUNCATED  # somebody has yet to answer
        else:
            known = [entry for entry in messages or () if nonempty_str(get_field(message_of(entry), "id"))]
            self._read_messages(known)
        if fields.get("__interrupt__"):
            self._messages.interrupt(fields["__interrupt__"])
        state = {name: value for name, value in fields.items() if name not in ("messages", "__interrupt__")}
        if state:
            self.builder.write(ev.State(snapshot=to_jsonable(state), **self.builder.envelope))

    def _read_task(self, payload: Any, path: tuple[str, ...]) -> None:
        """`tasks`: a node begins, or is done with a result or an error."""
        fields = fields_or_empty(payload)
        if "input" in fields and "result" not in fields:
            self._at_work.add(fields.get("id"))
            return
        self._at_work.discard(fields.get("id"))
        result = fields.get("result")
        if isinstance(result, list) and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in result):
            result = dict(result)  # how older versions send it
        if result:
            self._changes(str(fields.get("name")), result)
        if fields.get("error"):
            self.fail_with(str(fields["error"]) if not isinstance(fields["error"], Mapping) else fields["error"])
        if fields.get("interrupts"):
            self._messages.interrupt(fields["interrupts"])

    def _read_debug(self, payload: Any, path: tuple[str, ...]) -> None:
        """`debug`: tasks and checkpoints in an envelope."""
        fields = fields_or_empty(payload)
        if str(fields.get("type")).startswith("task"):
            self._read_task(fields.get("payload"), path)

    def _read_checkpoint(self, payload: Any, path: tuple[str, ...]) -> None:
        """`checkpoints`: the state, for whoever wants to go back to it."""
        fields = fields_or_empty(payload)
        if fields.get("values"):  # before the graph was given anything it has none
            self._read_values({"messages": fields_or_empty(fields["values"]).get("messages") or ()}, path)

    def _read_custom(self, payload: Any, path: tuple[str, ...]) -> None:
        """`custom`: whatever a node wrote."""
        name = nonempty_str(get_field(payload, "type")) or nonempty_str(get_field(payload, "name")) or "custom"
        self.builder.write(ev.Custom(name=name, data=to_jsonable(payload), **self.builder.envelope))

    # --- what only the server says --------------------------------------------------------------------------------------

    def _read_partial(self, payload: Any, path: tuple[str, ...]) -> None:
        """`messages/partial`: a message as far as it has come, again and again."""
        for entry in payload if isinstance(payload, list) else [payload]:
            message = message_of(entry)
            text, message_id = get_field(message, "content"), nonempty_str(get_field(message, "id")) or ""
            if kind_of(message) in ("ai", "chunk") and isinstance(text, str):
                before = self._written.get(message_id, "")
                self._messages.chunk({"content": text.removeprefix(before)}, message_id)
                self._written[message_id] = text
                self._doubt()

    def _read_complete(self, payload: Any, path: tuple[str, ...]) -> None:
        self._read_messages(payload)

    def _read_error(self, payload: Any, path: tuple[str, ...]) -> None:
        fields = fields_or_empty(payload)
        message = str_field(fields, "message") or str_field(fields, "error")
        if message is None:
            self.fail_with(payload)
        else:
            self.fail(message, error_type=str_field(fields, "error"))

    def _read_nothing(self, payload: Any, path: tuple[str, ...]) -> None:
        """The server's own book-keeping."""

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
        "messages/metadata": _read_nothing,
        "metadata": _read_nothing,
        "feedback": _read_nothing,
        "end": _read_nothing,
        "error": _read_error,
    }

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """The stream is over; a node that was at work says that it was cut."""
        if not self.builder.ended:
            self._messages.over()
            if self.stop_info.status == "completed" and self._at_work:
                self.stop_info = TRUNCATED
            self._agents.end_all("failed" if error else self.stop_info.status)
        return super().close(error)


def _is_mode(value: Any) -> bool:
    return isinstance(value, str) and value in MODES


def _names(value: Any) -> tuple[str, ...] | None:
    """A namespace: a tuple of texts, or nothing."""
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        return tuple(value)
    return None


def _split(item: list[Any] | tuple[Any, ...]) -> tuple[tuple[str, ...], str, Any] | None:
    """Namespace, mode and payload of a tuple; None if a graph does not stream such."""
    if len(item) == 3 and (path := _names(item[0])) is not None and _is_mode(item[1]):
        return path, item[1], item[2]
    if len(item) != 2:
        return None
    first, second = item
    if isinstance(first, str):
        return ((), first, second) if first in MODES else None
    if kind_of(message_of(first)) is not None and isinstance(second, Mapping):
        return (), "messages", item
    path = _names(first)
    if path is None:
        return None
    if isinstance(second, list | tuple):
        inner = _split(second)
        return None if inner is None else (path, inner[1], inner[2])
    mode = _mode_of(second if isinstance(second, Mapping) else {})
    return None if mode is None else (path, mode, second)


def _mode_of(fields: Mapping[str, Any]) -> str | None:
    """The mode that a bare payload has the shape of."""
    keys = set(fields)
    if {"step", "timestamp", "type", "payload"} <= keys:
        return "debug"
    if {"id", "name", "triggers"} <= keys or {"id", "name", "interrupts"} <= keys:
        return "tasks"
    if {"config", "metadata", "values", "next"} <= keys:
        return "checkpoints"
    if isinstance(fields.get("type"), str) or isinstance(fields.get("event"), str):
        return None
    messages = fields.get("messages")
    if isinstance(messages, list | tuple) and all(kind_of(message_of(message)) for message in messages):
        return "values"
    if "__interrupt__" in fields:
        return "updates" if len(fields) == 1 else "values"
    parts = [part for value in fields.values() for part in (value if isinstance(value, list | tuple) else [value])]
    if any(_holds_messages(_update_of(part)) for part in parts):
        return "updates"
    return None


def _holds_messages(update: Any) -> bool:
    found = update.get("messages") if isinstance(update, Mapping) else None
    entries: Iterable[Any] = found if isinstance(found, list | tuple) else [found]
    return any(kind_of(message_of(entry)) for entry in entries)


def _update_of(part: Any) -> Any:
    """A node's changes; a `Command` carries them inside."""
    inner = None if isinstance(part, Mapping) and "messages" in part else get_field(part, "update")
    return part if inner is None or callable(inner) else inner


def _is_metadata(fields: Mapping[str, Any]) -> bool:
    return fields.get("event") == "metadata" and "run_id" in fields_or_empty(fields.get("data"))
