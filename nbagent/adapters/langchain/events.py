"""LangChain's `astream_events`, versions 1 and 2.

The format: https://reference.langchain.com/python/langchain_core/runnables/#astream_events (langchain-core 1.7). Takes the
event dicts as they are in process, with message objects inside, or as JSON. Nodes and chains repeat what their models said; of
them only the end of the outermost counts, unless no model speaks at all.

What it cannot say: which call a tool run answers before that ends (matched by name until then), hand-offs, and a run that
failed, which raises out of the iterator instead.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.builder import Block
from nbagent.adapters.base.decoder import BaseDecoder, Verdict
from nbagent.adapters.base.fields import fields, fields_or_none, look, plain, string
from nbagent.adapters.base.subagents import Subagents
from nbagent.adapters.langchain.messages import Messages, kind_of, message_of


class LangChainEventsDecoder(BaseDecoder):
    """`astream_events` dicts to events."""

    system: ClassVar[str] = "langchain.events"

    def __init__(self) -> None:
        super().__init__()
        self._messages = Messages(self)
        self._agents = Subagents(self.book)
        self._root: str | None = None
        self._tools: dict[str, Block] = {}
        self._model_spoke = False
        self._over = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Whether the item is one of LangChain's events."""
        said = fields_or_none(item)
        event = said.get("event")
        return isinstance(event, str) and event.startswith("on_") and "run_id" in said and "data" in said

    def read(self, item: Any) -> None:
        """One event."""
        said = fields(item)
        event = string(said.get("event")) or ""
        run_id = str(said.get("run_id"))
        data = fields_or_none(said.get("data"))
        if not self.recognises(item):
            self.unread(item, event or None)
            return
        self.book.begin()
        if self._root is None:
            self._root = run_id
        self._place(said)
        subject, _, moment = event.removeprefix("on_").rpartition("_")
        if event == "on_custom_event":
            self.book.write(
                ev.Custom(name=str(said.get("name") or "custom"), data=plain(data or said["data"]), **self.book.stamp)
            )
        elif moment == "error" and subject != "tool":
            self.fail_with(_error_of(data.get("error")))
        elif subject in ("chat_model", "llm"):
            self._model(moment, run_id, said, data)
        elif subject == "tool":
            self._tool(moment, run_id, said, data)
        elif subject == "retriever":
            self._retriever(moment, run_id, said, data)
        elif subject == "chain" and moment == "stream":
            self._chain_stream(run_id, data.get("chunk"))
        elif subject not in ("chain", "prompt", "parser"):
            self.book.raw(item, event)
        if moment == "end" and run_id == self._root:
            self._end_root(data)

    def _place(self, said: Mapping[str, Any]) -> None:
        """Whose event it is: an agent inside a tool call, or inside a graph."""
        metadata = fields_or_none(said.get("metadata"))
        stamp = self.book.stamp
        agent = string(metadata.get("lc_agent_name"))
        stamp["agent"] = agent
        around = [block.id for parent in said.get("parent_ids") or () if (block := self._tools.get(str(parent)))]
        stamp["parent_id"] = around[-1] if around else None
        if around or said.get("event") not in ("on_chat_model_start", "on_chat_model_stream", "on_tool_start"):
            return
        path = str(metadata.get("langgraph_checkpoint_ns") or "").split("|")[:-1]
        for depth, part in enumerate(path, 1):
            stamp["parent_id"] = self._agents.start(
                tuple(path[:depth]), agent or part.split(":")[0], parent=tuple(path[: depth - 1])
            )

    def _model(self, moment: str, run_id: str, said: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        self._model_spoke = True
        model = string(fields_or_none(said.get("metadata")).get("ls_model_name"))
        if moment == "start":
            self._messages.begin(run_id, model)
        elif moment == "stream":
            chunk = message_of(data.get("chunk"))
            if kind_of(chunk) is None:
                chunk = {"content": chunk if isinstance(chunk, str) else look(chunk, "text")}
            self._messages.chunk(chunk, run_id, model)
        elif moment == "end":
            output = message_of(data.get("output"))
            if kind_of(output) is None:
                output = {"content": output if isinstance(output, str) else look(output, "text")}
            self._messages.whole(output, run_id, model)

    def _tool(self, moment: str, run_id: str, said: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        name = string(said.get("name")) or "tool"
        block = self._tools.get(run_id)
        if block is None:
            call_id = string(data.get("tool_call_id")) or string(look(data.get("output"), "tool_call_id"))
            taken = {id(known) for known in self._tools.values()}
            block = self._messages.call(call_id) or next(
                (call for call in self._messages.waiting if call.name == name and id(call) not in taken), None
            )
            block = block or self._messages.start_call(call_id, name, plain(data.get("input")))
            self._tools[run_id] = block
        if moment == "end":
            output = message_of(data.get("output"))
            if kind_of(output) == "tool":
                self._messages.answer(output, block)
            else:
                self.book.tool_result(block, output)
        elif moment == "error":
            told = _error_of(data.get("error"))
            error = ev.ErrorInfo(message=str(told["message"]), type=string(told.get("type")))
            self.book.tool_result(block, told["message"], status="error", error=error)
        elif moment == "stream":
            self.book.progress(block, str(plain(data.get("chunk"))))

    def _retriever(self, moment: str, run_id: str, said: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        book = self.book
        block = self._tools.get(run_id)
        if block is None:
            block = book.start_tool(("run", run_id), string(said.get("name")) or "retriever", kind="custom")
            book.tool_args(block, args=plain(data.get("input")))
            self._tools[run_id] = block
        if moment == "end":
            output = data.get("output")
            documents = look(output, "documents") or output
            book.tool_result(block, documents)
            for document in documents if isinstance(documents, list) else ():
                facts = fields_or_none(look(document, "metadata"))
                url = string(facts.get("source")) or string(facts.get("url"))
                book.write(
                    ev.Source(
                        id=book.mint("source"), url=url, title=string(facts.get("title")), meta=plain(facts), **book.stamp
                    )
                )

    def _chain_stream(self, run_id: str, chunk: Any) -> None:
        """What a chain gives out: its models said it already; what it asks, they did not."""
        said = chunk if isinstance(chunk, Mapping) else {}
        if "__interrupt__" in said:
            self._messages.interrupt(said["__interrupt__"])
        if self._model_spoke or run_id != self._root:
            return
        if isinstance(chunk, str):
            self._messages.chunk({"content": chunk}, run_id)
        for update in said.values():
            for number, entry in enumerate(look(update, "messages") or () if isinstance(update, Mapping) else ()):
                message = message_of(entry)
                if kind_of(message) == "ai":
                    self._messages.whole(message, string(look(message, "id")) or (self.book.step, number))
                elif kind_of(message) == "tool":
                    self._messages.answer(message)

    def _end_root(self, data: Mapping[str, Any]) -> None:
        """The outermost run is over, and so is the stream."""
        self._over = True
        output = data.get("output")
        if isinstance(output, Mapping) and output.get("__interrupt__"):
            self._messages.interrupt(output["__interrupt__"])
        self._messages.end(self._root)
        if self.verdict.status == "incomplete" and self.verdict.code == ev.STREAM_TRUNCATED:
            self.verdict = Verdict("completed")

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """The stream is over; without the end of the outermost run it was cut."""
        if not self.book.ended:
            if not self._over and self.verdict.status == "completed":
                self.verdict = Verdict("incomplete", code=ev.STREAM_TRUNCATED)
            self._agents.end_all("failed" if error else self.verdict.status)
        return super().close(error)


def _error_of(error: Any) -> dict[str, Any]:
    """An error as LangChain hands it on: an exception, or what became of it as JSON."""
    if isinstance(error, BaseException):
        return {"message": str(error) or type(error).__name__, "type": type(error).__name__}
    said = fields_or_none(error)
    message = string(said.get("message")) or string(error) or (str(plain(error)) if error else "the run failed")
    return {"message": message, "type": string(said.get("type"))}
