"""A tool call of a run, for whoever wants more than to look at it."""

import reprlib
import threading
from collections.abc import Mapping
from typing import Any

from nbagent import events as e
from nbagent.transcript import Transcript
from nbagent.transcript.block import Block


class ToolCall:
    """One tool call of a run, as far as it has come; read again later, it says more. `run.tools` makes them.

    Args:
        block: what a reader sees of the call.
        args: the run's whole arguments, by the call's id.
        results: the run's results, by the call's id.
        lock: guards the block while its text grows.
    """

    def __init__(
        self,
        block: Block,
        args: Mapping[str, e.ToolArgs],
        results: Mapping[str, e.ToolResult],
        lock: threading.RLock,
    ) -> None:
        self._block = block
        self._args = args
        self._results = results
        self._lock = lock

    @property
    def name(self) -> str:
        """The tool's name."""
        return str(self._block.props["name"])

    @property
    def state(self) -> str:
        """Where the call stands, in the AI SDK's words: `"input-streaming"`, `"output-available"`, …, or `"cancelled"`."""
        return str(self._block.props["state"])

    @property
    def args(self) -> Any:
        """The arguments, parsed; None while they still stream in. `args_text` has them as written."""
        said = self._args.get(self._block.id)
        return None if said is None else said.args

    @property
    def args_text(self) -> str:
        """The arguments' text so far."""
        with self._lock:
            return self._block.text("args_text")

    @property
    def result(self) -> Any:
        """What the tool returned: the live object itself where it ran in this process, else what the model got to see of it."""
        said = self._results.get(self._block.id)
        if said is None:
            return None
        return said.content if said.value is None else said.value.value

    @property
    def error(self) -> dict[str, Any] | None:
        """`type`, `message` and `traceback` of what went wrong, if something did."""
        return self._block.props.get("error")

    @property
    def seconds(self) -> float | None:
        """How long the tool ran; None while it runs."""
        props = self._block.props
        ended = props.get("ended")
        return None if ended is None else float(ended - props.get("args_done", props["started"]))

    def __repr__(self) -> str:
        args = self.args if isinstance(self.args, dict) else {}
        call = ", ".join(f"{name}={reprlib.repr(value)}" for name, value in args.items())
        return f"<{self.name}({call}) {self.state}>"


class ToolCalls:
    """What a run knows of its tool calls beside what a reader sees: whole arguments, and live results.

    Args:
        lock: guards the run's blocks.
    """

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._args: dict[str, e.ToolArgs] = {}
        self._results: dict[str, e.ToolResult] = {}

    def take(self, event: e.ToolArgs | e.ToolResult, block: str) -> None:
        """Keep the arguments or the result of the call that a block shows."""
        if isinstance(event, e.ToolArgs):
            self._args[block] = event
        else:
            self._results[block] = event

    def of(self, transcript: Transcript) -> list[ToolCall]:
        """The calls in a transcript, in order."""
        with self._lock:
            blocks = [block for block in transcript.blocks.values() if block.kind == "tool"]
        return [ToolCall(block, self._args, self._results, self._lock) for block in blocks]

    def text_of(self, block: str) -> str | None:
        """The live result of a call if that is a text."""
        said = self._results.get(block)
        value = None if said is None or said.value is None else said.value.value
        return value if type(value) is str else None
