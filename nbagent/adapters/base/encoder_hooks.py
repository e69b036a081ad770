"""Hooks of an encoder: what it is told of a run, in order and with everything closed."""

from nbagent import events as ev
from nbagent.adapters.base.streamed import StreamedCall, StreamedText


class EncoderHooks:
    """Methods that do nothing. An encoder overrides those of what its system can represent."""

    def start_run(self) -> None:
        """Called once, before all other hooks."""

    def start_step(self, event: ev.StepStart) -> None:
        """Called when a model response begins."""

    def end_step(self, event: ev.StepEnd) -> None:
        """Called when a model response ends."""

    def start_text(self, text: StreamedText) -> None:
        """Called when a text begins."""

    def text_delta(self, text: StreamedText, delta: str) -> None:
        """Called for each delta of a text."""

    def end_text(self, text: StreamedText) -> None:
        """Called when a text is complete: `text.final` is set."""

    def start_reasoning(self, reasoning: StreamedText) -> None:
        """Called when a reasoning block begins."""

    def reasoning_delta(self, reasoning: StreamedText, delta: str) -> None:
        """Called for each delta of a reasoning block."""

    def end_reasoning(self, reasoning: StreamedText, event: ev.ReasoningEnd) -> None:
        """Called when a reasoning block is complete: `reasoning.final` is set."""

    def start_call(self, call: StreamedCall) -> None:
        """Called when a tool call begins."""

    def args_delta(self, call: StreamedCall, delta: str) -> None:
        """Called for each delta of a call's arguments."""

    def end_args(self, call: StreamedCall) -> None:
        """Called when the arguments of a call are complete: `call.final_args` and `call.args_text`
        are set.
        """

    def tool_result(self, call: StreamedCall, event: ev.ToolResult) -> None:
        """Called for each result. `call.answered` is False for a preliminary one."""

    def other_event(self, event: ev.Event) -> None:
        """Called for every event without a hook of its own, such as a source, an approval or a
        non-fatal error.
        """

    def end_run(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """Called once, when all texts, reasoning blocks and steps have ended.

        Args:
            end: the last event.
            error: why the run failed; None if it did not.
        """
