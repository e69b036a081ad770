"""OpenAI's Assistants: the events of a run in a thread, and NEAR AI's reading of them.

The format: https://platform.openai.com/docs/api-reference/assistants-streaming/events (openai 3.52; deprecated there), and
https://github.com/nearai/nearai/blob/main/hub/api/v1/thread_routes.py (98e5f2c). An item is `{"event": name, "data": object}`.
OpenAI writes the name into the SSE frame, NEAR AI sends the whole item as data.
"""

from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder, Item
from nbagent.adapters.base.losses import Loss
from nbagent.adapters.base.open_parts import Call, Text
from nbagent.adapters.base.overlaps import Kind
from nbagent.adapters.base.wording import said, to_json
from nbagent.adapters.openai_chat.encoder import chat_usage
from nbagent.wire.frames import sse

_Json = dict[str, Any]
_REST = {
    Loss.FINISH,
    Loss.THOUGHTS,
    Loss.PHASES,
    Loss.AGENTS,
    Loss.HANDOFFS,
    Loss.SOURCES,
    Loss.FILES,
    Loss.STATE,
    Loss.STATUS,
    Loss.WARNINGS,
    Loss.ERROR_TYPES,
    Loss.CUSTOM,
    Loss.RAW,
}


class _Thread(BaseEncoder):
    """What both have: the events of a run, and messages whose text is in deltas."""

    def __init__(self) -> None:
        super().__init__()
        self._begun = False

    def open(self) -> None:
        """The run is created with the first content, when the model is known."""
        if not self._begun:
            self._begun = True
            for word in ("created", "queued", "in_progress"):
                self.tell("thread.run", word, self.run_object("in_progress" if word == "in_progress" else "queued"))

    def tell(self, scope: str, word: str, data: _Json) -> None:
        """Send an event."""
        self.put({"event": f"{scope}.{word}", "data": data})

    def run_object(self, status: str, **more: Any) -> _Json:
        """The run as it is now."""
        return {
            "id": self.run_id,
            "object": "thread.run",
            "created_at": self.created,
            "assistant_id": self.assistant_id,
            "thread_id": self.thread_id,
            "status": status,
            "required_action": None,
            "last_error": None,
            "incomplete_details": None,
            "model": self.model or "",
            "instructions": "",
            "tools": [],
            "parallel_tool_calls": True,
            "metadata": {},
            "usage": None,
            **more,
        }

    @property
    def assistant_id(self) -> str:
        """Who answers."""
        return f"asst_{self.run.name or 'nbagent'}"

    @property
    def thread_id(self) -> str:
        """The conversation."""
        return self.run.thread_id or f"thread_{self.run_id}"

    def write(self, text: Text, kind: str, value: Any) -> None:
        """More of a message's only part."""
        part = {"index": 0, "type": kind, kind: value}
        data = {"id": f"msg_{text.id}", "object": "thread.message.delta", "delta": {"content": [part]}}
        self.tell("thread.message", "delta", data)


