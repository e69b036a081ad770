"""State of a text, a reasoning block or a tool call while it is encoded."""

from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.text_forms import as_text


class StreamedText:
    """A text or a reasoning block.

    Attributes:
        start: the event that started it.
        deltas: its deltas so far; empty once it is complete.
        streamed: the text that was sent in deltas, once it is complete.
        final: its final text. Differs from `streamed` if the end replaces the deltas.
    """

    __slots__ = ("deltas", "final", "start", "streamed")

    def __init__(self, start: ev.TextStart | ev.ReasoningStart) -> None:
        self.start = start
        self.deltas: list[str] = []
        self.final = ""
        self.streamed = ""

    @property
    def id(self) -> str:
        """Id in the events."""
        return self.start.id

    @property
    def is_refusal(self) -> bool:
        """True if the text is a refusal."""
        return isinstance(self.start, ev.TextStart) and self.start.kind == "refusal"

    def complete(self, final: str | None) -> str:
        """Set the final text, and return the part of it that was not streamed: "" if it replaces
        what was.

        Args:
            final: the text of the end event; None if the deltas are the text.
        """
        self.streamed = "".join(self.deltas)
        self.deltas = []
        self.final = self.streamed if final is None else final
        if not self.final.startswith(self.streamed):
            return ""
        rest = self.final[len(self.streamed) :]
        self.streamed = self.final
        return rest


class StreamedCall:
    """A tool call.

    Attributes:
        start: the event that started it.
        call_id: the provider's id; ours if there is none, or if an earlier call has the same.
            Unique in the stream.
        deltas: the deltas of its arguments; empty once the arguments are complete.
        final_args: the event with its complete arguments; None until it comes, and once the result
            is final.
        args_text: the complete arguments as text.
        answered: whether its result is final.
    """

    __slots__ = ("answered", "args_text", "call_id", "deltas", "final_args", "start")

    def __init__(self, start: ev.ToolStart, call_id: str) -> None:
        self.start = start
        self.call_id = call_id
        self.deltas: list[str] = []
        self.final_args: ev.ToolArgs | None = None
        self.args_text = ""
        self.answered = False

    @property
    def name(self) -> str:
        """Name of the tool."""
        return self.start.name

    @property
    def is_hosted(self) -> bool:
        """True if the provider runs the tool."""
        return self.start.kind in ("hosted", "mcp")

    @property
    def takes_args(self) -> bool:
        """True until its arguments are complete, or its result is final."""
        return self.final_args is None and not self.answered

    @property
    def args_so_far(self) -> str:
        """Text of the arguments as far as it is known."""
        if self.final_args is None:
            return "".join(self.deltas)
        return self.args_text

    @property
    def args_value(self) -> Any:
        """Value of the complete arguments: the text if it is not valid JSON, {} if there are
        none.
        """
        assert self.final_args is not None
        value = self.final_args.args if self.final_args.valid else self.args_text
        if value is None:
            return {}
        return value

    def complete(self, event: ev.ToolArgs) -> str:
        """Set the complete arguments, and return the part of their text that was not streamed: ""
        if they replace what was.
        """
        streamed = self.args_so_far
        self.deltas = []
        self.final_args, self.args_text = event, event.args_text
        if not event.args_text and event.args:
            self.args_text = as_text(event.args)
        if not self.args_text.startswith(streamed):
            return ""
        return self.args_text[len(streamed) :]

    def free_args(self) -> None:
        """Forget the arguments."""
        self.final_args, self.args_text, self.deltas = None, "", []
