"""`Cassette`: the fixture `nbagent` of a test: agents whose models are recorded once, and replayed
from a file then.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

import nbagent
from nbagent.agent import Agent
from nbagent.errors import NbagentError
from nbagent.events.json_text import decode_json
from nbagent.gate import secrets
from nbagent.run import Run
from nbagent.testing.player import TIMEOUT_S, play
from nbagent.testing.tape import RecordedAgent, Tape, TapeSource

FOLDER = "cassettes"
"""Folder beside the test, with a file for each test."""


class Recording(msgspec.Struct):
    """A cassette's file: what was asked of each agent's model and what it replied, by the agent's
    name.
    """

    agents: dict[str, RecordedAgent]


class Cassette:
    """Value of the fixture `nbagent`: the package, with agents that are recorded or replayed.

        def test_rates(nbagent):
            agent = nbagent.Agent("gpt-5-mini", tools=[fetch_rates])
            run = nbagent.run(agent.stream("How did the rate change?"))
            assert run.tools["fetch_rates"].args == {"year": 2024}

    A reply is that to the same request: model, instructions, messages, tools, settings. A test that
    sends another one fails, and says what differs.

    Every other name is that of the package: `nbagent.tool`, `nbagent.events`.

    Args:
        path: of the file.
        record: whether the models are asked for what is not in the file, which is written then.
    """

    def __init__(self, path: Path, *, record: bool) -> None:
        self.path = path
        self.is_recording = record
        self._tapes: dict[str, Tape] = {}
        self._problems: list[str] = []
        self._recorded: dict[str, RecordedAgent] = {}
        if path.is_file():
            self._recorded = self._read()

    def __getattr__(self, name: str) -> Any:
        return getattr(nbagent, name)

    def Agent(self, model: str, *args: Any, **options: Any) -> Agent:  # noqa: N802 - as the package's
        """Return an agent, whose arguments are those of `nbagent.Agent`.

        Its client is used for what is not recorded.

        Raises:
            NbagentError: there is no recording of it.
        """
        _ = nbagent.Agent  # makes model="demo" known
        name = self._name_of(options.get("name") or str(model))
        if not self.is_recording:
            self._check_recorded(name)
        agent = Agent(model, *args, **options)
        source = TapeSource(model, options.get("client"), options.get("api"))
        source.tape = self._tapes[name] = Tape(
            name, self._recorded.get(name), self._problems.append, record=self.is_recording
        )
        agent._model = source
        return agent

    def run(self, stream: Any, *, answers: Sequence[Any] = (), timeout: float = TIMEOUT_S) -> Run:
        """Run a stream to its end, and return the run; arguments as for `nbagent.testing.play`.

        Raises:
            NbagentError: it sent a request that is not recorded.
        """
        run = play(stream, answers=answers, timeout=timeout)
        self._check_requests()
        return run

    def close(self) -> None:
        """End the test: stop the servers, and write what was recorded.

        Raises:
            NbagentError: a request was sent that is not recorded, and no other call has told so.
        """
        for tape in self._tapes.values():
            tape.server.close()
        if self.is_recording:
            self._write()
        self._check_requests()

    def _check_requests(self) -> None:
        problems, self._problems[:] = "\n".join(self._problems), []
        if problems:
            raise NbagentError(f"{str(self.path)!r}: {problems}")

    def _read(self) -> dict[str, RecordedAgent]:
        try:
            return decode_json(self.path.read_bytes(), type=Recording).agents
        except msgspec.DecodeError as error:
            if self.is_recording:
                return {}
            raise NbagentError(
                f"{str(self.path)!r} is no recording ({error}): record it again, --nbagent-record"
            ) from error

    def _write(self) -> None:
        given = {name: tape.recorded() for name, tape in self._tapes.items()}
        agents = {name: each for name, each in given.items() if each is not None}
        if not agents or agents == self._recorded:
            return
        masked = secrets.known().mask_json(msgspec.to_builtins(Recording(agents)))
        self.path.parent.mkdir(exist_ok=True)
        text = msgspec.json.format(msgspec.json.encode(masked), indent=2)
        self.path.write_bytes(text + b"\n")

    def _name_of(self, name: str) -> str:
        """Return a unique name for an agent: agents differ by name, and those of one name by their
        order.
        """
        number, own = 1, name
        while own in self._tapes:
            number += 1
            own = f"{name} {number}"
        return own

    def _check_recorded(self, name: str) -> None:
        if not self.path.is_file():
            raise NbagentError(
                f"there is no recording at {str(self.path)!r}: run this test once with "
                "--nbagent-record"
            )
        if name not in self._recorded:
            known = ", ".join(self._recorded) or "none"
            raise NbagentError(
                f"{str(self.path)!r} has no agent {name!r}, only {known}: record it again, "
                "--nbagent-record"
            )


def path_of(test_file: Path, test: str) -> Path:
    """Return the path of a test's cassette, such as `cassettes/test_rates.test_change.json`."""
    name = re.sub(r"[^a-zA-Z0-9_-]+", "-", test).strip("-")
    return test_file.parent / FOLDER / f"{test_file.stem}.{name}.json"
