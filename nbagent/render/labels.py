"""The words for a run's and a tool's states, the same as the view's (js/src/status.ts, ui/duration.ts, transcript/)."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

Props: TypeAlias = Mapping[str, Any]

_VALUE_CHARS = 40
_LINE_CHARS = 160


def text_of(value: Any) -> str:
    """The string, or an empty one for anything else."""
    return value if isinstance(value, str) else ""


def number_of(value: Any) -> float | None:
    """The finite number, or None for anything else."""
    known = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300 and not math.isnan(value)
    return value if known else None


def record_of(value: Any) -> Props:
    """The JSON object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def duration(seconds: float) -> str:
    """`0.3s`, `4.1s`, `34s`, `1m 12s`, `2h 05m`."""
    if seconds < 0.05:
        return "<0.1s"
    return f"{seconds:.1f}s" if seconds < 9.95 else _whole(math.floor(seconds + 0.5))


def rounded(seconds: float) -> str:
    """A finished thought: `2s`; nobody needs its tenths."""
    return "<1s" if seconds < 1 else _whole(math.floor(seconds + 0.5))


def _whole(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds}s"
    minutes = seconds // 60
    return f"{minutes}m {seconds % 60:02}s" if minutes < 60 else f"{minutes // 60}h {minutes % 60:02}m"


def elapsed(props: Props, start: str = "started") -> float | None:
    """Seconds from when the block began to its end; None if one of them is not known."""
    begun = number_of(props.get(start)) if number_of(props.get(start)) is not None else number_of(props.get("started"))
    ended = number_of(props.get("ended"))
    return None if begun is None or ended is None else max(0.0, ended - begun)


def run_label(props: Props) -> str:
    """How a run went: `Done in 3.2s`."""
    status, took = text_of(props.get("status")), elapsed(props)
    took_text = "" if took is None else duration(took)
    match status:
        case "running" | "stopping" | "":
            return "was running when this notebook was saved"
        case "completed":
            return f"Done in {took_text}" if took_text else "Done"
        case "failed":
            return f"Failed after {took_text}" if took_text else "Failed"
        case "cancelled":
            label = f"Stopped by {text_of(props.get('stopped_by')) or 'you'}"
        case "incomplete":
            label = _incomplete(props)
        case "paused":
            label = "waits for you"
        case "max_steps":
            label = "Stopped at the step limit"
        case _:
            label = status
    return f"{label} · {took_text}" if took_text else label


def _incomplete(props: Props) -> str:
    if props.get("code") == "stream_truncated":
        return "Cut off: the stream ended early"
    why = text_of(props.get("code")) or text_of(props.get("finish_reason"))
    return f"Incomplete: {why.replace('_', ' ')}" if why else "Incomplete"


def tool_note(props: Props, closed: bool) -> tuple[str, str]:
    """A tool's mark, and what its row says of its state; empty where the mark says it all."""
    match props.get("state"):
        case "output-available":
            return "✓", ""
        case "output-error":
            return "✗", text_of(record_of(props.get("error")).get("type")) or "Error"
        case "output-denied":
            return "⊘", "Denied"
        case "cancelled":
            return "⊘", "Cancelled"
        case "approval-requested":
            return "?", "Awaiting approval"
        case _ if not closed:
            return "…", "was running"
        case "input-available":
            return "→", "Requested"
        case _:
            return "→", ""


def hides_args(tool: Props) -> bool:
    """Whether a tool call's arguments are kept from the reader."""
    return "arguments" in (tool.get("hidden") or ())


def hidden_note(run: Props) -> str:
    """`thinking and tools hidden`; empty if nothing is kept from the reader."""
    hidden = run.get("hidden")
    kinds = [kind for kind in hidden if isinstance(kind, str)] if isinstance(hidden, list) else []
    return f"{', '.join([*kinds[:-2], ' and '.join(kinds[-2:])])} hidden" if kinds else ""


def args_label(args: Any) -> str:
    """`(column="region", limit=10)`: a tool's arguments on one line."""
    if isinstance(args, str):
        return f"({_clip(' '.join(args[: 4 * _LINE_CHARS].split()), _LINE_CHARS)})"
    if not isinstance(args, dict):
        return "()" if args is None else f"({_clip(compact(args), _LINE_CHARS)})"
    line = ""
    for name, value in args.items():
        line += f"{', ' if line else ''}{name}={_value_label(value)}"
        if len(line) > _LINE_CHARS:
            break
    return f"({_clip(line, _LINE_CHARS)})"


def _value_label(value: Any) -> str:
    if isinstance(value, str):
        return compact(_clip(value, _VALUE_CHARS))
    if isinstance(value, list) and len(value) > 8:
        return f"[{len(value)} items]"
    return _clip(compact(value), _VALUE_CHARS)


def _clip(text: str, limit: int) -> str:
    return f"{text[: limit - 1]}…" if len(text) > limit else text


def compact(value: Any) -> str:
    """JSON on one line, as a browser writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def frames(traceback: str) -> str:
    """`traceback (3 frames)`."""
    count = len(re.findall(r'^\s*File "', traceback, re.MULTILINE))
    return "traceback" if count == 0 else f"traceback ({count} frame{'' if count == 1 else 's'})"


def figures(run: Props, tools: Iterable[Props]) -> list[str]:
    """The footer's parts: `1,284 in`, `300 out`, `2 tools, 1 failed`, `first token 0.4s`, `thinking hidden`."""
    usage = record_of(run.get("usage"))
    spent, written, thought = (number_of(usage.get(name)) for name in ("input", "output", "reasoning"))
    used, failed = (number_of(run.get(name)) or 0 for name in ("tools", "tools_failed"))
    first, cost = number_of(run.get("first_token")), number_of(usage.get("cost"))
    said = []
    if spent is not None:
        said.append(f"{spent:,} in")
    if written is not None:
        said.append(f"{written:,} out" + (f" ({thought:,} thinking)" if thought else ""))
    if used > 0:
        said.append(f"{used:,} tool{'' if used == 1 else 's'}" + (f", {failed:,} failed" if failed > 0 else ""))
    if first is not None:
        said.append(f"first token {duration(first)}")
    if (speed := _tokens_per_second(run, written, tools)) is not None and speed >= 1:
        said.append(f"{math.floor(speed + 0.5):,} tok/s")
    if cost is not None:
        said.append(f"${cost:.4f}" if cost < 0.01 else f"${cost:.2f}")
    if note := hidden_note(run):
        said.append(note)
    return said


def _tokens_per_second(run: Props, written: float | None, tools: Iterable[Props]) -> float | None:
    """Output tokens per second of a finished run, the time in its tools and before its first token left out."""
    took = elapsed(run)
    if written is None or took is None:
        return None
    writing = took - (number_of(run.get("first_token")) or 0) - _tool_seconds(tools)
    return written / writing if writing > 0.2 else None


def _tool_seconds(tools: Iterable[Props]) -> float:
    """Seconds during which at least one tool ran."""
    spans = []
    for tool in tools:
        begun, ended = number_of(tool.get("args_done")), number_of(tool.get("ended"))
        begun = number_of(tool.get("started")) if begun is None else begun
        if begun is not None and ended is not None:
            spans.append((begun, ended))
    total, until = 0.0, -math.inf
    for begun, ended in sorted(spans):
        total += max(0.0, ended - max(begun, until))
        until = max(until, ended)
    return total
