"""A served agent that asks before it deletes, for tests; and a server process of one.

`python -m server.served MODEL STORE FILE [PORT]` prints its address and serves until stdin ends.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import openai
from agent.server import Exchange, Json, chat, chat_chunk
from agent.server import Server as ModelServer
from preloaded import start

import nbagent
from nbagent.agent import Agent
from nbagent.server import serve


def deleting(delete_path: Callable[[str], object]) -> Callable[[str], str]:
    """Return a tool that asks first, and then calls a function with the path."""

    @nbagent.tool(approve=True)
    def delete(path: str) -> str:
        """Delete a file.

        Args:
            path: Of the file.
        """
        delete_path(path)
        return "gone"

    return delete


def asking(path: str = "a") -> list[Json]:
    """Return a model's reply that calls `delete`."""
    return chat(calls=[("c1", "delete", f'{{"path": "{path}"}}')])


def holding(exchange: Exchange) -> None:
    """Reply "Hel", and no more until the client has left."""
    exchange.begin()
    exchange.send(chat_chunk({"content": "Hel"}))
    exchange.hold()


class Words:
    """A model's reply of many words, each of which waits until it is let go.

    Attributes:
        words: all of them.
    """

    def __init__(self, count: int = 60) -> None:
        self.words = [f"word{number} " for number in range(count)]
        self._go = threading.Semaphore(0)

    def let_go(self, count: int) -> None:
        """Let some more words go."""
        for _ in range(count):
            self._go.release()

    def __call__(self, exchange: Exchange) -> None:
        """Reply with the words."""
        exchange.begin()
        for word in self.words:
            self._go.acquire(timeout=60)
            exchange.send(chat_chunk({"content": word}))
        exchange.send(chat_chunk({}, "stop"))
        exchange.end()


class Asking:
    """Agents named `assistant` that ask before they delete.

    Attributes:
        deleted: the paths that were deleted, in order.
        tool: which deletes them.
    """

    def __init__(self) -> None:
        self.deleted: list[str] = []
        self.tool = deleting(self.deleted.append)

    @contextmanager
    def agent(self, *replies: Any, tools: tuple[Any, ...] = ()) -> Iterator[Agent]:
        """Yield an agent of a model that replies so, with more tools."""
        with ModelServer(*replies) as model:
            yield Agent(
                "test-1",
                tools=[*tools, self.tool],
                client=model.client(),
                api="chat",
                name="assistant",
            )


def agent_of(model: str, deleted: Path) -> Agent:
    """Return an agent with a tool that asks first, and then adds a line to a file."""

    def note(path: str) -> None:
        with deleted.open("a") as file:
            file.write(f"{path}\n")

    client = openai.AsyncOpenAI(base_url=model, api_key="sk-test", max_retries=0)
    return Agent("test-1", client=client, api="chat", name="assistant", tools=[deleting(note)])


class Process:
    """A server process of an agent that asks. It ends with a `with` block.

    Args:
        model: address of the agent's model.
        store: of the server.
        deleted: file with the paths that were deleted.

    Attributes:
        url: address of the server, the same after it was started again.
    """

    def __init__(self, model: str, store: Path | str, deleted: Path) -> None:
        self._arguments = ("-m", "server.served", model, str(store), str(deleted))
        self.url = ""
        self.start()

    def start(self) -> None:
        """Start the process, and wait until it listens."""
        port = self.url.rpartition(":")[2]
        path = os.pathsep.join(
            [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        arguments = (*self._arguments, *([port] if port else []))
        environment = {**os.environ, "PYTHONPATH": path}
        self._process = start(
            *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()

    @property
    def pid(self) -> int:
        """Id of the process."""
        return self._process.pid

    def kill(self) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()


if __name__ == "__main__":
    _, model, store, file, *port = sys.argv
    with serve(
        agent_of(model, Path(file)), port=int(port[0]) if port else 0, store=store
    ) as server:
        print(server.url, flush=True)
        sys.stdin.read()
