"""`Terminal`: draws a run, and asks its questions at the prompt."""

import contextlib
import json
import queue
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from nbagent.errors import AnswerError
from nbagent.markup.text import visible
from nbagent.render.console import ConsoleRenderer
from nbagent.run import Run
from nbagent.run.question import Question, answering
from nbagent.runtime.loop import running_loop
from nbagent.terminal.form import Form
from nbagent.terminal.lines import Lines, StandardLines, is_attended

SHOWN_LINES = 40
"""Lines of one argument that are shown; a note says how many more there are."""

SHOWN_CHARS = 4_000
"""Characters of one argument that are shown."""

NOBODY = "Nobody is at the terminal to allow it."
"""Reason of a denial where questions cannot be asked."""


class Terminal:
    """A renderer, and the person in front of it. While a question is asked, nothing else is printed.

        ? Approval needed: write_file(path="hello.py", content="print('Hello')")
          path: hello.py
          content: print('Hello')
        Allow? yes, no (with a reason: n too early), always, edit:

    Args:
        renderer: prints the run; None if it is printed elsewhere.
        lines: where questions are asked; by default the process's own input and output.
        allowed: names of tools that need no permission.
    """

    def __init__(
        self, renderer: ConsoleRenderer | None = None, lines: Lines | None = None, *, allowed: Collection[str] = ()
    ) -> None:
        self._renderer = renderer
        self._lines = lines or StandardLines()
        self._allowed = allowed
        self._lock = threading.Lock()
        self._asking = False
        self._held: list[tuple[int, list[Sequence[Any]]]] = []
        self._changes: queue.SimpleQueue[bool] = queue.SimpleQueue()

    # --- the run ----------------------------------------------------------------------------------------------------

    def draw(self, seq: int, ops: Iterable[Sequence[Any]]) -> None:
        """Print what a batch of ops adds; see `nbagent.pump.Renderer`. While a question is asked, hold it back."""
        ops = list(ops)
        with self._lock:
            if self._asking:
                self._held.append((seq, ops))
            elif self._renderer is not None:
                self._renderer.draw(seq, ops)
        if any(op[0] == "open" and op[3].get("kind") == "approval" for op in ops):
            self._changes.put(True)

    def wait(self, run: Run) -> Run:
        """Draw a run, start it, and wait for its end; ask its questions on this thread. An interrupt stops the run."""
        run.attach(self)
        run.on_end(lambda: self._changes.put(False))
        try:
            run.start()
            while self._changes.get():
                for question in run.waiting:
                    self.ask(question)
        except KeyboardInterrupt:
            run.cancel()
            self._release()
            raise
        return run.wait()

    def _release(self) -> None:
        with self._lock:
            self._asking = False
            held, self._held = self._held, []
            for seq, ops in held:
                if self._renderer is not None:
                    self._renderer.draw(seq, ops)

    # --- its questions ----------------------------------------------------------------------------------------------

    def ask(self, question: Question) -> None:
        """Ask a question until it has an answer. The end of the input denies it.

        Also a handler for `show(answer=…)`, which calls it on a thread of its own.
        """
        with self._lock:
            self._asking = True
        try:
            if question.tool in self._allowed:
                question.allow()
                return
            self._show(question)
            while question.waits:
                try:
                    self._answer(question)
                except AnswerError as error:
                    self._lines.write(f"  {visible(str(error))}")
        except EOFError:
            self._lines.write("")
            refuse(question)
        finally:
            self._release()

    def _answer(self, question: Question) -> None:
        if question.options:
            question.answer(self._chosen(question.options))
        elif question.kind == "tool":
            self._permit(question)
        elif question.kind == "auth":
            if self._lines.read("Press Enter when it is done (c cancels): ").strip().lower() == "c":
                question.cancel()
            else:
                question.allow()
        else:
            schema = question.schema or {"type": "string"}
            form = Form(schema, self._lines)
            if "properties" in schema:
                question.answer(form.fill(question.args if isinstance(question.args, Mapping) else {}))
            else:
                question.answer(form.ask("answer", schema))

    def _permit(self, question: Question) -> None:
        choices = ["yes", "no (with a reason: n too early)"]
        choices += ["always"] if question.can_remember else []
        choices += ["edit"] if question.schema is not None and isinstance(question.args, Mapping) else []
        word, _, rest = self._lines.read(f"Allow? {', '.join(choices)}: ").strip().partition(" ")
        meant = next((choice for choice in choices if word and choice.split()[0].startswith(word.lower())), None)
        if meant == "yes":
            question.allow()
        elif meant == "always":
            question.allow(always=True)
        elif meant == "edit":
            question.allow(Form(question.schema or {}, self._lines).fill(question.args))
        elif meant is not None:
            question.deny(rest.strip() or None)

    def _chosen(self, options: Sequence[str]) -> str:
        """Return the option that is typed, by its number or its text."""
        for number, option in enumerate(options, 1):
            self._lines.write(f"  {number} {visible(option)}")
        typed = self._lines.read("Answer: ").strip()
        if typed.isdecimal() and 0 < int(typed) <= len(options) and typed not in options:
            return options[int(typed) - 1]
        alike = [option for option in options if option.casefold() == typed.casefold()]
        if not alike:
            raise AnswerError(f"the answer is a number from 1 to {len(options)}, or one of the texts")
        return alike[0]

    def _show(self, question: Question) -> None:
        """Print the question, with what is asked about in full: the transcript has it on one line."""
        if question.prompt:
            self._lines.write(f"  {visible(question.prompt)}")
        args = question.args if isinstance(question.args, Mapping) else {"value": question.args} if question.args else {}
        for name, value in args.items():
            text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
            first, *more = _clipped(visible(text))
            self._lines.write(f"  {visible(str(name))}: {first}")
            for line in more:
                self._lines.write(f"    {line}")


def draw(run: Run, *, has_handler: bool = False) -> Run:
    """Draw a run in the terminal and start it. In a script without an event loop, wait for its end.

    Its questions are asked, and refused where nobody is at the terminal.

    Args:
        run: the run.
        has_handler: whether its questions have a handler already, so that nobody is asked here.
    """
    if has_handler:
        run.attach(ConsoleRenderer())
    elif is_attended():
        terminal = Terminal(ConsoleRenderer())
        if running_loop() is None:
            return terminal.wait(run)
        run.attach(terminal)
        run.on("approval.request", answering(run, terminal.ask))
    else:
        run.attach(ConsoleRenderer())
        run.on("approval.request", answering(run, refuse))
    run.start()
    return run if running_loop() is not None else run.wait()


def refuse(question: Question) -> None:
    """Deny a call, and close any other question, since there is nobody to answer."""
    with contextlib.suppress(AnswerError):  # it has got an answer meanwhile
        if question.kind == "tool":
            question.deny(NOBODY)
        else:
            question.cancel()


def _clipped(text: str) -> list[str]:
    """Return the lines of a text that are shown, and a note on the others."""
    lines = text[:SHOWN_CHARS].split("\n")[:SHOWN_LINES]
    left = len(text) - len("\n".join(lines))
    return [*lines, f"… {left:,} more characters"] if left else lines
