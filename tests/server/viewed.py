"""A page's end of the WebSocket `/view`."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from starlette.testclient import TestClient, WebSocketTestSession

Served = Callable[..., AbstractContextManager[tuple[TestClient, str]]]
"""Serves an agent with a tool that asks, and yields a client, and the name of a session; see the
fixture `served`.
"""


class Page:
    """A page's end of the WebSocket, with all ops that it has got."""

    def __init__(self, socket: WebSocketTestSession, have: int = 0) -> None:
        self._socket = socket
        self.ops: list[Any] = []
        self.seq = have
        self.send(t="hello", have=have)

    def send(self, **message: Any) -> None:
        self._socket.send_json(message)

    def until(self, has: Callable[[Any], bool]) -> Any:
        """Read up to the first op that has something, and return it."""
        while True:
            for op in self.ops:
                if has(op):
                    return op
            self.read()

    def read(self) -> Any:
        """Read one message, and return it."""
        message = self._socket.receive_json()
        if message["t"] in ("ops", "snapshot"):
            assert message["seq"] > self.seq
            self.seq = message["seq"]
            self.ops = [*([] if message.get("first") else self.ops), *message["ops"]]
        return message

    def ends(self, status: str) -> Any:
        """Read up to the end of an answer."""
        return self.until(
            lambda op: op[1] == "run" and op[-1].get("status") == status and "ended" in op[-1]
        )

    def part(self, name: str) -> Any:
        """Ask for a page of something large."""
        self.send(t="need", name=name, at=0)
        return self.told("part")

    def told(self, kind: str) -> Any:
        """Read up to the first message of a type, and return it."""
        while (message := self.read())["t"] != kind:
            pass
        return message

    @property
    def status(self) -> Any:
        """Status of the run, as the last op has it that sets it."""
        return [op[-1]["status"] for op in self.ops if op[1] == "run" and "status" in op[-1]][-1]

    @property
    def texts(self) -> dict[str, str]:
        """Texts of the blocks. How many ops a text comes in is up to the pump."""
        found: dict[str, str] = {}
        for op in self.ops:
            if op[0] in ("open", "set") and isinstance(op[-1].get("text"), str):
                found[op[1]] = op[-1]["text"]
            elif op[0] == "append" and op[2] == "text":
                found[op[1]] = found.get(op[1], "") + op[3]
        return found

    @property
    def text(self) -> str:
        return json.dumps(self.ops)


@contextmanager
def page(http: TestClient, have: int = 0, **place: str) -> Iterator[Page]:
    query = "&".join(f"{name}={value}" for name, value in place.items())
    with http.websocket_connect(f"ws://localhost/view?{query}") as socket:
        yield Page(socket, have)
