"""Items of Anthropic's `client.beta.messages.tool_runner(…)`: of each response its events, or the
response itself, and then the results of its tools, which the runner does not yield.

Format: https://platform.claude.com/docs/en/agents-and-tools/tool-use/tool-runner. The runner keeps
the results that it is asked for, so no tool is called twice.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Any

from nbagent.sources import closing as streams


def is_tool_runner(source: Any) -> bool:
    """Return True for a tool runner of Anthropic's client."""
    return callable(getattr(source, "generate_tool_call_response", None))


async def async_turns_of(runner: Any) -> AsyncIterator[Any]:
    """Yield the items of an asynchronous runner."""
    async with streams.closing(runner):
        async for response in runner:
            if hasattr(response, "__anext__"):
                async for event in response:
                    yield event
            else:
                yield response
            results = await runner.generate_tool_call_response()
            if results is not None:
                yield results


def turns_of(runner: Any) -> Iterator[Any]:
    """Yield the items of a runner."""
    with closing(runner):
        for response in runner:
            if hasattr(response, "__next__"):
                yield from response
            else:
                yield response
            results = runner.generate_tool_call_response()
            if results is not None:
                yield results
