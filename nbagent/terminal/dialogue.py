"""`Dialogue`: a question of a run, asked line by line until it has an answer."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nbagent.errors import AnswerError
from nbagent.events.question import Question
from nbagent.render.markup.text import visible
from nbagent.render.questions import prompt_label
from nbagent.run_context import Breakpoints
from nbagent.terminal.form import Form
from nbagent.terminal.lines import Lines

SHOWN_LINES = 40
"""Lines of one argument that are shown; a note says how many more there are."""

SHOWN_CHARS = 4_000
"""Characters of one argument that are shown."""

_WAYS = {
    "call": ["run", "edit", "step", "result (such as: result 12)", "fail (with a message)", "stop"],
    "request": ["continue", "stop"],
    "result": [
        "continue",
        "again",
        "edit",
        "result (such as: result 12)",
        "fail (with a message)",
        "stop",
    ],
}
"""Words that answer at a breakpoint, by its stage."""

_LEAVE_STEPS = "continue (without further steps)"


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
        stop: stops the run.
        breakpoints: of the run.
    """

    def __init__(
        self,
        question: Question,
        lines: Lines,
        waits: Callable[[], bool],
        stop: Callable[[], object],
        breakpoints: Breakpoints,
    ) -> None:
        self._question = question
        self._waits = waits
        self._stop = stop
        self._breakpoints = breakpoints
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
        if prompt := self._prompt():
            self._lines.write(f"  {visible(prompt)}")
        if self._question.tool:
            self._lines.write(f"  {visible(self._question.tool)}")
        if isinstance(args, Mapping):
            shown = dict(args)
        else:
            shown = {"value": args} if args else {}
        if self._question.stage == "result" and self._question.result is not None:
            shown["→"] = self._question.result
        for name, value in shown.items():
            if isinstance(value, str):
                text = value
            else:
                text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
            first, *more = _clipped(visible(text))
            self._lines.write(f"    {visible(str(name))}: {first}")
            for line in more:
                self._lines.write(f"      {line}")

    def _prompt(self) -> str | None:
        question = self._question
        if question.kind != "stop":
            return question.prompt
        return prompt_label(
            {"approval_kind": "stop", "stage": question.stage, "prompt": question.prompt}
        )

    def _answer(self) -> bool:
        """Ask once.

        Return True if the question has an answer now, although it may still count as one that
        waits.
        """
        question = self._question
        if question.kind == "stop":
            return self._go_on()
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
                question.answer(
                    form.fill(question.args if isinstance(question.args, Mapping) else {})
                )
            else:
                question.answer(form.ask("answer", schema))
        return True

    def _permit(self) -> bool:
        question = self._question
        choices = ["yes", "no (with a reason: n too early)"]
        choices += ["always"] if question.can_remember else []
        choices += ["edit"] if self._is_editable() else []
        meant, rest = self._word(f"Allow? {', '.join(choices)}: ", choices)
        match meant:
            case "yes":
                question.allow()
            case "always":
                question.allow(always=True)
            case "edit":
                question.allow(self._edited())
            case "no":
                question.deny(rest or None)
        return meant is not None

    def _go_on(self) -> bool:
        """Ask how to go on from a breakpoint.

        In step mode `continue` leaves it, and `next` goes on to the next stop.
        """
        question, steps = self._question, self._breakpoints.step
        choices = _WAYS[question.stage or "request"]
        if steps:
            choices = [*(["run"] if "run" in choices else ["next"]), _LEAVE_STEPS, *choices[1:]]
        if not self._is_editable():
            choices = [choice for choice in choices if choice != "edit"]
        if question.can_remember:
            choices = [*choices[:-1], "deny (with a reason)", "always", choices[-1]]
        meant, rest = self._word(f"Go on? {', '.join(choices)}: ", choices)
        match meant:
            case "continue" if steps:
                self._breakpoints.step = False
                question.allow()
            case "run" | "next" | "continue":
                question.allow()
            case "edit":
                (question.again if question.stage == "result" else question.allow)(self._edited())
            case "step":
                question.step()
            case "again":
                question.again()
            case "result":
                question.give_result(_json_or_text(rest or self._lines.read("  result: ")))
            case "fail":
                question.give_error(rest or self._lines.read("  message: ").strip())
            case "deny":
                question.deny(rest or None)
            case "always":
                question.allow(always=True)
            case "stop":
                self._stop()
        return meant is not None

    def _word(self, prompt: str, choices: Sequence[str]) -> tuple[str | None, str]:
        """Read a line.

        Return the choice that its first word begins, or None, and the rest of the line.
        """
        word, _, rest = self._lines.read(prompt).strip().partition(" ")
        names = [choice.split()[0] for choice in choices]
        return next(
            (name for name in names if word and name.startswith(word.lower())), None
        ), rest.strip()

    def _is_editable(self) -> bool:
        return self._question.schema is not None and isinstance(self._question.args, Mapping)

    def _edited(self) -> dict[str, Any]:
        return Form(self._question.schema or {}, self._lines).fill(self._question.args)

    def _chosen(self, options: Sequence[str]) -> str:
        """Return the option that is typed, by its number or its text."""
        for number, option in enumerate(options, 1):
            self._lines.write(f"  {number} {visible(option)}")
        typed = self._lines.read("Answer: ").strip()
        if typed.isdecimal() and 0 < int(typed) <= len(options) and typed not in options:
            return options[int(typed) - 1]
        alike = [option for option in options if option.casefold() == typed.casefold()]
        if not alike:
            raise AnswerError(
                f"the answer is a number from 1 to {len(options)}, or one of the texts"
            )
        return alike[0]


def _json_or_text(typed: str) -> Any:
    try:
        return json.loads(typed)
    except (ValueError, RecursionError):
        return typed


def _clipped(text: str) -> list[str]:
    """Return the lines of a text that are shown, and a note on the others."""
    lines = text[:SHOWN_CHARS].split("\n")[:SHOWN_LINES]
    left = len(text) - len("\n".join(lines))
    return [*lines, f"… {left:,} more characters"] if left else lines
