"""OpenAI Responses: the stream of one response, which whole runs are told as.

The format: https://platform.openai.com/docs/api-reference/responses-streaming, as openai 3.52 reads it. Every text is a
message item. A tool of the run's own is a function call and its output; what a provider ran (`kind` "hosted" or "mcp") is an
MCP call, the one item that can hold any tool's name, arguments and result. The final event repeats the whole output, which is
kept for it.
"""

from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.losses import Loss
from nbagent.adapters.base.open_parts import Call, Text
from nbagent.adapters.base.wording import known, message_of, said, text_of

_Json = dict[str, Any]


class ResponsesEncoder(BaseEncoder):
    """Events to Responses stream events.

    Lost on the way:

    - that a count of tokens is not known: it is 0
    - what the run cost
    - the provider's own finish reason
    - that an error has no code: server_error is its code
    - that nothing says why a run is incomplete: incomplete is its code
    - the provider's word for why an answer was cut short: it is the system's own
    - that a run waits for a human: it is complete
    - that a run had no more steps: it is incomplete
    - signatures of thoughts
    - that a text or thought begins before its first words: they decide its place
    - that a text is taken back: what was streamed stays
    - who runs a tool
    - titles of tools
    - ids of calls that the provider ran
    - arguments whose text is not their JSON: they are what a reader makes of the text
    - arguments of custom tools as objects: they are text
    - that a call has no whole arguments: it has what was written
    - the progress of a tool
    - preliminary results
    - results that are no text: they become their JSON
    - that a tool of the run's own failed: its message is its result
    - that a call was denied: it failed
    - requests for approval
    - sub-agents
    - that something is part of a call or a sub-agent
    - hand-offs
    - sources without a URL
    - sources that come while no text is open
    - files
    - state
    - status lines
    - errors that do not end the run
    - the type of an error
    - events of the application's own
    - raw items
    """

    system: ClassVar[str] = "openai.responses"
    loses: ClassVar[frozenset[Loss]] = frozenset(
        {
            Loss.UNKNOWN_COUNTS,
            Loss.COST,
            Loss.FINISH,
            Loss.PAUSES,
            Loss.UNKNOWN_REASONS,
            Loss.CUT_WORDS,
            Loss.MAX_STEPS,
            Loss.SIGNATURES,
            Loss.EARLY_TEXTS,
            Loss.TAKEN_BACK,
            Loss.TOOL_KINDS,
            Loss.TITLES,
            Loss.HOSTED_CALL_IDS,
            Loss.TEXT_ARGS,
            Loss.UNFINISHED,
            Loss.UNPARSED_ARGS,
            Loss.PROGRESS,
            Loss.PRELIMINARY,
            Loss.RESULT_TYPES,
            Loss.FUNCTION_ERRORS,
            Loss.DENIED,
            Loss.APPROVALS,
            Loss.AGENTS,
            Loss.NESTING,
            Loss.HANDOFFS,
            Loss.SOURCES_WITHOUT_URL,
            Loss.LOOSE_SOURCES,
            Loss.FILES,
            Loss.STATE,
            Loss.STATUS,
            Loss.WARNINGS,
            Loss.ERROR_TYPES,
            Loss.UNKNOWN_CODES,
            Loss.CUSTOM,
            Loss.RAW,
        }
    )
    ends: ClassVar[frozenset[str]] = frozenset({"completed", "paused", "cancelled", "incomplete", "max_steps"})
    cuts: ClassVar[dict[str, str]] = {"length": "max_output_tokens", "content_filter": "content_filter"}

    def __init__(self) -> None:
        super().__init__()
        self._number = 0
        self._opened = False
        self._output: list[_Json] = []  # by output index
        self._index: dict[str, int] = {}  # of the items that are open, by their id
        self._writing: list[Text] = []
        self._cited: dict[str, list[_Json]] = {}

    # --- the response ---------------------------------------------------------------------------------------------------

    def _send(self, kind: str, **fields: Any) -> None:
        self.put({"type": kind, **fields, "sequence_number": self._number})
        self._number += 1

    def _open(self) -> None:
        """With the first content, when the model is known."""
        if not self._opened:
            self._opened = True
            self._send("response.created", response=self._response("in_progress"))
            self._send("response.in_progress", response=self._response("in_progress"))

    def _response(self, status: str, **more: Any) -> _Json:
        return {
            "id": f"resp_{self.run_id}",
            "object": "response",
            "created_at": self.created,
            "status": status,
            "model": self.model or "",
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "output": [],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": None,
            **more,
        }

    def finish(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """The response is over, and so is every item: a client's helper raises where one is not."""
        self._open()
        for call in self.unanswered():
            if _call_id(call) in self._index:
                self._done(_call(call, "incomplete", call.text if call.args is not None else "".join(call.pieces)))
        usage = None if self.usage is None else responses_usage(self.usage)
        whole: _Json = {"output": self._output, "usage": usage}
        if error is not None:
            about = {"code": error.code or "server_error", "message": error.message}
            self._send("response.failed", response=self._response("failed", error=about, **whole))
        elif end.status in ("completed", "paused"):
            self._send("response.completed", response=self._response("completed", **whole))
        elif end.status == "cancelled":
            self._send("response.incomplete", response=self._response("cancelled", **whole))
        else:
            why = self.cut(end) or ("max_steps" if end.status == "max_steps" else end.code or end.finish_reason or "incomplete")
            response = self._response("incomplete", incomplete_details={"reason": why}, **whole)
            self._send("response.incomplete", response=response)

    # --- items ----------------------------------------------------------------------------------------------------------

    def _add(self, item: _Json) -> _Json:
        """Begin an item; what speaks about it names it so."""
        self._open()
        self._index[item["id"]] = len(self._output)
        self._output.append(item)
        self._send("response.output_item.added", output_index=self._index[item["id"]], item=item)
        return self._at(item["id"])

    def _at(self, item_id: str) -> _Json:
        return {"item_id": item_id, "output_index": self._index[item_id]}

    def _done(self, item: _Json) -> None:
        index = self._index.pop(item["id"])
        self._output[index] = item
        self._send("response.output_item.done", output_index=index, item=item)

    # --- text -----------------------------------------------------------------------------------------------------------

    def start_text(self, text: Text) -> None:
        """A message of one part begins."""
        self._writing.append(text)
        self._cited[text.id] = []
        at = self._add(self._message(text, "in_progress", []))
        self._send("response.content_part.added", **at, content_index=0, part=self._part(text, ""))

    def text(self, text: Text, delta: str) -> None:
        """More of the message."""
        at = {**self._at(_id_of(text)), "content_index": 0}
        if _is_refusal(text):
            self._send("response.refusal.delta", **at, delta=delta)
        else:
            self._send("response.output_text.delta", **at, delta=delta, logprobs=[])

    def end_text(self, text: Text) -> None:
        """The message is whole."""
        part = self._part(text, text.final)
        at = {**self._at(_id_of(text)), "content_index": 0}
        if _is_refusal(text):
            self._send("response.refusal.done", **at, refusal=text.final)
        else:
            self._send("response.output_text.done", **at, text=text.final, logprobs=[])
        self._send("response.content_part.done", **at, part=part)
        self._done(self._message(text, "completed", [part]))
        self._writing.remove(text)
        del self._cited[text.id]

    def _message(self, text: Text, status: str, content: list[_Json]) -> _Json:
        phase = text.start.phase if isinstance(text.start, ev.TextStart) else None
        about = {"id": _id_of(text), "type": "message", "role": "assistant", "status": status, "content": content}
        return {**about, **known(phase=phase)}

    def _part(self, text: Text, whole: str) -> _Json:
        if _is_refusal(text):
            return {"type": "refusal", "refusal": whole}
        return {"type": "output_text", "text": whole, "annotations": self._cited[text.id], "logprobs": []}

    def other(self, event: ev.Event) -> None:
        """Sources are annotations of the text that is being written."""
        if not isinstance(event, ev.Source) or not event.url:
            return
        texts = [text for text in self._writing if not _is_refusal(text)]
        text = next((text for text in texts if text.id == event.text_id), texts[-1] if texts else None)
        if text is None:
            return
        cited = self._cited[text.id]
        annotation = {"type": "url_citation", "url": event.url, "title": event.title or "", "start_index": 0, "end_index": 0}
        about = {"content_index": 0, "annotation_index": len(cited), "annotation": annotation}
        self._send("response.output_text.annotation.added", **self._at(_id_of(text)), **about)
        cited.append(annotation)

    # --- reasoning ------------------------------------------------------------------------------------------------------

    def start_thought(self, thought: Text) -> None:
        """A thought begins."""
        item = {"id": _id_of(thought), "type": "reasoning", "status": "in_progress", "summary": []}
        at = self._add(item)
        if _is_summary(thought):
            self._send("response.reasoning_summary_part.added", **at, summary_index=0, part=_summary(""))

    def thought(self, thought: Text, delta: str) -> None:
        """More of a thought."""
        at = self._at(_id_of(thought))
        if _is_summary(thought):
            self._send("response.reasoning_summary_text.delta", **at, summary_index=0, delta=delta)
        else:
            self._send("response.reasoning_text.delta", **at, content_index=0, delta=delta)

    def end_thought(self, thought: Text, event: ev.ReasoningEnd) -> None:
        """A thought is whole, with what only its provider can read."""
        at = self._at(_id_of(thought))
        item: _Json = {"id": _id_of(thought), "type": "reasoning", "status": "completed", "summary": []}
        if _is_summary(thought):
            part = _summary(thought.final)
            self._send("response.reasoning_summary_text.done", **at, summary_index=0, text=thought.final)
            self._send("response.reasoning_summary_part.done", **at, summary_index=0, part=part)
            item["summary"] = [part]
        else:
            self._send("response.reasoning_text.done", **at, content_index=0, text=thought.final)
            item["content"] = [{"type": "reasoning_text", "text": thought.final}]
        self._done({**item, **known(encrypted_content=event.encrypted)})

    # --- tools ----------------------------------------------------------------------------------------------------------

    def start_call(self, call: Call) -> None:
        """A call begins."""
        self._add(_call(call, "in_progress", ""))
        if _is_hosted(call):
            self._send("response.mcp_call.in_progress", **self._at(_call_id(call)))

    def call_delta(self, call: Call, delta: str) -> None:
        """More of the arguments' text."""
        self._send(f"response.{_ARGS[_type_of(call)]}.delta", **self._at(_call_id(call)), delta=delta)

    def end_args(self, call: Call) -> None:
        """The arguments are whole; what a function returns comes later, as an item of its own."""
        field = "input" if _type_of(call) == "custom_tool_call" else "arguments"
        at = self._at(_call_id(call))
        self._send(f"response.{_ARGS[_type_of(call)]}.done", **at, **{field: call.text})
        if not _is_hosted(call):
            self._done(_call(call, "completed", call.text))

    def result(self, call: Call, event: ev.ToolResult) -> None:
        """What a tool returned."""
        if not call.answered:
            return
        if call.args is None:
            call.text = "".join(call.pieces)
            self.end_args(call)
        failed = event.status != "ok"
        if _is_hosted(call):
            output = None if failed and event.content is None else text_of(event.content)
            error = {"type": "mcp_tool_execution_error", "content": message_of(event)} if failed else None
            word = "failed" if failed else "completed"
            self._send(f"response.mcp_call.{word}", **self._at(_call_id(call)))
            self._done({**_call(call, word, call.text), "output": output, "error": error})
            return
        item = {"id": self.mint("fco"), "type": f"{_type_of(call)}_output", "call_id": call.call_id, "output": said(event)}
        self._add({**item, "status": "in_progress", "output": ""})
        self._done({**item, "status": "completed"})


_ARGS = {
    "function_call": "function_call_arguments",
    "custom_tool_call": "custom_tool_call_input",
    "mcp_call": "mcp_call_arguments",
}


def _is_hosted(call: Call) -> bool:
    return call.start.kind in ("hosted", "mcp")


def _type_of(call: Call) -> str:
    return "mcp_call" if _is_hosted(call) else "custom_tool_call" if call.start.kind == "custom" else "function_call"


def _call_id(call: Call) -> str:
    """The id of a call's item, which is another one than the call's own."""
    return f"{'mcp' if _is_hosted(call) else 'fc'}_{call.start.id}"


def _call(call: Call, status: str, text: str) -> _Json:
    item = {"id": _call_id(call), "type": _type_of(call), "name": call.name, "status": status}
    match item["type"]:
        case "mcp_call":
            return {**item, "arguments": text, "server_label": call.start.kind, "output": None, "error": None}
        case "custom_tool_call":
            return {**item, "call_id": call.call_id, "input": text}
        case _:
            return {**item, "call_id": call.call_id, "arguments": text}


def _is_refusal(text: Text) -> bool:
    return isinstance(text.start, ev.TextStart) and text.start.kind == "refusal"


def _is_summary(thought: Text) -> bool:
    return isinstance(thought.start, ev.ReasoningStart) and thought.start.kind == "summary"


def _id_of(text: Text) -> str:
    return f"{'msg' if isinstance(text.start, ev.TextStart) else 'rs'}_{text.id}"


def _summary(text: str) -> _Json:
    return {"type": "summary_text", "text": text}


def responses_usage(usage: ev.Usage) -> _Json:
    """Token counts as Responses has them; all of them are always there."""
    sent, made = usage.input or 0, usage.output or 0
    return {
        "input_tokens": sent,
        "input_tokens_details": {"cached_tokens": usage.cache_read or 0, "cache_write_tokens": usage.cache_write or 0},
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning or 0},
        "total_tokens": sent + made if usage.total is None else usage.total,
    }
