"""Labels and figures for the states of a run and its blocks, the same as the view's
(js/src/status.ts, tool-label.ts).
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from nbagent.blocks.end import end_label
from nbagent.blocks.fields import Props, number_of, record_of, text_of
from nbagent.protocol.shared import LABELS, LIMITS, count, fill
from nbagent.render.markup.text import one_line

_RUN = LABELS["run"]
_TOOL_NOTES = LABELS["tool_note"]
_FIGURES = LABELS["figure"]
_HEADING_MARKS = re.compile(r"^#{1,6} +")
_INLINE_MARKS = re.compile(r"(\*{1,3}|`+)(\S.*?)\1")
_MAX_INDENTED_CHARS = 100_000
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

# --- numbers ---


def duration(seconds: float) -> str:
    """Return a finished duration: `0.3s`, `4.1s`, `34s`, `1m 12s`, `2h 05m`."""
    if seconds < 0.05:
        return "<0.1s"
    return f"{_fixed(seconds, 1)}s" if seconds < 9.95 else _whole(_round(seconds))


def rounded(seconds: float) -> str:
    """Return the duration of a thought, without tenths: `2s`."""
    return "<1s" if seconds < 1 else _whole(_round(seconds))


def elapsed(props: Props, start: str = "started") -> float | None:
    """Return the seconds from when the block began to its end; None if one of them is not known."""
    begun, ended = number_of(props, start, "started"), number_of(props, "ended")
    return None if begun is None or ended is None else max(0.0, ended - begun)


def worked(props: Props, start: str = "started") -> float | None:
    """Return the seconds that a call or an agent took, without those for which it waited for the
    reader.
    """
    took = None if props.get("untimed") is True else elapsed(props, start)
    return None if took is None else max(0.0, took - (number_of(props, "waited") or 0.0))


def _whole(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds}s"
    minutes = seconds // 60
    return (
        f"{minutes}m {seconds % 60:02}s" if minutes < 60 else f"{minutes // 60}h {minutes % 60:02}m"
    )


def _round(value: float) -> int:
    """Return the nearest whole number; halves go up, as in JavaScript, not to the even one."""
    return math.floor(value + 0.5)


def _fixed(value: float, digits: int) -> str:
    return f"{_round(value * 10**digits) / 10**digits:.{digits}f}"


# --- states ---


def run_label(run: Props) -> str:
    """Return the label of a run's status: `Done in 3.2s`."""
    status, took = text_of(run, "status"), elapsed(run)
    time = "" if took is None or run.get("untimed") is True else duration(took)
    match status:
        case "running" | "stopping" | "":
            return _RUN["copied"]
        case "completed" if is_ready(run):
            return _RUN["ready"]
        case "completed":
            return fill(_RUN["completed_in"], time) if time else _RUN["completed"]
        case "failed":
            return fill(_RUN["failed_after"], time) if time else _RUN["failed"]
    label = end_label(run)
    return f"{label} · {time}" if time else label


def is_ready(run: Props) -> bool:
    """Return True for a chat that has given no answer yet, but for those that it goes on from."""
    return run.get("turns") == 0 or (
        run.get("untimed") is True and number_of(run, "turns") is not None
    )


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
    is_live = (
        text_of(run, "status") in ("running", "stopping", "") and owner.get("closed") is not True
    )
    if not is_live or not all(block.get("closed") for block in blocks):
        return ""
    has_lanes = number_of(owner, "lanes") is not None  # each of which waits by itself
    if blocks and (has_lanes or text_of(blocks[-1], "kind") not in _BEFORE_TOKENS):
        return ""
    return fill(_RUN["waiting"], text_of(owner, "model", "name") or _RUN["name"])


def _lane_end(lane: Props) -> str:
    status = text_of(lane, "status")
    return status if status == "completed" or status in LABELS["lanes"] else "incomplete"


def failed_calls_label(run: Props) -> str:
    """Return `1 tool call failed`; "" if none did, or where that may be of an earlier answer of a
    chat.
    """
    failed = number_of(run, "tools_failed") or 0
    if not failed or (number_of(run, "turns") or 0) > 1:
        return ""
    return _RUN["tool_failed"] if failed == 1 else fill(_RUN["tools_failed"], count(failed))


