"""`ClientOptions`: wishes of the client of one run besides its prompt."""

from collections.abc import Set

import msgspec

from nbagent.agent.model.model_options import ModelOptions
from nbagent.agent.model.structured import JsonForm
from nbagent.agent.tools.client_tool import ClientTool


class ClientOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of one run, besides those of its agent.

    Attributes:
        tools: functions of the client, which the model may call. The run ends after the response
            that calls some of them, with status "paused" and the code `CLIENT_CALLS`. The client
            goes on by a prompt that begins with the results.
        must_call: whether the first response has to call one of `tools`. It gets no other tools.
        instructions: after those of the agent.
        form: of the answer; None for a text.
        model: options of the model.
        turn: id of the turn in its session; None for a new one.
    """

    tools: tuple[ClientTool, ...] = ()
    must_call: bool = False
    instructions: str = ""
    form: JsonForm | None = None
    model: ModelOptions = ModelOptions()
    turn: str | None = None

    @property
    def names(self) -> Set[str]:
        """Names of `tools`."""
        return {tool.name for tool in self.tools}


NO_OPTIONS = ClientOptions()
"""Options of a run whose client asks for nothing else."""
