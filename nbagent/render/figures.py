"""Figures of a run: its tokens, calls and times."""

from nbagent.blocks.fields import Props, count_of, number_of, record_of, texts_of
from nbagent.protocol.shared import LABELS, LIMITS, count, fill
from nbagent.render.durations import duration, fixed, rounded_number

_RUN = LABELS["run"]
_FIGURES = LABELS["figure"]


def failed_calls_label(run: Props) -> str:
    """Return `1 tool call failed`; "" if none did, or where that may be of an earlier answer of a
    chat.
    """
    failed, turns = count_of(run, "tools_failed"), count_of(run, "turns")
    if not failed or turns > 1:
        return ""
    if failed == 1:
        return _RUN["tool_failed"]
    return fill(_RUN["tools_failed"], count(failed))


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
    answers = count_of(run, "turns")
    pace = _pace(run)
    found = []
    if answers > 1:
        found.append(fill(_FIGURES["answers"], count(answers)))
        if pace:
            pace[0] = fill(_FIGURES["last_answer"], pace[0])
    found += [*_tokens(usage), _calls(run), _cost(usage), *pace, hidden_note(run)]
    return list(filter(None, found))


def _tokens(usage: Props) -> list[str]:
    read, written = number_of(usage, "input"), number_of(usage, "output")
    if read is None and written is None:
        total = number_of(usage, "total")
        if total is None:
            return []
        return [fill(_FIGURES["total"], count(total))]
    found = []
    if read is not None:
        found.append(fill(_FIGURES["input"], count(read)))
    if written is not None:
        label = fill(_FIGURES["output"], count(written))
        thought = number_of(usage, "reasoning")
        if thought:
            label += fill(_FIGURES["reasoning"], count(thought))
        found.append(label)
    return found


def _calls(run: Props) -> str:
    used, failed = count_of(run, "tools"), count_of(run, "tools_failed")
    if used <= 0:
        return ""
    label = fill(_FIGURES["tools"], count(used))
    if used == 1:
        label = fill(_FIGURES["tool"], count(used))
    if failed > 0:
        label += fill(_FIGURES["failed"], count(failed))
    return label


def _cost(usage: Props) -> str:
    cost = number_of(usage, "cost")
    if cost is None:
        return ""
    return dollars(cost)


def dollars(cost: float) -> str:
    """Return an amount of dollars: `$0.0021`, `$1.20`."""
    digits = 2
    if cost < 0.01:
        digits = 4
    return fill(_FIGURES["cost"], fixed(cost, digits))


def _pace(run: Props) -> list[str]:
    """Return the times of a run; of a chat, those of its last answer."""
    if run.get("untimed") is True:
        return []
    first, speed = number_of(run, "first_token"), count_of(run, "speed")
    waited = count_of(run, "waited")
    found = []
    if first is not None:
        found.append(fill(_FIGURES["first_token"], duration(first)))
    if speed >= 1:
        found.append(fill(_FIGURES["speed"], count(rounded_number(speed))))
    if 1000 * waited >= LIMITS["shown_wait_ms"]:
        found.append(fill(_FIGURES["waited"], duration(waited)))
    return found


def spent(agent: Props) -> list[str]:
    """Return the figures of a sub-agent: `1,284 in`, `300 out`, `1 tool call failed`."""
    found = [*figures({"usage": record_of(agent, "usage")}), failed_calls_label(agent)]
    return list(filter(None, found))
