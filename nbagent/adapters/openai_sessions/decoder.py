"""Decoder of OpenAI's hosted agents: the events of `client.beta.agents.sessions`.

Format: https://developers.openai.com/api/docs/guides/agents-api/sessions/events (openai 3.52). A
session and its stream outlive its turns: the run ends when the session is idle after a turn of its
own agent, or has failed. Sub-agents have turns at the same time; `turn_id` attributes an event. The
identity of an item is its turn and its output index.

The format has no hand-offs, and no answer to an MCP server's question. It does not link a sub-agent
to the call that created it; here the two match by their task.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.block import block_id
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    entries_in,
    fields,
    fields_or_empty,
    index_in,
    nonempty_str,
    str_field,
)
from nbagent.adapters.base.openai_fields import openai_usage
from nbagent.adapters.base.payload import text_in
from nbagent.adapters.openai_responses.content import ItemContent
from nbagent.adapters.openai_responses.items import Item
from nbagent.adapters.openai_sessions.actions import Actions
from nbagent.adapters.openai_sessions.agents import SessionAgents
from nbagent.adapters.openai_sessions.calls import SessionCalls, is_call
from nbagent.adapters.openai_sessions.environment import status_of

_EVENTS, _OUTPUTS, _ENVIRONMENT = "agent.session.", "agent.output.", "agent.session.environment."
_MAX_SEEN_IDS = 1024
"""Number of event ids kept to recognise repeats: the service sends an event again if it is unsure
whether it arrived.
"""


class SessionsDecoder(BaseDecoder):
    """Decoder of session events."""

    system: ClassVar[str] = "openai.sessions"
    stream_outlives_run = True
    texts_have_ids: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._content = ItemContent(self.builder)
        self._calls = SessionCalls(self.builder)
        self._actions = Actions(self.builder, self._calls)
        self._agents = SessionAgents(self.builder)
        self._items: dict[str, dict[Hashable, Item]] = {}
        self._turn: str | None = None
        self._turn_usage: ev.Usage | None = None
        self._model: str | None = None
        self._seen: dict[str, None] = {}

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a session event, or an error that names its session."""
        payload = fields_or_empty(item)
        kind = payload.get("type")
        if not isinstance(kind, str):
            return False
        return kind.startswith((_EVENTS, _OUTPUTS)) or (
            kind == "error" and "session_id" in payload and "error" in payload
        )

    def read(self, item: Any) -> None:
        """Read one event."""
        if item == "[DONE]":
            return
        payload = fields(item)
        if self._is_repeated(str_field(payload, "event_id")):
            return
        kind = str_field(payload, "type", default="")
        session = fields_or_empty(payload.get("session"))
        self._model = nonempty_str(
            fields_or_empty(session.get("agent")).get("model"), default=self._model
        )
        self.builder.begin(
            self._model, thread_id=str_field(payload, "session_id") or str_field(session, "id")
        )
        self._agents.select(str(payload.get("turn_id")))
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, payload)
        elif kind.startswith(_ENVIRONMENT):
            self.builder.write(
                status_of(kind.removeprefix(_ENVIRONMENT), payload, self.builder.envelope)
            )
        else:
            self.builder.raw(item, kind)

    def _is_repeated(self, event_id: str | None) -> bool:
        if event_id is None:
            return False
        if event_id in self._seen:
            return True
        self._seen[event_id] = None
        if len(self._seen) > _MAX_SEEN_IDS:
            del self._seen[next(iter(self._seen))]
        return False

    # --- the session ---

    def _ignore(self, payload: Mapping[str, Any]) -> None:
        """Ignore the creation of a session, or the start of a part whose text follows."""

    def _in_progress(self, payload: Mapping[str, Any]) -> None:
        """Continue a session whose required actions were answered."""
        if self.stop_info.status == "paused":
            self.stop_info = TRUNCATED

    def _requires_action(self, payload: Mapping[str, Any]) -> None:
        """Write the questions that the session waits for.

        Its stream stays open: the answer goes by another request.
        """
        session = fields_or_empty(payload.get("session"))
        self.stop_info = StopInfo("paused", "requires_action")
        for entry in entries_in(session, "required_actions"):
            action = fields(entry)
            self._agents.select(str(action.get("turn_id")))
            self._actions.ask(action)

    def _idle(self, payload: Mapping[str, Any]) -> None:
        """End the run if a turn has ended: a session is also idle before its first turn."""
        if self.stop_info != TRUNCATED:
            self._end_run()

    def _session_failed(self, payload: Mapping[str, Any]) -> None:
        self.fail_with(fields_or_empty(payload.get("session")).get("error") or "The session failed")
        self._end_run()

    def _error(self, payload: Mapping[str, Any]) -> None:
        self.fail_with(payload.get("error"))

    def _end_run(self) -> None:
        end = self.stop_info
        self.finish()
        self._agents.end_all(end.status)
        self.builder.end(end.status, finish_reason=end.finish_reason, code=end.code)

    # --- turns ---

    def _turn_begins(self, payload: Mapping[str, Any]) -> None:
        """Start a step for a turn of the session's agent.

        A sub-agent's turn is no step: it overlaps the steps of others.
        """
        turn, turn_id = fields_or_empty(payload.get("turn")), str(payload.get("turn_id"))
        worker = str_field(turn, "subagent_id")
        if worker is not None:
            self._agents.begin_turn(turn_id, worker)
        elif turn_id != self._turn:
            self._begin_step(turn_id)

    def _begin_step(self, turn_id: str) -> None:
        self.end_response()
        self._turn = turn_id
        self.new_step(self._model)

    def _turn_ends(self, payload: Mapping[str, Any]) -> None:
        """Note the end of a turn.

        The step ends later, when the session is idle: sub-agents may still send events for it.
        """
        turn, turn_id = fields_or_empty(payload.get("turn")), str(payload.get("turn_id"))
        state = str(payload.get("type")).rpartition(".")[2]
        usage = openai_usage(turn.get("usage")) or openai_usage(payload.get("usage"))
        error = fields_or_empty(turn.get("error"))
        self._items.pop(turn_id, None)
        worker = str_field(turn, "subagent_id")
        if worker is not None:
            self._agents.end_turn(turn_id, worker, failed=state == "failed")
            if usage is not None:
                self.builder.add_usage(usage)
            if state == "failed":
                self.fail(
                    str_field(error, "message", default="A sub-agent failed"),
                    str_field(error, "code"),
                    fatal=False,
                )
            return
        if not self.builder.in_step:
            self._begin_step(turn_id)
        self._turn_usage = usage
        if state == "failed":
            self.stop_info = StopInfo("failed", state)
            self.fail_with(error or "The turn failed")
        else:
            self.stop_info = StopInfo("cancelled" if state == "cancelled" else "completed", state)

    def finish(self) -> None:
        """End the step with the usage of its turn."""
        self._agents.select(None)
        self.builder.end_step(self.stop_info.finish_reason, self._turn_usage)
        self._turn_usage = None

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """End the run, and the open sub-agents with it."""
        if not self.builder.ended:
            self._agents.select(None)
            self.builder.end_texts_and_reasoning()
            self._agents.end_all("failed" if error else self.stop_info.status)
        return super().close(error)

    # --- sub-agents ---

    def _subagent_starts(self, payload: Mapping[str, Any]) -> None:
        agent = fields(payload["subagent"])
        call = None
        if str(payload.get("type")).endswith("created"):
            call = self._calls.creator_of(agent)
        self._agents.start(agent, block_id(call))

    def _subagent_closed(self, payload: Mapping[str, Any]) -> None:
        self._agents.end(str(fields(payload["subagent"]).get("id")))

    # --- items ---

    def _item(self, payload: Mapping[str, Any]) -> Item:
        """Return the item that an event belongs to, a new one if it is not known."""
        turn_id, index = str(payload.get("turn_id")), payload.get("output_index")
        if not self.builder.in_step and not self._agents.has(turn_id):
            self._begin_step(turn_id)  # the stream was opened after the turn began
        position = index if isinstance(index, int) else str(payload.get("item_id"))
        items = self._items.setdefault(turn_id, {})
        if position not in items:
            items[position] = Item((turn_id, position), index if isinstance(index, int) else None)
        return items[position]

    def _item_added(self, payload: Mapping[str, Any]) -> None:
        item_fields = fields(payload["item"])
        kind = str_field(item_fields, "type", default="")
        if kind == "message" and item_fields.get("role") == "user":
            return
        if self._actions.read(kind, item_fields):
            return
        item = self._item({**payload, "item_id": item_fields.get("id")})
        if item.type:
            return
        item.describe(item_fields)
        if kind == "reasoning":
            self._content.begin_reasoning(item)
        elif is_call(kind):
            self._calls.start(item, item_fields)
        elif kind == "agent_message":
            message = {
                "from": item_fields.get("sender_agent_id"),
                "to": item_fields.get("recipient_agent_id"),
            }
            message["text"] = text_in(item_fields.get("content"))  # the other parts are encrypted
            self.builder.custom("agent_message", message)
        elif kind != "message":
            self.builder.raw(item_fields, kind)

    def _item_done(self, payload: Mapping[str, Any]) -> None:
        """Complete an item, once."""
        item_fields = fields(payload["item"])
        item = self._item({**payload, "item_id": item_fields.get("id")})
        if item.done:
            return
        is_new = not item.type
        item.describe(item_fields)
        item.done = True
        if item.type == "message":
            for index, part in enumerate(entries_in(item_fields, "content")):
                self._end_part(item, index, fields(part))
        elif item.type == "reasoning":
            self._content.complete_reasoning(item, item_fields)
        elif is_call(item.type):
            self._end_call(item, item_fields)
        elif not self._actions.read(item.type, item_fields) and is_new:
            self.builder.raw(item_fields, item.type or None)

    def _end_call(self, item: Item, call: Mapping[str, Any]) -> None:
        if item.type == "mcp_call" and item.tool is not None and not call.get("error"):
            self._actions.approve(item.tool)  # no event has the answer, but the call ran
        self._calls.complete(item, call)

    def _end_part(self, item: Item, index: int, part: Mapping[str, Any]) -> None:
        if part.get("type") == "output_text":
            self._content.end_text(item, index, part.get("text"))
        else:
            self.builder.raw(part, str_field(part, "type"))

    def _text_delta(self, payload: Mapping[str, Any]) -> None:
        self._content.text(
            self._item(payload), index_in(payload, "content_index"), payload["delta"]
        )

    def _text_done(self, payload: Mapping[str, Any]) -> None:
        self._content.end_text(
            self._item(payload), index_in(payload, "content_index"), payload.get("text")
        )

    def _part_done(self, payload: Mapping[str, Any]) -> None:
        self._end_part(
            self._item(payload), index_in(payload, "content_index"), fields(payload["part"])
        )

    def _summary_delta(self, payload: Mapping[str, Any]) -> None:
        self._content.reasoning(
            self._item(payload), index_in(payload, "summary_index"), payload["delta"]
        )

    def _summary_done(self, payload: Mapping[str, Any]) -> None:
        text = payload.get("text") or fields_or_empty(payload.get("part")).get("text")
        self._content.end_reasoning_part(
            self._item(payload), index_in(payload, "summary_index"), text
        )

    def _output(self, payload: Mapping[str, Any]) -> None:
        self._calls.output(self._item(payload), payload["delta"])


