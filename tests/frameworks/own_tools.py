"""Tools under `@nbagent.tool` for the frameworks to call, and what a run then knows of their
calls.
"""

from typing import Any

import nbagent
from nbagent import events as ev
from nbagent.events.question import Question
from nbagent.run import Run


class Town(str):
    """A result that is told from its text."""

    __slots__ = ()


def capital_of(country: str) -> Town:
    print(f"looks up {country}")
    return Town({"UK": "London", "France": "Paris"}[country])


@nbagent.tool
def get_capital(country: str) -> str:
    """The capital of a country.

    Args:
        country: its name
    """
    return capital_of(country)


@nbagent.tool(name="get_capital")
async def get_capital_async(country: str) -> str:
    """The capital of a country.

    Args:
        country: its name
    """
    return capital_of(country)


def no_capital(country: str) -> str:
    """The capital of a country.

    Args:
        country: its name
    """
    raise LookupError(f"no map of {country}")


failing = nbagent.tool(name="get_capital")(no_capital)


def known(run: Run) -> list[Any]:
    """Return what a run knows of each call: name, state, arguments, result and its type, and what
    was printed.
    """
    printed: dict[str, str] = {}
    for event in run.events:
        if isinstance(event, ev.ToolOutput):
            printed[event.id] = printed.get(event.id, "") + event.delta
    ids = [event.id for event in run.events if isinstance(event, ev.ToolStart)]
    return [
        (call.name, call.state, call.args, call.result, type(call.result), printed.get(id))
        for call, id in zip(run.tools, ids, strict=True)
    ]


LIVE = [("get_capital", "output-available", {"country": "UK"}, "London", Town, "looks up UK\n")]
"""The call of the recorded conversation."""


def capital_again(run: Run) -> Any:
    """Make the call of the recorded conversation again, for another country; return its result."""
    return run.tools[0].rerun(country="France").wait().result


def skip(question: Question) -> None:
    question.give_result("Paris")
