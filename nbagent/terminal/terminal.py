"""`Terminal`: draws a run, and asks its questions at the prompt."""

import contextlib
import queue
import threading
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Any

from nbagent.errors import AnswerError
from nbagent.events.question import Question
from nbagent.render.console import ConsoleRenderer
from nbagent.run import Run
from nbagent.run.question import answering
from nbagent.runtime.loop import running_loop
from nbagent.terminal.dialogue import Dialogue
from nbagent.terminal.lines import Lines, StandardLines, is_attended

NOBODY = "Nobody is at the terminal to allow it."
"""Reason of a denial where questions cannot be asked."""


class Terminal:
    """A renderer, and the person in front of it.

    While a question is asked, nothing else is printed.

    Args:
        renderer: prints the run; None if it is printed elsewhere.
        lines: where questions are asked; by default the process's own input and output. Where
            nobody is there, every question is refused.
        allowed: names of tools that need no permission.
        typed: whether the prompt was typed here, so that it is not printed again.
    """

    def __init__(
        self,
        renderer: ConsoleRenderer | None = None,
        lines: Lines | None = None,
        *,
        allowed: Collection[str] = (),
        typed: bool = False,
    ) -> None:
        self._renderer = renderer
        self._lines = lines or (StandardLines() if is_attended() else None)
        self._allowed = allowed
        self._typed = typed
        self._lock = threading.Lock()
        self._asking = False
        self._held: list[tuple[int, list[Sequence[Any]]]] = []
        self._changes: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def draw(self, seq: int, ops: Iterable[Sequence[Any]]) -> None:
        """Print what a batch of ops adds; see `nbagent.pump.Renderer`.

        While a question is asked, hold it back.
        """
        # ops of blocks without an opening are ignored
        ops = [op for op in ops if not (self._typed and _opens(op, "prompt"))]
        with self._lock:
            if self._asking:
                self._held.append((seq, ops))
            else:
                self._print(seq, ops)
        if any(_opens(op, "approval") for op in ops):
            self._changes.put(True)

    def wait(self, run: Run) -> Run:
        """Draw a run, start it, and wait for its end; ask its questions on this thread.

        An interrupt stops the run.
        """
        run.attach(self)
        run.on_end(lambda: self._changes.put(False))
        try:
            run.start()
            asked: set[str] = set()  # an answer takes a moment to be part of the run
            while self._changes.get():
                for question in run.waiting:
                    if question.id not in asked:
                        asked.add(question.id)
                        self.ask(run, question)
        except KeyboardInterrupt:
            run.cancel()
            raise
        return run.wait()

    def ask(self, run: Run, question: Question) -> None:
        """Ask a question of a run until it has an answer. The end of the input refuses it."""
        with self._lock:
            self._asking = True
        try:
            if question.kind == "tool" and question.tool in self._allowed:
                question.allow()
            elif self._lines is None:
                refuse(question)
            else:
                waits = lambda: any(each.id == question.id for each in run.waiting)  # noqa: E731
                Dialogue(question, self._lines, waits, run.stop, run.breakpoints).run()
        except EOFError:
            refuse(question)
        except AnswerError:
            pass  # it has got an answer meanwhile
        finally:
            self._release()

    def _release(self) -> None:
        """Print what was held back."""
        with self._lock:
            self._asking = False
            held, self._held = self._held, []
            for seq, ops in held:
                self._print(seq, ops)

    def _print(self, seq: int, ops: Sequence[Sequence[Any]]) -> None:
        if self._renderer is not None:
            self._renderer.draw(seq, ops)


def _opens(op: Sequence[Any], kind: str) -> bool:
    return bool(op[0] == "open" and op[3].get("kind") == kind)


def draw(
    run: Run, *, has_handler: bool = False, allowed: Collection[str] = (), typed: bool = False
) -> Run:
    """Draw a run in the terminal and start it.

    In a script without an event loop, wait for its end, unless it is a chat.

    Its questions are asked at the prompt. Where nobody is there, they are refused, unless the code
    after this goes on while the run waits, and may answer them. A run that is being printed is not
    printed twice.

    Args:
        run: the run.
        has_handler: whether its questions have a handler already, so that nobody is asked here.
        allowed: names of tools that need no permission.
        typed: whether its prompt was typed here, so that it is not printed again.
    """
    goes_on = running_loop() is not None or run.is_chat
    if run.is_printed:
        run.is_printed = not run.done
        if goes_on:
            return run
        return run.wait()
    run.is_printed = True
    run.on_end(lambda: setattr(run, "is_printed", False))
    if has_handler or (goes_on and not is_attended()):
        run.attach(ConsoleRenderer())
        run.start()
        if goes_on:
            return run
        return run.wait()
    terminal = Terminal(ConsoleRenderer(), allowed=allowed, typed=typed)
    if not goes_on:
        return terminal.wait(run)
    run.attach(terminal)
    run.on("approval.request", answering(run, partial(terminal.ask, run)))
    run.start()
    return run


def ask_beside(run: Run, allowed: Collection[str] = ()) -> None:
    """Ask the questions of a run that is not drawn here."""
    run.on("approval.request", answering(run, partial(Terminal(allowed=allowed).ask, run)))


def refuse(question: Question) -> None:
    """Deny a call, go on at a breakpoint, and close any other question, since there is nobody to
    answer.
    """
    with contextlib.suppress(AnswerError):  # it has got an answer meanwhile
        if question.kind == "stop" and not question.can_remember:
            question.allow()
        elif question.kind in ("tool", "stop"):
            question.deny(NOBODY)
        else:
            question.cancel()
