"""Events as lines of JSON: a recording, or the body of an HTTP response.

    {"type":"recording","format":1,"nbagent":"0.1.0","python":"3.11.7","made":1763749000.0}
    {"type":"run.start","seq":1,"ts":1763749000.1,"run_id":"run-1","name":"analyst"}
    …

`ts` is the time of the event, in seconds since the epoch.
"""

import contextlib
import platform
from importlib.metadata import version

import msgspec

from nbagent.blocks import Status
from nbagent.events.codec import to_dict, to_json, type_of
from nbagent.events.jsonable import json_safe
from nbagent.events.kinds import Event

FORMAT = 1
"""Version of the format. A later one may have events that this version does not know."""

HEADER_TYPE = "recording"
"""`type` of the first line."""


def header(made: float) -> bytes:
    """Return the first line.

    Args:
        made: when the run was recorded or sent, in seconds since the epoch.
    """
    versions = {"nbagent": version("jupyter-nbagent"), "python": platform.python_version()}
    return (
        msgspec.json.encode({"type": HEADER_TYPE, "format": FORMAT, **versions, "made": made})
        + b"\n"
    )


def line(event: Event) -> bytes:
    """Return one event as a line: repaired if it cannot be encoded, or else a `status` event that
    reports it as missing.
    """
    with contextlib.suppress(Exception):
        return to_json(event) + b"\n"
    with contextlib.suppress(Exception):
        # Half a surrogate pair, for one, which `json_safe` replaces.
        return msgspec.json.encode(json_safe(to_dict(event))) + b"\n"
    lost = Status(message=f"A {type_of(event)} event could not be written here", level="warning")
    return to_json(lost) + b"\n"
