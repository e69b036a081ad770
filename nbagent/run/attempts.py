"""`Attempts`: tool calls of a run that its reader makes again, while it goes on or later."""

import asyncio
import concurrent.futures
import contextvars
import threading
from collections.abc import Callable, Coroutine, Generator, Mapping
from functools import partial
from typing import Any

import msgspec

from nbagent import events as e
from nbagent.errors import NbagentError, ToolError
from nbagent.events.jsonable import json_safe
from nbagent.mime.text import MASK
from nbagent.printable import printable_line
from nbagent.protocol.json_size import truncate_to_bytes
from nbagent.run.question import unmasked
from nbagent.run.tool_call import ToolCall, ToolCalls, value_of
from nbagent.run.waiting import wait_for
from nbagent.run_context import CURRENT_RUN, RunContext, RunHost
from nbagent.runtime import kernel, loop, work
from nbagent.transcript import Transcript
from nbagent.transcript.block import Block
from nbagent.transcript.shape import shape_of

FORM_PART = "rerun/"
"""Prefix of the name by which a view asks for a call's form of arguments; the id of the call's
block follows.
"""

STOPPED = "Stopped"
"""Type of the error of an attempt that was stopped."""

STOP_GRACE_S = 0.5
"""Seconds that a stopped attempt gets for its clean-up; then it ends without it."""


class Attempt(ToolCall):
    """A tool call that was made again.

    Its properties change while it runs; `await attempt` and `attempt.wait()` are it, done.

    As the last line of a cell it is waited for, and shows its result and what differs from that of
    the first call.
    """

    @property
    def difference(self) -> dict[str, Any] | None:
        """Difference from the first result, as plain JSON, see `nbagent.run.diff.difference`; None
        while the call runs.
        """
        return self._block.props.get("difference")

    @property
    def done(self) -> bool:
        """True if the call has ended."""
        return self._done.done()

    def stop(self) -> None:
        """Stop the call.

        An async tool is cancelled; a sync one is left behind, and what it returns is dropped.
        """
        self._attempts.stop(self._block.id)

    def wait(self, timeout: float | None = None) -> "Attempt":
        """Block until the call has ended.

        An interrupt stops it. What it raised is `error`, and is not raised here.

        Args:
            timeout: seconds to wait at most; None waits for ever.

        Raises:
            TimeoutError: it goes on after `timeout` seconds.
            NbagentError: this code runs on nbagent's own loop, where the call runs too.
        """
        if loop.is_current() and not work.in_page() and not self.done:
            raise NbagentError(
                "this code runs on nbagent's own loop, which a wait would block: use `await "
                "attempt`"
            )
        try:
            kernel.wait(self._done, timeout)
        except KeyboardInterrupt:
            self.stop()
            raise
        except TimeoutError:
            raise TimeoutError(
                f"{self!r} is still running after {timeout} s; attempt.stop() stops it"
            ) from None
        return self

    def __await__(self) -> Generator[Any, None, "Attempt"]:
        return self._wait().__await__()

    async def _wait(self) -> "Attempt":
        await wait_for([self._done], self.stop)
        return self

    @property
    def _done(self) -> "concurrent.futures.Future[None]":
        return self._attempts.done_of(self._block.id)

    def __repr__(self) -> str:
        # Imported with the first attempt, for the sake of the start-up time.
        from nbagent.run.diff import headline

        if self.difference is not None:
            compared = f": {printable_line(headline(self.difference))}"
        else:
            compared = ""
        return f"<Attempt {super().__repr__()[1:-1]}{compared}>"

    def _repr_html_(self) -> str:
        from nbagent.render.html import blocks_html  # with the first attempt that is shown alone

        self.wait()
        with self._lock:
            blocks = self._attempts.snapshot_of(self._block)
        return blocks_html(blocks)


class _Running:
    """An attempt in progress: its task, and the future of its end."""

    def __init__(self) -> None:
        self.done: concurrent.futures.Future[None] = concurrent.futures.Future()
        self.task: concurrent.futures.Future[None] | None = None


