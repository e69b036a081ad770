"""`Changes`: the arguments of `fork` that say what is other in it."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from nbagent.agent import Agent
from nbagent.debug.edited_messages import Edit
from nbagent.debug.origin import Origin
from nbagent.debug.point import Point
from nbagent.errors import ForkError


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of a fork, each as for `run.fork`; None, and `UNSET` for `result`, where nothing
    is other.
    """

    result: Any = UNSET
    args: Any = None
    prompt: str | Iterable[Any] | None = None
    messages: Edit | None = None
    instructions: str | None = None
    model: Any = None
    tools: Iterable[Any] | None = None
    agent: Any = None
    resume: Callable[[list[Any]], Any] | None = None

    @property
    def has_result(self) -> bool:
        """True if the call at the point is given a result."""
        return self.result is not UNSET

    @property
    def are_of_call(self) -> bool:
        """True if they change a call, and so begin at one."""
        return self.has_result or self.args is not None

    def next_agent(self, origin: Origin) -> Agent:
        """Return the agent that goes on. With `resume`, which needs none, it is one without tools.

        Raises:
            ForkError: there is none, or the framework cannot go on like that.
        """
        if self.resume is not None:
            self._check_resumed(origin)
            # the framework has limits of its own
            return Agent("resumed", name=origin.name, result_chars=sys.maxsize)
        if self.agent is None:
            agent = origin.agent
            reason = f"{origin.name} is not a run of nbagent's agent"
        else:
            agent = self.agent
            reason = f"got agent={agent!r}"
        if isinstance(agent, Agent):
            return agent
        raise ForkError(
            f"a fork goes on with an nbagent.Agent, and {reason}: give fork(…, "
            "agent=nbagent.Agent(…)), or resume= to go on in the framework"
        )

    def _check_resumed(self, origin: Origin) -> None:
        if origin.run is None:
            raise ForkError("resume= goes on in a run of this process, and not from a recording")
        of_agent = {
            "args": self.args,
            "instructions": self.instructions,
            "model": self.model,
            "tools": self.tools,
        }
        for name, value in of_agent.items():
            if value is not None:
                raise ForkError(
                    f"{name}= is for a fork that goes on with an nbagent.Agent: with resume= give "
                    "the framework's own agent other ones, or give result= or messages="
                )

    def check_at(self, point: Point) -> None:
        """Check that the changes are possible at a point.

        Raises:
            ForkError: they are not.
        """
        if point.call is None:
            return
        if self.resume is not None and not self.has_result:
            raise ForkError(
                f"a framework does not call {point.call.start.name} from the middle: give its "
                "result=, or fork at a response, such as at=2"
            )
        if self.messages is not None:
            raise ForkError(
                "messages= changes what the model is told before a response: give its number, "
                "such as at=2"
            )

    def named(self, origin: Origin, model: str) -> dict[str, Any]:
        """Return those that there are by the names that the label of a fork gives them.

        Args:
            origin: of the fork.
            model: the name of its model.
        """
        agent = self.agent
        if origin.run is None or agent is origin.agent:
            agent = None  # a recording has no agent that this one could differ from
        named = {
            "result": self.result,
            "arguments": self.args,
            "prompt": self.prompt,
            "messages": self.messages,
            "instructions": self.instructions,
            "model": model,
            "tools": self.tools,
            "agent": agent,
        }
        if self.model is None:
            del named["model"]
        if not self.has_result:
            del named["result"]
        return {name: value for name, value in named.items() if value is not None}
