"""The tool calls of a run as Python objects: whole arguments, and live results."""

import reprlib
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

from nbagent import events as e
from nbagent.errors import NbagentError, did_you_mean
from nbagent.printable import printable_line
from nbagent.render.durations import worked
from nbagent.render.markup.table import html_table
from nbagent.runtime import post_mortem
from nbagent.transcript import ROOT, Transcript
from nbagent.transcript.block import Block

if TYPE_CHECKING:
    from nbagent.run.attempts import Attempt, Attempts


class ToolCall:
    """Tool call of a run. Its properties change while it runs. `run.tools` makes it.

    Args:
        block: shows the call in the transcript.
        args: the whole arguments of the run's calls, by block id.
        results: the results of the run's calls, by block id.
        lock: guards the block while its text grows.
        again: makes the call again.
    """

    def __init__(
        self,
        block: Block,
        args: Mapping[str, e.ToolArgs],
        results: Mapping[str, e.ToolResult],
        lock: threading.RLock,
        again: "Attempts",
    ) -> None:
        self._block = block
        self._args = args
        self._results = results
        self._lock = lock
        self._attempts = again

    @property
    def id(self) -> str:
        """Id of the call in the run's events."""
        return self._block.id

    @property
    def name(self) -> str:
        """Name of the tool."""
        return str(self._block.props["name"])

    @property
    def state(self) -> str:
        """State of the call, in the AI SDK's words: `"input-streaming"`, `"output-available"`, …,
        or `"cancelled"`.
        """
        return str(self._block.props["state"])

    @property
    def args(self) -> Any:
        """The parsed arguments; None while they stream in. `args_text` has them as written."""
        event = self._args.get(self._block.id)
        if event is None:
            return None
        return event.args

    @property
    def args_text(self) -> str:
        """Text of the arguments so far."""
        with self._lock:
            return self._block.text("args_text")

    @property
    def result(self) -> Any:
        """The object that the tool returned, if it ran in this process, else the content for the
        model; None until then.
        """
        event = self._results.get(self._block.id)
        if event is None:
            return None
        return value_of(event)

    @property
    def error(self) -> dict[str, Any] | None:
        """`type`, `message`, `traceback` and `frames` of the tool's error; None if there is none.

        `exception` is the object.
        """
        return self._block.props.get("error")

    @property
    def exception(self) -> BaseException | None:
        """The exception that the tool raised in this process, with its traceback; None if there is
        none, or if it is hidden.
        """
        event = self._results.get(self._block.id)
        if event is None or event.exception is None:
            return None
        exception: BaseException = event.exception.value
        return exception

    def debug(self) -> None:
        """Open the post-mortem debugger in the frames of `exception`, as `%debug` does: IPython's,
        or pdb where there is none.

        Raises:
            NbagentError: the call has no exception.
        """
        if self.exception is None:
            raise NbagentError(
                f"{self!r} has no exception: only a tool that raised one in this process can be "
                "debugged"
            )
        post_mortem.debug(self.exception)

    @property
    def seconds(self) -> float | None:
        """Seconds that the tool ran, without those for which it waited for you; None while it runs,
        or if they are unknown.
        """
        return worked(self._block.props, "args_done")

    @property
    def output(self) -> str:
        """Text that the tool printed and logged so far."""
        with self._lock:
            return self._block.text("output")

    @property
    def attempts(self) -> "list[Attempt]":
        """Further calls by `rerun` and the button "Run again", in order."""
        return self._attempts.of(self._block.id)

    def rerun(
        self, args: Mapping[str, Any] | None = None, /, *, force: bool = False, **changes: Any
    ) -> "Attempt":
        """Make the call again, for you: the model does not learn of it.

        The function is looked up as it is now.

            run.tools[2].rerun()            # in a cell: its result, and what differs from the first
            run.tools[2].rerun(year=2024)   # with another argument
            attempt = await run.tools[2].rerun()
            run.tools[2].rerun().wait().result

        It begins at once and is shown in the call's panel, while the run goes on and after its end.
        Stop there, `attempt.stop()`, or an interrupt of a wait ends it.

        Args:
            args: all arguments, in place of those of the call.
            force: call a tool that is marked `once=True`, too.
            changes: arguments that differ from those of the call.

        Raises:
            ToolError: the arguments do not fit, or never were complete, or the tool must not be
                called twice.
            NbagentError: the function is not known here: the run was loaded from a file, or the
                tool is not one of `nbagent.Agent` or `@nbagent.tool`.
        """
        return self._attempts.begin(self._block.id, args, changes, force=force)

    def figures(self) -> list[str]:
        """Return the call as short texts: tool, arguments, state, seconds, and what its result or
        its error is.
        """
        error = self.error
        if error is None:
            outcome = str(self._block.props.get("summary") or "")
        else:
            outcome = f"{error.get('type')}: {error.get('message')}"
        seconds = ""
        if self.seconds is not None:
            seconds = f"{self.seconds:.1f}"
        return [self.name, self._short_args(), self.state, seconds, outcome]

    def _short_args(self) -> str:
        args = self.args
        if not isinstance(args, dict):
            return ""
        return ", ".join(
            f"{printable_line(name)}={reprlib.repr(value)}" for name, value in args.items()
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ToolCall) and self._block is other._block

    def __hash__(self) -> int:
        return hash(id(self._block))

    def __repr__(self) -> str:
        return f"<{printable_line(self.name)}({self._short_args()}) {self.state}>"