class Attempts:
    """Makes the tool calls of one run again.

    Args:
        transcript: of the run.
        calls: whole arguments and live results.
        mask: masks the run's secrets.
        lock: guards the run's blocks.

    Attributes:
        run: reports what the attempts do.
    """

    run: RunHost

    def __init__(
        self,
        transcript: Transcript,
        calls: ToolCalls,
        mask: Callable[[str], str],
        lock: threading.RLock,
    ) -> None:
        self._transcript = transcript
        self._calls = calls
        self._mask = mask
        self._lock = lock
        self._repeatables: dict[str, e.Repeatable] = {}  # by block
        self._arguments: dict[str, dict[str, Any]] = {}  # of attempts, as their tools got them
        self._running: dict[str, _Running] = {}

    def add(self, way: e.Repeatable, block_id: str) -> None:
        """Keep the way to make a call again."""
        self._repeatables[block_id] = way

    def schema_of(self, call: str) -> dict[str, Any] | None:
        """Return the schema of a call's arguments as its function takes them now; None if it is not
        known.
        """
        way = self._repeatables.get(call)
        try:
            return None if way is None else way.form()["schema"]
        except NbagentError:  # the function as it is now cannot be a tool
            return None

    def of(self, call: str) -> list[Attempt]:
        """Return the attempts of a call, by its block's id."""
        with self._lock:
            blocks = [
                block
                for block in self._transcript.blocks.values()
                if block.props.get("attempt_of") == call
            ]
        return [Attempt(*self._calls.parts(block)) for block in blocks]

    def done_of(self, attempt: str) -> "concurrent.futures.Future[None]":
        """Return a future of the end of an attempt."""
        running = self._running.get(attempt)
        if running is not None:
            return running.done
        over: concurrent.futures.Future[None] = concurrent.futures.Future()
        over.set_result(None)
        return over

    def snapshot_of(self, block: Block) -> list[dict[str, Any]]:
        """Return an attempt as a transcript of its own, without a header."""
        blocks = self._transcript.blocks.values()
        inside = [
            each for each in blocks if each is block or self._transcript.is_inside(each, block.id)
        ]
        return [each.snapshot() for each in inside]

    def begin(
        self,
        call: str,
        args: Mapping[str, Any] | None,
        changes: Mapping[str, Any],
        *,
        force: bool = False,
    ) -> Attempt:
        """Begin an attempt; see `ToolCall.rerun`.

        Args:
            call: id of the call's block, or of another attempt of it, whose arguments are then
                those to start from.
            args: all arguments; None for those of the call.
            changes: arguments that differ.
            force: call a tool that must not be called twice.
        """
        with self._lock:
            block = self._transcript.blocks.get(call)
            if block is None or block.kind != "tool":
                raise NbagentError(f"there is no tool call {call!r}")
            of = block.props.get("attempt_of", call)
            way = self._repeatables.get(of)
            if way is None:
                raise NbagentError(
                    f"{block.props.get('name')} cannot be called here: its function is not known. "
                    "Calls of tools of "
                    "nbagent.Agent, and of functions marked @nbagent.tool, can be made again in "
                    "the process in which they ran, "
                    "unless their results are hidden"
                )
            original = self._arguments.get(call, way.arguments)
            number = 1 + sum(
                each.props.get("attempt_of") == of for each in self._transcript.blocks.values()
            )
            id = f"{of}/attempt-{number}"
            shown = self._calls.args_of(call)
        given = original
        if args is not None:
            given = unmasked(dict(args), shown, original)
        if given is None and not changes:
            raise ToolError(
                "the arguments of this call never were complete; give them all: rerun(year=2024, …)"
            )
        arguments = {**(given or {}), **changes}
        running = self._running[id] = _Running()

        async def emit(event: e.Event) -> None:
            if not running.done.done():
                self.run.report([event], last=False)

        try:
            calling, note = way.attempt(id, arguments, emit, force=force)
        except BaseException:
            del self._running[id]
            raise
        self._arguments[id] = arguments
        name = str(block.props.get("name"))
        json = json_safe(arguments)
        start = e.ToolStart(
            id=id, name=name, title=f"Attempt {number}", attempt_of=of, parent_id=of
        )
        written = e.ToolArgs(id=id, args=json, args_text=msgspec.json.encode(json).decode())
        events: list[e.Event] = [start, written]
        if note is not None:
            events.append(e.Status(message=note, level="warning", parent_id=id))
        self.run.report(events, last=False)
        context = contextvars.copy_context()
        context.run(MASK.set, self._mask)
        context.run(CURRENT_RUN.set, RunContext(run=self.run, stops=False))
        running.task = context.run(loop.submit, self._perform(id, of, calling, running, context))
        with self._lock:
            return Attempt(*self._calls.parts(self._transcript.blocks[id]))

    def stop(self, attempt: str) -> None:
        """Stop an attempt. One that has ended is no error."""
        running = self._running.get(attempt)
        if running is not None and running.task is not None:
            running.task.cancel()

    def page(self, name: str, offset: int, max_bytes: int) -> tuple[str, int]:
        """Return a page of what a form for other arguments of a call needs, and the characters in
        all of it.

        Raises:
            LookupError: the call cannot be made again.
        """
        way = self._repeatables.get(name.removeprefix(FORM_PART))
        if way is None:
            raise LookupError("This call cannot be made again.")
        try:
            text = msgspec.json.encode(json_safe(way.form())).decode()
        except NbagentError as error:  # the function as it is now cannot be a tool
            raise LookupError(self._mask(str(error))) from error
        return truncate_to_bytes(text, offset, max_bytes)[0], len(text)

    async def _perform(
        self,
        id: str,
        of: str,
        calling: Coroutine[Any, Any, e.ToolResult],
        running: _Running,
        context: contextvars.Context,
    ) -> None:
        task = asyncio.create_task(calling, name="nbagent-attempt")
        try:
            await asyncio.wait([task])
            result = task.result()
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait([task], timeout=STOP_GRACE_S)
            result = e.ToolResult(
                id=id, status="error", error=e.ErrorInfo(message="Stopped by you", type=STOPPED)
            )
        except BaseException as error:
            info = e.ErrorInfo(message=str(error), type=type(error).__name__)
            result = e.ToolResult(id=id, status="error", error=info)
        # Two large values are compared in a thread, which no stop interrupts.
        context.copy().run(
            work.start, partial(self._end, result, of, running), name="nbagent-attempt"
        )

    def _end(self, result: e.ToolResult, of: str, running: _Running) -> None:
        try:
            from nbagent.run.diff import headline

            found: dict[str, Any] | None = None
            first = self._calls.result_of(of)
            if first is not None and not first.preliminary:
                try:
                    found = _difference(first, result)
                except Exception as error:  # a value whose comparison fails
                    found = {
                        "kind": "value",
                        "before": "",
                        "after": f"cannot be compared: {type(error).__name__}: {error}",
                    }
            if found is not None:
                found["note"] = headline(found)
            self.run.report([msgspec.structs.replace(result, difference=found)])
        finally:
            running.done.set_result(None)


def _difference(first: e.ToolResult, second: e.ToolResult) -> dict[str, Any]:
    """Return the difference of two results of a call."""
    if first.status == "ok" and second.status == "ok":
        from nbagent.run.diff import difference

        pictures = _is_picture(first) and _is_picture(second)
        return difference(value_of(first), value_of(second), pictures=pictures)
    before, after = _headline(first), _headline(second)
    if first.status == second.status and before == after:
        return {"kind": "same"}
    return {"kind": "value", "before": before, "after": after}


def _is_picture(event: e.ToolResult) -> bool:
    return event.display is not None and shape_of(event.display.data) == "picture"


def _headline(event: e.ToolResult) -> str:
    if event.error is not None:
        return f"{event.error.type}: {event.error.message}"
    if event.display is not None:
        return event.display.summary
    return event.status