class AssistantsEncoder(_Thread):
    """Events to Assistants stream events.

    Lost on the way:

    - that a sum of tokens is not known: it is 0
    - how many tokens were thoughts or came from a cache
    - how many tokens were written to a cache
    - what the run cost
    - the provider's own finish reason
    - that an error has no code: server_error is its code
    - that nothing says why a run is incomplete: incomplete is its code
    - the provider's word for why an answer was cut short: it is the system's own
    - that a run had no more steps: it is incomplete
    - thoughts
    - that texts, or thoughts, are written at the same time: they come one after another
    - that a text or thought goes on after something else was said: it is two
    - the phase of a text
    - that a text is taken back: what was streamed stays
    - who runs a tool
    - titles of tools
    - that a call with a result has no arguments: they are empty
    - arguments whose text is not their JSON: they are what a reader makes of the text
    - that arguments are whole, of a call without a result in a run that breaks off
    - the progress of a tool
    - preliminary results
    - results that are no text: they become their JSON
    - that a tool failed: its message is its result
    - that a run is complete although calls are unanswered: it waits for their results
    - requests for approval
    - sub-agents
    - that something is part of a call or a sub-agent
    - hand-offs
    - sources
    - files
    - state
    - status lines
    - errors that do not end the run
    - the type of an error
    - events of the application's own
    - raw items
    """

    system: ClassVar[str] = "openai.assistants"
    loses: ClassVar[frozenset[Loss]] = frozenset(
        _REST
        | {
            Loss.UNKNOWN_TOTALS,
            Loss.TOKEN_DETAILS,
            Loss.CACHE_WRITES,
            Loss.COST,
            Loss.UNKNOWN_REASONS,
            Loss.CUT_WORDS,
            Loss.MAX_STEPS,
            Loss.TAKEN_BACK,
            Loss.NESTING,
            Loss.TOOL_KINDS,
            Loss.TITLES,
            Loss.TEXT_ARGS,
            Loss.NO_ARGS,
            Loss.UNTOLD_ARGS,
            Loss.OVERLAPS,
            Loss.INTERRUPTIONS,
            Loss.PROGRESS,
            Loss.PRELIMINARY,
            Loss.RESULT_TYPES,
            Loss.TOOL_ERRORS,
            Loss.APPROVALS,
            Loss.UNANSWERED,
            Loss.UNKNOWN_CODES,
        },
    )
    ends: ClassVar[frozenset[str]] = frozenset({"completed", "paused", "cancelled", "incomplete", "max_steps"})
    cuts: ClassVar[dict[str, str]] = {"length": "max_completion_tokens", "content_filter": "content_filter"}
    interrupts: ClassVar[frozenset[Kind] | None] = frozenset({"call"})

    def __init__(self) -> None:
        super().__init__()
        self._step_id = ""
        self._running: list[Call] = []  # of the step, answered or not
        self._answered: list[_Json] = []
        self._places: dict[str, int] = {}

    def frame(self, item: Item) -> bytes:
        """An event has its name in its frame."""
        if isinstance(item, str):
            return sse(item, "done")
        return sse(item["data"] if isinstance(item["data"], str) else to_json(item["data"]), item["event"])

    # --- the run --------------------------------------------------------------------------------------------------------

    def finish(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """The run is over; or it waits for the results of calls that nobody answered."""
        self.open()
        if self._answered:
            self._end_calls()
        counts = {} if self.usage is None else chat_usage(self.usage)
        usage = {name: count for name, count in counts.items() if isinstance(count, int)} or None
        waiting = [call for call in self.unanswered() if call.args is not None]
        if error is not None:
            about = {"code": error.code or "server_error", "message": error.message}
            self.tell("thread.run", "failed", self.run_object("failed", last_error=about, usage=usage))
        elif end.status == "cancelled":
            self.tell("thread.run", "cancelled", self.run_object("cancelled", usage=usage))
        elif end.status in ("incomplete", "max_steps"):
            why = self.cut(end) or ("max_steps" if end.status == "max_steps" else end.code or end.finish_reason or "incomplete")
            told = self.run_object("incomplete", incomplete_details={"reason": why}, usage=usage)
            self.tell("thread.run", "incomplete", told)
        elif waiting or end.status == "paused":
            calls = {"tool_calls": [_call(call, call.text) for call in waiting]}
            action = {"type": "submit_tool_outputs", "submit_tool_outputs": calls}
            self.tell("thread.run", "requires_action", self.run_object("requires_action", required_action=action, usage=usage))
        else:
            self.tell("thread.run", "completed", self.run_object("completed", usage=usage))
        self.put({"event": "done", "data": "[DONE]"})

    # --- messages -------------------------------------------------------------------------------------------------------

    def start_text(self, text: Text) -> None:
        """A message begins, with a step of its own unless calls are running."""
        self.open()
        if not self._running:
            self._step_id = self.mint("step")
            self._tell_step("created", self._creation(text))
            self._tell_step("in_progress", self._creation(text))
        self.tell("thread.message", "created", self._message(text, "in_progress", []))

    def text(self, text: Text, delta: str) -> None:
        """More of a message."""
        if delta:
            kind, value = _part(text, delta)
            self.write(text, kind, value)

    def end_text(self, text: Text) -> None:
        """A message is whole."""
        kind, value = _part(text, text.final)
        content = [{"type": kind, kind: value}] if text.final else []
        self.tell("thread.message", "completed", self._message(text, "completed", content))
        if not self._running:
            self._tell_step("completed", self._creation(text))

    def _creation(self, text: Text) -> _Json:
        return {"type": "message_creation", "message_creation": {"message_id": f"msg_{text.id}"}}

    def _message(self, text: Text, status: str, content: list[_Json]) -> _Json:
        return {
            "id": f"msg_{text.id}",
            "object": "thread.message",
            "created_at": self.created,
            "thread_id": self.thread_id,
            "run_id": self.run_id,
            "assistant_id": self.assistant_id,
            "role": "assistant",
            "status": status,
            "content": content,
            "attachments": [],
            "metadata": {},
        }

    # --- tools ----------------------------------------------------------------------------------------------------------

    def start_call(self, call: Call) -> None:
        """A call begins. Calls that run at the same time share a step, which is over when all have their results."""
        self.open()
        if not self._running:
            self._step_id = self.mint("step")
            self._tell_step("created", {"type": "tool_calls", "tool_calls": []})
            self._tell_step("in_progress", {"type": "tool_calls", "tool_calls": []})
        self._places[call.start.id] = len(self._running)
        self._running.append(call)
        self._more({"index": self._places[call.start.id], **_call(call, "")})

    def call_delta(self, call: Call, delta: str) -> None:
        """More of the arguments' text."""
        self._more({"index": self._places[call.start.id], "type": "function", "function": {"arguments": delta}})

    def result(self, call: Call, event: ev.ToolResult) -> None:
        """What a tool returned is told with its step."""
        if not call.answered:
            return
        self._answered.append(_call(call, call.text if call.args else "".join(call.pieces), said(event)))
        if len(self._answered) == len(self._running):
            self._end_calls()

    def _end_calls(self) -> None:
        self._tell_step("completed", {"type": "tool_calls", "tool_calls": self._answered})
        self._running, self._answered = [], []

    def _more(self, call: _Json) -> None:
        details = {"type": "tool_calls", "tool_calls": [call]}
        data = {"id": self._step_id, "object": "thread.run.step.delta", "delta": {"step_details": details}}
        self.tell("thread.run.step", "delta", data)

    def _tell_step(self, word: str, details: _Json) -> None:
        about = {"id": self._step_id, "object": "thread.run.step", "created_at": self.created, "run_id": self.run_id}
        whose = {"assistant_id": self.assistant_id, "thread_id": self.thread_id, "type": details["type"]}
        status = "completed" if word == "completed" else "in_progress"
        rest = {"status": status, "step_details": details, "last_error": None, "usage": None}
        self.tell("thread.run.step", word, {**about, **whose, **rest})


class NearEncoder(_Thread):
    """Events to the stream of a run on NEAR AI's hub, which has texts only.

    Lost on the way:

    - token counts
    - the provider's own finish reason
    - that an error has no code: server_error is its code
    - how a run ended that is neither complete nor failed: it fails, and says why
    - what a run waits for: it waits for an answer
    - thoughts
    - that a text is a refusal
    - the phase of a text
    - that a text is replaced at its end: what was streamed stays
    - tool calls
    - sub-agents
    - hand-offs
    - sources
    - files
    - state
    - status lines
    - errors that do not end the run
    - the type of an error
    - events of the application's own
    - raw items
    """

    system: ClassVar[str] = "nearai"
    loses: ClassVar[frozenset[Loss]] = frozenset(
        _REST
        | {
            Loss.USAGE,
            Loss.ENDS,
            Loss.WAITING,
            Loss.REFUSALS,
            Loss.REPLACED,
            Loss.TOOLS,
            Loss.UNKNOWN_CODES,
        },
    )
    ends: ClassVar[frozenset[str]] = frozenset({"completed", "paused"})
    interrupts: ClassVar[frozenset[Kind] | None] = frozenset()

    @property
    def assistant_id(self) -> str:
        """Agents have paths."""
        return f"nbagent/{self.run.name or 'agent'}/latest"

    def text(self, text: Text, delta: str) -> None:
        """More of a completion."""
        self.open()
        if delta:
            self.write(text, "text", {"value": delta})

    def end_text(self, text: Text) -> None:
        """A completion is over; what it was, its deltas have said."""
        self.open()
        self.tell("thread.message", "completed", {"id": f"msg_{text.id}", "object": "thread.message.completed", "delta": ""})

    def finish(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """The run's last event, whose object is in `delta`. The hub leaves the stream open after it."""
        self.open()
        word = "failed" if error is not None else "requires_action" if end.status == "paused" else "completed"
        told = self.run_object(word)
        if error is not None:
            told["last_error"] = {"code": error.code or "server_error", "message": error.message}
        self.tell("thread.run", word, {"id": None, "object": f"thread.run.{word}", "delta": told})


def _part(text: Text, value: str) -> tuple[str, Any]:
    """Kind and value of a part of a message."""
    if isinstance(text.start, ev.TextStart) and text.start.kind == "refusal":
        return "refusal", value
    return "text", {"value": value, "annotations": []}


def _call(call: Call, arguments: str, output: str | None = None) -> _Json:
    function = {"name": call.name, "arguments": arguments, "output": output}
    return {"id": call.call_id, "type": "function", "function": function}
