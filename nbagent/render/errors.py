"""Errors in words."""

import re

from nbagent.blocks.fields import Props, text_of
from nbagent.protocol.shared import LABELS, fill


def error_headline(error: Props, kind: str = "type") -> str:
    """Return an error's type and message on one line: `KeyError: 'x'`.

    `kind` is the field of its type.
    """
    return ": ".join(
        filter(
            None, (text_of(error, kind), text_of(error, "message") or LABELS["error"]["message"])
        )
    )


def own_place(error: Props) -> str:
    """Return where an error left the user's own code, `return table[year] · rate · Cell In[3], line
    4`; empty if not known.
    """
    frames = error.get("frames")
    for frame in reversed(frames if isinstance(frames, list) else []):
        if isinstance(frame, dict) and not text_of(frame, "library"):
            place = fill(LABELS["error"]["place"], text_of(frame, "file"), str(frame.get("line")))
            return " · ".join(
                filter(None, (text_of(frame, "source"), text_of(frame, "function"), place))
            )
    return ""


def traceback_label(traceback: str) -> str:
    """Return `traceback (3 frames)`."""
    frames = len(re.findall(r'^\s*File "', traceback, re.MULTILINE))
    labels = LABELS["error"]
    return (
        fill(labels["frame" if frames == 1 else "frames"], str(frames))
        if frames
        else labels["traceback"]
    )