def tool_note(tool: Props, closed: bool, *, stopped: bool = False) -> tuple[str, str]:
    """Return the symbol of a tool call's state, and a note for its row; empty where the symbol is
    enough.

    Args:
        tool: the call.
        closed: whether it is over.
        stopped: whether its question is one at a breakpoint.
    """
    state = text_of(tool, "state")
    if stopped and state == "approval-requested":
        return _TOOL_MARKS[state], _TOOL_NOTES["stopped"]
    if state in _TOOL_MARKS:
        error_type = text_of(record_of(tool, "error"), "type") if state == "output-error" else ""
        return _TOOL_MARKS[state], error_type or _TOOL_NOTES.get(state, "")
    if not closed:
        return "…", LABELS["tool_state"]["input-available"]
    return "→", _TOOL_NOTES[state] if state == "input-available" else ""


def thought_label(thought: Props) -> str:
    """Return the heading of a thought: `Thought for 5s`; of a brief one its title, `Thought: A
    sum`.
    """
    took = elapsed(thought)
    if not thought.get("closed"):
        return LABELS["thought"]["running"]
    if (
        took is not None
        and 1000 * took < LIMITS["brief_thought_ms"]
        and (title := thought_title(thought))
    ):
        return fill(LABELS["thought"]["titled"], clip(title, LIMITS["thought_title_chars"]))
    return (
        LABELS["thought"]["closed"]
        if took is None
        else fill(LABELS["thought"]["timed"], rounded(took))
    )


def is_silent_thought(thought: Props) -> bool:
    """Return True for a finished thought without text that took less than a second: there is
    nothing to say about it.
    """
    took_ms = 1000 * (elapsed(thought) or 0)
    return (
        bool(thought.get("closed"))
        and not text_of(thought, "text")
        and took_ms < LIMITS["brief_thought_ms"]
    )


def thought_title(thought: Props) -> str:
    """Return the first line of a thought, without the marks of a heading: `**A sum**` is `A
    sum`.
    """
    line = _HEADING_MARKS.sub("", text_of(thought, "text").strip().partition("\n")[0])
    return _INLINE_MARKS.sub(r"\2", line).strip()


def is_title_only(thought: Props) -> bool:
    """Return True if the heading of a thought says all of it: one line, without links or
    formulas.
    """
    title = thought_title(thought)
    is_plain = not re.search(r"[\n\[$<]", text_of(thought, "text").strip())
    return is_plain and thought_label(thought).endswith(f": {title}")


def prompt_label(approval: Props) -> str:
    """Return the question that an approval asks."""
    prompts = LABELS["prompt"]
    if approval.get("approval_kind") == "stop":
        return stop_label(approval)
    return text_of(approval, "prompt") or prompts.get(
        text_of(approval, "approval_kind") or "tool", prompts["other"]
    )


def stop_label(approval: Props) -> str:
    """Return the reason of a stop at a breakpoint, in words."""
    reason, stage = text_of(approval, "prompt"), text_of(approval, "stage")
    labels: dict[str, str] = LABELS["stage"]
    if stage == "request":
        return fill(labels["request"], reason or labels["model"])
    if reason in ("", "step"):
        return labels["result" if stage == "result" else "call"]
    return LABELS["stop"].get(reason) or fill(labels["other"], reason)


def decision_label(approval: Props) -> str:
    """Return the label of a decision: `Approved, and all further calls`; empty if there is none."""
    decision = text_of(approval, "decision")
    label: str = LABELS["decision"].get(decision, decision)
    if decision != "approve":
        return label
    kind = text_of(approval, "approval_kind")
    label = (
        LABELS["gone_on"].get(text_of(approval, "stage"), label)
        if kind == "stop"
        else LABELS["approved"].get(kind, label)
    )
    return (
        fill(LABELS["approval"]["remember"], label) if approval.get("remember") is True else label
    )


