"""Benchmark of breakpoints where a run stops at none: an agent's tool calls with and without
`stop_at`, in turn.

    PYTHONPATH=tests python tests/bench/stops.py [rounds]

The model is a server on loopback. Each run has many steps of several calls; `stop_at` names a tool
that is never called.
"""

import asyncio
import gc
import statistics
import sys
import time
from typing import Any

from agent.server import Server, chat
from campaign import figure

import nbagent
from nbagent.run import Run

STEPS = 20
CALLS_A_STEP = 10


@nbagent.tool
def double(number: int) -> int:
    """Return twice a number."""
    return 2 * number


def step(number: int) -> list[dict[str, Any]]:
    """Return a response that calls the tool several times."""
    calls = [
        (f"c{number}-{call}", "double", f'{{"number": {number * CALLS_A_STEP + call}}}')
        for call in range(CALLS_A_STEP)
    ]
    return chat(calls=calls, number=number)


async def seconds(**options: Any) -> float:
    """Return the processor seconds of one run."""
    with Server(*map(step, range(STEPS)), chat("Done.")) as server:
        agent = nbagent.Agent(
            "test-1", tools=[double], client=server.client(), api="chat", max_steps=STEPS + 1
        )
        run = Run(agent.stream("go"), **options)
        gc.collect()
        began = time.process_time()
        run.start()
        await run
        took = time.process_time() - began
    assert len(run.tools) == STEPS * CALLS_A_STEP
    return took


async def main(rounds: int = 5) -> None:
    """Print the ratio."""
    await seconds()  # once, so that all is imported
    without, with_stops = [], []
    for _ in range(rounds):
        without.append(await seconds())
        with_stops.append(await seconds(stop_at="another"))
    ratio = statistics.median(with_stops) / statistics.median(without)
    calls = STEPS * CALLS_A_STEP
    each = 1e6 * statistics.median(without) / calls
    result = (
        f"{ratio:.2f} x ({calls:,} calls in {STEPS} steps, {each:.0f} us of processor time a call "
        "without)"
    )
    print(f"a run with a breakpoint that it never meets, beside one without: {result}")
    figure(
        "breakpoints",
        "a run with a breakpoint that it never meets, beside one without (cap 1.05 x)",
        result,
    )


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
