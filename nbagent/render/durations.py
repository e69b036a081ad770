"""Durations of runs, calls and thoughts, as the view writes them (js/src/status.ts)."""

import math

from nbagent.blocks.fields import Props, count_of, number_of


def duration(seconds: float) -> str:
    """Return a finished duration: `0.3s`, `4.1s`, `34s`, `1m 12s`, `2h 05m`."""
    if seconds < 0.05:
        return "<0.1s"
    if seconds < 9.95:
        return f"{fixed(seconds, 1)}s"
    return _whole(rounded_number(seconds))


def rounded(seconds: float) -> str:
    """Return the duration of a thought, without tenths: `2s`."""
    if seconds < 1:
        return "<1s"
    return _whole(rounded_number(seconds))


def elapsed(props: Props, start: str = "started") -> float | None:
    """Return the seconds from when the block began to its end; None if one of them is not known."""
    begun, ended = number_of(props, start, "started"), number_of(props, "ended")
    if begun is None or ended is None:
        return None
    return max(0.0, ended - begun)


def worked(props: Props, start: str = "started") -> float | None:
    """Return the seconds that a call or an agent took, without those for which it waited for the
    reader.
    """
    took = elapsed(props, start)
    if took is None or props.get("untimed") is True:
        return None
    return max(0.0, took - count_of(props, "waited"))


def _whole(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds}s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes}m {seconds % 60:02}s"
    return f"{minutes // 60}h {minutes % 60:02}m"


def rounded_number(value: float) -> int:
    """Return the nearest whole number; halves go up, as in JavaScript, not to the even one."""
    return math.floor(value + 0.5)


def fixed(value: float, digits: int) -> str:
    """Return a number with that many digits after the point."""
    return f"{rounded_number(value * 10**digits) / 10**digits:.{digits}f}"
