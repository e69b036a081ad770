"""LangChain's `astream_events`, versions 1 and 2.

Format: https://reference.langchain.com/python/langchain_core/runnables/#astream_events (langchain-core 1.7). Takes the
event dicts as they are in process, with message objects inside, or as JSON. Nodes and chains repeat what their models said; of
them only the end of the outermost counts, unless no model speaks at all.

What it cannot say: which call a tool run answers before that ends (matched by name until then), hand-offs, and a run that
failed, which raises out of the iterator instead.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.builder import Block
from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import fields, fields_or_empty, get_field, nonempty_str, str_field, to_jsonable
from nbagent.adapters.base.subagents import Subagents
from nbagent.adapters.langchain.messages import Messages, kind_of, message_of


class LangChainEventsDecoder(BaseDecoder):
    """`astream_events` dicts to events."""

    system: ClassVar[str] = "langchain.events"

    def __init__(self) -> None:
        super().__init__()
        self._messages = Messages(self)
        self._agents = Subagents(self.builder)
        self._root: str | None = None
        self._tools: dict[str, Block] = {}
        self._model_spoke = False
        self._over = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is one of LangChain's events."""
        payload = fields_or_empty(item)
        event = payload.get("event")
        return isinstance(event, str) and event.startswith("on_") and "run_id" in payload and "data" in payload

    def read(self, item: Any) -> None:
        """Read one event."""
        payload = fields(item)
        event = str_field(payload, "event") or ""
        run_id = str(payload.get("run_id"))
        data = fields_or_empty(payload.get("data"))
        if not self.recognises(item):
            self.unread(item, event or None)
            return
        self.builder.begin()
        if self._root is None:
            self._root = run_id
        self._place(payload)
        subject, _, moment = event.removeprefix("on_").rpartition("_")
        if event == "on_custom_event":
            self.builder.write(
                ev.Custom(
                    name=str(payload.get("name") or "custom"),
                    data=to_jsonable(data or payload["data"]),
                    **self.builder.envelope,
                )
            )
        elif moment == "error" and subject != "tool":
            self.fail_with(_error_of(data.get("error")))
        elif subject in ("chat_model", "llm"):
            self._model(moment, run_id, payload, data)
        elif subject == "tool":
            self._tool(moment, run_id, payload, data)
        elif subject == "retriever":
            self._retriever(moment, run_id, payload, data)
        elif subject == "chain" and moment == "stream":
            self._chain_stream(run_id, data.get("chunk"))
        elif subject not in ("chain", "prompt", "parser"):
            self.builder.raw(item, event)
        if moment == "end" and run_id == self._root:
            self._end_root(data)

    def _place(self, payload: Mapping[str, Any]) -> None:
        """Whose event it is: an agent inside a tool call, or inside a graph."""
        metadata = fields_or_empty(payload.get("metadata"))
        envelope = self.builder.envelope
        agent = str_field(metadata, "lc_agent_name")
        envelope["agent"] = agent
        around = [block.id for parent in payload.get("parent_ids") or () if (block := self._tools.get(str(parent)))]
        envelope["parent_id"] = around[-1] if around else None
        if around or payload.get("event") not in ("on_chat_model_start", "on_chat_model_stream", "on_tool_start"):
            return
        path = str(metadata.get("langgraph_checkpoint_ns") or "").split("|")[:-1]
        for depth, part in enumerate(path, 1):
            envelope["parent_id"] = self._agents.start(
                tuple(path[:depth]), agent or part.split(":")[0], parent=tuple(path[: depth - 1])
            )

    def _model(self, moment: str, run_id: str, payload: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        self._model_spoke = True
        model = nonempty_str(fields_or_empty(payload.get("metadata")).get("ls_model_name"))
        if moment == "start":
            self._messages.begin(run_id, model)
        elif moment == "stream":
            chunk = message_of(data.get("chunk"))
            if kind_of(chunk) is None:
                chunk = {"content": chunk if isinstance(chunk, str) else get_field(chunk, "text")}
            self._messages.chunk(chunk, run_id, model)
        elif moment == "end":
            output = message_of(data.get("output"))
            if kind_of(output) is None:
                output = {"content": output if isinstance(output, str) else get_field(output, "text")}
            self._messages.add_complete(output, run_id, model)

    def _tool(self, moment: str, run_id: str, payload: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        name = str_field(payload, "name") or "tool"
        block = self._tools.get(run_id)
        if block is None:
            call_id = str_field(data, "tool_call_id") or nonempty_str(get_field(data.get("output"), "tool_call_id"))
            taken = {id(known) for known in self._tools.values()}
            block = self._messages.call(call_id) or next(
                (call for call in self._messages.waiting if call.name == name and id(call) not in taken), None
            )
            block = block or self._messages.start_call(call_id, name, to_jsonable(data.get("input")))
            self._tools[run_id] = block
        if moment == "end":
            output = message_of(data.get("output"))
            if kind_of(output) == "tool":
                self._messages.answer(output, block)
            else:
                self.builder.tool_result(block, output)
        elif moment == "error":
            told = _error_of(data.get("error"))
            error = ev.ErrorInfo(message=str(told["message"]), type=str_field(told, "type"))
            self.builder.tool_result(block, told["message"], status="error", error=error)
        elif moment == "stream":
            self.builder.progress(block, str(to_jsonable(data.get("chunk"))))

    def _retriever(self, moment: str, run_id: str, payload: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        builder = self.builder
        block = self._tools.get(run_id)
        if block is None:
            block = builder.start_tool(("run", run_id), str_field(payload, "name") or "retriever", kind="custom")
            builder.tool_args(block, args=to_jsonable(data.get("input")))
            self._tools[run_id] = block
        if moment == "end":
            output = data.get("output")
            documents = get_field(output, "documents") or output
            builder.tool_result(block, documents)
            for document in documents if isinstance(documents, list) else ():
                facts = fields_or_empty(get_field(document, "metadata"))
                url = str_field(facts, "source") or str_field(facts, "url")
                builder.source(url, title=str_field(facts, "title"), meta=to_jsonable(facts))

    def _chain_stream(self, run_id: str, chunk: Any) -> None:
        """What a chain gives out: its models said it already; what it asks, they did not."""
        payload = chunk if isinstance(chunk, Mapping) else {}
        if "__interrupt__" in payload:
            self._messages.interrupt(payload["__interrupt__"])
        if self._model_spoke or run_id != self._root:
            return
        if isinstance(chunk, str):
            self._messages.chunk({"content": chunk}, run_id)
        for update in payload.values():
            for number, entry in enumerate(get_field(update, "messages") or () if isinstance(update, Mapping) else ()):
                message = message_of(entry)
                if kind_of(message) == "ai":
                    self._messages.add_complete(message, nonempty_str(get_field(message, "id")) or (self.builder.step, number))
                elif kind_of(message) == "tool":
                    self._messages.answer(message)

    def _end_root(self, data: Mapping[str, Any]) -> None:
        """The outermost run is over, and so is the stream."""
        self._over = True
        output = data.get("output")
        if isinstance(output, Mapping) and output.get("__interrupt__"):
            self._messages.interrupt(output["__interrupt__"])
        self._messages.end(self._root)
        if self.stop_info.status == "incomplete" and self.stop_info.code == ev.STREAM_TRUNCATED:
            self.stop_info = StopInfo("completed")

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """The stream is over; without the end of the outermost run it was cut."""
        if not self.builder.ended:
            if not self._over and self.stop_info.status == "completed":
                self.stop_info = StopInfo("incomplete", code=ev.STREAM_TRUNCATED)
            self._agents.end_all("failed" if error else self.stop_info.status)
        return super().close(error)


def _error_of(error: Any) -> dict[str, Any]:
    """An error as LangChain hands it on: an exception, or what became of it as JSON."""
    if isinstance(error, BaseException):
        return {"message": str(error) or type(error).__name__, "type": type(error).__name__}
    payload = fields_or_empty(error)
    message = str_field(payload, "message") or nonempty_str(error) or (str(to_jsonable(error)) if error else "the run failed")
    return {"message": message, "type": str_field(payload, "type")}
