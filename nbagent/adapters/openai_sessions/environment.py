"""Events of the environment (the machine) that a hosted session works on."""

from collections.abc import Mapping
from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.fields import fields_or_empty, nonempty_str, safe_message

_MESSAGES: dict[str, tuple[str, ev.Level]] = {
    "pending": ("Preparing the environment…", "info"),
    "ready": ("The environment is ready", "info"),
    "connected": ("The environment is connected", "info"),
    "disconnected": ("The environment is disconnected", "warning"),
    "suspended": ("The environment is suspended", "info"),
    "expired": ("The environment has expired", "warning"),
    "failed": ("The environment failed", "error"),
    "reset": ("The environment was replaced: its files and processes are gone", "warning"),
}


def status_of(state: str, payload: Mapping[str, Any], envelope: Mapping[str, Any]) -> ev.Status:
    """Return the status line of an event `agent.session.environment.<state>`.

    A failed environment does not fail the run.
    """
    message, level = _MESSAGES.get(state, (f"The environment is {state}", "info"))
    error = nonempty_str(
        fields_or_empty(fields_or_empty(payload.get("environment")).get("error")).get("message")
    )
    return ev.Status(
        message=f"{message}: {safe_message(error)}" if error else message, level=level, **envelope
    )
