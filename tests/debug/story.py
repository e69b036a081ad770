"""A script in the place of a notebook: its functions are `__main__`'s.

Writes a test of its run, by the path in `argv[1]`.
"""

import math as m
import sys
from typing import Any

import nbagent
from nbagent.testing import Call, ModelServer, Reply, play

RATES = {2023: 1.08, 2024: 1.09}


def rounded(value: float) -> float:
    return round(value, 4)


@nbagent.tool(timeout=5)
def fetch_rates(year: int) -> dict[str, float]:
    """Fetch the rates of a year."""
    return {"rate": RATES[year], "floor": m.floor(RATES[year])}


def difference(first: float, second: float) -> float:
    """Subtract."""
    return rounded(second - first)


@nbagent.tool(once=True)
def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


def broken() -> None:
    """Fail."""
    raise ValueError("not today")


def unused(model=sys) -> None:  # type: ignore[no-untyped-def]
    """Never called."""


if __name__ == "__main__":
    replies = [
        Reply(
            "Let me look.",
            [Call("fetch_rates", {"year": 2023}), Call("fetch_rates", {"year": 2024})],
            "Two years.",
        ),
        Reply(
            calls=[
                Call("difference", {"first": 1.08, "second": 1.09}),
                Call("pay", {"amount": 3}),
                Call("broken"),
            ]
        ),
        Reply('It rose by "0.01".\nThat is all.'),
    ]
    with ModelServer(replies) as server:
        tools: list[Any] = [fetch_rates, difference, pay, broken, unused]
        agent = nbagent.Agent(
            "gpt-5-mini", "Be brief.", tools=tools, client=server.client(), name="rates"
        )
        run = play(agent.stream("How did the rate change?"))
    assert run.error is None, run.error
    run.to_test(sys.argv[1])
