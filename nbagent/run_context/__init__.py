"""The run around the code: where the code of an agent, a tool or a client finds the run that is
shown, and its breakpoints.
"""

from nbagent.run_context.breakpoints import Breakpoints, StopOnResult, StopRule
from nbagent.run_context.current import (
    CURRENT_RUN,
    RunContext,
    RunHost,
    at_step,
    is_watched,
    run_around,
    run_of_call,
    without_stops,
)
from nbagent.run_context.http_exchange import HTTPExchange

__all__ = [
    "CURRENT_RUN",
    "Breakpoints",
    "HTTPExchange",
    "RunContext",
    "RunHost",
    "StopOnResult",
    "StopRule",
    "at_step",
    "is_watched",
    "run_around",
    "run_of_call",
    "without_stops",
]
