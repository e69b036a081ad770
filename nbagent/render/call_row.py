"""`CallRow`: the row of a tool call in documents."""

from typing import NamedTuple

from nbagent.blocks.fields import Props, text_of
from nbagent.protocol.shared import LABELS
from nbagent.render.durations import duration, worked
from nbagent.render.labels import call_args, changed_labels, tool_note


class CallRow(NamedTuple):
    """Parts of a row, as plain texts.

    Attributes:
        symbol: of the call's state.
        name: of the call.
        args: its arguments on one line.
        summary: its result in a few words; "" for none.
        notes: what a fork changed, a note on its state, and the time that it took, as far as there
            are any.
    """

    symbol: str
    name: str
    args: str
    summary: str
    notes: list[str]


def call_row(block: Props, *, stopped: bool) -> CallRow:
    """Return the row of a call.

    Args:
        block: of the call.
        stopped: whether its question is one at a breakpoint.
    """
    symbol, note = tool_note(block, bool(block.get("closed")), stopped=stopped)
    has_result = text_of(block, "state") == "output-available"
    notes = changed_labels(block)
    if note:
        notes.append(note)
    took = worked(block, "args_done")
    if took is not None:
        notes.append(duration(took))
    return CallRow(
        symbol=symbol,
        name=text_of(block, "title", "name") or LABELS["tool"]["name"],
        args=call_args(block),
        summary=text_of(block, "summary") if has_result else "",
        notes=notes,
    )
