"""Messages of a client: a prompt for a new task, or the answer to the question of a task that
requires input.
"""

from typing import Any, NamedTuple, get_args

from a2a.types import Message
from google.protobuf.json_format import MessageToDict

from nbagent.adapters.base.text_forms import compact_json
from nbagent.events import Decision
from nbagent.server.a2a.card import INPUT_TYPES
from nbagent.server.pauses import permission_in
from nbagent.server.problem import Problem


class TaskAnswer(NamedTuple):
    """An answer to a question; see `Run.respond`."""

    decision: Decision
    value: Any = None
    reason: str | None = None


def prompt_in(message: Message) -> str:
    """Return the texts and the data of a message as one prompt.

    Raises:
        Problem: a part is a file that is no text (415).
    """
    pieces = []
    for part in message.parts:
        if part.HasField("text"):
            pieces.append(part.text)
        elif part.HasField("data"):
            pieces.append(compact_json(_data(part)))
        elif part.HasField("raw") and part.media_type in INPUT_TYPES:
            pieces.append(part.raw.decode(errors="replace"))
        else:
            raise Problem(415, f"the agent takes text and data, not {part.media_type or 'files'}")
    return "\n".join(pieces)


def answer_in(message: Message, kind: str) -> TaskAnswer:
    """Return the answer in a message: a data part with a `decision`, or a text.

    A text that does not clearly allow a call denies it, and is the reason of the denial.

    Args:
        message: of the client.
        kind: of the question; see `ApprovalRequest`.

    Raises:
        Problem: the decision is none of those that there are (422).
    """
    for part in message.parts:
        data = _data(part) if part.HasField("data") else None
        if isinstance(data, dict) and "decision" in data:
            if data["decision"] not in get_args(Decision):
                raise Problem(
                    422,
                    f"decision must be one of {', '.join(get_args(Decision))}; got "
                    f"{data['decision']!r}",
                )
            reason = data.get("reason")
            return TaskAnswer(
                data["decision"],
                data.get("value", data.get("args")),
                None if reason is None else str(reason),
            )
        if data is not None and kind == "input":
            return TaskAnswer("approve", data)
    text = prompt_in(message)
    if kind == "input":
        return TaskAnswer("approve", text)
    decision, reason = permission_in(text)
    return TaskAnswer(decision, None, reason)


def _data(part: Any) -> Any:
    return _with_integers(MessageToDict(part.data))


def _with_integers(value: Any) -> Any:
    """Return a value of a protobuf `Struct`, whose numbers are all floats, with the whole ones as
    integers.
    """
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {name: _with_integers(each) for name, each in value.items()}
        case list():
            return [_with_integers(each) for each in value]
        case _:
            return value
