"""`edited`: the history of a fork with any of its messages changed."""

import copy
import reprlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any, TypeAlias

import msgspec

from nbagent import events as e
from nbagent.agent.model.input_items import Item, Message, from_prompt, is_of_model, to_chat
from nbagent.agent.run.replayed_history import ReplayedHistory
from nbagent.errors import ForkError, NbagentError

Messages: TypeAlias = list[dict[str, Any]]
Edit: TypeAlias = Callable[[Messages], Any] | Sequence[Any]
"""The messages to send, or a function of those that were sent."""


def edited(
    edit: Edit, prompt: list[Item], past: ReplayedHistory, instructions: str
) -> tuple[list[Item], ReplayedHistory, str]:
    """Return the prompt, the history and the instructions with the changed messages.

    A message that was not changed keeps its items, with what only the model's service understands.

    Args:
        edit: the change.
        prompt: of the run.
        past: what the fork repeats; a line in it names each changed message.
        instructions: of the agent.

    Raises:
        ForkError: what `edit` gave are no messages, or none of them is the user's.
    """
    parts = _parts([*past.before, *prompt, *past.items])
    told = _told(parts, instructions)
    given = _applied(edit, told)
    rest, instructions = list(given), ""
    if rest and rest[0].get("role") == "system" and isinstance(rest[0].get("content"), str):
        instructions = rest.pop(0)["content"]
    kept: dict[bytes, list[list[Item]]] = {}
    for message, part in reversed(parts):
        kept.setdefault(_key(message), []).append(part)
    items = [item for message in rest for item in _items(message, kept)]
    at = _prompt_index(items, corrections=sum(map(_is_users, past.items)))
    history = replace(
        past,
        before=items[:at],
        items=items[at + 1 :],
        events=[*past.events, *_notices(told, given)],
    )
    return [items[at]], history, instructions


def told_of(prompt: list[Item], past: ReplayedHistory, instructions: str) -> Messages:
    """Return all that the model is told, in the form of Chat Completions; arguments as for
    `edited`.
    """
    return _told(_parts([*past.before, *prompt, *past.items]), instructions)


def _told(parts: Sequence[tuple[dict[str, Any], list[Item]]], instructions: str) -> Messages:
    told = [message for message, _ in parts]
    if instructions:
        told.insert(0, {"role": "system", "content": instructions})
    return told


def _parts(items: Sequence[Item]) -> list[tuple[dict[str, Any], list[Item]]]:
    """Return the messages of a history, each with its items: a response of the model is one."""
    groups: list[list[Item]] = []
    for item in items:
        if groups and is_of_model(item) and is_of_model(groups[-1][-1]):
            groups[-1].append(item)
        else:
            groups.append([item])
    return [(_message(group), group) for group in groups]


def _message(group: list[Item]) -> dict[str, Any]:
    """Return the items of one message in the form of Chat Completions."""
    made = to_chat(group, "") or [{"role": "assistant", "content": ""}]
    whole = made[-1]
    for text in reversed(made[:-1]):  # a response of several texts
        whole["content"] = f"{text['content']}{whole['content'] or ''}"
    return whole


def _applied(edit: Edit, told: Messages) -> Messages:
    given = copy.deepcopy(told)
    made: Any = edit
    if callable(edit):
        made = edit(given)
        if made is None:  # it has changed them in place
            made = given
    if isinstance(made, str | dict) or not isinstance(made, Iterable):
        raise ForkError(
            f"messages= takes a list of messages, or a function that returns one; got "
            f"{reprlib.repr(made)}"
        )
    messages = list(made)
    for message in messages:
        if not isinstance(message, dict):
            raise ForkError(
                f"each message is a dict with 'role' and 'content', got {reprlib.repr(message)}"
            )
    return messages


def _items(message: dict[str, Any], kept: dict[bytes, list[list[Item]]]) -> list[Item]:
    """Return the items of a message: those that it had, if it was not changed."""
    same = kept.get(_key(message))
    if same:
        return same.pop()
    try:
        return from_prompt([message])
    except NbagentError as error:
        raise ForkError(f"messages=: {error}") from error


def _prompt_index(items: Sequence[Item], corrections: int) -> int:
    """Return the index of the prompt, the last message of the user.

    Args:
        items: of the history.
        corrections: number of messages after it that ask for another form of the answer.
    """
    users = [index for index, item in enumerate(items) if _is_users(item)]
    if not users:
        raise ForkError("messages= has no message of the user, so there is nothing to answer")
    return users[max(0, len(users) - 1 - corrections)]


def _is_users(item: Item) -> bool:
    return isinstance(item, Message) and item.role == "user"


def _notices(told: Messages, given: Messages) -> list[e.Event]:
    """Return a line for each message that differs, without what it says, which may be hidden."""
    before, after = [list(map(_key, messages)) for messages in (told, given)]
    made: list[e.Event] = []
    for what, start, stop, new_start, new_stop in SequenceMatcher(
        None, before, after
    ).get_opcodes():
        changed = min(stop - start, new_stop - new_start)
        if what == "equal":
            continue
        made += [_notice(told, start + number, "was changed") for number in range(changed)]
        made += [_notice(told, number, "was left out") for number in range(start + changed, stop)]
        made += [
            _notice(given, number, "was added") for number in range(new_start + changed, new_stop)
        ]
    return made


def _notice(messages: Messages, index: int, what: str) -> e.Event:
    return e.Status(message=f"Message {index + 1} ({messages[index].get('role')}) {what}")


def _key(message: dict[str, Any]) -> bytes:
    return msgspec.json.encode(message, order="sorted", enc_hook=repr)
