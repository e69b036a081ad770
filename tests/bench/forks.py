"""Benchmark of many forks of one run beside as many runs that are shown, in a kernel.

    PYTHONPATH=tests python tests/bench/forks.py [forks] [rounds]

All members of a tree of forks show the tree, so a fork may cost more than a run that stands alone;
but not more, the more there are.
"""

import json
import sys
from typing import Any

from campaign import figure
from jupyter_client.manager import start_new_kernel

SETUP = """
import time
from agent.server import Server, chat
import nbagent
server = Server(*[chat("Paris is the ", "capital of France.")] * {requests}).__enter__()
agent = nbagent.Agent("test-1", client=server.client(), api="chat", name="guide")
first = nbagent.show(agent.stream("What is the capital of France?")).wait(60)
def seconds(make):
    began = time.process_time()
    for _ in range({count}):
        make().wait(60)
    return time.process_time() - began
"""
SHOWN = "seconds(lambda: nbagent.show(agent.stream('What is the capital of France?')))"
FORKED = "seconds(lambda: first.fork(1))"


def measure(count: int) -> tuple[float, float]:
    """Return the kernel's processor seconds of so many shows, and of so many forks."""
    manager, client = start_new_kernel()
    try:

        def value(code: str) -> float:
            found: list[Any] = []

            def take(message: dict[str, Any]) -> None:
                if message["msg_type"] == "execute_result":
                    found.append(json.loads(message["content"]["data"]["text/plain"]))

            reply = client.execute_interactive(code, timeout=600, output_hook=take)
            assert reply["content"]["status"] == "ok", reply["content"]
            return float(found[0]) if found else 0.0

        value(SETUP.format(count=count, requests=2 * count + 1))
        return value(SHOWN), value(FORKED)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def main(count: int = 50, rounds: int = 2) -> None:
    """Print the ratio, for that many forks and for a fifth of them."""
    for forks in (count // 5, count):
        shown, forked = zip(*(measure(forks) for _ in range(rounds)), strict=True)
        result = f"{min(forked) / min(shown):.2f} x ({1000 * min(forked) / forks:.0f} ms a fork)"
        print(f"{forks} forks of a run, beside {forks} runs shown: {result}")
        figure("forks", f"{forks} forks of a run, beside {forks} runs shown (cap 2 x)", result)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