class ToolCallList(list[ToolCall]):
    """Tool calls, in order, by position or by name: `run.tools[0]`, `run.tools["search"]`.

    Args:
        calls: so far.
        goes_on: whether the run may make more of them.
    """

    def __init__(self, calls: Iterable[ToolCall] = (), *, goes_on: bool = False) -> None:
        super().__init__(calls)
        self._goes_on = goes_on

    @overload
    def __getitem__(self, key: SupportsIndex) -> ToolCall: ...
    @overload
    def __getitem__(self, key: slice) -> list[ToolCall]: ...
    @overload
    def __getitem__(self, key: str) -> ToolCall: ...
    def __getitem__(self, key: SupportsIndex | slice | str) -> ToolCall | list[ToolCall]:
        """Return a call by its position, several by a slice, or the latest call of a tool by the
        tool's name.

        Raises:
            IndexError: there are not so many.
            KeyError: no tool of that name was called; the message has those that were.
        """
        if isinstance(key, slice):
            return super().__getitem__(key)
        if not isinstance(key, str):
            try:
                return super().__getitem__(key)
            except IndexError:
                raise IndexError(
                    f"there is no tool call {key!r}: {len(self)} so far{self._later()}"
                ) from None
        for call in reversed(self):
            if call.name == key:
                return call
        names = dict.fromkeys(call.name for call in self)
        hint = did_you_mean(key, names) or "."
        raise KeyError(
            f"no call of {key!r}{hint} Called were: {', '.join(names) or 'none'}{self._later()}"
        )

    def _later(self) -> str:
        if self._goes_on:
            return ", and the run goes on: await run, or run.wait(), waits for its end"
        return ""

    def __repr__(self) -> str:
        return "\n".join(f"{index}: {call!r}" for index, call in enumerate(self)) or "[]"

    def _repr_html_(self) -> str:
        rows = ([str(index), *call.figures()] for index, call in enumerate(self))
        if self:
            return html_table(["", "tool", "arguments", "state", "seconds", "result"], rows)
        return "No tool was called."


class ToolCalls:
    """The whole arguments and live results of a run's tool calls.

    The transcript has them shortened, as JSON.

    Args:
        lock: guards the run's blocks.

    Attributes:
        again: makes calls again; set by the run's state.
    """

    again: "Attempts"

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._args: dict[str, e.ToolArgs] = {}
        self._results: dict[str, e.ToolResult] = {}

    def add(self, event: e.ToolArgs | e.ToolResult, block_id: str) -> None:
        """Keep the arguments or the result of the call that a block shows."""
        if isinstance(event, e.ToolArgs):
            self._args[block_id] = event
        else:
            self._results[block_id] = event

    def of(self, transcript: Transcript, scope: str = ROOT) -> "ToolCallList":
        """Return the calls in a transcript, in order.

        Args:
            transcript: of the run.
            scope: id of the block that encloses them, at any depth.
        """
        with self._lock:
            blocks: list[Block] = []
            for block in transcript.blocks.values():
                if block.kind != "tool" or transcript.is_of_attempt(block):
                    continue
                if transcript.is_inside(block, scope):
                    blocks.append(block)
            goes_on = transcript.root.props["status"] == "running"
        return ToolCallList((ToolCall(*self.parts(block)) for block in blocks), goes_on=goes_on)

    def parts(self, block: Block) -> tuple[Any, ...]:
        """Return the arguments of a `ToolCall`."""
        return block, self._args, self._results, self._lock, self.again

    def args_of(self, block_id: str) -> Any:
        """Return the whole arguments of a call as they are shown; None while they stream in."""
        event = self._args.get(block_id)
        if event is None:
            return None
        return event.args

    def result_of(self, block_id: str) -> e.ToolResult | None:
        """Return the last result of a call; None if there is none."""
        return self._results.get(block_id)

    def results(self) -> list[Any]:
        """Return the last result of each call, attempts included: the live one where there is
        one.
        """
        with self._lock:
            events = list(self._results.values())
        return [value_of(event) for event in events]

    def text_of(self, block_id: str) -> str | None:
        """Return the live result of a call if it is a text; None otherwise."""
        event = self._results.get(block_id)
        if event is None or event.value is None:
            return None
        value = event.value.value
        if type(value) is not str:
            return None
        return value


def value_of(result: e.ToolResult) -> Any:
    """Return the object that a tool returned, if it ran in this process, else the content for the
    model.
    """
    if result.value is not None:
        return result.value.value
    return result.content
