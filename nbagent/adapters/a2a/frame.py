"""Frames of A2A: their kind and body in both versions, and the state that they name."""

from collections.abc import Mapping
from typing import Any

from nbagent.adapters.base.fields import fields_or_empty, str_field
from nbagent.adapters.base.payload import to_wire_dict

_REQUIRED_FIELDS = {
    "task": "status",
    "message": "parts",
    "status-update": "status",
    "artifact-update": "artifact",
}
_KIND_BY_KEY = {
    "task": "task",
    "message": "message",
    "msg": "message",
    "statusUpdate": "status-update",
    "status_update": "status-update",
    "artifactUpdate": "artifact-update",
    "artifact_update": "artifact-update",
}


def frame_kind(payload: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return the kind of a frame ("task", "message", "status-update", "artifact-update", or "" for
    any other) and its body.
    """
    if "jsonrpc" in payload and payload.get("result") is not None:
        body = fields_or_empty(payload["result"])
    else:
        body = payload
    kind = str_field(body, "kind") or str_field(body, "type", default="").removeprefix(
        "task."
    ).replace("_", "-")
    if kind in _REQUIRED_FIELDS:
        if _REQUIRED_FIELDS[kind] in body:
            return (kind, body)
        return ("", body)
    for key, named in _KIND_BY_KEY.items():
        inner = to_wire_dict(body[key]) if len(body) == 1 and key in body else {}
        if _REQUIRED_FIELDS[named] in inner:
            return named, inner
    return "", body


def state_of(status: Mapping[str, Any]) -> str:
    """Return a task's state in the spelling of version 0.3."""
    state = str(status.get("state") or "").removeprefix("TASK_STATE_").lower().replace("_", "-")
    if state == "cancelled":
        return "canceled"
    return state
