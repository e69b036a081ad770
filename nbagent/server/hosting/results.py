"""The whole result of a served run, for clients that do not stream."""

import msgspec

from nbagent.agent.run.outcome import Outcome
from nbagent.errors import AgentError, Cancelled
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.problem import Problem


async def whole_text(run: HostedRun) -> str:
    """Return the answer of a run, when it has ended.

    Raises:
        Problem: the run did not complete (502), or was stopped (409).
    """
    outcome = Outcome(run.stored.agent, 0)
    seen = 0
    while True:
        for event in run.events[seen:]:
            outcome.feed(event)
        seen = len(run.events)
        if run.ended:
            break
        await run.changed(seen)
    try:
        answer = outcome.answer(None)
    except Cancelled as error:
        raise Problem(409, "the run was stopped") from error
    except AgentError as error:
        raise Problem(502, str(error)) from error
    if isinstance(answer, str):
        return answer
    return msgspec.json.encode(answer).decode()
