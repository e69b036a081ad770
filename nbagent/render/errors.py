"""Errors in words."""

import re

from nbagent.blocks.fields import Props, records_of, text_of
from nbagent.protocol.shared import LABELS, fill


def error_headline(error: Props, kind: str = "type") -> str:
    """Return an error's type and message on one line: `KeyError: 'x'`.

    `kind` is the field of its type.
    """
    message = text_of(error, "message") or LABELS["error"]["message"]
    return ": ".join(filter(None, (text_of(error, kind), message)))


def own_place(error: Props) -> str:
    """Return where an error left the user's own code, `return table[year] · rate · Cell In[3], line
    4`; empty if not known.
    """
    for frame in reversed(records_of(error, "frames")):
        if not text_of(frame, "library"):
            place = fill(LABELS["error"]["place"], text_of(frame, "file"), str(frame.get("line")))
            parts = (text_of(frame, "source"), text_of(frame, "function"), place)
            return " · ".join(filter(None, parts))
    return ""


def traceback_label(traceback: str) -> str:
    """Return `traceback (3 frames)`."""
    labels = LABELS["error"]
    match len(re.findall(r'^\s*File "', traceback, re.MULTILINE)):
        case 0:
            return labels["traceback"]
        case 1:
            return fill(labels["frame"], "1")
        case frames:
            return fill(labels["frames"], str(frames))
