"""Hector, as its documentation has it: chunks of text, over server-sent events or a WebSocket.

Source: https://github.com/kadirpekel/hector, `docs/core-concepts/streaming.md` at 7bc71ac. A frame is `{"chunk": text}`, the
end is `[DONE]`; a tool call is a line of the text, `[Tool: name(arguments)]`. An error is what its server sends for one: an
event named `error`. The documentation has no empty lines between frames; here they are, as readers of the standard need them.
"""

import re
from typing import ClassVar

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder, Item
from nbagent.adapters.base.losses import Loss
from nbagent.adapters.base.open_parts import Call, Text
from nbagent.adapters.base.overlaps import Kind
from nbagent.adapters.base.wording import BREAK, to_json, word_of
from nbagent.wire.frames import sse

_LINE_END = re.compile(r"[\r\n]")


class HectorEncoder(BaseEncoder):
    """Events to the chunks of Hector's documentation.

    Lost on the way:

    - the model's name
    - token counts
    - the provider's own finish reason
    - how a run ended that is neither complete nor failed: it fails, and says why
    - that a run waits for a human: it is complete
    - thoughts
    - that texts, or thoughts, are written at the same time: they come one after another
    - where one text ends and the next begins: they are one, with an empty line; a call has a line of its own
    - that a text is a refusal
    - the phase of a text
    - that a text is replaced at its end: what was streamed stays
    - who runs a tool
    - spaces and signs in a tool's name: they are _
    - titles of tools
    - ids of calls
    - arguments as objects, and calls before their arguments are whole
    - the progress of a tool
    - what tools returned
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

    system: ClassVar[str] = "hector"
    loses: ClassVar[frozenset[Loss]] = frozenset(
        {
            Loss.MODEL,
            Loss.USAGE,
            Loss.FINISH,
            Loss.ENDS,
            Loss.PAUSES,
            Loss.THOUGHTS,
            Loss.REFUSALS,
            Loss.PHASES,
            Loss.OVERLAPS,
            Loss.LINES,
            Loss.REPLACED,
            Loss.TOOL_KINDS,
            Loss.NAMES,
            Loss.TITLES,
            Loss.CALL_IDS,
            Loss.ARGS_AS_TEXT,
            Loss.PROGRESS,
            Loss.RESULTS,
            Loss.APPROVALS,
            Loss.AGENTS,
            Loss.NESTING,
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
    )
    ends: ClassVar[frozenset[str]] = frozenset({"completed", "paused"})
    interrupts: ClassVar[frozenset[Kind] | None] = frozenset()

    def __init__(self) -> None:
        super().__init__()
        self._last: Text | None = None
        self._at_line_start = True

    def frame(self, item: Item) -> bytes:
        """A chunk has no name, an error has."""
        if isinstance(item, dict) and "event" in item:
            return sse(to_json(item["data"]), item["event"])
        return super().frame(item)

    def _chunk(self, text: str) -> None:
        self._at_line_start = text.endswith("\n")
        self.put({"chunk": text})

    def text(self, text: Text, delta: str) -> None:
        """More of the answer."""
        if delta:
            before, self._last = self._last, text
            self._chunk(delta if before in (None, text) else BREAK + delta)

    def end_args(self, call: Call) -> None:
        """A call is a line of its own, in one chunk."""
        line = _LINE_END.sub(" ", call.text)  # JSON has none inside a string
        newline = "" if self._at_line_start else "\n"
        self._chunk(f"{newline}[Tool: {word_of(call.name)}({line})]\n")
        self._last = None

    def finish(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """The answer is whole, or it is not."""
        if error is None:
            self.put("[DONE]")
        else:
            about = {"message": error.message, **({"code": error.code} if error.code else {})}
            self.put({"event": "error", "data": {"error": about}})
