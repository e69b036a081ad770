"""`Dialogue`: a question of a run, asked line by line until it has an answer."""

import json
from collections.abc import Callable, Mapping, Sequence

from nbagent.errors import AnswerError
from nbagent.events.question import Question
from nbagent.markup.text import visible
from nbagent.terminal.form import Form
from nbagent.terminal.lines import Lines

SHOWN_LINES = 40
"""Lines of one argument that are shown; a note says how many more there are."""

SHOWN_CHARS = 4_000
"""Characters of one argument that are shown."""


class Dialogue:
    """Asks a question.

          write_file
            path: hello.py
            content: print('Hello')
        Allow? yes, no (with a reason: n too early), always, edit:

    Args:
        question: the question.
        lines: where it is asked.
        waits: returns True until the question has an answer, or its run has ended.
    """

    def __init__(self, question: Question, lines: Lines, waits: Callable[[], bool]) -> None:
        self._question = question
        self._waits = waits
        self._lines = lines

    def run(self) -> None:
        """Ask until the question has an answer, from here or elsewhere.

        Raises:
            EOFError: there are no more lines.
        """
        self._show()
        while self._waits():
            try:
                if self._answer():
                    return
            except AnswerError as error:
                self._lines.write(f"  {visible(str(error))}")

    def _show(self) -> None:
        """Print what is asked about: the transcript has it on one line."""
        args = self._question.args
        if self._question.prompt:
            self._lines.write(f"  {visible(self._question.prompt)}")
        if self._question.tool:
            self._lines.write(f"  {visible(self._question.tool)}")
        for name, value in (args if isinstance(args, Mapping) else {"value": args} if args else {}).items():
            text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
            first, *more = _clipped(visible(text))
            self._lines.write(f"    {visible(str(name))}: {first}")
            for line in more:
                self._lines.write(f"      {line}")

    def _answer(self) -> bool:
        """Ask once. Return True if the question has an answer now, although it may still count as one that waits."""
        question = self._question
        if question.kind == "tool" and not question.options:
            return self._permit()
        if question.options:
            question.answer(self._chosen(question.options))
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
        return True

    def _permit(self) -> bool:
        question = self._question
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
        return meant is not None

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


def _clipped(text: str) -> list[str]:
    """Return the lines of a text that are shown, and a note on the others."""
    lines = text[:SHOWN_CHARS].split("\n")[:SHOWN_LINES]
    left = len(text) - len("\n".join(lines))
    return [*lines, f"… {left:,} more characters"] if left else lines
