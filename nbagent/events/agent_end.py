"""The end of a run, as the end of a sub-agent of another run."""

from typing import Any

from nbagent.events.kinds import AgentEnd, RunEnd

OF_AN_END = frozenset({"code", "finish_reason", "stopped_by", "untimed"})
"""Names in the `meta` of a run's or an agent's end that nbagent itself writes."""


def agent_end(id: str, end: RunEnd, **fields: Any) -> AgentEnd:
    """Return the end of the agent that is a run's in another one.

    Its `meta` has why it ended, as far as that is known.

    Args:
        id: of the agent.
        end: of its run.
        fields: of the event, in place of those of `end`.
    """
    reasons = {
        "code": end.code,
        "finish_reason": end.finish_reason,
        "stopped_by": (end.meta or {}).get("stopped_by"),
    }
    meta = {name: reason for name, reason in reasons.items() if reason is not None}
    return AgentEnd(
        **{"id": id, "status": end.status, "usage": end.usage, "meta": meta or None, **fields}
    )
