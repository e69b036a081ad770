"""The small vocabulary of many a FastAPI tutorial: `status`, `token`, `tool_result`, `done`.

Items are `{"type": "status" or "token", "content"}`, `{"type": "tool_result", "tool", "content"}` and `{"type": "done"}`. That
a tool begins is a status, "Using search...". The vocabulary has no failure, and a client would take what broke off for whole:
`{"type": "error", "content"}`, which some add, is sent too.
"""

from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.losses import Loss
from nbagent.adapters.base.open_parts import Call, Text
from nbagent.adapters.base.overlaps import Kind
from nbagent.adapters.base.wording import BREAK, said, word_of


class StatusTokensEncoder(BaseEncoder):
    """Events to status, token and tool items.

    Lost on the way:

    - the model's name
    - token counts
    - the provider's own finish reason
    - the code of an end or an error
    - how a run ended that is neither complete nor failed: it fails, and says why
    - that a run waits for a human: it is complete
    - thoughts
    - that texts, or thoughts, are written at the same time: they come one after another
    - where one text ends and the next begins: they are one, with an empty line
    - that a text is a refusal
    - the phase of a text
    - that a text is replaced at its end: what was streamed stays
    - who runs a tool
    - spaces and signs in a tool's name: they are _
    - titles of tools
    - ids of calls
    - arguments
    - the progress of a tool
    - preliminary results
    - results that are no text: they become their JSON
    - which of the open calls of a name a result answers: the latest
    - that a tool failed: its message is its result
    - requests for approval
    - sub-agents
    - that something is part of a call or a sub-agent
    - hand-offs
    - sources
    - files
    - state
    - the level of a status line
    - errors that do not end the run
    - the type of an error
    - events of the application's own
    - raw items
    """

    system: ClassVar[str] = "status.tokens"
    loses: ClassVar[frozenset[Loss]] = frozenset(
        {
            Loss.MODEL,
            Loss.USAGE,
            Loss.FINISH,
            Loss.CODES,
            Loss.ENDS,
            Loss.PAUSES,
            Loss.THOUGHTS,
            Loss.REFUSALS,
            Loss.PHASES,
            Loss.OVERLAPS,
            Loss.RUN_BORDERS,
            Loss.REPLACED,
            Loss.TOOL_KINDS,
            Loss.NAMES,
            Loss.TITLES,
            Loss.CALL_IDS,
            Loss.ARGS,
            Loss.RESULTS_BY_NAME,
            Loss.PROGRESS,
            Loss.PRELIMINARY,
            Loss.RESULT_TYPES,
            Loss.TOOL_ERRORS,
            Loss.APPROVALS,
            Loss.AGENTS,
            Loss.NESTING,
            Loss.HANDOFFS,
            Loss.SOURCES,
            Loss.FILES,
            Loss.STATE,
            Loss.LEVELS,
            Loss.WARNINGS,
            Loss.ERROR_TYPES,
            Loss.CUSTOM,
            Loss.RAW,
        }
    )
    ends: ClassVar[frozenset[str]] = frozenset({"completed", "paused"})
    interrupts: ClassVar[frozenset[Kind] | None] = frozenset()

    def __init__(self) -> None:
        super().__init__()
        self._last: Text | None = None

    def _say(self, kind: str, content: str, **more: Any) -> None:
        self.put({"type": kind, **more, "content": content})

    def text(self, text: Text, delta: str) -> None:
        """More of the answer."""
        if not delta:
            return
        before, self._last = self._last, text
        self._say("token", delta if before in (None, text) else BREAK + delta)

    def start_call(self, call: Call) -> None:
        """A tool begins."""
        self._say("status", f"Using {word_of(call.name)}...")

    def result(self, call: Call, event: ev.ToolResult) -> None:
        """What a tool returned."""
        if call.answered:
            self._say("tool_result", said(event), tool=word_of(call.name))

    def other(self, event: ev.Event) -> None:
        """What goes on."""
        if isinstance(event, ev.Status):
            self._say("status", event.message)

    def finish(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """The answer is whole, or it is not."""
        if error is not None:
            self._say("error", error.message)
        self.put({"type": "done"})
