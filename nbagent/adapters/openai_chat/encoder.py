"""OpenAI Chat Completions: the chunks of one completion, which whole runs are told as.

The format: https://platform.openai.com/docs/api-reference/chat-streaming, as openai 3.52 reads it. Thoughts are in DeepSeek's
`reasoning_content`, which most clients of such endpoints know.

A call in a completion is one that the client has to run, and an agent has run its own: what is left to the client, the finish
reason says. A client that runs whatever it sees is better served with calls hidden (`reveal="answer"`).
"""

from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.losses import Loss
from nbagent.adapters.base.open_parts import Call, Text
from nbagent.adapters.base.overlaps import Kind
from nbagent.adapters.base.wording import BREAK, known

DONE = "[DONE]"


class ChatEncoder(BaseEncoder):
    """Events to Chat Completions chunks.

    Lost on the way:

    - that a sum of tokens is not known: it is 0
    - how many tokens were written to a cache
    - what the run cost
    - the provider's own finish reason
    - the provider's word for why an answer was cut short: it is the system's own
    - how a run ended that is neither complete nor failed: it fails, and says why
    - that a run waits for a human: it is complete
    - whether a thought is a summary
    - that texts, or thoughts, are written at the same time: they come one after another
    - that a text or thought goes on after something else was said: it is two
    - where one text or thought ends and the next begins, if nothing lies between: they are one, with an empty line
    - signatures and encrypted thoughts
    - the phase of a text
    - that a text is replaced at its end: what was streamed stays
    - that a thought is replaced at its end: what was streamed stays
    - who runs a tool
    - titles of tools
    - arguments whose text is not their JSON: they are what a reader makes of the text
    - that a call has no whole arguments: it has what was written
    - that arguments are replaced at their end: what was streamed stays
    - the progress of a tool
    - what tools returned
    - requests for approval
    - sub-agents
    - that something is part of a call or a sub-agent
    - hand-offs
    - sources without a URL
    - files
    - state
    - status lines
    - errors that do not end the run
    - events of the application's own
    - raw items
    """

    system: ClassVar[str] = "openai.chat"
    loses: ClassVar[frozenset[Loss]] = frozenset(
        {
            Loss.UNKNOWN_TOTALS,
            Loss.CACHE_WRITES,
            Loss.COST,
            Loss.FINISH,
            Loss.CUT_WORDS,
            Loss.ENDS,
            Loss.PAUSES,
            Loss.THOUGHT_KINDS,
            Loss.SEALS,
            Loss.OVERLAPS,
            Loss.INTERRUPTIONS,
            Loss.BORDERS,
            Loss.PHASES,
            Loss.REPLACED,
            Loss.REPLACED_THOUGHTS,
            Loss.TOOL_KINDS,
            Loss.TITLES,
            Loss.TEXT_ARGS,
            Loss.UNFINISHED,
            Loss.REPLACED_ARGS,
            Loss.PROGRESS,
            Loss.RESULTS,
            Loss.APPROVALS,
            Loss.AGENTS,
            Loss.NESTING,
            Loss.HANDOFFS,
            Loss.SOURCES_WITHOUT_URL,
            Loss.FILES,
            Loss.STATE,
            Loss.STATUS,
            Loss.WARNINGS,
            Loss.CUSTOM,
            Loss.RAW,
        }
    )
    ends: ClassVar[frozenset[str]] = frozenset({"completed", "paused"})
    interrupts: ClassVar[frozenset[Kind] | None] = frozenset({"text", "thought", "call"})
    cuts: ClassVar[dict[str, str]] = {"length": "length", "content_filter": "content_filter"}

    def __init__(self) -> None:
        super().__init__()
        self._envelope: dict[str, Any] = {}
        self._indices: dict[str, int] = {}
        self._said: dict[str, Text | None] = {}  # by field of a delta, the text that was last in it
        self._sources = 0

    # --- chunks ---------------------------------------------------------------------------------------------------------

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> None:
        if not self._envelope:  # with the first content, when the model is known
            about = {"id": f"chatcmpl-{self.run_id}", "object": "chat.completion.chunk", "created": self.created}
            self._envelope = {**about, "model": self.model or ""}
            delta = {"role": "assistant", **delta}
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        self.put({**self._envelope, "choices": [choice]})

    def _say(self, field: str, text: Text, delta: str) -> None:
        """More of a text; a field is one text for the client, so that others are set apart in it."""
        if not delta:
            return
        before = self._said.get(field)
        if before is not None and before is not text:
            delta = BREAK + delta
        self._said[field] = text
        self._chunk({field: delta})

    def finish(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """The completion is over."""
        if error is None or not self._envelope:
            reason = self.cut(end) or ("tool_calls" if self.unanswered() else "stop")
            self._chunk({}, reason if error is None else None)
        if self.usage is not None:
            self.put({**self._envelope, "choices": [], "usage": chat_usage(self.usage)})
        if error is not None:
            about = {"message": error.message, "type": error.error_type, "param": None, "code": error.code}
            self.put({"error": about})
        self.put(DONE)

    # --- what is said ---------------------------------------------------------------------------------------------------

    def text(self, text: Text, delta: str) -> None:
        """More of the answer, or of a refusal."""
        is_refusal = isinstance(text.start, ev.TextStart) and text.start.kind == "refusal"
        self._say("refusal" if is_refusal else "content", text, delta)

    def thought(self, thought: Text, delta: str) -> None:
        """More of a thought."""
        self._say("reasoning_content", thought, delta)

    def start_call(self, call: Call) -> None:
        """A tool call begins: the first delta has all but the arguments."""
        index = self._indices[call.start.id] = len(self._indices)
        function = {"name": call.name, "arguments": ""}
        self._chunk({"tool_calls": [{"index": index, "id": call.call_id, "type": "function", "function": function}]})

    def call_delta(self, call: Call, delta: str) -> None:
        """More of the arguments' text."""
        about = {"index": self._indices[call.start.id], "function": {"arguments": delta}}
        self._chunk({"tool_calls": [about]})

    def other(self, event: ev.Event) -> None:
        """Sources are annotations."""
        if isinstance(event, ev.Source) and event.url:
            citation = {"url": event.url, "title": event.title or "", "start_index": 0, "end_index": 0}
            # The index is for clients that put a message together: in a list, as of calls, they want to know the place.
            self._chunk({"annotations": [{"index": self._sources, "type": "url_citation", "url_citation": citation}]})
            self._sources += 1


def chat_usage(usage: ev.Usage) -> dict[str, Any]:
    """Token counts as Chat Completions has them; the three main ones are always there."""
    sent, made = usage.input or 0, usage.output or 0
    counts: dict[str, Any] = {"prompt_tokens": sent, "completion_tokens": made}
    counts["total_tokens"] = sent + made if usage.total is None else usage.total
    if usage.cache_read is not None:
        counts["prompt_tokens_details"] = known(cached_tokens=usage.cache_read)
    if usage.reasoning is not None:
        counts["completion_tokens_details"] = known(reasoning_tokens=usage.reasoning)
    return counts