_HANDLERS: dict[str, Callable[[SessionsDecoder, Mapping[str, Any]], None]] = {
    "error": SessionsDecoder._error,
    "agent.session.created": SessionsDecoder._ignore,
    "agent.session.in_progress": SessionsDecoder._in_progress,
    "agent.session.requires_action": SessionsDecoder._requires_action,
    "agent.session.idle": SessionsDecoder._idle,
    "agent.session.failed": SessionsDecoder._session_failed,
    "agent.session.turn.created": SessionsDecoder._turn_begins,
    "agent.session.turn.in_progress": SessionsDecoder._turn_begins,
    "agent.session.turn.completed": SessionsDecoder._turn_ends,
    "agent.session.turn.failed": SessionsDecoder._turn_ends,
    "agent.session.turn.cancelled": SessionsDecoder._turn_ends,
    "agent.session.turn.item.added": SessionsDecoder._item_added,
    "agent.session.turn.item.done": SessionsDecoder._item_done,
    "agent.session.turn.content_part.added": SessionsDecoder._ignore,
    "agent.session.turn.content_part.done": SessionsDecoder._part_done,
    "agent.session.turn.output_text.delta": SessionsDecoder._text_delta,
    "agent.session.turn.output_text.done": SessionsDecoder._text_done,
    "agent.session.turn.reasoning_summary_part.added": SessionsDecoder._ignore,
    "agent.session.turn.reasoning_summary_part.done": SessionsDecoder._summary_done,
    "agent.session.turn.reasoning_summary_text.delta": SessionsDecoder._summary_delta,
    "agent.session.turn.reasoning_summary_text.done": SessionsDecoder._summary_done,
    "agent.output.command_execution_output.delta": SessionsDecoder._output,
    "agent.session.subagent.created": SessionsDecoder._subagent_starts,
    "agent.session.subagent.active": SessionsDecoder._subagent_starts,
    "agent.session.subagent.closed": SessionsDecoder._subagent_closed,
}
