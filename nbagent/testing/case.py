"""`to_case`: a run as a line of a file of cases, which `nbagent.map` takes."""

import os
from pathlib import Path
from typing import Any

import msgspec

from nbagent.errors import NbagentError
from nbagent.events.jsonable import json_safe
from nbagent.gate import secrets
from nbagent.run import Run
from nbagent.testing.player import calls_of


class Case(msgspec.Struct, omit_defaults=True):
    """A case: what was asked, and what came of it.

    Attributes:
        prompt: the user's message; a list of messages if there were some before it, or if it has
            files.
        answer: the answer, as JSON.
        calls: the calls of tools: name, arguments, and result or error.
        note: of the reader.
        run: name of the run.
    """

    prompt: str | list[Any]
    answer: Any
    calls: list[Any]
    note: str
    run: str


def to_case(run: Run, path: str | os.PathLike[str], *, note: str = "") -> str:
    """Add a run to a file of cases; see `run.to_case`."""
    if not run.done:
        raise NbagentError(
            f"{run!r} goes on: await run, or run.wait(), before run.to_case({os.fspath(path)!r})"
        )
    calls = msgspec.to_builtins(calls_of(run))
    case = Case(_prompt_of(run), json_safe(run.answer), calls, note, run.name)
    line = msgspec.json.encode(secrets.known().mask_json(msgspec.to_builtins(case)))
    with Path(path).open("ab") as file:
        file.write(line + b"\n")
    return os.fspath(path)


def _prompt_of(run: Run) -> str | list[Any]:
    """Return the run's last prompt, with the messages before it.

    Raises:
        NbagentError: the run does not tell it.
    """
    messages = run.messages
    users = [at for at, message in enumerate(messages) if message["role"] == "user"]
    if not users:
        raise NbagentError(f"{run.name} does not tell its prompt: give show(…, prompt=…)")
    asked: list[Any] = messages[: users[-1] + 1]
    content: Any = asked[-1]["content"]
    if len(asked) == 1 and isinstance(content, str):
        return content
    return asked
