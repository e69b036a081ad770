"""Events of OpenAI's hosted sessions, validated by the SDK's own types."""

from typing import Any

from openai.types.beta.agent_session_event import AgentSessionEvent
from pydantic import TypeAdapter

SESSION_EVENT: TypeAdapter[Any] = TypeAdapter(AgentSessionEvent)
_AGENT = {
    "id": "agent_1",
    "model": "gpt-5.5",
    "multi_agent": {"enabled": True},
    "reasoning": {"summary": "auto"},
    "service_tier": "auto",
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tools": [],
}
_SESSION = {
    "id": "sess_1",
    "agent": _AGENT,
    "created_at": 1,
    "environment": {"type": "none"},
    "last_active_at": 1,
    "metadata": {},
    "object": "agent.session",
    "vault_ids": [],
}
TURN = "turn_1"


class Events:
    """Makes the events of one session, each with an id of its own, as the dicts of the wire."""

    def __init__(self) -> None:
        self._count = 0

    def make(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Return an event of that type."""
        self._count += 1
        event = SESSION_EVENT.validate_python(
            {"event_id": f"evt_{self._count}", "type": kind, **fields}
        )
        dumped: dict[str, Any] = event.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return dumped

    def session(self, state: str, *actions: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Return an event with the session's state: created, in_progress, idle, requires_action or
        failed.
        """
        status = "idle" if state == "created" else state
        return self.make(
            f"agent.session.{state}",
            session={**_SESSION, "status": status, "required_actions": actions, **fields},
        )

    def turn(
        self,
        state: str,
        turn_id: str = TURN,
        *,
        usage: tuple[int, int] | None = None,
        **fields: Any,
    ) -> dict[str, Any]:
        """Return an event with a turn's state: created, in_progress, completed, failed or
        cancelled.
        """
        status = "queued" if state == "created" else state
        turn = {
            "id": turn_id,
            "agent_id": "agent_1",
            "created_at": 1,
            "object": "agent.session.turn",
            "session_id": "sess_1",
        }
        spent = {} if usage is None else {"usage": _usage(*usage)}
        return self.make(
            f"agent.session.turn.{state}",
            session_id="sess_1",
            turn_id=turn_id,
            turn={**turn, "status": status, **fields},
            **spent,
        )

    def item(
        self, state: str, index: int | None, kind: str, turn_id: str = TURN, **fields: Any
    ) -> dict[str, Any]:
        """Return the event that an item was added or is done."""
        item = {"id": f"{turn_id}_{kind}_{index}", "turn_id": turn_id, "type": kind, **fields}
        position = {} if index is None else {"output_index": index}
        return self.of_turn(f"turn.item.{state}", turn_id, item=item, **position)

    def of_turn(self, kind: str, turn_id: str = TURN, **fields: Any) -> dict[str, Any]:
        """Return any other event of a turn."""
        return self.make(f"agent.session.{kind}", session_id="sess_1", turn_id=turn_id, **fields)

    def call(
        self,
        index: int,
        kind: str,
        turn_id: str = TURN,
        *,
        ends: dict[str, Any] | None = None,
        **fields: Any,
    ) -> list[Any]:
        """Return the two events of a call. `ends` has the fields that only the second one has."""
        return [
            self.item("added", index, kind, turn_id, status="in_progress", **fields),
            self.item(
                "done", index, kind, turn_id, **{"status": "completed", **fields, **(ends or {})}
            ),
        ]

    def message(
        self, index: int, pieces: list[str], turn_id: str = TURN, phase: str = "final_answer"
    ) -> list[Any]:
        """Return the events of a message."""
        text, about = "".join(pieces), {"role": "assistant", "phase": phase}
        position = {
            "item_id": f"{turn_id}_message_{index}",
            "output_index": index,
            "content_index": 0,
        }
        part = {"type": "output_text", "text": text}
        return [
            self.item(
                "added", index, "message", turn_id, status="in_progress", content=[], **about
            ),
            self.of_turn(
                "turn.content_part.added",
                turn_id,
                part={"type": "output_text", "text": ""},
                **position,
            ),
            *(
                self.of_turn("turn.output_text.delta", turn_id, delta=piece, **position)
                for piece in pieces
            ),
            self.of_turn("turn.output_text.done", turn_id, text=text, **position),
            self.of_turn("turn.content_part.done", turn_id, part=part, **position),
            self.item(
                "done", index, "message", turn_id, status="completed", content=[part], **about
            ),
        ]

    def reasoning(self, index: int, parts: list[str], turn_id: str = TURN) -> list[Any]:
        """Return the events of a reasoning summary with several parts."""
        summary = [{"type": "summary_text", "text": part} for part in parts]
        found = [self.item("added", index, "reasoning", turn_id, summary=[])]
        for number, part in enumerate(summary):
            position = {
                "item_id": f"{turn_id}_reasoning_{index}",
                "output_index": index,
                "summary_index": number,
            }
            first = self.of_turn(
                "turn.reasoning_summary_part.added", turn_id, part={**part, "text": ""}, **position
            )
            more = [
                self.of_turn(
                    "turn.reasoning_summary_text.delta", turn_id, delta=f"{word} ", **position
                )
                for word in part["text"].split()
            ]
            text = self.of_turn(
                "turn.reasoning_summary_text.done", turn_id, text=part["text"], **position
            )
            found += [
                first,
                *more,
                text,
                self.of_turn("turn.reasoning_summary_part.done", turn_id, part=part, **position),
            ]
        return [*found, self.item("done", index, "reasoning", turn_id, summary=summary)]

    def output(self, index: int, delta: str, turn_id: str = TURN) -> dict[str, Any]:
        """Return an event with output of a command."""
        return self.make(
            "agent.output.command_execution_output.delta",
            session_id="sess_1",
            turn_id=turn_id,
            item_id=f"{turn_id}_command_execution_{index}",
            output_index=index,
            delta=delta,
        )

    def environment(self, state: str, **fields: Any) -> dict[str, Any]:
        """Return an event of the environment."""
        about: dict[str, Any] = {
            "environment": {"id": "env_1", "status": state, "type": "openai_hosted", **fields}
        }
        if state == "reset":
            about = {"environment_id": "env_1", "reset_count": 1}
        return self.make(f"agent.session.environment.{state}", session_id="sess_1", **about)

    def subagent(self, state: str, agent_id: str = "sub_1", **fields: Any) -> dict[str, Any]:
        """Return an event of a sub-agent: created, active or closed."""
        agent = {
            "id": agent_id,
            "object": "agent.session.subagent",
            "opened_at": 1,
            "parent_agent_id": "agent_1",
            "session_id": "sess_1",
            "status": "closed" if state == "closed" else "active",
        }
        return self.make(
            f"agent.session.subagent.{state}", subagent={**agent, "name": "Ada", **fields}
        )

    def error(self, **fields: Any) -> dict[str, Any]:
        """Return an error event."""
        return self.make("error", session_id="sess_1", error={"type": "server_error", **fields})


def _usage(sent: int, made: int) -> dict[str, Any]:
    return {
        "input_tokens": sent,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": sent + made,
    }


def task(text: str) -> list[dict[str, Any]]:
    """Return the instructions of an agent."""
    return [{"type": "output_text", "text": text}]
