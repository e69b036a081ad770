"""Dexto: the events of `POST /api/message-stream`.

The events: https://github.com/truffle-ai/dexto, packages/core/src/events (ea2b186). Every response of the model ends with an
`llm:response`, which has its whole text and its tokens; tokens that only the end of a run tells come with one more. Arguments
come whole: its partial calls would repeat them with every word.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder, Item
from nbagent.adapters.base.losses import Loss
from nbagent.adapters.base.open_parts import Call, Text
from nbagent.adapters.base.overlaps import Kind
from nbagent.adapters.base.wording import BREAK, known, message_of, text_of
from nbagent.wire.frames import sse

_ENDS = {"completed": "stop", "paused": "stop", "cancelled": "cancelled", "max_steps": "max-steps", "failed": "error"}
_ANSWERS = {"approve": "approved", "deny": "denied", "cancel": "cancelled"}
_COUNTS = {
    "input": "inputTokens",
    "output": "outputTokens",
    "total": "totalTokens",
    "reasoning": "reasoningTokens",
    "cache_read": "cacheReadTokens",
    "cache_write": "cacheWriteTokens",
}
_KINDS = {"tool": "tool_approval", "input": "elicitation", "auth": "custom"}


class DextoEncoder(BaseEncoder):
    """Events to Dexto's events.

    Lost on the way:

    - the model's name
    - what the run cost
    - the provider's own finish reason
    - the code of an end or an error
    - that a run waits for a human: it is complete
    - whether a thought is a summary
    - that texts, or thoughts, are written at the same time: they come one after another
    - that a text or thought goes on after something else was said: it is two
    - where one text of a step ends and the next begins: they are one, with an empty line
    - signatures and encrypted thoughts
    - that a text is a refusal
    - the phase of a text
    - that a thought is replaced at its end: what was streamed stays
    - that a text is taken back: what was streamed stays
    - who runs a tool
    - titles of tools
    - that a call with a result has no arguments: they are empty
    - arguments as they were written: they are parsed
    - that arguments are free text: they are broken JSON
    - the progress of a tool
    - preliminary results
    - results that are null: they are an empty list
    - what a request for approval offers to choose from
    - that a request is about signing in: it asks for input
    - that a request for approval has no words: it has the tool's name
    - sub-agents
    - that something is part of a call or a sub-agent
    - hand-offs
    - sources
    - files
    - state
    - status lines
    - that an error has no type: it is an Error
    - events of the application's own
    - raw items
    """

    system: ClassVar[str] = "dexto"
    loses: ClassVar[frozenset[Loss]] = frozenset(
        {
            Loss.MODEL,
            Loss.COST,
            Loss.FINISH,
            Loss.CODES,
            Loss.PAUSES,
            Loss.THOUGHT_KINDS,
            Loss.SEALS,
            Loss.REFUSALS,
            Loss.PHASES,
            Loss.OVERLAPS,
            Loss.INTERRUPTIONS,
            Loss.STEP_BORDERS,
            Loss.REPLACED_THOUGHTS,
            Loss.TAKEN_BACK,
            Loss.TOOL_KINDS,
            Loss.TITLES,
            Loss.FREE_ARGS,
            Loss.ARGS_TEXT,
            Loss.NO_ARGS,
            Loss.PROGRESS,
            Loss.PRELIMINARY,
            Loss.NULL_RESULTS,
            Loss.APPROVAL_OPTIONS,
            Loss.SIGN_IN,
            Loss.WORDLESS,
            Loss.AGENTS,
            Loss.NESTING,
            Loss.HANDOFFS,
            Loss.SOURCES,
            Loss.FILES,
            Loss.STATE,
            Loss.STATUS,
            Loss.UNKNOWN_TYPES,
            Loss.CUSTOM,
            Loss.RAW,
        }
    )
    ends: ClassVar[frozenset[str]] = frozenset({"completed", "paused", "cancelled", "max_steps", "incomplete"})
    cuts: ClassVar[dict[str, str]] = {"length": "length", "content_filter": "content-filter"}
    interrupts: ClassVar[frozenset[Kind] | None] = frozenset({"text", "step"})

    def __init__(self) -> None:
        super().__init__()
        self._finals: list[str] = []  # of this response, whole
        self._last: dict[str, Text] = {}  # by kind of chunk, the text that was last in it
        self._speaks = False  # whether there is anything to respond
        self._counted: ev.Usage | None = None  # tokens told so far
        self._responses = 0

    def frame(self, item: Item) -> bytes:
        """An event has its name in its frame, too."""
        return sse(self.message(item), item["name"] if isinstance(item, dict) else None)

    def _send(self, name: str, **fields: Any) -> None:
        self.put({"name": name, **fields, "sessionId": self.run.thread_id or self.run_id})

    # --- the run and its responses --------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Work begins; this is no thought."""
        self._send("llm:thinking")

    def start_step(self, event: ev.StepStart) -> None:
        """What was said outside of a step is a response of its own."""
        self._respond("stop")

    def end_step(self, event: ev.StepEnd) -> None:
        """A response is whole."""
        self._respond("tool-calls" if self.unanswered() else "stop")

    def _respond(self, reason: str) -> None:
        usage = _rest(self.usage, self._counted)
        if not (self._speaks or usage):
            return
        counts = {} if usage is None else {"tokenUsage": known(**{_COUNTS[name]: count for name, count in usage.items()})}
        about = known(model=self.model, finishReason=reason)
        self._send("llm:response", content=BREAK.join(filter(None, self._finals)), **about, **counts)
        self._counted = self.usage or self._counted
        self._responses += 1
        self._finals, self._speaks = [], False
        self._last.clear()

    def finish(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """The run is over."""
        self._respond("stop")
        reason = self.cut(end) or _ENDS.get(end.status) or ("unknown" if end.code == ev.STREAM_TRUNCATED else "other")
        if error is not None:
            self._fail(error, recoverable=False)
            reason = "error"
        took = max(0, round((end.ts - self.run.ts) * 1000))
        self._send("run:complete", finishReason=reason, stepCount=self._responses, durationMs=took)

    def _fail(self, error: ev.Error, *, recoverable: bool) -> None:
        about = {"message": error.message, "name": error.error_type or "Error", **known(code=error.code)}
        self._send("llm:error", error=about, recoverable=recoverable)

    # --- text and thoughts ----------------------------------------------------------------------------------------------

    def text(self, text: Text, delta: str) -> None:
        """More of the response's text."""
        self._chunk("text", text, delta)

    def end_text(self, text: Text) -> None:
        """The response will say it again, whole."""
        self._finals.append(text.final or text.streamed)
        self._speaks = True

    def thought(self, thought: Text, delta: str) -> None:
        """More of a thought."""
        self._chunk("reasoning", thought, delta)

    def _chunk(self, kind: str, text: Text, delta: str) -> None:
        if not delta:
            return
        if kind == "text":
            self._last.pop("reasoning", None)  # what is thought after it is another thought
        before = self._last.get(kind)
        self._last[kind] = text
        self._speaks = True
        self._send("llm:chunk", chunkType=kind, content=delta if before in (None, text) else BREAK + delta)

    # --- tools and approvals --------------------------------------------------------------------------------------------

    def start_call(self, call: Call) -> None:
        """A call is announced; its arguments follow when they are whole."""
        self._speaks = True
        self._send("llm:tool-call-partial", **_named(call), args={}, isComplete=False)

    def end_args(self, call: Call) -> None:
        """A call is made."""
        assert call.args is not None
        args = call.args.args if call.args.valid else call.text
        self._send("llm:tool-call", **_named(call), args={} if args is None else args)

    def result(self, call: Call, event: ev.ToolResult) -> None:
        """What a tool returned."""
        if not call.answered:
            return
        about = {"toolName": call.name, "toolCallId": call.call_id, "success": event.status == "ok"}
        fields: dict[str, Any] = {**_named(call), "success": event.status == "ok"}
        if event.status == "ok" or event.content is not None:
            parts = [] if event.content is None else [{"type": "text", "text": text_of(event.content)}]
            fields |= {"sanitized": {"content": parts, "meta": about}, **known(rawResult=event.content)}
        if event.status != "ok":
            fields["error"] = message_of(event)
        if event.status == "denied":
            fields |= {"requireApproval": True, "approvalStatus": "rejected"}
        self._send("llm:tool-result", **fields)

    def other(self, event: ev.Event) -> None:
        """Running tools, approvals, and errors that do not end the run."""
        match event:
            case ev.ToolProgress() if call := self.calls.get(event.id):
                self._send("tool:running", toolName=call.name, toolCallId=call.call_id)
            case ev.ApprovalRequest():
                call = self.calls.get(event.tool_id or "")
                tool = {} if call is None else {"toolName": call.name, "toolCallId": call.call_id}
                about = known(args=event.args, message=event.prompt, schema=event.schema)
                asked = {"approvalId": event.approval_id, "type": _KINDS[event.kind], "metadata": {**tool, **about}}
                self._send("approval:request", **asked, timestamp=_iso(event.ts))
            case ev.ApprovalResponse():
                answer = known(reason=event.reason, data=event.value)
                self._send("approval:response", approvalId=event.approval_id, status=_ANSWERS[event.decision], **answer)
            case ev.Error():
                self._fail(event, recoverable=True)
            case _:
                pass


def _named(call: Call) -> dict[str, Any]:
    return {"toolName": call.name, "callId": call.call_id}


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _rest(usage: ev.Usage | None, told: ev.Usage | None) -> dict[str, int] | None:
    """The tokens that are not told yet; None if there are none, or if a provider took some back."""
    if usage is None:
        return None
    rest = known(**{name: getattr(usage, name) for name in _COUNTS})
    if told is None:
        return rest
    news = any(getattr(told, name) is None for name in rest)
    rest = {name: count - (getattr(told, name) or 0) for name, count in rest.items()}
    return rest if (news or any(rest.values())) and min(rest.values()) >= 0 else None
