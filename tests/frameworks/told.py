"""What a framework told its model, and what a fork of its run tells one."""

import json
from typing import Any

from agent.server import call, message, reasoning, responses
from frameworks.own_tools import failing, get_capital
from frameworks.replay import KEY, Answer, Replay
from openai import AsyncOpenAI

import nbagent
from nbagent.run import Run

Json = dict[str, Any]

THOUGHT = reasoning("Hm.")


@nbagent.tool(name="get_capital")
def map_of(country: str) -> dict[str, Any]:
    """The capital of a country.

    Args:
        country: its name
    """
    return {"name": "Zürich", "at": [47, 8.5, None, True]}


@nbagent.tool(name="get_capital")
def nothing(country: str) -> str:
    """The capital of a country.

    Args:
        country: its name
    """
    return ""


RESULTS = [get_capital, map_of, nothing, failing]
"""Tools for the recorded conversation, whose results frameworks word differently."""


def get_country() -> str:
    """A country."""
    return "Mexico"


@nbagent.tool
def get_product_name() -> str:
    """A product."""
    return "Pydantic AI"


@nbagent.tool
def get_weather(city: str) -> str:
    """The weather of a city.

    Args:
        city: its name
    """
    raise LookupError(f"no weather in {city}")


PARALLEL = [f"openai_chat/pydanticai-parallel-tool-deltas.{turn}.sse" for turn in range(2)]
"""A recorded conversation: two calls at once, then one that fails."""
PARALLEL_TOOLS = [get_country, get_product_name, get_weather]


def with_reasoning() -> list[Answer]:
    """Return a conversation over the Responses API: `get_capital`, called with encrypted reasoning,
    and answers.
    """
    asked = responses(THOUGHT, call("c1", "get_capital", '{"country": "UK"}'), number=1)
    answers = [responses(message("London."), number=number) for number in range(2, 5)]
    return [_streamed(reply) for reply in (asked, *answers)]


def _streamed(events: list[Json]) -> Answer:
    frames = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]
    return Answer("".join(frames).encode())


async def fork(run: Run, provider: Replay, at: int = 2, api: Any = "chat") -> Json:
    """Fork a run with an agent of nbagent's; return the body that it sends."""
    client = AsyncOpenAI(base_url=provider.url, api_key=KEY, max_retries=0)
    tools: list[Any] = [get_capital, nbagent.tool(get_country), get_product_name, get_weather]
    agent = nbagent.Agent("m", tools=tools, client=client, api=api)
    await run.fork(at=at, agent=agent, face="console")
    body: Json = provider.requests[-1]
    return body


async def watch_saved(path: str) -> Run:
    """Show a saved run; the prompt is in no event of a framework's."""
    return await nbagent.show(nbagent.replay(path), face="console", prompt="Capital of the UK?")


def told(body: Json) -> list[Any]:
    """Return what a request tells the model, without instructions, which no run of a framework
    has: texts, calls with their ids and arguments, and results.
    """
    return [_plain(each) for each in body["messages"] if each["role"] != "system"]


def _plain(message: Json) -> tuple[Any, ...]:
    content = message.get("content") or ""
    if isinstance(content, list):
        content = "".join(part["text"] for part in content)
    calls = [
        (each["id"], each["function"]["name"], json.loads(each["function"]["arguments"]))
        for each in message.get("tool_calls") or ()
    ]
    return message["role"], content, calls, message.get("tool_call_id")


def told_items(body: Json) -> list[Json]:
    """Return the items of the Responses API that a request tells the model, without what only their
    server needs.
    """
    return [_plain_item(each) for each in body["input"]]


def _plain_item(item: Json) -> Json:
    if "role" in item:
        content = item["content"]
        text = content if isinstance(content, str) else "".join(part["text"] for part in content)
        return {"role": item["role"], "text": text}
    if item["type"] != "function_call":
        return item
    return {
        "type": item["type"],
        "call_id": item["call_id"],
        "name": item["name"],
        "arguments": json.loads(item["arguments"]),
    }
