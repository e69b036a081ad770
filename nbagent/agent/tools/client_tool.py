"""`ClientTool`: a function of a run's client, which the model may call and the client runs."""

from collections.abc import Collection, Iterable

import msgspec

from nbagent.agent.tools.tool import check_name
from nbagent.agent.tools.type_reader import JsonSchema
from nbagent.errors import ToolError


class ClientTool(msgspec.Struct, frozen=True, kw_only=True):
    """A function that the model may call, and that the client of the run calls then.

    Attributes:
        name: that the model sees: 1 to 64 letters, digits, _ or -.
        description: what it does, for the model.
        schema: JSON Schema of its arguments.
        strict: whether the model's server holds the arguments to the schema.
    """

    name: str
    description: str = ""
    schema: JsonSchema = msgspec.field(default_factory=lambda: {"type": "object", "properties": {}})
    strict: bool = False


def check_client_tools(tools: Iterable[ClientTool], taken: Collection[str]) -> None:
    """Check the names of a client's tools.

    Args:
        tools: of the client.
        taken: names of the agent's own tools.

    Raises:
        ToolError: a name is not valid, or given twice; the message has it.
    """
    seen: set[str] = set()
    for tool in tools:
        check_name(tool.name)
        if tool.name in taken:
            raise ToolError(f"{tool.name}: the agent has a tool of this name; give yours another")
        if tool.name in seen:
            raise ToolError(f"{tool.name}: two of the client's tools have this name")
        seen.add(tool.name)
