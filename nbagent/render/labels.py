"""Labels and figures for the states of a run and its blocks, the same as the view's
(js/src/status.ts).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from nbagent.blocks.end import end_label
from nbagent.blocks.fields import Props, number_of, record_of, records_of, text_of, texts_of
from nbagent.protocol.shared import LABELS, LIMITS, count, fill
from nbagent.render.durations import duration, elapsed
from nbagent.render.json_text import clip, compact
from nbagent.render.markup.text import one_line

_RUN = LABELS["run"]
_TOOL_NOTES = LABELS["tool_note"]
# Kinds of blocks after which the model is to write; after a text it has written, and the run may be
# about to end.
_BEFORE_TOKENS = frozenset({"prompt", "tool", "agent", "reasoning"})
_TOOL_MARKS = {
    "output-available": "✓",
    "output-error": "✗",
    "output-denied": "⊘",
    "cancelled": "⊘",
    "approval-requested": "?",
}


def run_label(run: Props) -> str:
    """Return the label of a run's status: `Done in 3.2s`."""
    if is_live(run):
        return _RUN["copied"]
    status, label = text_of(run, "status"), end_label(run)
    if status == "completed" and is_ready(run):
        return _RUN["ready"]
    took = elapsed(run)
    if took is None or run.get("untimed") is True:
        return label
    timed = {"completed": _RUN["completed_in"], "failed": _RUN["failed_after"]}
    if status in timed:
        return fill(timed[status], duration(took))
    return f"{label} · {duration(took)}"


def is_live(run: Props) -> bool:
    """Return True if the run goes on."""
    return text_of(run, "status") in ("running", "stopping", "")


def is_ready(run: Props) -> bool:
    """Return True for a chat that has given no answer yet, but for those that it goes on from."""
    if run.get("turns") == 0:
        return True
    return run.get("untimed") is True and number_of(run, "turns") is not None


def lanes_label(run: Props, lanes: Iterable[Props]) -> str:
    """Return how many lanes are over, and how those ended that are not done: `6 / 20, 1 cut off, 1
    failed`; "" for one stream.

    Args:
        run: the run.
        lanes: those of which reading has begun.
    """
    every = number_of(run, "lanes")
    if every is None:
        return ""
    ends = Counter(_lane_end(lane) for lane in lanes if lane.get("closed"))
    parts = [fill(label, count(ends[end])) for end, label in LABELS["lanes"].items() if ends[end]]
    return ", ".join([f"{count(ends.total())} / {count(every)}", *parts])


def waiting_label(run: Props, owner: Props, blocks: Sequence[Props]) -> str:
    """Return `Waiting for gpt-5-mini…` if nothing shows that the model is at work; else "".

    Args:
        run: the run; it goes on.
        owner: the run, or the agent in it, whose model is asked.
        blocks: those of the owner, in order.
    """
    if not is_live(run) or owner.get("closed") is True:
        return ""
    if not all(block.get("closed") for block in blocks):
        return ""
    if blocks:
        has_lanes = number_of(owner, "lanes") is not None  # each of which waits by itself
        if has_lanes or text_of(blocks[-1], "kind") not in _BEFORE_TOKENS:
            return ""
    return fill(_RUN["waiting"], text_of(owner, "model", "name") or _RUN["name"])


def _lane_end(lane: Props) -> str:
    status = text_of(lane, "status")
    if status == "completed" or status in LABELS["lanes"]:
        return status
    return "incomplete"


def tool_note(tool: Props, closed: bool, *, stopped: bool = False) -> tuple[str, str]:
    """Return the symbol of a tool call's state, and a note for its row; empty where the symbol is
    enough.

    Args:
        tool: the call.
        closed: whether it is over.
        stopped: whether its question is one at a breakpoint.
    """
    state = text_of(tool, "state")
    if state not in _TOOL_MARKS and not closed:
        return "…", LABELS["tool_state"]["input-available"]
    note = _TOOL_NOTES.get(state, "")
    if state == "approval-requested" and stopped:
        note = _TOOL_NOTES["stopped"]
    if state == "output-error":
        note = text_of(record_of(tool, "error"), "type") or note
    return _TOOL_MARKS.get(state, "→"), note


def changed_labels(tool: Props) -> list[str]:
    """Return what a fork changed in a tool call: `Arguments changed`, `Result changed`."""
    changed = texts_of(tool, "changed")
    return [label for part, label in LABELS["tool_changed"].items() if part in changed]


def call_args(tool: Props) -> str:
    """Return a tool call's arguments on one line, as far as they may be seen."""
    if "arguments" in texts_of(tool, "hidden"):
        return LABELS["tool"]["hidden"]
    args = tool.get("args")
    if args is None or tool.get("args_valid") is False:
        args = text_of(tool, "args_text") or None
    return args_label(args)


def is_in_row(tool: Props, part: str) -> bool:
    """Return True if the row of a tool call shows this part of it whole: its `arguments`, or its
    `result`.
    """
    return part in texts_of(tool, "in_row")


def args_label(args: Any) -> str:
    """Return arguments on one line: `(column="region", limit=10)`; those of a list have no
    names.
    """
    most = LIMITS["label_line_chars"]
    match args:
        case None:
            line = ""
        case str():
            line = one_line(args, most)
        case dict():
            named = islice(args.items(), most)  # more have no place on the line
            line = ", ".join(f"{name}={_value_label(value)}" for name, value in named)
        case list():
            line = ", ".join(map(_value_label, args[:most]))
        case _:
            line = compact(args)
    return f"({clip(line, most)})"


def _value_label(value: Any) -> str:
    if isinstance(value, str):
        return compact(clip(value, LIMITS["label_value_chars"]))
    if isinstance(value, list) and len(value) > LIMITS["label_list_items"]:
        return fill(LABELS["tool"]["items"], str(len(value)))
    return clip(compact(value), LIMITS["label_value_chars"])


def forks_label(run: Props) -> str:
    """Return the origin of a fork, and the run's own forks, on one line; "" if there are none."""
    labels, nodes = LABELS["forks"], records_of(run, "forks")
    own: Props = next((node for node in nodes if node.get("own") is True), {})
    number, parent = own.get("number"), own.get("parent")
    if number is None:
        return ""
    parts = []
    if parent is not None:
        parts.append(fill(labels["own"], str(number), str(parent), text_of(own, "label")))
    forks = [_fork_name(node) for node in nodes if node.get("parent") == number]
    if forks:
        parts.append(fill(labels["list"], "; ".join(forks)))
    return " · ".join(parts)


def _fork_name(fork: Props) -> str:
    return fill(LABELS["forks"]["fork"], str(fork.get("number")), text_of(fork, "label"))
