"""Figures of a run: its tokens, calls and times."""

from nbagent.blocks.fields import Props, number_of, record_of, texts_of
from nbagent.protocol.shared import LABELS, LIMITS, count, fill
from nbagent.render.durations import duration, fixed, rounded_number

_RUN = LABELS["run"]
_FIGURES = LABELS["figure"]


def failed_calls_label(run: Props) -> str:
    """Return `1 tool call failed`; "" if none did, or where that may be of an earlier answer of a
    chat.
    """
    failed = number_of(run, "tools_failed") or 0
    if not failed or (number_of(run, "turns") or 0) > 1:
        return ""
    return _RUN["tool_failed"] if failed == 1 else fill(_RUN["tools_failed"], count(failed))


def hidden_note(run: Props) -> str:
    """Return `thinking and tools hidden`; empty if nothing is hidden."""
    kinds = texts_of(run, "hidden")
    if not kinds:
        return ""
    return fill(_FIGURES["hidden"], ", ".join([*kinds[:-2], " and ".join(kinds[-2:])]))


def figures(run: Props) -> list[str]:
    """Return the footer's parts: `1,284 in`, `300 out`, `2 tools, 1 failed`, `first token 0.4s`,
    `thinking hidden`.
    """
    usage = record_of(run, "usage")
    answers = number_of(run, "turns") or 0
    pace = _pace(run)
    found = []
    if answers > 1:
        found.append(fill(_FIGURES["answers"], count(answers)))
        pace[:1] = [fill(_FIGURES["last_answer"], each) for each in pace[:1]]
    found += [*_tokens(usage), *_calls(run)]
    cost = number_of(usage, "cost")
    if cost is not None:
        found.append(fill(_FIGURES["cost"], fixed(cost, 4 if cost < 0.01 else 2)))
    return [*found, *pace, *filter(None, [hidden_note(run)])]


def _tokens(usage: Props) -> list[str]:
    read, written, thought = (number_of(usage, name) for name in ("input", "output", "reasoning"))
    total = number_of(usage, "total")
    if read is None and written is None:
        return [] if total is None else [fill(_FIGURES["total"], count(total))]
    found = []
    if read is not None:
        found.append(fill(_FIGURES["input"], count(read)))
    if written is not None:
        note = fill(_FIGURES["reasoning"], count(thought)) if thought else ""
        found.append(fill(_FIGURES["output"], count(written)) + note)
    return found


def _calls(run: Props) -> list[str]:
    used, failed = number_of(run, "tools") or 0, number_of(run, "tools_failed") or 0
    if used <= 0:
        return []
    label = fill(_FIGURES["tool" if used == 1 else "tools"], count(used))
    if failed > 0:
        label += fill(_FIGURES["failed"], count(failed))
    return [label]


def _pace(run: Props) -> list[str]:
    """Return the times of a run; of a chat, those of its last answer."""
    if run.get("untimed") is True:
        return []
    first, speed, waited = (number_of(run, name) for name in ("first_token", "speed", "waited"))
    found = []
    if first is not None:
        found.append(fill(_FIGURES["first_token"], duration(first)))
    if speed is not None and speed >= 1:
        found.append(fill(_FIGURES["speed"], count(rounded_number(speed))))
    if waited is not None and 1000 * waited >= LIMITS["shown_wait_ms"]:
        found.append(fill(_FIGURES["waited"], duration(waited)))
    return found


def spent(agent: Props) -> list[str]:
    """Return the figures of a sub-agent: `1,284 in`, `300 out`, `1 tool call failed`."""
    return [
        *figures({"usage": record_of(agent, "usage")}),
        *filter(None, [failed_calls_label(agent)]),
    ]
