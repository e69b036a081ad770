"""Campaigns: tests with thousands of cases, of which `make test` runs a sample and `make proof`
all.

Each leaves its figures in `test-results/figures.jsonl`; `python tests/campaign.py` prints them as
one table.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

WHOLE = os.environ.get("NBAGENT_PROOF") == "1"
"""True under `make proof`."""

EXAMPLES = int(os.environ.get("NBAGENT_PROOF_EXAMPLES", "1000"))
"""Examples of each property test under `make proof`."""

FIGURES = Path(__file__).parents[1] / "test-results" / "figures.jsonl"


def sample(cases: Sequence[T], count: int) -> list[T]:
    """Return all cases under `make proof`, else `count` of them, evenly spread, including the first
    and the last.
    """
    if WHOLE or len(cases) <= count:
        return list(cases)
    last = len(cases) - 1
    return [cases[round(index * last / (count - 1))] for index in range(count)]


def figure(campaign: str, what: str, value: object) -> None:
    """Keep one figure for the table: `figure("channel", "tries with nothing lost", "20 of 20")`."""
    FIGURES.parent.mkdir(exist_ok=True)
    with FIGURES.open("a") as file:
        file.write(
            json.dumps(
                {"campaign": campaign, "what": what, "value": str(value)}, ensure_ascii=False
            )
            + "\n"
        )


def main() -> int:
    """Print the figures kept so far, the newest of each name."""
    lines = FIGURES.read_text().splitlines() if FIGURES.exists() else []
    newest = {(row["campaign"], row["what"]): row["value"] for row in map(json.loads, lines)}
    if not newest:
        print("no figures yet: `make proof` makes them", file=sys.stderr)
        return 1
    width = max(len(what) for _, what in newest)
    shown = ""
    for (campaign, what), value in newest.items():
        if campaign != shown:
            print(f"\n{campaign}")
            shown = campaign
        print(f"  {what:<{width}}  {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
