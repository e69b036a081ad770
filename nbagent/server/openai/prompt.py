"""The messages of a request to OpenAI's API, checked as the prompt of an agent."""

from collections.abc import Collection, Sequence

from nbagent.agent.model.input_items import (
    FunctionCall,
    FunctionCallOutput,
    from_prompt,
    to_responses,
)
from nbagent.errors import NbagentError
from nbagent.server.hosting.paused_runs import PausedRuns, has_named_calls
from nbagent.server.openai.content import check_content
from nbagent.server.openai.parameters import Json
from nbagent.server.problem import Problem


def prompt_from(
    messages: Sequence[Json],
    param: str,
    agent: str,
    paused: PausedRuns,
    open_calls: Collection[str] = (),
) -> list[Json]:
    """Return the prompt that a request's messages are.

    Args:
        messages: in the form of either API.
        param: name of the parameter that they are.
        agent: name of the agent that is asked.
        paused: runs that the messages may go on from.
        open_calls: ids of calls before the messages that wait for a result.

    Raises:
        Problem: a message or a part of its content cannot be read, or it is the result of a call
            that is not known (400).
    """
    check_content(messages, param)
    try:
        items = from_prompt(messages)
    except NbagentError as error:
        raise Problem(400, f"{param}: {error}", param=param) from error
    is_named = has_named_calls(items)
    items = paused.rejoined(agent, items)
    called = set(open_calls)
    for item in items:
        if isinstance(item, FunctionCall):
            called.add(item.call_id)
        elif isinstance(item, FunctionCallOutput) and item.call_id not in called:
            reason = f"there is no call {item.call_id!r} before its result"
            raise Problem(400, f"{param}: {reason}", param=param)
    if is_named:
        return to_responses(items, stored=True)
    return list(messages)
