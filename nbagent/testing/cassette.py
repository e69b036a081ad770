"""`Cassette`: the fixture `nbagent` of a test: agents whose models are recorded once, and replayed
from a file then.
"""

import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

import nbagent
from nbagent.agent import Agent
from nbagent.agent.model.connection import Connection
from nbagent.agent.model.model_source import ModelSource
from nbagent.errors import NbagentError
from nbagent.events.json_text import decode_json
from nbagent.gate import secrets
from nbagent.run import Run
from nbagent.sources.closing import closing
from nbagent.testing.player import TIMEOUT_S, play
from nbagent.testing.replies import Reply, reply_of
from nbagent.testing.server import ModelServer

FOLDER = "cassettes"
"""Folder beside the test, with a file for each test."""


class Recording(msgspec.Struct):
    """A cassette's file: the replies that each agent's model gave, in order, by the agent's
    name.
    """

    agents: dict[str, list[Reply]]


class Cassette:
    """Value of the fixture `nbagent`: the package, with agents that are recorded or replayed.

        def test_rates(nbagent):
            agent = nbagent.Agent("gpt-5-mini", tools=[fetch_rates])
            run = nbagent.run(agent.stream("How did the rate change?"))
            assert run.tools["fetch_rates"].args == {"year": 2024}

    Every other name is that of the package: `nbagent.tool`, `nbagent.events`.

    Args:
        path: of the file.
        record: whether the models are asked, and the file is written.
    """

    def __init__(self, path: Path, *, record: bool) -> None:
        self.path = path
        self.is_recording = record
        self._recorded: dict[str, list[Reply]] = {}
        self._servers: list[ModelServer] = []
        self._names: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(nbagent, name)

    def Agent(self, model: str, *args: Any, **options: Any) -> Agent:  # noqa: N802 - as the package's
        """Return an agent, whose arguments are those of `nbagent.Agent`.

        Without recording, its client is not used.

        Raises:
            NbagentError: there is no recording of it.
        """
        _ = nbagent.Agent  # makes model="demo" known
        name = self._name_of(options.get("name") or str(model))
        if self.is_recording:
            agent = Agent(model, *args, **options)
            agent._model = _RecordingSource(model, options.get("client"), options.get("api"))
            agent._model.replies = self._recorded.setdefault(name, [])
            return agent
        server = ModelServer(self._replies(name))
        self._servers.append(server)
        offline = {**options, "client": server.client(), "api": None}
        return Agent(model, *args, **offline)

    def run(self, stream: Any, *, answers: Sequence[Any] = (), timeout: float = TIMEOUT_S) -> Run:
        """Run a stream to its end, and return the run; arguments as for `nbagent.testing.play`."""
        return play(stream, answers=answers, timeout=timeout)

    def close(self) -> None:
        """End the test: write what was recorded, or stop the servers."""
        for server in self._servers:
            server.close()
        if self.is_recording and self._recorded:
            given = {name: replies for name, replies in self._recorded.items() if replies}
            made = msgspec.to_builtins(Recording(given))
            self.path.parent.mkdir(exist_ok=True)
            masked = msgspec.json.encode(secrets.known().mask_json(made))
            self.path.write_bytes(msgspec.json.format(masked, indent=2) + b"\n")

    def _name_of(self, name: str) -> str:
        """Return a unique name for an agent: agents differ by name, and those of one name by their
        order.
        """
        number, own = 1, name
        while own in self._names:
            number += 1
            own = f"{name} {number}"
        self._names.add(own)
        return own

    def _replies(self, name: str) -> list[Reply]:
        if not self.path.is_file():
            raise NbagentError(
                f"there is no recording at {str(self.path)!r}: run this test once with "
                "--nbagent-record"
            )
        agents = decode_json(self.path.read_bytes(), type=Recording).agents
        if name not in agents:
            known = ", ".join(agents) or "none"
            raise NbagentError(
                f"{str(self.path)!r} has no agent {name!r}, only {known}: record it again, "
                "--nbagent-record"
            )
        return agents[name]


class _RecordingSource(ModelSource):
    replies: list[Reply]

    def _connect(self, model: str) -> Connection:
        connection = _RecordingConnection(model, self._client, self._api)
        connection.replies = self.replies
        return connection


class _RecordingConnection(Connection):
    replies: list[Reply]

    async def ask(self, *request: Any, **options: Any) -> Any:
        stream = await super().ask(*request, **options)
        self.replies.append(Reply())  # in the order of the requests
        return self._read(stream, len(self.replies) - 1)

    async def _read(self, stream: Any, number: int) -> AsyncIterator[Any]:
        decoder = self.api.decoder()
        events = []
        try:
            async with closing(stream):
                async for item in stream:
                    events += decoder.feed(item)
                    yield item
        finally:
            self.replies[number] = reply_of([*events, *decoder.end_step()])


def path_of(test_file: Path, test: str) -> Path:
    """Return the path of a test's cassette, such as `cassettes/test_rates.test_change.json`."""
    name = re.sub(r"[^a-zA-Z0-9_-]+", "-", test).strip("-")
    return test_file.parent / FOLDER / f"{test_file.stem}.{name}.json"