def decision_details(approval: Props) -> list[str]:
    """Return the details of a decision: the question in words, the changes or the answer, and the
    reason.
    """
    question = (
        prompt_label(approval)
        if approval.get("approval_kind") == "stop"
        else text_of(approval, "prompt")
    )
    return [*filter(None, (question, *changes(approval), text_of(approval, "reason")))]


def is_permitted(approval: Props) -> bool:
    """Return True if a question's answer lets the run go on; see `ApprovalResponse.permits`."""
    return text_of(approval, "decision") not in ("", "deny", "cancel")


def changes(approval: Props) -> list[str]:
    """Return the changes that an answer makes, `limit: 1000 → 10`, or the input that it gives; none
    if there is neither.
    """
    args, value = approval.get("args"), approval.get("value")
    if value is None:
        return []
    given = text_of(approval, "approval_kind") in ("input", "auth")
    if given or not isinstance(args, dict) or not isinstance(value, dict):
        return [_shown(value)]
    found, most = _differences(args, value, ""), LIMITS["label_changes"]
    return (
        [*found[:most], fill(LABELS["approval"]["more"], str(len(found) - most))]
        if len(found) > most
        else found
    )


def _differences(before: Any, after: Any, path: str) -> list[str]:
    labels = LABELS["approval"]
    if not isinstance(before, dict) or not isinstance(after, dict):
        same = compact(before) == compact(after)
        return [] if same else [fill(labels["changed"], path, _shown(before), _shown(after))]
    found: list[str] = []
    for key in {**before, **after}:
        name = f"{path}.{key}" if path else key
        if key not in after:
            found.append(fill(labels["removed"], name))
        elif key not in before:
            found.append(fill(labels["added"], name, _shown(after[key])))
        else:
            found += _differences(before[key], after[key], name)
    return found


def _shown(value: Any) -> str:
    return clip(value if isinstance(value, str) else compact(value), LIMITS["label_value_chars"])


def hidden_note(run: Props) -> str:
    """Return `thinking and tools hidden`; empty if nothing is hidden."""
    hidden = run.get("hidden")
    kinds = [kind for kind in hidden if isinstance(kind, str)] if isinstance(hidden, list) else []
    return (
        fill(_FIGURES["hidden"], ", ".join([*kinds[:-2], " and ".join(kinds[-2:])]))
        if kinds
        else ""
    )


# --- arguments and errors ---


def call_args(tool: Props) -> str:
    """Return a tool call's arguments on one line, as far as they may be seen."""
    if "arguments" in (tool.get("hidden") or ()):
        return LABELS["tool"]["hidden"]
    args = tool.get("args") if tool.get("args_valid") is not False else None
    return args_label(text_of(tool, "args_text") or None if args is None else args)


def is_in_row(tool: Props, part: str) -> bool:
    """Return True if the row of a tool call shows this part of it whole: its `arguments`, or its
    `result`.
    """
    return part in (tool.get("in_row") or ())


def args_label(args: Any) -> str:
    """Return arguments on one line: `(column="region", limit=10)`; those of a list have no
    names.
    """
    if isinstance(args, str):
        return f"({one_line(args, LIMITS['label_line_chars'])})"
    if not isinstance(args, dict | list):
        return "()" if args is None else f"({clip(compact(args), LIMITS['label_line_chars'])})"
    line = ""
    for name, value in (
        args.items() if isinstance(args, dict) else ((None, value) for value in args)
    ):
        line += f"{', ' if line else ''}{'' if name is None else f'{name}='}{_value_label(value)}"
        if len(line) > LIMITS["label_line_chars"]:
            break
    return f"({clip(line, LIMITS['label_line_chars'])})"


def _value_label(value: Any) -> str:
    if isinstance(value, str):
        return compact(clip(value, LIMITS["label_value_chars"]))
    if isinstance(value, list) and len(value) > LIMITS["label_list_items"]:
        return fill(LABELS["tool"]["items"], str(len(value)))
    return clip(compact(value), LIMITS["label_value_chars"])


