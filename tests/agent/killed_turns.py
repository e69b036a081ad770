"""Turns of a session, each killed at another point: `python -m agent.killed_turns URL FOLDER API
STEP KIND…`.

A turn is killed when its reader has had the nth event, or before or after the nth write to the
store. Each has a store of its own in the folder, and a file with what its reader had seen and what
its tools had done. STEP lies between the numbers of two events, KINDs are "event", "before write"
and "after write". The last turn of each kind is not killed.
"""

import itertools
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import openai

from nbagent import events as e
from nbagent.agent import Agent, tool
from nbagent.agent.sessions.sqlite_store import SqliteStore
from nbagent.agent.sessions.store import Record


class KilledStore(SqliteStore):
    """A store whose process is killed before or after its nth write."""

    def __init__(self, path: Path, kind: str, number: int) -> None:
        super().__init__(path)
        self._kind, self._left = kind, number

    def append(self, id: str, records: Sequence[Record]) -> None:
        self._left -= 1
        if self._kind == "before write" and not self._left:
            die()
        super().append(id, records)
        if self._kind == "after write" and not self._left:
            die()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def turn(url: str, folder: Path, api: Any, kind: str, number: int) -> None:
    """Run a turn until it is killed, or to its end."""
    name = f"{api}-{kind.replace(' ', '-')}-{number}"
    seen = os.open(folder / f"{name}.seen", os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def note(line: str) -> None:
        os.write(seen, f"{line}\n".encode())

    def first() -> str:
        """Does one thing."""
        note("ran first")
        return "first result"

    @tool(approve=True)
    def second() -> str:
        """Does another."""
        note("ran second")
        return "second result"

    client = openai.AsyncOpenAI(base_url=url, api_key="key-for-tests", max_retries=0)
    agent = Agent("test-1", client=client, api=api, tools=[first, second])
    chat = agent.session("s", store=KilledStore(folder / f"{name}.db", kind, number))
    for count, event in enumerate(chat.stream("go"), start=1):
        note(f"saw {e.type_of(event)} {getattr(event, 'content', '')}")
        if kind == "event" and count == number:
            die()
        if isinstance(event, e.ApprovalRequest) and event.reply is not None:
            note("allowed second")
            event.reply.value.send(
                e.ApprovalResponse(approval_id=event.approval_id, decision="approve")
            )


def in_child(run: Callable[[], None]) -> bool:
    """Run a function in a forked process. Return True if it was killed."""
    child = os.fork()
    if child == 0:
        try:
            run()
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, -signal.SIGKILL):
        sys.exit(f"a turn ended with {status}")
    return status != 0


if __name__ == "__main__":
    url, folder, api, step, *kinds = sys.argv[1:]
    # what openai imports and compiles meanwhile, every child has
    turn(url, Path(folder), api, "whole", 0)
    for kind in kinds:
        for number in itertools.count(1, int(step) if kind == "event" else 1):
            if not in_child(partial(turn, url, Path(folder), api, kind, number)):
                break
