"""A server process that tells what it holds.

`python -m server.measured MODEL STORE` prints its address, and a line of JSON for each line of
input.
"""

import asyncio
import gc
import json
import sys
import threading

import openai
import psutil

import nbagent
from nbagent.agent import Agent
from nbagent.run import Run
from nbagent.server import serve
from nbagent.server.hosting.hosted_run import HostedRun


@nbagent.tool
def look_up(topic: str) -> str:
    """Look something up."""
    return f"{topic}: " + 200 * "all that is known. "


def held(port: int) -> dict[str, float]:
    """Return what this process holds: megabytes, and numbers of objects."""
    gc.collect()
    process = psutil.Process()
    kinds = [
        type(each) for each in gc.get_objects() if type(each) is not asyncio.Task or not each.done()
    ]
    return {
        "rss_mb": process.memory_info().rss / 1e6,
        "blocks": sys.getallocatedblocks(),
        "threads": threading.active_count(),
        "connections": sum(
            each.laddr[1] == port and each.status == "ESTABLISHED"
            for each in process.net_connections("tcp")
        ),
        "tasks": sum("Task" in kind.__name__ and issubclass(kind, asyncio.Task) for kind in kinds),
        "runs": kinds.count(Run),
        "hosted": kinds.count(HostedRun),
    }


if __name__ == "__main__":
    client = openai.AsyncOpenAI(base_url=sys.argv[1], api_key="sk-test", max_retries=0)
    agent = Agent("test-1", client=client, api="chat", name="assistant", tools=[look_up])
    with serve(agent, port=0, store=sys.argv[2]) as server:
        print(server.url, flush=True)
        for _ in sys.stdin:
            print(json.dumps(held(int(server.url.rpartition(":")[2]))), flush=True)
