"""A user's script that type checkers read with nbagent's public names.

It is checked, and never run.

Each `type: ignore` is a mistake that must be found: mypy and pyright are told to report one that is
not needed.
"""

from typing import Any, assert_type

import openai

import nbagent
from nbagent import errors, events


@nbagent.tool
def weather(town: str, days: int = 1) -> str:
    """Look up the weather."""
    return f"{town}: sun for {days} days"


@nbagent.tool(name="rate", timeout=5)
async def exchange_rate(currency: str) -> float:
    """Look up an exchange rate."""
    return len(currency) / 10


def plain(question: str) -> str:
    """Answer."""
    return question


assert_type(weather("Oslo", days=2), str)
assert_type(weather.name, str)
weather(3)  # type: ignore[arg-type]
_ = exchange_rate()  # type: ignore[call-arg]
nbagent.sohw(weather)  # type: ignore[attr-defined]

agent = nbagent.Agent(
    "demo", "Answer in one sentence.", tools=[weather, exchange_rate, plain], max_steps=3
)
assert_type(agent, nbagent.Agent)
nbagent.Agent("demo", tool=[weather])  # type: ignore[call-arg]
assert_type(nbagent.__version__, str)


async def main() -> None:
    assert_type(await exchange_rate("EUR"), float)
    assert_type(exchange_rate.once, bool)
    weather("Oslo", days="1")  # type: ignore[arg-type]
    assert_type(await agent.generate("Do I need an umbrella?"), str)

    run = await nbagent.show(
        agent.stream("Do I need an umbrella?"), reveal="answer", hide={"weather": "args"}
    )
    assert_type(run, nbagent.Run)
    assert_type(run.text, str)
    assert_type(run.events, list[events.Event])
    assert_type(run.usage.input, int | None)
    assert_type(run.tools[0].name, str)
    assert_type(run.tools[0].result, Any)
    assert_type(run.tools["weather"].args, Any)
    assert_type(run.thread_id, str | None)
    assert_type(run.on("tool.result", print), nbagent.Run)
    assert_type(
        nbagent.show({"Oslo": agent.stream("Rain?")}, adapter=lambda item: str(item))
        .lanes[0]
        .error,
        BaseException | None,
    )
    nbagent.show(run, fallback=lambda: agent.generate("Rain?"), fallback_after_output=True)
    nbagent.show(run, title="x")  # type: ignore[call-arg]
    assert_type(nbagent.last, nbagent.Run | None)
    assert_type(nbagent.runs[0], nbagent.Run)
    nbagent.runs.cancel()
    assert_type(run.requests[0].tokens.total, int)
    assert_type(nbagent.watch(openai.OpenAI()), openai.OpenAI)
    assert_type(run.error, BaseException | None)
    nbagent.show("https://agent.example", json={"q": 1}, headers={"X-Key": "k"}, method="POST")
    nbagent.show("https://agent.example", reveal="everything")  # type: ignore[arg-type]

    async for event in run.stream(types=("text.delta",)):
        assert_type(event, events.Event)
        assert_type(event.type, str)
        if isinstance(event, events.TextDelta):
            assert_type(event.delta, str)
            assert_type(event.agent, str | None)
    for event in agent.stream("Rain?", types=(events.TextDelta, "run.end")):
        assert_type(event, events.Event)
    for piece in run.buffered(chars=80):
        assert_type(piece, str)

    with nbagent.record("run.jsonl"):
        pass
    assert_type(nbagent.load("run.jsonl"), list[events.Event])
    for part in nbagent.encode(nbagent.load("run.jsonl"), "openai.chat", as_="bytes"):
        assert_type(part, bytes)
    try:
        await nbagent.show(nbagent.connect("https://agent.example"))
    except errors.StreamError as error:
        assert_type(error.code, str | None)
    except errors.NbagentError as error:
        assert_type(error, errors.NbagentError)
