"""`ModelRequest`: one request of a run to its model."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import msgspec

from nbagent import events as e
from nbagent.agent.model import injected, valid_history
from nbagent.agent.model.input_items import Item
from nbagent.agent.model.retry import Backoff, is_refusal, retry_after
from nbagent.agent.run.history import Conversation
from nbagent.agent.run.limits import estimated
from nbagent.agent.run.params import RunParams
from nbagent.agent.tools.described_tool import DescribedTool
from nbagent.run_context import at_step
from nbagent.run_context.request_gate import REQUEST_GATE
from nbagent.runtime.timeouts import IdleClock

KEPT_BY_SERVER = frozenset({"previous_response_id", "conversation"})
"""Parameters of the Responses API with which the server keeps a part of the history."""


class IdleTimeout(Exception):
    """The model was silent for longer than the agent allows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelRequest:
    """A request for one response, sent again while the server cannot take it.

    Attributes:
        params: of the run.
        conversation: what was said so far; read when the request is sent.
        step: number of the response, from 1.
    """

    params: RunParams
    conversation: Conversation
    step: int

    @property
    def tools(self) -> Sequence[DescribedTool]:
        """The tools that the model may call in the response."""
        if self._must_call:
            return self.params.client.tools
        return self.params.all_tools

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters of the request."""
        settings = self.params.request_settings
        if self._must_call:
            return {**settings, "tool_choice": "required"}
        return settings

    @property
    def _must_call(self) -> bool:
        """True if the response has to call a tool of the client's."""
        return self.params.client.must_call and self.step == 1

    @property
    def _items(self) -> list[Item]:
        """The history as it is sent: every call with its output and its own id, unless the server
        keeps a part of it.
        """
        items = self.conversation.items
        if self.params.settings.keys() & KEPT_BY_SERVER:
            return valid_history.final(items)
        return valid_history.with_unique_ids(valid_history.paired(items))

    def patience(self) -> AbstractAsyncContextManager[None]:
        """Return a block that raises `IdleTimeout` when the model is silent in it for too long."""
        model = self.params.connection.model
        return IdleClock(self.params.idle_timeout).limit(
            lambda seconds: IdleTimeout(
                f"{model} was silent for longer than the limit of {seconds:g} s (idle_timeout)"
            )
        )

    async def send(self, emit: Callable[[e.Event], Awaitable[None]]) -> Any:
        """Return the open stream of the response.

        Args:
            emit: emits an event of the run; it tells of attempts that failed.

        Raises:
            Exception: the error of the last attempt.
        """
        connection = self.params.connection
        backoff = Backoff(connection.max_retries)
        gate = REQUEST_GATE.get()
        sent_at = 0.0
        while True:
            if gate is not None:
                sent_at = await gate.admit()
            try:
                async with self.patience():
                    return await self._send_once(emit)
            except Exception as error:
                if gate is not None and is_refusal(error):
                    gate.refused(sent_at, retry_after(error))
                seconds = backoff.after(error)
                if seconds is None:
                    raise
                message = connection.explain(error).message
            await emit(e.Status(message=f"{message}; {backoff.notice}", level="warning"))
            await asyncio.sleep(seconds)

    async def _send_once(self, emit: Callable[[e.Event], Awaitable[None]]) -> Any:
        params = self.params
        cut_after = await injected.before_request(params.connection, emit)
        with at_step(self.step, params.name, params.inside):
            stream = await params.connection.ask(
                params.all_instructions, self._items, self.tools, self.settings, params.form
            )
        if cut_after is None:
            return stream
        return injected.CutStream(stream, cut_after)

    def estimate(self, written: str) -> e.Usage:
        """Return about how many tokens the request and its response have.

        Args:
            written: all that the model wrote.
        """
        asked = [
            self.params.all_instructions,
            [each.schema for each in self.tools],
            msgspec.to_builtins(self.conversation.items),
        ]
        return estimated(asked, written)
