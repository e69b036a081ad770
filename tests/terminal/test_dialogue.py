"""Questions that are asked line by line: what is typed, and what it means."""

import asyncio
from typing import Any

import pytest

from nbagent import events as e
from nbagent.errors import AnswerError
from nbagent.run import Run
from nbagent.terminal import Terminal
from nbagent.terminal.form import TerminalForm


class Typed:
    """Lines of a person who has typed all of them before."""

    def __init__(self, *lines: str) -> None:
        self.printed: list[str] = []
        self._lines = list(lines)

    def read(self, prompt: str) -> str:
        self.printed.append(prompt)
        if not self._lines:
            raise EOFError
        return self._lines.pop(0)

    def write(self, line: str) -> None:
        self.printed.append(line)


def answered(lines: Typed, **fields: Any) -> e.ApprovalResponse:
    """Return the answer to a question of a stream, typed at a terminal."""
    responses: list[e.ApprovalResponse] = []

    async def stream() -> Any:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[e.ApprovalResponse] = loop.create_future()

        def take(response: e.ApprovalResponse) -> None:
            if response.value == 13:
                raise AnswerError("13 brings bad luck")
            loop.call_soon_threadsafe(answer.set_result, response)

        yield e.ApprovalRequest(
            approval_id="q", **fields, reply=e.Live(e.Reply(take, fields.get("args")))
        )
        responses.append(await answer)
        yield responses[0]
        yield e.RunEnd(status="completed")

    Terminal(lines=lines).wait(Run(stream()))
    return responses[0]


@pytest.mark.parametrize(
    ("typed", "decision", "reason", "remember"),
    [
        ("y", "approve", None, False),
        (" YES ", "approve", None, False),
        ("n", "deny", None, False),
        ("no  far too early ", "deny", "far too early", False),
        ("always", "approve", None, True),
    ],
)
def test_permission_is_a_word(
    typed: str, decision: str, reason: str | None, remember: bool
) -> None:
    response = answered(Typed(typed), args={"path": "a"}, can_remember=True)
    assert (response.decision, response.reason, response.remember) == (decision, reason, remember)


def test_what_is_no_answer_is_asked_again_and_the_end_of_the_input_denies() -> None:
    lines = Typed("", "perhaps", "a", "e")
    assert answered(lines, args={"path": "a"}).decision == "deny"
    assert [line for line in lines.printed if line.startswith("Allow?")] == [
        "Allow? yes, no (with a reason: n too early): "
    ] * 5


def test_arguments_are_shown_in_full_without_a_terminals_commands() -> None:
    lines = Typed("y")
    long = "\n".join(map(str, range(100)))
    answered(lines, args={"command": "ls\x1b[2K\rrm", "n": [1, {"a": 2}], "long": long})
    text = "\n".join(lines.printed)
    assert "command: ls␛[2K␍rm" in text
    assert '"a": 2' in text
    assert "      39\n      … 180 more characters" in text


def test_options_are_chosen_by_number_or_text() -> None:
    asked = {"kind": "input", "prompt": "Which?", "options": ["red", "2", "blue"]}
    assert [answered(Typed(typed), **asked).value for typed in ("1", "BLUE", "2")] == [
        "red",
        "blue",
        "2",
    ]
    lines = Typed("9", "green", "blue")
    assert answered(lines, **asked).value == "blue"
    assert lines.printed.count("  the answer is a number from 1 to 3, or one of the texts") == 2


def test_a_value_that_is_refused_is_asked_for_again() -> None:
    lines = Typed("13", "14")
    assert answered(lines, kind="input", prompt="How many?", schema={"type": "integer"}).value == 14
    assert "  13 brings bad luck" in lines.printed


def test_inputs_without_a_schema_are_texts_and_a_sign_in_waits_for_enter() -> None:
    assert answered(Typed("", "42"), kind="input", prompt="Name?").value == "42"
    assert (
        answered(Typed(""), kind="auth", prompt="Sign in at https://example.com").decision
        == "approve"
    )
    assert (
        answered(Typed("c"), kind="auth", prompt="Sign in at https://example.com").decision
        == "cancel"
    )
    assert answered(Typed(), kind="input", prompt="Name?").decision == "cancel"


