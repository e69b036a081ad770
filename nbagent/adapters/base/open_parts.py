"""What an encoder keeps of the texts, thoughts and calls that are open."""

from nbagent import events as ev


class Text:
    """A text or a thought that is open, or was.

    Attributes:
        start: the event that began it.
        final: what it is in the end.
        streamed: what its deltas made.
    """

    __slots__ = ("final", "pieces", "start", "streamed")

    def __init__(self, start: ev.TextStart | ev.ReasoningStart) -> None:
        self.start = start
        self.pieces: list[str] = []
        self.final = ""
        self.streamed = ""

    @property
    def id(self) -> str:
        """Its id in the events."""
        return self.start.id


class Call:
    """A tool call.

    Attributes:
        start: the event that began it.
        call_id: the provider's id, or ours where there is none or another call had it before: unique in the stream.
        args: its arguments, once they are whole.
        text: the arguments as they were written.
        answered: whether its result is final.
    """

    __slots__ = ("answered", "args", "call_id", "pieces", "start", "text")

    def __init__(self, start: ev.ToolStart, call_id: str) -> None:
        self.start = start
        self.call_id = call_id
        self.pieces: list[str] = []
        self.args: ev.ToolArgs | None = None
        self.text = ""
        self.answered = False

    @property
    def name(self) -> str:
        """The tool's name."""
        return self.start.name


def settle(text: Text, final: str | None) -> str:
    """Bring what was streamed and the end together; what is left to stream."""
    text.streamed = "".join(text.pieces)
    text.pieces = []
    text.final = text.streamed if final is None else final
    if not text.final.startswith(text.streamed):
        return ""  # it is replaced
    rest = text.final[len(text.streamed) :]
    text.streamed = text.final
    return rest