def clip(text: str, max_chars: int) -> str:
    """Return the text, cut to `max_chars` characters with an ellipsis."""
    return f"{text[: max_chars - 1]}…" if len(text) > max_chars else text


def compact(value: Any) -> str:
    """Return JSON on one line, as a browser writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pretty(value: Any) -> str:
    """Return JSON: on one line if the view shows it so, else indented."""
    line = json_line(value)
    # Indenting a large value would take several times its size.
    is_flat = len(line) <= LIMITS["json_line_chars"] or len(line) > _MAX_INDENTED_CHARS
    return line if is_flat else json.dumps(value, ensure_ascii=False, indent=2)


def json_line(value: Any) -> str:
    """Return JSON on one line, with the spaces that a reader expects: `{"a": 1, "b": [2, 3]}`."""
    return json.dumps(value, ensure_ascii=False)


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


# --- the footer ---


def figures(run: Props) -> list[str]:
    """Return the footer's parts: `1,284 in`, `300 out`, `2 tools, 1 failed`, `first token 0.4s`,
    `thinking hidden`.
    """
    usage = record_of(run, "usage")
    spent, written, thought, total = (
        number_of(usage, name) for name in ("input", "output", "reasoning", "total")
    )
    used, failed, answers = (
        number_of(run, name) or 0 for name in ("tools", "tools_failed", "turns")
    )
    cost = number_of(usage, "cost")
    found = [fill(_FIGURES["answers"], count(answers))] if answers > 1 else []
    if spent is not None:
        found.append(fill(_FIGURES["input"], count(spent)))
    if written is not None:
        found.append(fill(_FIGURES["output"], count(written)))
        found[-1] += fill(_FIGURES["reasoning"], count(thought)) if thought else ""
    if spent is None and written is None and total is not None:
        found.append(fill(_FIGURES["total"], count(total)))
    if used > 0:
        found.append(fill(_FIGURES["tool" if used == 1 else "tools"], count(used)))
        found[-1] += fill(_FIGURES["failed"], count(failed)) if failed > 0 else ""
    if cost is not None:
        found.append(fill(_FIGURES["cost"], _fixed(cost, 4 if cost < 0.01 else 2)))
    pace = _pace(run)
    if pace and answers > 1:
        pace[0] = fill(_FIGURES["last_answer"], pace[0])
    return [*found, *pace, *filter(None, [hidden_note(run)])]


def _pace(run: Props) -> list[str]:
    """Return the times of a run; of a chat, those of its last answer."""
    if run.get("untimed") is True:
        return []
    first, speed, waited = (number_of(run, name) for name in ("first_token", "speed", "waited"))
    found = []
    if first is not None:
        found.append(fill(_FIGURES["first_token"], duration(first)))
    if speed is not None and speed >= 1:
        found.append(fill(_FIGURES["speed"], count(_round(speed))))
    if waited is not None and 1000 * waited >= LIMITS["shown_wait_ms"]:
        found.append(fill(_FIGURES["waited"], duration(waited)))
    return found


def spent(agent: Props) -> list[str]:
    """Return the figures of a sub-agent: `1,284 in`, `300 out`, `1 tool call failed`."""
    return [
        *figures({"usage": record_of(agent, "usage")}),
        *filter(None, [failed_calls_label(agent)]),
    ]


def forks_label(run: Props) -> str:
    """Return the origin of a fork, and the run's own forks, on one line; "" if there are none."""
    nodes = run.get("forks")
    nodes = [node for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []
    own: Props = next((node for node in nodes if node.get("own") is True), {})
    labels, number = LABELS["forks"], own.get("number")
    parts = (
        [fill(labels["own"], str(number), str(own["parent"]), text_of(own, "label"))]
        if own.get("parent") is not None
        else []
    )
    children = [node for node in nodes if node.get("parent") == number and number is not None]
    forks = "; ".join(
        fill(labels["fork"], str(node.get("number")), text_of(node, "label")) for node in children
    )
    return " · ".join([*parts, *([fill(labels["list"], forks)] if forks else [])])
