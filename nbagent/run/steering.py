"""`SteeredRun`: the acts of a run's reader, who stops it, opens panels, answers questions, and
writes prompts in a chat.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, assert_never

import msgspec

from nbagent import events as e
from nbagent.blocks.rows import RowsProps
from nbagent.errors import AnswerError, NbagentError
from nbagent.events.json_text import decode_json
from nbagent.events.question import Question, decisions
from nbagent.protocol.messages import (
    Act,
    Answer,
    Break,
    Command,
    Compare,
    Fork,
    Keep,
    Rerun,
    Say,
    Send,
    SteerRows,
    Step,
    Stop,
    StopAttempt,
    Toggle,
)
from nbagent.run.final_answer import FinalAnswer
from nbagent.run.pipeline import Pipeline
from nbagent.run.question import unmasked
from nbagent.run.results import RunResults
from nbagent.run.row_table import ROWS_PART, RowTable
from nbagent.run_context import Breakpoints
from nbagent.run_context.faults import Faults


class SteeredRun(RunResults):
    """A run, as far as its reader acts on it. All methods are safe on any thread.

    Attributes:
        on_prompt: called with each prompt that the reader of a chat writes; None for a run that is
            no chat.
        table: of the map that the run shows; None for any other run.
    """

    on_prompt: Callable[[Say], None] | None
    table: RowTable | None = None
    _breakpoints: Breakpoints
    _pipeline: Pipeline
    _faults: tuple[Faults, ...] = ()

    @abstractmethod
    def cancel(self, by: str = "you") -> None:
        """Stop the stream."""

    @abstractmethod
    def _act(self, command: Act) -> None:
        """Begin what a reader asked for that makes something besides the run."""

    def toggle(self, block: str | None, is_open: bool) -> None:
        """Open or close one panel (by its block's id; None: all of them) in every view of this run,
        for good.
        """
        with self._state.lock:
            self._pipeline.channels.send(self._state.transcript.toggle(block, is_open))

    def take(self, command: Command) -> None:
        """Do what the reader asked of the run in a view."""
        match command:
            case Stop():
                self.stop()
            case Toggle(block, is_open):
                self.toggle(block, is_open)
            case Answer():
                self._take_answer(command)
            case Break(tool, set=True):
                self.breakpoints.add(tool)
            case Break(tool):
                self.breakpoints.remove(tool)
            case Step(is_on):
                self.breakpoints.step = is_on
            case Rerun():
                self._take_rerun(command)
            case StopAttempt(block):
                self._state.attempts.stop(block)
            case Fork() | Keep() | Compare() | Send():
                self._act(command)
            case Say():
                if self.on_prompt is not None:
                    self.on_prompt(command)
            case SteerRows():
                if self.table is not None:
                    self.table.take(command)
            case _:
                assert_never(command)

    def copied(self, events: int) -> None:
        """Tell the views that a static copy with this many events was sent; one that misses it asks
        for it.

        After the end they know without a message that the copy holds all events.
        """
        with self._state.lock:
            ops = self._state.transcript.copied(events)
            if not self._state.transcript.ended:
                self._pipeline.channels.send(ops)

    def show_table(self, block: str, props: RowsProps) -> None:
        """Show the state of a map's table.

        Args:
            block: id of the table's block.
            props: those that have changed.
        """
        with self._state.lock:
            self._pipeline.channels.send(self._state.transcript.table(block, props))

    def page(self, name: str, offset: int, max_bytes: int) -> tuple[str, int]:
        """Return a page of a large value, of an inspector's answer, or of the rows of a map; see
        `RunResults.page`.
        """
        if self.table is not None and name.startswith(ROWS_PART):
            return self.table.page(name.removeprefix(ROWS_PART), max_bytes)
        return super().page(name, offset, max_bytes)

    @property
    def breakpoints(self) -> Breakpoints:
        """Points at which the run stops for its reader.

        They may be changed meanwhile: `run.breakpoints.add("search")`.
        """
        return self._breakpoints

    def _show_breakpoints(self) -> None:
        with self._state.lock:
            self._pipeline.channels.send(self._state.transcript.breakpoints(self._breakpoints))

    @property
    def waiting(self) -> list[Question]:
        """The questions that wait for an answer, oldest first.

        Empty for a stream that has no way to carry an answer back.
        """
        with self._state.lock:
            return [self.question(request) for request in self._state.questions]

    @property
    def answer(self) -> FinalAnswer:
        """The final answer so far; see `Results.answer`.

        As a function, `run.answer(id, …)`, it is `respond`.
        """
        return FinalAnswer.of(super().answer, self.respond)

    def respond(
        self,
        id: str,
        decision: bool | e.Decision = True,
        value: Any = None,
        *,
        reason: str | None = None,
        remember: bool = False,
    ) -> None:
        """Answer a question, from any thread.

            for question in run.waiting:
                run.respond(question.id, True)

        Args:
            id: of the question.
            decision: True or `"approve"`, False or `"deny"`, or `"cancel"`, which closes the
                question without an answer. At a breakpoint `"approve"` goes on; before a call
                `"step"` runs it and stops at its result, where `"again"` runs it once more;
                `"result"` and `"error"` give the call a result or an error in place of its own.
            value: the input; of a tool's call, changed arguments, None for those asked about; for
                `"result"`, any object.
            reason: of a denial, or the message of an error, for the model.
            remember: allow all further calls of the tool in this session too.

        Raises:
            AnswerError: no such question waits, or the value does not fit; the question then stays.
        """
        if isinstance(decision, bool):
            decision = "approve" if decision else "deny"
        with self._state.lock:
            request = self._state.questions.get(id)
        if decision not in (possible := decisions(request)):
            raise AnswerError(
                f"decision must be one of {', '.join(map(repr, possible))} here, or True or "
                f"False; got {decision!r}"
            )
        assert request.reply is not None
        reply: e.Reply = request.reply.value
        if value is not None and request.kind in ("tool", "stop") and decision != "result":
            value = unmasked(value, request.args, reply.args)
        id = request.approval_id
        reply.send(
            e.ApprovalResponse(
                approval_id=id, decision=decision, value=value, reason=reason, remember=remember
            )
        )

    def _take_answer(self, answer: Answer) -> None:
        """Answer a question from a view.

        One that cannot be taken shows there, beside the question.
        """
        try:
            value = None
            if answer.value is not None:
                value = decode_json(answer.value)
            self.respond(
                answer.block, answer.decision, value, reason=answer.reason, remember=answer.remember
            )
        except (AnswerError, msgspec.DecodeError) as error:
            with self._state.lock:
                problem = self._state.privacy.mask(str(error))
                self._pipeline.channels.send(
                    self._state.transcript.refuse_answer(
                        answer.block.removeprefix("approval:"), problem
                    )
                )

    def _take_rerun(self, rerun: Rerun) -> None:
        """Make a call again for a view. Why it cannot be made shows there."""
        try:
            args: dict[str, Any] | None = None
            if rerun.args is not None:
                args = decode_json(rerun.args, type=dict[str, Any])
            self._state.attempts.begin(rerun.block, args, {}, force=rerun.force)
        except (NbagentError, msgspec.DecodeError) as error:
            with self._state.lock:
                problem = self._state.privacy.mask(str(error))
                self._pipeline.channels.send(
                    self._state.transcript.refuse_rerun(rerun.block, problem)
                )

    def question(self, request: e.ApprovalRequest) -> Question:
        """Return a question as an object with methods that answer it."""
        name = None
        tool = self._state.transcript.blocks.get(request.tool_id or "")
        if tool is not None:
            name = str(tool.props.get("name"))
        return Question(self.respond, request, name)

    def has_question(self, reply: e.Reply) -> bool:
        """Return True if the question of that reply is shown."""
        with self._state.lock:
            return any(
                request.reply is not None and request.reply.value is reply
                for request in self._state.questions
            )

    def open_calls(self, tool: str) -> list[str]:
        """Return the ids of a tool's calls that have no result yet, the oldest first."""
        with self._state.lock:
            return self._state.transcript.open_calls(tool)

    @property
    def faults(self) -> tuple[Faults, ...]:
        """The faults that `nbagent.faults` injects into the run."""
        return self._faults

    @property
    def masker(self) -> Callable[[str], str]:
        """Masks a text as the run's events are masked."""
        return self._state.privacy.masker

    def begin_call(
        self, tool: str, fits: Callable[[Any], int], lane: str | None = None
    ) -> tuple[str, Any]:
        """Begin a call that its function reports; see `ReportedCalls.claim`."""
        with self._state.lock:
            return self._pipeline.reported.claim(tool, fits, lane)

    def end_call(self, result: e.ToolResult) -> None:
        """Show the result of a call that its function reports, unless the stream or the run has
        gone on without it.
        """
        with self._state.lock:
            shown = self._pipeline.reported.finish(result)
            if shown is not None and self._state.transcript.root.props["status"] == "running":
                self._pipeline.forward([shown])

    def _waits(self) -> bool:
        return bool(self._state.questions)

    def stop(self) -> None:
        """Do what the Stop button does: stop the stream, or of a chat the answer that is being
        written.
        """
        if not self.is_chat:
            self.cancel()
        elif not self._pipeline.source.is_idle:
            with self._state.lock:
                self._pipeline.channels.send(self._state.transcript.stopping("you"))
            self._pipeline.source.stop()

    def prompt_number(self, block: str) -> int:
        """Return the number of the prompt that a block of a chat shows, from 1.

        Raises:
            ValueError: the block shows no prompt.
        """
        with self._state.lock:
            return self._state.transcript.prompt_number(block)

    def rewind(self, prompt: int) -> None:
        """Mark the prompts of a chat from one on, by its number, as an earlier version."""
        with self._state.lock:
            self._pipeline.forward([e.Rewind(prompt=prompt)])

    def notify(self, message: str) -> None:
        """Show a line in the transcript that warns the reader."""
        with self._state.lock:
            self._pipeline.forward([e.Status(message=message, level="warning")])

    @property
    def is_chat(self) -> bool:
        """True if the run is a chat: answer after answer, until it is closed."""
        return self._pipeline.source.info.is_chat
