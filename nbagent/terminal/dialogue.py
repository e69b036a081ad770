"""`Dialogue`: a question of a run, asked line by line until it has an answer."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nbagent.errors import AnswerError
from nbagent.events.question import Question
from nbagent.render.markup.text import visible
from nbagent.render.questions import prompt_label
from nbagent.run_context import Breakpoints
from nbagent.terminal.form import TerminalForm
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
        for title in (self._prompt(), self._question.tool):
            if title:
                self._lines.write(f"  {visible(title)}")
        for name, value in self._values().items():
            first, *more = _clipped(visible(_text(value)))
            self._lines.write(f"    {visible(str(name))}: {first}")
            for line in more:
                self._lines.write(f"      {line}")

    def _values(self) -> dict[str, Any]:
        """Return the values that are asked about, by name."""
        question = self._question
        shown: dict[str, Any] = {}
        if isinstance(question.args, Mapping):
            shown.update(question.args)
        elif question.args:
            shown["value"] = question.args
        if question.stage == "result" and question.result is not None:
            shown["→"] = question.result
        return shown

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
            return self._choose("Go on?", self._ways_on())
        if question.options:
            question.answer(self._chosen(question.options))
        elif question.kind == "tool":
            return self._choose("Allow?", self._permissions())
        elif question.kind == "auth":
            self._authorise()
        else:
            question.answer(self._filled(question.schema or {"type": "string"}))
        return True

    def _authorise(self) -> None:
        typed = self._lines.read("Press Enter when it is done (c cancels): ")
        if typed.strip().lower() == "c":
            self._question.cancel()
        else:
            self._question.allow()

    def _filled(self, schema: Mapping[str, Any]) -> Any:
        """Return the value for a schema, typed into a form."""
        form, args = TerminalForm(schema, self._lines), self._question.args
        if "properties" not in schema:
            return form.ask("answer", schema)
        if not isinstance(args, Mapping):
            args = {}
        return form.fill(args)

    def _permissions(self) -> list[str]:
        """Return the answers to a call that asks first."""
        choices = ["yes", "no (with a reason: n too early)"]
        if self._question.can_remember:
            choices.append("always")
        if self._is_editable():
            choices.append("edit")
        return choices

    def _ways_on(self) -> list[str]:
        """Return the answers at a breakpoint.

        In step mode `continue` leaves it, and `next` goes on to the next stop.
        """
        first, *others = _WAYS[self._question.stage or "request"]
        if self._breakpoints.step:
            others.insert(0, _LEAVE_STEPS)
            if first != "run":
                first = "next"
        if not self._is_editable() and "edit" in others:
            others.remove("edit")
        if self._question.can_remember:
            others[-1:-1] = ["deny (with a reason)", "always"]
        return [first, *others]

    def _choose(self, prompt: str, choices: Sequence[str]) -> bool:
        """Read a line, and do what the choice means that its first word begins.

        Return True if there is one. The rest of the line is a reason or a value.
        """
        typed = self._lines.read(f"{prompt} {', '.join(choices)}: ")
        word, _, rest = typed.strip().partition(" ")
        for choice in choices:
            name = choice.split()[0]
            if word and name.startswith(word.lower()):
                _ACTIONS[name](self, rest.strip())
                return True
        return False

    def _allow(self, rest: str) -> None:
        self._question.allow()

    def _allow_always(self, rest: str) -> None:
        self._question.allow(always=True)

    def _deny(self, rest: str) -> None:
        self._question.deny(rest or None)

    def _continue(self, rest: str) -> None:
        self._breakpoints.step = False
        self._question.allow()

    def _step(self, rest: str) -> None:
        self._question.step()

    def _again(self, rest: str) -> None:
        self._question.again()

    def _edit(self, rest: str) -> None:
        args = TerminalForm(self._question.schema or {}, self._lines).fill(self._question.args)
        if self._question.stage == "result":
            self._question.again(args)
        else:
            self._question.allow(args)

    def _give_result(self, rest: str) -> None:
        self._question.give_result(_json_or_text(rest or self._lines.read("  result: ")))

    def _give_error(self, rest: str) -> None:
        self._question.give_error(rest or self._lines.read("  message: ").strip())

    def _stop_run(self, rest: str) -> None:
        self._stop()

    def _is_editable(self) -> bool:
        return self._question.schema is not None and isinstance(self._question.args, Mapping)

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


_ACTIONS: dict[str, Callable[[Dialogue, str], None]] = {
    "yes": Dialogue._allow,
    "no": Dialogue._deny,
    "run": Dialogue._allow,
    "next": Dialogue._allow,
    "continue": Dialogue._continue,
    "always": Dialogue._allow_always,
    "deny": Dialogue._deny,
    "edit": Dialogue._edit,
    "step": Dialogue._step,
    "again": Dialogue._again,
    "result": Dialogue._give_result,
    "fail": Dialogue._give_error,
    "stop": Dialogue._stop_run,
}
"""Methods that answer, by the first word of a choice. They get the rest of the line."""


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _json_or_text(typed: str) -> Any:
    try:
        return json.loads(typed)
    except (ValueError, RecursionError):
        return typed


def _clipped(text: str) -> list[str]:
    """Return the lines of a text that are shown, and a note on the others."""
    lines = text[:SHOWN_CHARS].split("\n")[:SHOWN_LINES]
    left = len(text) - len("\n".join(lines))
    if left:
        return [*lines, f"… {left:,} more characters"]
    return lines
