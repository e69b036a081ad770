"""`Tape`: the requests to one agent's model that a cassette keeps, each with its reply, and the
connection that answers from it.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from nbagent.agent.model.apis import ApiName
from nbagent.agent.model.connection import Connection
from nbagent.agent.model.input_items import Item
from nbagent.agent.model.model_source import ModelSource
from nbagent.agent.model.structured import JsonForm, OutputFormat
from nbagent.agent.tools.described_tool import DescribedTool
from nbagent.errors import NbagentError
from nbagent.sources.closing import closing
from nbagent.testing.asked import Asked, asked, differences, message_key
from nbagent.testing.replies import Reply, reply_of
from nbagent.testing.server import ModelServer


class Exchange(msgspec.Struct, omit_defaults=True):
    """A request and its reply, as far as the request differs from the one before it.

    Attributes:
        reply: the model's.
        fields: those that differ; None for one that is gone.
        kept: number of messages at the beginning that the request before it has too.
        messages: the others.
    """

    reply: Reply
    fields: dict[str, Any] = {}
    kept: int = 0
    messages: list[dict[str, Any]] = []


class RecordedAgent(msgspec.Struct):
    """An agent in a cassette's file.

    Attributes:
        api: the API that its model was asked by.
        exchanges: in order.
    """

    api: ApiName
    exchanges: list[Exchange]


class Tape:
    """The requests to one agent's model, each with its reply. Safe on any thread.

    Args:
        name: of the agent.
        recorded: what the file has of it; None for nothing.
        told: called with a text for each request that is not recorded.
        record: whether the model is asked then.

    Attributes:
        server: gives the recorded replies.
    """

    def __init__(
        self,
        name: str,
        recorded: RecordedAgent | None,
        told: Callable[[str], None],
        *,
        record: bool,
    ) -> None:
        self.is_recording = record
        self.api: ApiName | None = None if recorded is None else recorded.api
        self.server = ModelServer(())
        self._name = name
        self._recorded = [] if recorded is None else list(_unfolded(recorded.exchanges))
        self._left = list(self._recorded)
        self._used: list[tuple[Asked, Reply]] = []
        self._told = told
        self._lock = threading.Lock()

    def take(self, request: Asked) -> Reply | None:
        """Return the reply to a request; None if the model is to be asked.

        Raises:
            NbagentError: it is not recorded; the message has what differs.
        """
        key = request.key()
        with self._lock:
            found = next((each for each in self._left if each[0].key() == key), None)
            if found is not None:
                self._left.remove(found)
                self._used.append(found)
                return found[1]
            number = len(self._used) + 1
            closest = self._left[:1] or self._recorded[-1:]
        if self.is_recording:
            return None
        lines = [f"request {number} to the model of {self._name!r} is not as it was recorded:"]
        for was, _ in closest:
            lines += (f"  {line}" for line in differences(was, request))
        if not self._left:
            lines.append(f"  {len(self._recorded)} requests are recorded, all of which were sent")
        lines.append("--nbagent-record asks the model for what has changed")
        problem = "\n".join(lines)
        self._told(problem)
        raise NbagentError(problem)

    def begin(self, request: Asked) -> int:
        """Keep the place of a request that the model is asked, and return its index."""
        with self._lock:
            self._used.append((request, Reply()))
            return len(self._used) - 1

    def keep(self, index: int, reply: Reply) -> None:
        """Keep the reply to a request."""
        with self._lock:
            self._used[index] = (self._used[index][0], reply)

    def recorded(self) -> RecordedAgent | None:
        """Return what a file keeps: the requests that were sent; None if there were none."""
        if not self._used:
            return None
        return RecordedAgent(self.api or "chat", list(_folded(self._used)))


def _folded(pairs: Iterable[tuple[Asked, Reply]]) -> Iterable[Exchange]:
    before = Asked({}, [])
    for request, reply in pairs:
        names = {**before.fields, **request.fields}
        changed = {
            name: request.fields.get(name)
            for name in names
            if request.fields.get(name) != before.fields.get(name)
        }
        kept = 0
        for old, new in zip(before.messages, request.messages, strict=False):
            if message_key(old) != message_key(new):
                break
            kept += 1
        yield Exchange(reply, changed, kept, request.messages[kept:])
        before = request


def _unfolded(exchanges: Sequence[Exchange]) -> Iterable[tuple[Asked, Reply]]:
    before = Asked({}, [])
    for each in exchanges:
        fields = {**before.fields, **each.fields}
        given = {name: value for name, value in fields.items() if value is not None}
        before = Asked(given, [*before.messages[: each.kept], *each.messages])
        yield before, each.reply


class TapeSource(ModelSource):
    """The model of an agent, as far as a tape does not have its replies."""

    tape: Tape

    def _connect(self, model: str) -> Connection:
        tape = self.tape
        live: Connection | None = None
        if self._api is not None:
            tape.api = self._api
        elif tape.api is None:
            live = super()._connect(model)
            tape.api = live.api.name
        return TapeConnection(model, tape, lambda: live or super(TapeSource, self)._connect(model))


class TapeConnection(Connection):
    """Answers requests from a tape, and where it records, asks the model for the others.

    Args:
        model: the model's name.
        tape: has the replies.
        make_live: connects to the model.
    """

    def __init__(self, model: str, tape: Tape, make_live: Callable[[], Connection]) -> None:
        super().__init__(model, tape.server.client(), tape.api)
        self._tape = tape
        self._make_live = make_live
        self._live: Connection | None = None
        self._asking = asyncio.Lock()

    async def ask(
        self,
        instructions: str,
        items: Sequence[Item],
        tools: Sequence[DescribedTool],
        settings: Mapping[str, Any],
        output: OutputFormat | JsonForm | None = None,
    ) -> Any:
        """Return the stream of a reply; see `Connection.ask`.

        Raises:
            NbagentError: the request is not recorded, and the model is not to be asked.
        """
        request = (instructions, items, tools, settings, output)
        now = asked(self.model, *request)
        reply = self._tape.take(now)
        if reply is not None:
            async with self._asking:  # the server gives its replies in the order of requests
                self._tape.server.add(reply)
                return await super().ask(*request)
        self._live = self._live or self._make_live()
        stream = await self._live.ask(*request)
        return self._kept(stream, self._tape.begin(now))

    async def _kept(self, stream: Any, index: int) -> AsyncIterator[Any]:
        decoder = self.api.decoder()
        events = []
        try:
            async with closing(stream):
                async for item in stream:
                    events += decoder.feed(item)
                    yield item
        finally:
            self._tape.keep(index, reply_of([*events, *decoder.end_step()]))
