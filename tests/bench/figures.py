"""The bench's figures: costs in, a table with ratios out, without I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields, replace

from bench.answer import DELTA_CHARS


@dataclass(frozen=True)
class Cost:
    """Cost of showing one answer with one contestant.

    Attributes:
        peer: name of the contestant.
        deltas: length of the answer.
        wire: bytes on the WebSocket, both ways, without `once`.
        once: bytes that a page gets only once, however many views it has: nbagent's highlighter.
        received: messages to the page.
        sent: messages from the page.
        kernel: processor seconds of the kernel, the stream's own included.
        renderer: processor seconds of the page.
        lag: seconds from the last delta to the first frame that shows it.
        task: seconds of the longest task in the page; 0 where none took 50 ms.
    """

    peer: str
    deltas: int
    wire: float
    once: float
    received: float
    sent: float
    kernel: float
    renderer: float
    lag: float
    task: float


def least(costs: Iterable[Cost]) -> list[Cost]:
    """Return the least of each figure over several rounds: other load on the machine can only
    add.
    """
    best: dict[tuple[str, int], Cost] = {}
    for cost in costs:
        known = best.setdefault((cost.peer, cost.deltas), cost)
        pairs = zip(fields(Cost)[2:], astuple(known)[2:], astuple(cost)[2:], strict=True)
        best[cost.peer, cost.deltas] = replace(
            known, **{field.name: min(old, new) for field, old, new in pairs}
        )
    return list(best.values())


def _length(cost: Cost) -> int:
    return cost.deltas


def slope(costs: Sequence[Cost], what: str) -> float:
    """Return the increase of `what` per character, from the shortest answer to the longest."""
    first, last = min(costs, key=_length), max(costs, key=_length)
    return float(getattr(last, what) - getattr(first, what)) / (
        (last.deltas - first.deltas) * DELTA_CHARS
    )


def table(costs: Sequence[Cost]) -> list[str]:
    """Return each measurement as a line."""
    head = (
        f"{'':<26}{'deltas':>7}{'wire/content':>14}{'to page':>9}{'from page':>10}{'kernel s':>10}"
    )
    lines = [head + f"{'renderer s':>11}{'lag ms':>8}{'longest task ms':>17}"]
    for cost in costs:
        ratio = f"{cost.wire / (cost.deltas * DELTA_CHARS):>14,.1f}"
        task = f"{cost.task * 1000:>17,.0f}" if cost.task else f"{'< 50':>17}"
        lines.append(
            f"{cost.peer:<26}{cost.deltas:>7,}{ratio}{cost.received:>9,}{cost.sent:>10,}{cost.kernel:>10.2f}{cost.renderer:>11.2f}"
            f"{cost.lag * 1000:>8,.0f}{task}"
        )
    return lines


def goals(costs: Sequence[Cost], ours: str, theirs: str) -> list[tuple[str, str, str]]:
    """Return the goals: (label, figure, goal)."""
    mine = sorted((cost for cost in costs if cost.peer == ours), key=_length)
    beside = {cost.deltas: cost for cost in costs if cost.peer == theirs}
    rows = []
    if len(mine) > 1:
        each = slope(mine, "wire")
        rows.append(("wire bytes for each of content", f"{each:.1f}", "8"))
        rows.append(("KB once a page, for its highlighter", f"{mine[0].once / 1000:.0f}", "once"))
        rows.append(
            (
                "KB to open a page's first view",
                f"{(mine[0].wire - each * mine[0].deltas * DELTA_CHARS) / 1000:.0f}",
                "260",
            )
        )
    for cost in mine:
        length = f"{cost.deltas:,} deltas"
        if (other := beside.get(cost.deltas)) is not None:
            rows.append(
                (
                    f"kernel CPU beside {theirs}, {length}",
                    f"{cost.kernel / other.kernel:.2f}",
                    "0.2",
                )
            )
            rows.append(
                (
                    f"renderer CPU beside {theirs}, {length}",
                    f"{cost.renderer / other.renderer:.2f}",
                    "0.25",
                )
            )
        rows.append((f"ms lag of the last character, {length}", f"{cost.lag * 1000:.0f}", "150"))
        rows.append(
            (f"ms longest task, {length}", f"{cost.task * 1000:.0f}" if cost.task else "< 50", "50")
        )
    if len(mine) > 1:
        short, long = mine[0], mine[-1]
        for what in ("kernel", "renderer"):
            growth = getattr(long, what) / long.deltas / (getattr(short, what) / short.deltas)
            rows.append(
                (
                    f"{what} CPU a character at {long.deltas:,} over that at {short.deltas:,}",
                    f"{growth:.2f}",
                    "1.2",
                )
            )
    if len(mine) > 2:
        for what in ("kernel", "renderer"):
            first_slope = slope(mine[:2], what)
            if first_slope <= 0:  # lost in what a view costs once, as between 100 and 1,000 deltas
                continue
            growth = slope(mine[1:], what) / first_slope
            last, first = (
                f"{mine[1].deltas:,} to {mine[2].deltas:,}",
                f"{mine[0].deltas:,} to {mine[1].deltas:,}",
            )
            rows.append(
                (
                    f"the same without what a view costs once: {what}, {last} over {first}",
                    f"{growth:.2f}",
                    "1.2",
                )
            )
    return rows
