"""A server process of the tests: `python -m server.served MODEL STORE FILE` prints its address and serves until stdin ends."""

import sys
from pathlib import Path

import openai

import nbagent
from nbagent.agent import Agent
from nbagent.server import serve


def agent_of(model: str, deleted: Path) -> Agent:
    """Return an agent with a tool that asks first, and then adds a line to a file."""

    @nbagent.tool(approve=True)
    def delete(path: str) -> str:
        """Delete a file."""
        with deleted.open("a") as file:
            file.write(f"{path}\n")
        return "gone"

    client = openai.AsyncOpenAI(base_url=model, api_key="sk-test", max_retries=0)
    return Agent("test-1", client=client, api="chat", name="assistant", tools=[delete])


if __name__ == "__main__":
    with serve(agent_of(sys.argv[1], Path(sys.argv[3])), port=0, store=sys.argv[2]) as server:
        print(server.url, flush=True)
        sys.stdin.read()