SCHEMA = {
    "type": "object",
    "required": ["name", "size"],
    "properties": {
        "name": {"type": "string"},
        "size": {"type": "integer", "default": 3},
        "colour": {"$ref": "#/$defs/Colour"},
        "open": {"type": "boolean"},
        "tags": {"type": "array"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "$defs": {"Colour": {"enum": ["red", "blue", 7]}},
}


def test_a_form_has_a_line_for_each_property() -> None:
    lines = Typed("", "Ada", "", "RED", "y", '["a"]', "null", "")
    made = TerminalForm(SCHEMA, lines).fill({"extra": 1} | {"open": False})
    assert lines.printed == [
        "  name: ",
        "  name: ",
        "  size [3]: ",
        "  colour (red, blue, 7) [none]: ",
        "  open [false]: ",
        "  tags [none]: ",
        "  note [none]: ",
        "  extra [1]: ",
    ]
    assert made == {
        "name": "Ada",
        "size": 3,
        "colour": "red",
        "open": True,
        "tags": ["a"],
        "note": None,
        "extra": 1,
    }


@pytest.mark.parametrize(
    ("schema", "typed", "value"),
    [
        ({"type": "string"}, '"a\\nb"', "a\nb"),
        ({"type": "string"}, "12", "12"),
        ({"type": ["string", "null"]}, "hello", "hello"),
        ({"type": "number"}, "1.5", 1.5),
        ({"enum": ["red", 7]}, "7", 7),
        ({"const": "on"}, "ON", "on"),
        ({}, "free text", "free text"),
        ({"type": "object"}, '{"a": 1}', {"a": 1}),
    ],
)
def test_a_line_means_a_value_of_its_type(schema: dict[str, Any], typed: str, value: Any) -> None:
    assert TerminalForm({}, Typed(typed)).ask("it", schema) == value


@pytest.mark.parametrize(
    ("schema", "typed"),
    [({"type": "integer"}, "many"), ({"enum": ["red"]}, "green"), ({"type": "array"}, "a")],
)
def test_a_line_that_fits_no_type_is_refused(schema: dict[str, Any], typed: str) -> None:
    with pytest.raises(AnswerError, match="it takes "):
        TerminalForm({}, Typed(typed)).ask("it", schema)


STOP = {
    "kind": "stop",
    "args": {"year": 2024},
    "schema": {"type": "object", "properties": {"year": {"type": "integer"}}},
}
CALL = {**STOP, "stage": "call", "prompt": "breakpoint"}
RESULT = {**STOP, "stage": "result", "prompt": "error"}


@pytest.mark.parametrize(
    ("fields", "typed", "decision", "value", "reason"),
    [
        (CALL, ["run"], "approve", None, None),
        (CALL, ["e", "2023"], "approve", {"year": 2023}, None),
        (CALL, ["perhaps", "step"], "step", None, None),
        (CALL, ['result {"rate": 12}'], "result", {"rate": 12}, None),
        (CALL, ["result", "no rate"], "result", "no rate", None),
        (CALL, ["fail the service is down"], "error", None, "the service is down"),
        ({**CALL, "can_remember": True}, ["deny too much"], "deny", None, "too much"),
        (RESULT, ["c"], "approve", None, None),
        (RESULT, ["again"], "again", None, None),
        (RESULT, ["edit", "2023"], "again", {"year": 2023}, None),
        (
            {"kind": "stop", "stage": "request", "prompt": "request 2 to x"},
            ["continue"],
            "approve",
            None,
            None,
        ),
        (CALL, [], "approve", None, None),
    ],
)
def test_a_stop_goes_on_by_a_word_and_by_the_end_of_the_input(
    fields: dict[str, Any], typed: list[str], decision: str, value: Any, reason: str | None
) -> None:
    response = answered(Typed(*typed), **fields)
    assert (response.decision, response.value, response.reason) == (decision, value, reason)


def test_a_stop_says_why_and_shows_the_result() -> None:
    lines = Typed("continue")
    answered(lines, **{**RESULT, "result": {"rate": 11.2}})
    assert lines.printed[0] == "  Stopped: the call failed"
    assert any("rate" in line for line in lines.printed)
